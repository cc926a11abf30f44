//! The client's side: one connection to a server elsewhere, and any number of messages over it.
//!
//! [`Client`] opens no socket and reads no clock: the driver hands over what has come with
//! [`Client::input`], and does what [`Client::step`] says. Between [`Step::Ready`] and the next, the
//! caller begins a transaction, gives the octets of its message when they are asked for, and is told
//! what became of each recipient.
//!
//! ```
//! use proto_smtp::client::{Client, ClientOptions, Recipient, Step, Transaction};
//! use std::time::Instant;
//! use words_mail::{Address, ReversePath};
//!
//! let now = Instant::now();
//! let mut client = Client::new(ClientOptions::new("mail.mired.org"));
//! let said = |client: &mut Client, reply: &[u8]| client.input(reply);
//! assert!(matches!(client.step(now), Step::Wait { .. }));
//! said(&mut client, b"220 mx.exterior.test ESMTP\r\n");
//! assert_eq!(client.step(now), Step::Send(b"EHLO mail.mired.org\r\n".to_vec()));
//! said(&mut client, b"250-mx.exterior.test\r\n250 PIPELINING\r\n");
//! assert_eq!(client.step(now), Step::Ready);
//!
//! let eva = Recipient::new(Address::parse("eva@exterior.test").unwrap());
//! client.begin(Transaction::new(ReversePath(None), vec![eva]));
//! let group = b"MAIL FROM:<>\r\nRCPT TO:<eva@exterior.test>\r\nDATA\r\n";
//! assert_eq!(client.step(now), Step::Send(group.to_vec()));
//! assert!(matches!(client.step(now), Step::Wait { .. }));
//! said(&mut client, b"250 ok\r\n250 ok\r\n354 go on\r\n");
//! assert_eq!(client.step(now), Step::NeedBody);
//! client.body(b"Subject: hola\r\n\r\n.\r\n");
//! client.body_end();
//! assert_eq!(client.step(now), Step::Send(b"Subject: hola\r\n\r\n..\r\n.\r\n".to_vec()));
//! assert!(matches!(client.step(now), Step::Wait { .. }));
//! said(&mut client, b"250 2.0.0 taken\r\n");
//! let Step::Done(outcome) = client.step(now) else { panic!() };
//! assert!(outcome.recipients[0].is_delivered());
//! assert_eq!(client.step(now), Step::Ready);
//! ```

mod body;
mod capabilities;
mod login;
mod machine;
mod mailing;
mod opening;
mod options;
mod outcome;
mod reply;
mod transaction;

pub use capabilities::Capabilities;
pub use machine::{Client, Step};
pub use options::{ClientOptions, Login, Mode, Timeouts, Tls};
pub use outcome::{Cause, Dsn, Fate, LoginError, Lost, Needed, Outcome, Said, Stage};
pub use reply::Reply;
pub use transaction::{Recipient, Transaction};
