//! Spanish.

use super::Words;
use crate::Cause;

pub(super) const WORDS: Words = Words {
    sender: "Entrega de correo",
    subject_failed: "No entregado: {}",
    subject_delayed: "Con retraso: {}",
    subject_delivered: "Entregado: {}",
    greeting: "Este es el servidor de correo {}.",
    failed: "Su mensaje NO se ha podido entregar a:",
    delayed: "Su mensaje TODAVÍA NO se ha entregado a la dirección siguiente. El servidor lo sigue \
              intentando; usted no tiene que hacer nada ni volver a enviarlo:",
    delivered: "Su mensaje se ha entregado a:",
    relayed: "Su mensaje se ha pasado al servidor siguiente para esta dirección. Aquel servidor no \
              informa de nada más:",
    tried_for: "Se ha intentado durante {}.",
    tried_until: "Se seguirá intentando hasta {}.",
    said: "Estas son las palabras exactas de {}:",
    said_here: "En palabras de este servidor:",
    about_subject: "Asunto de su mensaje: {}",
    about_date: "Aceptado por este servidor: {}",
    below_headers: "Se adjunta su cabecera.",
    below_whole: "Se adjunta completo.",
    days: ["día", "días"],
    hours: ["hora", "horas"],
    minutes: ["minuto", "minutos"],
};

pub(super) fn explain(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::UnknownUser => (
            "Esa dirección no existe.",
            "Compruebe cómo está escrita o pida la correcta por otro medio.",
        ),
        Cause::NoSuchDomain => (
            "Nadie recibe correo para lo que está detrás de la \"@\".",
            "Compruebe cómo está escrito. Si es correcto, lo tiene que arreglar su dueño.",
        ),
        Cause::MailboxFull => (
            "El buzón está lleno.",
            "Vuelva a enviarlo más tarde o avise a la persona por otro medio para que haga sitio.",
        ),
        Cause::MailboxDisabled => (
            "El buzón no acepta correo en este momento.",
            "Póngase en contacto con la persona por otro medio.",
        ),
        Cause::TooLarge => (
            "El mensaje es demasiado grande para el otro lado.",
            "Envíelo sin adjuntos o con adjuntos más pequeños, o compártalos con un enlace.",
        ),
        Cause::Policy => (
            "El otro lado rechaza este mensaje por sus propias reglas.",
            "Lea abajo lo que dice. Si no ve el motivo, contacte por otro medio y pida que pregunten \
             al administrador de ese servidor.",
        ),
        Cause::NotGenuine => (
            "El otro lado no cree que el mensaje venga de su dominio.",
            "Enséñele esto a su administrador: hay que arreglar SPF, DKIM o DMARC del dominio.",
        ),
        Cause::TlsDemanded => (
            "El mensaje solo puede viajar por una conexión segura, y no la había.",
            "Enséñele esto a su administrador, o envíe por otro medio algo menos confidencial.",
        ),
        Cause::Unreachable => (
            "No se ha podido llegar a ningún servidor de correo de ese dominio.",
            "Compruebe lo que está detrás de la \"@\". Si es correcto, el problema es de ellos; \
             vuelva a enviarlo otro día.",
        ),
        Cause::Loop => (
            "El mensaje da vueltas entre servidores.",
            "Enséñele esto a su administrador: hay un reenvío o un registro de DNS equivocado.",
        ),
        Cause::NotUnderstood => (
            "El otro servidor no entiende mensajes de este tipo.",
            "Envíelo como texto sencillo a una dirección sin acentos, o adjunte el contenido en un \
             archivo.",
        ),
        Cause::Trouble => {
            ("El otro servidor tiene problemas propios.", "Vuelva a enviarlo más tarde.")
        }
        Cause::Other => (
            "El otro lado no ha aceptado el mensaje.",
            "Lea abajo lo que dice; si no le ayuda, enséñele esto a su administrador.",
        ),
    }
}
