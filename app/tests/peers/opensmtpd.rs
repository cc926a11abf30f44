//! A private OpenSMTPD. Its places are compiled in, so it gets others under the same names.

use crate::peer::{Start, UID, program, unpacked};
use std::process::Child;

/// The users that Debian's package expects.
const USERS: &[&str] = &["opensmtpd", "opensmtpq", "opensmtpmail"];

pub fn start(start: &Start) -> Child {
    let (d, ours, port) = (start.folder.display(), start.ours, start.port);
    let (host, domain, address) = (start.kind.host(), start.kind.domain(), start.kind.address());
    let person = start.kind.person();
    start.make("mail", UID + 2);
    start.make("libexec", 0);
    let text = format!(
        "listen on {address} port {port} hostname {host}\n\
         table people {{ \"{person}\" = opensmtpmail }}\n\
         action \"in\" maildir \"{d}/mail/eva\" virtual <people>\n\
         action \"out\" relay host \"smtp+tls://127.0.0.1:{ours}\" tls no-verify helo {host}\n\
         match from any for domain \"{domain}\" action \"in\"\n\
         match from any for any action \"out\"\n"
    );
    start.write("smtpd.conf", &text);
    let (program, helpers) = (program("smtpd").unwrap(), unpacked().join("usr/libexec/opensmtpd"));
    let script = format!(
        "mount -t tmpfs none /var/spool\n\
         mkdir -m 711 /var/spool/smtpd\n\
         mount -t tmpfs none /run\n\
         mount -t tmpfs none /var/lib\n\
         mkdir -p /var/lib/opensmtpd/empty\n\
         cp -r {} {d}/libexec/ || cp -r /usr/libexec/opensmtpd {d}/libexec/\n\
         mount --bind {d}/libexec /usr/libexec\n\
         chmod 600 {d}/smtpd.conf\n\
         exec {} -d -f {d}/smtpd.conf\n",
        helpers.display(),
        program.display()
    );
    start.privately(USERS, &script)
}
