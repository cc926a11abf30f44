//! People from elsewhere: whether they can be asked for.

use super::super::reading::Reading;
use super::super::schema::Config;
use super::super::value::{Text, TlsMode, UserSource};
use crate::users;
use std::fs;
use std::net::IpAddr;

pub(super) fn check(config: &Config, reading: &mut Reading) {
    let sources = &config.users.from.0;
    if sources.iter().enumerate().any(|(index, source)| sources[..index].contains(source)) {
        let what = "the same is named twice".to_string();
        reading.mistake_at("users.from", what, "remove one of the two");
    }
    if sources.contains(&UserSource::Ldap) && !reading.is_wrong("ldap") {
        ldap(config, reading);
    }
    if sources.contains(&UserSource::System) && !reading.is_wrong("system_users") {
        system(config, reading);
    }
}

fn ldap(config: &Config, reading: &mut Reading) {
    let ldap = &config.ldap;
    for (key, path) in
        [("ldap.ca", &ldap.ca), ("ldap.service_password_file", &ldap.service_password_file)]
    {
        if let Some(path) = path
            && let Err(error) = fs::metadata(path)
        {
            let what = format!("{}: {error}", path.display());
            return reading.mistake_at(key, what, "make it readable, or name another");
        }
    }
    match (&ldap.service_dn, &ldap.service_password_file) {
        (Some(_), None) => {
            let what = "a login needs a password".to_string();
            let mend = "write it into a file of its own, and name that: \
                        service_password_file = \"…\"";
            return reading.mistake_at("ldap.service_dn", what, mend);
        }
        (None, Some(_)) => {
            let what = "nobody knows whose password this is".to_string();
            let mend = "name them as well: service_dn = \"cn=…\"";
            return reading.mistake_at("ldap.service_password_file", what, mend);
        }
        _ => {}
    }
    if let Err(what) = users::ldap_options(ldap, config.users.within.duration(), None) {
        return reading.mistake_at("users.from", what, "see [ldap] in docs/configuration.md");
    }
    let is_here = |Text(server): &Text| {
        let bare = server.rsplit_once(':').map_or(server.as_str(), |(host, _)| host);
        let address = server.parse::<IpAddr>().or(bare.trim_matches(['[', ']']).parse());
        bare == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    if ldap.tls == TlsMode::None && !ldap.servers.0.iter().all(is_here) {
        let what = "every password crosses the network for all to read".to_string();
        reading.warning_at("ldap.tls", what, "write tls = \"starttls\" or tls = \"implicit\"");
    }
}

fn system(config: &Config, reading: &mut Reading) {
    let system = &config.system_users;
    if let Err(error) = fs::metadata(&system.passwd) {
        let what = format!("{}: {error}", system.passwd.display());
        reading.mistake_at("system_users.passwd", what, "make it readable, or name another");
    }
    match &system.pam_service {
        Some(_) if !engine_system_users::HAS_PAM => {
            let what = "this program was built without PAM".to_string();
            let mend = "build it with --features pam, or leave the line away: passwords are \
                        verified by system_users.shadow then";
            reading.mistake_at("system_users.pam_service", what, mend);
        }
        Some(_) if config.confine => {
            let what = "many modules of PAM run helpers (pam_unix: unix_chkpwd), and confine = true \
                        forbids that anything is run";
            let mend = "write confine = false; or put the server's user into the group shadow and \
                        use modules that run nothing";
            reading.warning_at("system_users.pam_service", what.to_string(), mend);
        }
        Some(_) => {}
        None => {
            if let Err(error) = fs::metadata(&system.shadow) {
                let what = format!("{}: {error}", system.shadow.display());
                reading.mistake_at("system_users.shadow", what, "name another");
            }
        }
    }
}
