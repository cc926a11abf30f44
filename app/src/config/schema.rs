//! Every key of the configuration: what it means, when a change is heeded, its type and its default.
//! A new one is a line here, and shows in the file that `estafeta init` writes, in `config show` and
//! in the documentation. A line of the comment is a sentence of theirs.

use super::table::table;
use super::value::{
    Address, Cleartext, Count, HostName, List, Octets, Port, Separator, Span, SystemName, TlsMode,
};
use crate::log;
use crate::network::Network;
use crate::service::Service;
use std::path::PathBuf;
use std::time::Duration;

/// The port of each service that is open if the file names no listener.
pub const STANDARD: [Service; 7] = [
    Service::Smtp,
    Service::Submission,
    Service::Submissions,
    Service::Pop3,
    Service::Pop3s,
    Service::Imap,
    Service::Imaps,
];

table! {
    /// The server as a whole.
    pub struct Config {
        keys {
            /// The name by which this server calls itself, and by which others find it.
            /// The MX record of each of your domains should name it.
            live host_name: Option<HostName> = None, "the system's own name";
            /// Directory of the mail and of everything else that is kept.
            restart data: PathBuf = PathBuf::from("/var/lib/estafeta");
            /// The user that the server becomes once its ports are open, if root starts it.
            restart user: SystemName = SystemName("estafeta".to_string());
            /// The group that it becomes then.
            restart group: Option<SystemName> = None, "the user's own group";
            /// Networks whose machines may send mail to all the world without login.
            live my_networks: List<Network> = List(Vec::new());
            /// Does the kernel, if it can (Landlock), keep the server from all files but those of
            /// `data` and `reach`, its certificates, and what every program reads of the system?
            restart confine: bool = true;
            /// Directories outside of `data` that the server may read and write: for backups, for
            /// imports, and for accounts whose mail goes to a Maildir.
            restart reach: List<PathBuf> = List(Vec::new());
            /// How long messages that are being received, and other work that is under way, may
            /// take to end when the server is stopped.
            live grace: Span<0, 3600> = Span(30);
        }
        tables {
            limits: Limits;
            login: Login;
            mail: Mail;
            log: Log;
        }
        lists {
            listener: Listener;
            certificate: Certificate;
        }
    }
}

table! {
    /// How much is taken from others.
    pub struct Limits {
        keys {
            /// Largest message. An account may have a smaller limit of its own.
            live message_size: Octets<65_536, 2_147_483_648> = Octets(50 << 20);
            /// Recipients of one message.
            live recipients: Count<100, 100_000> = Count(1000);
            /// Connections at once, all listeners together.
            restart connections: Option<Count<1, 1_000_000>> = None,
                "as many as the system lets us have files, less a quarter";
            /// Connections at once from one address (of IPv6: from one /64) to one listener.
            restart connections_per_address: Count<1, 1_000_000> = Count(200);
        }
        tables {}
        lists {}
    }
}

table! {
    /// How people log in.
    pub struct Login {
        keys {
            /// Who may send a password over a connection that is not encrypted: nobody, programs on
            /// this machine, also those in `my_networks`, or everybody.
            live cleartext: Cleartext = Cleartext::Loopback;
        }
        tables {}
        lists {}
    }
}

table! {
    /// How mail is kept.
    pub struct Mail {
        keys {
            /// Days for which a message that was removed can be brought back.
            restart undelete_days: Count<0, 3650> = Count(14);
            /// What stands between a person's name and what they add to it, as in
            /// ana+courses@example.org, which arrives where ana@example.org does.
            restart separator: Separator = Separator(Some('+'));
        }
        tables {}
        lists {}
    }
}

table! {
    /// What is written to standard error.
    pub struct Log {
        keys {
            /// How much is written.
            live level: log::Amount = log::Amount::Usual;
            /// How: sentences in the language of the system, names and values, or JSON.
            restart form: log::Form = log::Form::Human;
        }
        tables {}
        lists {}
    }
}

table! {
    /// A port where connections are taken. As soon as there is one in the file, no others are open; without any, the standard ports of smtp, submission, submissions, pop3, pop3s, imap and imaps are.
    pub struct Listener {
        keys {
            /// What is spoken there.
            restart service: Option<Service> = None, "none: it must be given";
            /// Where: an address of this machine, or a list of them.
            restart address: List<Address> = List(vec![Address::Every]);
            /// The port.
            restart port: Option<Port> = None, "the service's standard port; lmtp has none";
            /// When connections are encrypted.
            restart tls: Option<TlsMode> = None,
                "implicit for submissions, pop3s and imaps; none for lmtp; starttls for the others";
            /// Networks of proxies that tell in a PROXY header who is behind them.
            /// Nobody else may connect then.
            restart proxy_protocol: List<Network> = List(Vec::new());
        }
        tables {}
        lists {}
    }
}

table! {
    /// A certificate. Clients are shown the one for the name that they ask for, or else the first. Without any, the server has its own authority, `ca.pem` in `data`. When the files change they are read again; open connections go on.
    pub struct Certificate {
        keys {
            /// File with the certificate and those that lead to its authority, in PEM.
            live chain: Option<PathBuf> = None, "none: it must be given";
            /// File with its private key, in PEM.
            live key: Option<PathBuf> = None, "none: it must be given";
        }
        tables {}
        lists {}
    }
}

impl Mail {
    /// How long expunged messages can be brought back.
    pub fn keep_expunged(&self) -> Duration {
        Duration::from_secs(self.undelete_days.0 * 24 * 60 * 60)
    }
}
