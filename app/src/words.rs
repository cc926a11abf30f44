//! What the lab says to people, in Spanish, Catalan and English. Names of log
//! fields and everything for programs are in English.

impl Words {
    /// For what is in English alone.
    pub fn english() -> &'static Words {
        &ENGLISH
    }
}

/// All of it, in one language. `{}` stands for what the text is about.
pub struct Words {
    /// As locales name the language.
    pub language: &'static str,
    pub title: &'static str,
    pub people: &'static str,
    pub password: &'static str,
    pub outside: &'static str,
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
    /// Sentences for events of the log, by the event's name; `{name}` stands for a field.
    pub story: &'static [(&'static str, &'static str)],
    /// Sentences for the road of one message, as `estafeta trace` tells it.
    pub road: &'static [(&'static str, &'static str)],
}

const ENGLISH: Words = Words {
    language: "en",
    title: "a post office for {}",
    people: "People",
    password: "first password",
    outside: "Outside",
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
    story: &[
        ("connected", "{peer} connects to the {listener} port"),
        ("TLS started", "the connection is encrypted from here on ({version})"),
        ("TLS failed", "no encryption came about: {error}"),
        ("login", "{account} logs in at {protocol} ({how})"),
        ("login refused", "login as {name} refused: {refusal}"),
        ("shut out", "{account} is shut out: disabled, gone, or its password was changed"),
        ("delivered", "message {id} from {from} has ARRIVED for {to}: {size} octets, on disk"),
        ("queued", "message {id} from {from} is QUEUED for {to}: {size} octets, on disk"),
        ("left", "message {id} has LEFT for {to}: {by} said: {code} {said}"),
        (
            "not yet",
            "message {id} could not be handed over for {to}: {by} {code} {said}; it is tried again",
        ),
        (
            "given up",
            "message {id} is given up for {to}: {by} said: {code} {said}; its sender is told",
        ),
        ("asked the DNS", "the DNS is asked: {question}"),
        ("not delivered", "message {id} from {from} has not arrived for {to}: {refusal}"),
        ("message refused", "message {id} from {from} for {to} refused: {refusal}"),
        ("refused", "{command} {argument} refused: {refusal}"),
        ("append", "{messages} message(s) put into {mailbox} by the client ({octets} octets)"),
        ("read", "the client reads message(s) {uids} of {mailbox}"),
        ("expunge", "message(s) {uids} removed from {mailbox}"),
        ("copy", "message(s) {uids} copied from {mailbox} to {to}"),
        ("move", "message(s) {uids} moved from {mailbox} to {to}"),
        ("deleted", "message(s) {uids} removed from INBOX: the client took them away"),
        ("the disk has room again: mail is taken in", "the disk has room again: mail is taken in"),
        (
            "the disk is nearly full: no mail is taken in, but it can be read and deleted; \
             make room, nothing needs to be restarted",
            "the disk is nearly full ({free_mib} MiB left): no mail is taken in, but it can be read and \
             deleted; make room, nothing needs to be restarted",
        ),
        (
            "the disk is full: mail can be read, but nothing can be changed; make room, nothing \
             needs to be restarted",
            "the disk is full: mail can be read, but nothing can be changed; make room, nothing needs \
             to be restarted",
        ),
        (
            "the store takes nothing more in; it opens itself again as soon as the disk can be written; \
             see to the disk",
            "the store takes nothing more in ({why}); see to the disk",
        ),
        (
            "the store is open again; nothing that was acknowledged is lost",
            "the store is open again; nothing that was acknowledged is lost",
        ),
        ("disconnected", "the connection ends, {reason} ({received} octets in, {sent} out)"),
    ],
    road: &[
        (
            "came",
            "came from {from}: {peer} ({helo}) brought {size} octets by {how}, encryption: {tls}",
        ),
        ("found", "{method} says {result}: {reason}"),
        ("decided", "decided: {decision}"),
        ("filed", "FILED for {to} in a mailbox of {address} (number {mailbox}) as UID {uid}"),
        ("maildir", "FILED for {to} in the Maildir of {address}"),
        ("queued", "QUEUED for {address}, who is elsewhere ({to})"),
        ("refused", "REFUSED for {to}: {why}"),
        ("delivered", "LEFT for {to}: {peer} took it and said: {words}"),
        ("deferred", "NOT YET for {to}: {peer}: {words}; next try {next}"),
        ("failed", "GIVEN UP for {to}: {peer}: {words}; the sender is told"),
        ("operator", "the operator has changed it for {to}: {words}"),
    ],
};

const SPANISH: Words = Words {
    language: "es",
    title: "una oficina de correos para {}",
    people: "Personas",
    password: "primera contraseña",
    outside: "Fuera",
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
    story: &[
        ("connected", "{peer} se conecta al puerto de {listener}"),
        ("TLS started", "la conexión va cifrada a partir de aquí ({version})"),
        ("TLS failed", "no se llega a cifrar la conexión: {error}"),
        ("login", "{account} entra por {protocol} ({how})"),
        ("login refused", "entrada como {name} rechazada: {refusal}"),
        ("shut out", "{account} queda fuera: desactivada, eliminada o con otra contraseña"),
        (
            "delivered",
            "el mensaje {id} de {from} HA LLEGADO para {to}: {size} octetos, en el disco",
        ),
        ("queued", "el mensaje {id} de {from} está EN COLA para {to}: {size} octetos, en disco"),
        ("left", "el mensaje {id} ha SALIDO para {to}: {by} dijo: {code} {said}"),
        (
            "not yet",
            "el mensaje {id} no se pudo entregar a {to}: {by} {code} {said}; se intentará de nuevo",
        ),
        (
            "given up",
            "se abandona el mensaje {id} para {to}: {by} dijo: {code} {said}; se avisa a su remitente",
        ),
        ("asked the DNS", "se pregunta al DNS: {question}"),
        ("not delivered", "el mensaje {id} de {from} no ha llegado para {to}: {refusal}"),
        ("message refused", "mensaje {id} de {from} para {to} rechazado: {refusal}"),
        ("refused", "{command} {argument} rechazado: {refusal}"),
        ("append", "el cliente deja {messages} mensaje(s) en {mailbox} ({octets} octetos)"),
        ("read", "el cliente lee mensaje(s) {uids} de {mailbox}"),
        ("expunge", "mensaje(s) {uids} eliminados de {mailbox}"),
        ("copy", "mensaje(s) {uids} copiados de {mailbox} a {to}"),
        ("move", "mensaje(s) {uids} movidos de {mailbox} a {to}"),
        ("deleted", "mensaje(s) {uids} eliminados de INBOX: el cliente se los ha llevado"),
        (
            "the disk has room again: mail is taken in",
            "el disco vuelve a tener sitio: se acepta correo",
        ),
        (
            "the disk is nearly full: no mail is taken in, but it can be read and deleted; \
             make room, nothing needs to be restarted",
            "el disco está casi lleno (quedan {free_mib} MiB): no se acepta correo, pero se puede leer y \
             borrar; haz sitio, no hay que reiniciar nada",
        ),
        (
            "the disk is full: mail can be read, but nothing can be changed; make room, nothing \
             needs to be restarted",
            "el disco está lleno: el correo se puede leer, pero no se puede cambiar nada; haz sitio, no \
             hay que reiniciar nada",
        ),
        (
            "the store takes nothing more in; it opens itself again as soon as the disk can be written; \
             see to the disk",
            "el almacén ya no acepta nada ({why}); mira qué le pasa al disco",
        ),
        (
            "the store is open again; nothing that was acknowledged is lost",
            "el almacén está abierto de nuevo; no se ha perdido nada de lo confirmado",
        ),
        (
            "disconnected",
            "termina la conexión, {reason} ({received} octetos recibidos, {sent} enviados)",
        ),
    ],
    road: &[
        ("came", "llegó de {from}: {peer} ({helo}) trajo {size} octetos por {how}, cifrado: {tls}"),
        ("found", "{method} dice {result}: {reason}"),
        ("decided", "decisión: {decision}"),
        (
            "filed",
            "GUARDADO para {to} en un buzón de {address} (número {mailbox}) con el UID {uid}",
        ),
        ("maildir", "GUARDADO para {to} en el Maildir de {address}"),
        ("queued", "EN COLA para {address}, que está en otro servidor ({to})"),
        ("refused", "RECHAZADO para {to}: {why}"),
        ("delivered", "SALIÓ para {to}: {peer} lo aceptó y dijo: {words}"),
        ("deferred", "TODAVÍA NO para {to}: {peer}: {words}; próximo intento {next}"),
        ("failed", "ABANDONADO para {to}: {peer}: {words}; se avisa al remitente"),
        ("operator", "el operador lo ha cambiado para {to}: {words}"),
    ],
};

const CATALAN: Words = Words {
    language: "ca",
    title: "una oficina de correus per a {}",
    people: "Persones",
    password: "primera contrasenya",
    outside: "Fora",
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
    story: &[
        ("connected", "{peer} es connecta al port de {listener}"),
        ("TLS started", "la connexió va xifrada a partir d'aquí ({version})"),
        ("TLS failed", "no s'arriba a xifrar la connexió: {error}"),
        ("login", "{account} entra per {protocol} ({how})"),
        ("login refused", "entrada com a {name} rebutjada: {refusal}"),
        ("shut out", "{account} queda fora: desactivat, eliminat o amb una altra contrasenya"),
        ("delivered", "el missatge {id} de {from} HA ARRIBAT per a {to}: {size} octets, al disc"),
        ("queued", "el missatge {id} de {from} és EN CUA per a {to}: {size} octets, al disc"),
        ("left", "el missatge {id} ha SORTIT cap a {to}: {by} ha dit: {code} {said}"),
        (
            "not yet",
            "el missatge {id} no s'ha pogut lliurar a {to}: {by} {code} {said}; es tornarà a provar",
        ),
        (
            "given up",
            "s'abandona el missatge {id} per a {to}: {by} ha dit: {code} {said}; s'avisa el seu remitent",
        ),
        ("asked the DNS", "es pregunta al DNS: {question}"),
        ("not delivered", "el missatge {id} de {from} no ha arribat per a {to}: {refusal}"),
        ("message refused", "missatge {id} de {from} per a {to} rebutjat: {refusal}"),
        ("refused", "{command} {argument} rebutjat: {refusal}"),
        ("append", "el client deixa {messages} missatge(s) a {mailbox} ({octets} octets)"),
        ("read", "el client llegeix missatge(s) {uids} de {mailbox}"),
        ("expunge", "missatge(s) {uids} eliminats de {mailbox}"),
        ("copy", "missatge(s) {uids} copiats de {mailbox} a {to}"),
        ("move", "missatge(s) {uids} moguts de {mailbox} a {to}"),
        ("deleted", "missatge(s) {uids} eliminats d'INBOX: el client se'ls ha endut"),
        (
            "the disk has room again: mail is taken in",
            "el disc torna a tenir lloc: s'accepta correu",
        ),
        (
            "the disk is nearly full: no mail is taken in, but it can be read and deleted; \
             make room, nothing needs to be restarted",
            "el disc és gairebé ple (queden {free_mib} MiB): no s'accepta correu, però es pot llegir i \
             esborrar; fes lloc, no cal reiniciar res",
        ),
        (
            "the disk is full: mail can be read, but nothing can be changed; make room, nothing \
             needs to be restarted",
            "el disc és ple: el correu es pot llegir, però no es pot canviar res; fes lloc, no cal \
             reiniciar res",
        ),
        (
            "the store takes nothing more in; it opens itself again as soon as the disk can be written; \
             see to the disk",
            "el magatzem ja no accepta res ({why}); mira què té el disc",
        ),
        (
            "the store is open again; nothing that was acknowledged is lost",
            "el magatzem torna a ser obert; no s'ha perdut res del que es va confirmar",
        ),
        (
            "disconnected",
            "la connexió s'acaba, {reason} ({received} octets rebuts, {sent} enviats)",
        ),
    ],
    road: &[
        (
            "came",
            "va arribar de {from}: {peer} ({helo}) va portar {size} octets per {how}, xifratge: {tls}",
        ),
        ("found", "{method} diu {result}: {reason}"),
        ("decided", "decisió: {decision}"),
        ("filed", "DESAT per a {to} en una bústia de {address} (número {mailbox}) amb l'UID {uid}"),
        ("maildir", "DESAT al Maildir de {address}, per a {to}"),
        ("queued", "EN CUA per a {address}, que és en un altre servidor ({to})"),
        ("refused", "REBUTJAT per a {to}: {why}"),
        ("delivered", "HA SORTIT per a {to}: {peer} l'ha acceptat i ha dit: {words}"),
        ("deferred", "ENCARA NO per a {to}: {peer}: {words}; pròxim intent {next}"),
        ("failed", "ABANDONAT per a {to}: {peer}: {words}; s'avisa el remitent"),
        ("operator", "l'operador ho ha canviat per a {to}: {words}"),
    ],
};

impl Words {
    /// Every language, English first.
    pub const ALL: [&'static Words; 3] = [&ENGLISH, &SPANISH, &CATALAN];

    /// In the language of the environment, as POSIX has it: the first of these that is set.
    pub fn of_environment() -> &'static Words {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
        Words::of(locale.as_deref().unwrap_or_default())
    }

    /// In the language of a locale, as in `es_ES.UTF-8`; English if it is another.
    pub fn of(locale: &str) -> &'static Words {
        let language = locale.split(['_', '.', '@']).next().unwrap_or_default();
        Words::ALL.into_iter().find(|words| words.language == language).unwrap_or(&ENGLISH)
    }
}

/// The sentence of that name, its fields filled in.
pub fn told(sentences: &[(&str, &str)], name: &str, fields: &[(&str, &str)]) -> String {
    let Some((_, sentence)) = sentences.iter().find(|(other, _)| *other == name) else {
        return name.to_string();
    };
    let mut told = String::new();
    let mut rest = *sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let (field, after) = after.split_once('}').unwrap_or((after, ""));
        let value = fields.iter().find(|(other, _)| *other == field).map_or("", |(_, v)| *v);
        told.push_str(before);
        told.extend(value.chars().filter(|c| !c.is_control()));
        rest = after;
    }
    told + rest
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
        for words in Words::ALL {
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
