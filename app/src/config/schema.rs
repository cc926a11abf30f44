//! Every key of the configuration: what it means, when a change is heeded, its type and its default.
//! A new one is a line here, and shows in the file that `estafeta init` writes, in `config show` and
//! in the documentation. A line of the comment is a sentence of theirs.

use super::table::table;
use super::value::{
    AcmeChallenge, Address, Cleartext, Count, HostName, List, Octets, Port, Separator, Server,
    Span, SystemName, Text, TlsMode, UserSource, WayTls,
};
use crate::log;
use crate::network::Network;
use crate::service::Service;
use std::net::IpAddr;
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
            door: DoorKeys;
            login: Login;
            users: Users;
            ldap: Ldap;
            system_users: SystemUsers;
            mail: Mail;
            sending: Sending;
            dns: Dns;
            acme: Acme;
            log: Log;
        }
        lists {
            listener: Listener;
            certificate: Certificate;
            route: Route;
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
            /// Recipients elsewhere to whom one account may write in an hour, and in 24 hours. Whoever has a stolen
            /// password writes to many more.
            live recipients_per_hour: Count<1, 1_000_000> = Count(500);
            /// See `recipients_per_hour`.
            live recipients_per_day: Count<1, 10_000_000> = Count(2000);
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
    /// How strangers are met who bring mail. Programs on this machine and in `my_networks` are let in at once.
    pub struct DoorKeys {
        keys {
            /// Seconds that a stranger waits for the greeting, the first time in a week. Programs that send in
            /// masses do not wait, and are turned away.
            live greeting_delay: Span<0, 30> = Span(2);
            /// Lists in the DNS of addresses that others warn of, as in "zen.spamhaus.org". Whoever is on one
            /// is refused. See to it that the list lets you ask.
            live blocklists: List<HostName> = List(Vec::new());
            /// Is whoever comes for the first time asked to come again in some minutes? Programs that
            /// send in masses do not; some mail comes late.
            live greylist: bool = false;
            /// Networks of this machine itself from which mail is examined as that of strangers is. Only for exercises,
            /// in which everybody is on one machine.
            live examine_also: List<Network> = List(Vec::new());
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
    /// People who are not entered here: they log in, and get mail, as soon as they are known there.
    pub struct Users {
        keys {
            /// Who is asked about names that nobody has here, the first one first: an LDAP directory,
            /// the users of this system. Their passwords are verified there. With any of them, SCRAM
            /// is not offered at login, since it cannot be verified there.
            restart from: List<UserSource> = List(Vec::new());
            /// The domain of people of whom no address is known there, and of names without a domain.
            restart domain: Option<HostName> = None,
                "that of the account that was made first; before there is one, the first domain";
            /// How long an answer may take, connecting included.
            restart within: Span<1, 120> = Span(8);
        }
        tables {}
        lists {}
    }
}

table! {
    /// The LDAP directory of `users.from`.
    pub struct Ldap {
        keys {
            /// Servers that all know the same; the first that can be reached is asked. A name or an
            /// address, with its port if that is not 389, or 636 for implicit TLS.
            restart servers: List<Text> = List(Vec::new());
            /// When the connection is encrypted.
            restart tls: TlsMode = TlsMode::StartTls;
            /// A file with certificates of authorities to be believed besides those of the system.
            restart ca: Option<PathBuf> = None, "none";
            /// People log in there as this DN, in which {user}, {domain} and {address} stand for the
            /// name they gave, as in uid={user},ou=people,dc=example,dc=org. Leave it away to look
            /// for them with `base` and `filter`.
            restart bind_dn: Option<Text> = None, "none: they are looked for";
            /// The DN below which people are looked for.
            restart base: Option<Text> = None, "none: needed without `bind_dn`";
            /// What finds the one entry of somebody.
            restart filter: Text =
                Text("(&(objectClass=person)(|(uid={user})(mail={address})))".to_string());
            /// The DN as which this server looks for people and reads about them.
            restart service_dn: Option<Text> = None, "none: anonymously";
            /// File that holds the password of `service_dn`, and nothing else.
            restart service_password_file: Option<PathBuf> = None, "none: needed as soon as there is a `service_dn`";
            /// The attribute with the one name that somebody keeps.
            restart user_attribute: Text = Text("uid".to_string());
            /// The attribute with their addresses, the main one first.
            restart address_attribute: Text = Text("mail".to_string());
            /// An attribute with more addresses.
            restart alias_attribute: Option<Text> = None, "none";
            /// An attribute that says how much they may keep, as in 1073741824, 500M or 2G.
            restart quota_attribute: Option<Text> = None, "none";
            /// Connections at once, at most.
            restart connections: Count<1, 200> = Count(8);
        }
        tables {}
        lists {}
    }
}

table! {
    /// The users of the system of `users.from`.
    pub struct SystemUsers {
        keys {
            /// File that lists them. People are those with a number from UID_MIN to UID_MAX of
            /// `login_defs` and a shell that lets in.
            restart passwd: PathBuf = PathBuf::from("/etc/passwd");
            /// File with the hashes of their passwords. The server's user must be able to read it: put
            /// it into the group shadow.
            restart shadow: PathBuf = PathBuf::from("/etc/shadow");
            /// File that says which numbers are people's.
            restart login_defs: PathBuf = PathBuf::from("/etc/login.defs");
            /// The service of PAM (a file of that name in /etc/pam.d) that verifies passwords in the
            /// place of `shadow`, in a program that was built with the feature pam.
            restart pam_service: Option<Text> = None, "none: by `shadow`";
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
    /// How mail for other servers leaves.
    pub struct Sending {
        keys {
            /// Is the mail of our own people signed (DKIM)? Each domain gets its keys by itself; `estafeta dns
            /// zone` prints what to publish.
            restart sign: bool = true;
            /// Messages that may be on their way out at once, to all servers together.
            restart lanes: Count<1, 1000> = Count(50);
            /// Connections at once to one destination, at most. It begins with few, and grows as
            /// they succeed.
            restart connections_per_destination: Count<1, 200> = Count(20);
            /// The port at which other servers take mail. Leave it as it is, outside of exercises.
            restart port: Port = Port(25);
            /// Addresses of this machine from which connections are made, one of a family.
            restart from_addresses: List<IpAddr> = List(Vec::new());
            /// Minutes until a message that could not be handed over is tried again. The span
            /// doubles each time, until it is `retry_longest_minutes`.
            restart retry_minutes: Count<1, 1440> = Count(5);
            /// Minutes between two attempts, at most.
            restart retry_longest_minutes: Count<1, 10_080> = Count(240);
            /// Hours after which the sender is told that a message is late; 0: not at all.
            restart tell_after_hours: Count<0, 720> = Count(4);
            /// Hours after which a message that could not be handed over goes back to its sender.
            restart give_up_after_hours: Count<1, 2400> = Count(120);
        }
        tables {}
        lists {}
    }
}

table! {
    /// How the names of other servers are found.
    pub struct Dns {
        keys {
            /// DNS servers. Without any, those that the system names (/etc/resolv.conf).
            restart servers: List<Server> = List(Vec::new());
            /// Are signatures in the DNS looked at (DNSSEC)? Needed for DANE. Only where the servers
            /// pass signatures on: elsewhere no name is believed, and no mail leaves.
            restart dnssec: bool = false;
        }
        tables {}
        lists {}
    }
}

table! {
    /// A way by which some mail leaves, other than by the MX record of its domain. The first one that fits is taken. One without `recipients` and `senders` is for everything: a smart host.
    pub struct Route {
        keys {
            /// Domains of recipients: `example.org`, `*.example.org` for those below it.
            restart recipients: List<Text> = List(Vec::new());
            /// Senders: an address, or a domain.
            restart senders: List<Text> = List(Vec::new());
            /// The server that takes it: a name or an address.
            restart host: Option<Text> = None, "none: it must be given";
            /// Its port.
            restart port: Port = Port(25);
            /// When the connection is encrypted.
            restart tls: WayTls = WayTls::IfOffered;
            /// The name to log in with there.
            restart user: Option<Text> = None, "no login";
            /// File that holds the password, and nothing else.
            restart password_file: Option<PathBuf> = None, "none: needed as soon as there is a `user`";
        }
        tables {}
        lists {}
    }
}

table! {
    /// Certificates from an authority that gives them by itself (ACME), as Let's Encrypt does. They are renewed when two thirds of their life are over; open connections go on.
    pub struct Acme {
        keys {
            /// The names that the certificate shall be for, as in ["mail.example.org"]. Without any,
            /// nobody is asked for certificates.
            restart names: List<HostName> = List(Vec::new());
            /// Addresses to which the authority may write.
            restart contact: List<Text> = List(Vec::new());
            /// The URL of the authority's directory. Whoever sets `names` agrees to its terms.
            restart directory: Text =
                Text("https://acme-v02.api.letsencrypt.org/directory".to_string());
            /// How it is proved that the names are yours: by a certificate at port 443 of each
            /// (tls-alpn-01), or by a file at port 80 (http-01).
            restart challenge: AcmeChallenge = AcmeChallenge::TlsAlpn;
            /// Where the authority is answered: an address of this machine.
            restart address: Address = Address::Every;
            /// The port there. The authority itself always comes to 443, or 80; another port needs
            /// somebody who passes it on.
            restart port: Option<Port> = None, "443 for tls-alpn-01, 80 for http-01";
            /// A file with certificates of authorities to be believed besides those of the system, for
            /// an ACME server of your own.
            restart ca: Option<PathBuf> = None, "none";
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
