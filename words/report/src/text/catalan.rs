//! Catalan.

use super::Words;
use crate::Cause;

pub(super) const WORDS: Words = Words {
    sender: "Lliurament de correu",
    subject_failed: "No lliurat: {}",
    subject_delayed: "Amb retard: {}",
    subject_delivered: "Lliurat: {}",
    greeting: "Aquest és el servidor de correu {}.",
    failed: "El vostre missatge NO s'ha pogut lliurar a:",
    delayed: "El vostre missatge ENCARA NO s'ha lliurat a l'adreça següent. El servidor ho continua \
              provant; no cal que feu res ni que el torneu a enviar:",
    delivered: "El vostre missatge s'ha lliurat a:",
    relayed: "El vostre missatge s'ha passat al servidor següent per a aquesta adreça. Aquell \
              servidor no informa de res més:",
    tried_for: "S'ha provat durant {}.",
    tried_until: "Es continuarà provant fins a {}.",
    said: "Aquestes són les paraules exactes de {}:",
    said_here: "En paraules d'aquest servidor:",
    about_subject: "Assumpte del vostre missatge: {}",
    about_date: "Acceptat per aquest servidor: {}",
    below_headers: "S'hi adjunta la capçalera.",
    below_whole: "S'hi adjunta sencer.",
    days: ["dia", "dies"],
    hours: ["hora", "hores"],
    minutes: ["minut", "minuts"],
};

pub(super) fn explain(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::UnknownUser => (
            "Aquesta adreça no existeix.",
            "Comproveu com està escrita o demaneu la correcta per un altre mitjà.",
        ),
        Cause::NoSuchDomain => (
            "Ningú no rep correu per al que hi ha darrere de la \"@\".",
            "Comproveu com està escrit. Si és correcte, ho ha d'arreglar el seu amo.",
        ),
        Cause::MailboxFull => (
            "La bústia és plena.",
            "Torneu-lo a enviar més tard o aviseu la persona per un altre mitjà perquè faci lloc.",
        ),
        Cause::MailboxDisabled => (
            "La bústia no accepta correu en aquest moment.",
            "Poseu-vos en contacte amb la persona per un altre mitjà.",
        ),
        Cause::TooLarge => (
            "El missatge és massa gran per a l'altra banda.",
            "Envieu-lo sense adjunts o amb adjunts més petits, o compartiu-los amb un enllaç.",
        ),
        Cause::Policy => (
            "L'altra banda rebutja aquest missatge per les seves pròpies regles.",
            "Llegiu a sota què diu. Si no en veieu el motiu, contacteu per un altre mitjà i demaneu \
             que ho preguntin a l'administrador d'aquell servidor.",
        ),
        Cause::NotGenuine => (
            "L'altra banda no es creu que el missatge vingui del vostre domini.",
            "Ensenyeu això al vostre administrador: cal arreglar SPF, DKIM o DMARC del domini.",
        ),
        Cause::TlsDemanded => (
            "El missatge només pot viatjar per una connexió segura, i no n'hi havia.",
            "Ensenyeu això al vostre administrador, o envieu per un altre mitjà alguna cosa menys \
             confidencial.",
        ),
        Cause::Unreachable => (
            "No s'ha pogut arribar a cap servidor de correu d'aquest domini.",
            "Comproveu el que hi ha darrere de la \"@\". Si és correcte, el problema és d'ells; \
             torneu-lo a enviar un altre dia.",
        ),
        Cause::Loop => (
            "El missatge va donant voltes entre servidors.",
            "Ensenyeu això al vostre administrador: hi ha un reenviament o un registre de DNS \
             equivocat.",
        ),
        Cause::NotUnderstood => (
            "L'altre servidor no entén missatges d'aquesta mena.",
            "Envieu-lo com a text senzill a una adreça sense accents, o adjunteu el contingut en un \
             fitxer.",
        ),
        Cause::Trouble => ("L'altre servidor té problemes propis.", "Torneu-lo a enviar més tard."),
        Cause::Other => (
            "L'altra banda no ha acceptat el missatge.",
            "Llegiu a sota què diu; si no us ajuda, ensenyeu això al vostre administrador.",
        ),
    }
}
