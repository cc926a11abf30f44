//! A private Exim.

use crate::peer::{Start, UID, program};
use std::process::Child;

/// The user that Debian's package expects.
const USER: &str = "Debian-exim";

pub fn start(start: &Start) -> Child {
    let (d, ours, port) = (start.folder.display(), start.ours, start.port);
    let (host, domain, address) = (start.kind.host(), start.kind.domain(), start.kind.address());
    start.make("spool", UID);
    start.make("mail", UID);
    start.make("logs", UID);
    start.give("key.pem", UID);
    let text = format!(
        "primary_hostname = {host}\n\
         spool_directory = {d}/spool\n\
         log_file_path = {d}/logs/%slog\n\
         local_interfaces = {address}\n\
         daemon_smtp_ports = {port}\n\
         exim_user = {USER}\n\
         exim_group = {USER}\n\
         deliver_drop_privilege = true\n\
         never_users =\n\
         keep_environment =\n\
         acl_smtp_rcpt = rcpt\n\
         tls_advertise_hosts = *\n\
         tls_certificate = {d}/cert.pem\n\
         tls_privatekey = {d}/key.pem\n\
         host_lookup =\n\
         rfc1413_hosts =\n\
         begin acl\n\
         rcpt:\n\
         \x20 deny message = no such person at exim\n\
         \x20   domains = {domain}\n\
         \x20   local_parts = ! eva\n\
         \x20 accept\n\
         begin routers\n\
         ours:\n\
         \x20 driver = accept\n\
         \x20 domains = {domain}\n\
         \x20 transport = maildir\n\
         out:\n\
         \x20 driver = manualroute\n\
         \x20 domains = ! {domain}\n\
         \x20 route_list = * 127.0.0.1::{ours}\n\
         \x20 self = send\n\
         \x20 transport = out\n\
         begin transports\n\
         maildir:\n\
         \x20 driver = appendfile\n\
         \x20 maildir_format\n\
         \x20 directory = {d}/mail/eva\n\
         \x20 create_directory\n\
         \x20 user = {USER}\n\
         out:\n\
         \x20 driver = smtp\n\
         \x20 hosts_require_tls = *\n\
         \x20 tls_verify_hosts =\n\
         \x20 tls_try_verify_hosts =\n\
         begin retry\n\
         * * F,1h,1m\n"
    );
    start.write("exim.conf", &text);
    let program = program("exim4").unwrap();
    let script = format!("exec {} -C {d}/exim.conf -bdf -q10m\n", program.display());
    start.privately(&[USER], &script)
}
