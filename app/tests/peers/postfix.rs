//! A private Postfix.

use crate::peer::{Start, program};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// What it is made of. `smtpd` listens at an address that no interface names, so master.cf says it.
const SERVICES: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";
const NOBODY: u32 = 65_534;

/// Starts it: its master goes on by itself.
pub fn start(start: &Start) -> Option<Child> {
    let (d, ours) = (start.folder.display(), start.ours);
    let (host, domain, person) = (start.kind.host(), start.kind.domain(), start.kind.person());
    for folder in ["etc", "queue", "data"] {
        start.make(folder, 0);
    }
    start.make("mail", NOBODY);
    let main = format!(
        "compatibility_level = 3.6\n\
         queue_directory = {d}/queue\n\
         data_directory = {d}/data\n\
         maillog_file = {d}/postfix.log\n\
         maillog_file_prefixes = {d}\n\
         inet_interfaces = 127.0.0.1\n\
         inet_protocols = ipv4\n\
         myhostname = {host}\n\
         mydestination =\n\
         mynetworks = 127.0.0.0/8\n\
         disable_dns_lookups = yes\n\
         smtpd_peername_lookup = no\n\
         local_recipient_maps =\n\
         alias_maps =\n\
         alias_database =\n\
         virtual_mailbox_domains = {domain}\n\
         virtual_mailbox_base = {d}/mail\n\
         virtual_mailbox_maps = inline:{{ {person}=eva/ }}\n\
         virtual_uid_maps = static:{NOBODY}\n\
         virtual_gid_maps = static:{NOBODY}\n\
         relayhost = [127.0.0.1]:{ours}\n\
         smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n\
         smtpd_tls_chain_files = {d}/key.pem, {d}/cert.pem\n\
         smtpd_tls_security_level = may\n\
         smtp_tls_security_level = encrypt\n\
         smtpd_tls_received_header = yes\n"
    );
    start.write("etc/main.cf", &main);
    let listen = format!("{}:{} inet n - n - - smtpd\n", start.kind.address(), start.port);
    start.write("etc/master.cf", &(listen + SERVICES));
    let owned = Command::new("chown").arg("postfix").arg(start.path("data")).status();
    assert!(owned.is_ok_and(|status| status.success()), "no user postfix");
    let started = postfix(&start.folder, "start");
    assert!(started.status.success(), "{started:?}");
    None
}

/// Ends it, at once.
pub fn stop(folder: &Path) {
    // A master that is gone already needs no stop.
    let _ = postfix(folder, "abort");
}

fn postfix(folder: &Path, command: &str) -> Output {
    let program = program("postfix").unwrap();
    Command::new("timeout")
        .args(["--kill-after=5", "60"])
        .arg(program)
        .arg("-c")
        .arg(folder.join("etc"))
        .arg(command)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}
