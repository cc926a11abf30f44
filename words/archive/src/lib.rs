//! How other programs keep mail in files, to the letter: names in a Maildir, Dovecot's lists beside
//! it, mbox files, passwd and alias lines, Dovecot's configuration. Reads and writes texts; does no
//! I/O.
//!
//! Whatever a foreign file holds is read as far as it makes sense; what does not is skipped or told,
//! never a panic.
//!
//! | To read or write | use |
//! | --- | --- |
//! | `1276528487.M364P9451.host,S=1355,W=1394:2,FSa` | [`MaildirName`] |
//! | `.Work.Projects`, `Work/Projects` | [`folder`] |
//! | `dovecot-uidlist` | [`UidList`] |
//! | what Dovecot's POP3 calls a message | [`UniqueIdFormat`] |
//! | `dovecot-keywords`, `courierimapkeywords` | [`KeywordList`] |
//! | `subscriptions`, `courierimapsubscribed` | [`subscriptions`] |
//! | an mbox file | [`mbox`] |
//! | lines with LF where a message has CRLF | [`LineEnds`] |
//! | `/etc/passwd`, Dovecot's passwd-file | [`passwd`] |
//! | `/etc/aliases`, Postfix's virtual maps | [`alias`] |
//! | Dovecot's configuration | [`dovecot_conf`] |

pub mod alias;
pub mod dovecot_conf;
pub mod folder;
mod keyword_list;
mod line_end;
mod maildir_name;
mod maildir_size;
pub mod mbox;
pub mod passwd;
pub mod subscriptions;
mod uid_list;
mod unique_id;

pub use keyword_list::KeywordList;
pub use line_end::{LineEnds, to_lf};
pub use maildir_name::{KeywordLetters, MaildirName};
pub use maildir_size::{MaildirQuota, MaildirSize};
pub use uid_list::{UidEntry, UidList, UidListHeader};
pub use unique_id::UniqueIdFormat;
