//! What the lab says to people, in Spanish, Catalan and English. The log is in English.

/// All of it, in one language. `{}` stands for what the text is about.
pub struct Words {
    pub title: &'static str,
    pub people: &'static str,
    pub password: &'static str,
    pub data: &'static str,
    pub authority: &'static str,
    pub try_it: &'static str,
    pub write: &'static str,
    pub read: &'static str,
    pub fetch: &'static str,
    pub subject: &'static str,
    pub body: &'static str,
    pub commands: &'static str,
    pub stop: &'static str,
    pub stopped: &'static str,
    pub no_permission: &'static str,
    pub not_a_directory: &'static str,
    pub port_in_use: &'static str,
    pub port_not_permitted: &'static str,
    pub no_such_address: &'static str,
    pub locked: &'static str,
    pub other_version: &'static str,
}

const ENGLISH: Words = Words {
    title: "a post office for {}",
    people: "People",
    password: "first password",
    data: "Data",
    authority: "Certificate authority, for clients that use TLS",
    try_it: "Try it by hand. Type what is indented, line by line:",
    write: "ana writes to bob (SMTP)",
    read: "bob looks into his mailbox (IMAP)",
    fetch: "bob takes his mail away (POP3)",
    subject: "Hello",
    body: "How are you, Bob?",
    commands: "Change it, in another terminal, for example with",
    stop: "Ctrl-C stops it. What happens from here on:",
    stopped: "Everything is on disk. Goodbye.",
    no_permission: "no permission; choose a directory of your own with --data DIR",
    not_a_directory: "is not a directory; choose another with --data DIR",
    port_in_use: "port {} is in use by another program; stop that one, or choose another port with --port",
    port_not_permitted: "no permission for port {}; leave --standard-ports away, choose a port from 1024 \
                         with --port, or run: sudo setcap cap_net_bind_service=+ep $(which estafeta)",
    no_such_address: "this machine has no address {}; choose one that it has with --listen",
    locked: "another estafeta has {} open; stop that one, or choose another directory with --data DIR",
    other_version: "{} was written by another version of estafeta; use that version, or choose another \
                    directory with --data DIR",
};

const SPANISH: Words = Words {
    title: "una oficina de correos para {}",
    people: "Personas",
    password: "primera contraseña",
    data: "Datos",
    authority: "Autoridad de certificación, para clientes que usan TLS",
    try_it: "Pruébalo a mano. Escribe lo que está sangrado, línea a línea:",
    write: "ana escribe a bob (SMTP)",
    read: "bob mira en su buzón (IMAP)",
    fetch: "bob se lleva su correo (POP3)",
    subject: "Hola",
    body: "¿Qué tal, Bob?",
    commands: "Cámbialo desde otra terminal, por ejemplo con",
    stop: "Ctrl-C lo detiene. Lo que ocurre a partir de aquí:",
    stopped: "Todo está en el disco. Hasta pronto.",
    no_permission: "sin permiso; elige un directorio tuyo con --data DIR",
    not_a_directory: "no es un directorio; elige otro con --data DIR",
    port_in_use: "el puerto {} lo usa otro programa; detén ese programa o elige otro puerto con --port",
    port_not_permitted: "sin permiso para el puerto {}; quita --standard-ports, elige un puerto desde 1024 \
                         con --port, o ejecuta: sudo setcap cap_net_bind_service=+ep $(which estafeta)",
    no_such_address: "esta máquina no tiene la dirección {}; elige una que tenga con --listen",
    locked: "otro estafeta tiene abierto {}; detenlo o elige otro directorio con --data DIR",
    other_version: "{} lo escribió otra versión de estafeta; usa esa versión o elige otro directorio con \
                    --data DIR",
};

const CATALAN: Words = Words {
    title: "una oficina de correus per a {}",
    people: "Persones",
    password: "primera contrasenya",
    data: "Dades",
    authority: "Autoritat de certificació, per a clients que fan servir TLS",
    try_it: "Prova-ho a mà. Escriu el que va sagnat, línia a línia:",
    write: "l'ana escriu a en bob (SMTP)",
    read: "en bob mira la seva bústia (IMAP)",
    fetch: "en bob s'emporta el seu correu (POP3)",
    subject: "Hola",
    body: "Com va, Bob?",
    commands: "Canvia-ho des d'un altre terminal, per exemple amb",
    stop: "Ctrl-C l'atura. El que passa a partir d'aquí:",
    stopped: "Tot és al disc. A reveure.",
    no_permission: "sense permís; tria un directori teu amb --data DIR",
    not_a_directory: "no és un directori; tria'n un altre amb --data DIR",
    port_in_use: "el port {} el fa servir un altre programa; atura'l o tria un altre port amb --port",
    port_not_permitted: "sense permís per al port {}; treu --standard-ports, tria un port a partir de 1024 \
                         amb --port, o executa: sudo setcap cap_net_bind_service=+ep $(which estafeta)",
    no_such_address: "aquesta màquina no té l'adreça {}; tria'n una que tingui amb --listen",
    locked: "un altre estafeta té obert {}; atura'l o tria un altre directori amb --data DIR",
    other_version: "{} el va escriure una altra versió d'estafeta; fes servir aquella versió o tria un \
                    altre directori amb --data DIR",
};

impl Words {
    /// In the language of the environment, as POSIX has it: the first of these that is set.
    pub fn of_environment() -> &'static Words {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
        Words::of(locale.as_deref().unwrap_or_default())
    }

    fn of(locale: &str) -> &'static Words {
        match locale.split(['_', '.', '@']).next() {
            Some("es") => &SPANISH,
            Some("ca") => &CATALAN,
            _ => &ENGLISH,
        }
    }
}

/// `text` about `what`.
pub fn about(text: &str, what: &dyn std::fmt::Display) -> String {
    text.replacen("{}", &what.to_string(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_chooses_the_language() {
        for (locale, want) in [
            ("es_ES.UTF-8", "Personas"),
            ("es", "Personas"),
            ("ca_ES@valencia", "Persones"),
            ("en_GB.UTF-8", "People"),
            ("C.UTF-8", "People"),
            ("", "People"),
            ("est_EE", "People"),
        ] {
            assert_eq!(Words::of(locale).people, want, "{locale}");
        }
    }

    #[test]
    fn a_text_about_something_has_one_place_for_it() {
        for words in [&ENGLISH, &SPANISH, &CATALAN] {
            let about = [
                words.title,
                words.port_in_use,
                words.port_not_permitted,
                words.no_such_address,
                words.locked,
                words.other_version,
            ];
            assert!(about.iter().all(|text| text.matches("{}").count() == 1));
        }
    }
}
