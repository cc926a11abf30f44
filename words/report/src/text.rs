//! What a person reads, in each language: one file a language, the same table in each.

mod catalan;
mod english;
mod spanish;

use crate::{Cause, Language};

/// Words of one language. `{}` stands for what is put in.
pub(crate) struct Words {
    /// The name that reports come under.
    pub sender: &'static str,
    /// Subjects: not delivered, late, delivered. `{}`: the subject of the message.
    pub subject_failed: &'static str,
    pub subject_delayed: &'static str,
    pub subject_delivered: &'static str,
    /// The first line. `{}`: our name.
    pub greeting: &'static str,
    /// What precedes the recipients of each kind.
    pub failed: &'static str,
    pub delayed: &'static str,
    pub delivered: &'static str,
    pub relayed: &'static str,
    /// How long it was tried. `{}`: a span.
    pub tried_for: &'static str,
    /// Until when it is tried. `{}`: a date.
    pub tried_until: &'static str,
    /// What a peer said. `{}`: its name.
    pub said: &'static str,
    /// Words of our own.
    pub said_here: &'static str,
    /// Which message it was. `{}`: its subject, its date.
    pub about_subject: &'static str,
    pub about_date: &'static str,
    /// What stands below.
    pub below_headers: &'static str,
    pub below_whole: &'static str,
    /// Spans: one and many.
    pub days: [&'static str; 2],
    pub hours: [&'static str; 2],
    pub minutes: [&'static str; 2],
}

/// Why it was not delivered, and what can be done.
pub(crate) struct Explanation {
    pub what: &'static str,
    pub advice: &'static str,
}

/// The words of a language.
pub(crate) fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &english::WORDS,
        Language::Spanish => &spanish::WORDS,
        Language::Catalan => &catalan::WORDS,
    }
}

/// What a cause means to a person.
pub(crate) fn explain(language: Language, cause: Cause) -> Explanation {
    let (what, advice) = match language {
        Language::English => english::explain(cause),
        Language::Spanish => spanish::explain(cause),
        Language::Catalan => catalan::explain(cause),
    };
    Explanation { what, advice }
}

/// `seconds` in the unit that says enough.
pub(crate) fn span(words: &Words, seconds: u64) -> String {
    let (count, unit) = match seconds {
        172_800.. => (seconds / 86_400, words.days),
        7_200.. => (seconds / 3600, words.hours),
        _ => (seconds.div_ceil(60).max(1), words.minutes),
    };
    format!("{count} {}", if count == 1 { unit[0] } else { unit[1] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_explains_every_cause() {
        for language in [Language::English, Language::Spanish, Language::Catalan] {
            for cause in Cause::ALL {
                let Explanation { what, advice } = explain(language, cause);
                assert!(what.ends_with('.') && advice.ends_with('.'), "{language:?} {cause:?}");
            }
            let words = words(language);
            for text in [words.subject_failed, words.greeting, words.tried_for, words.said] {
                assert_eq!(text.matches("{}").count(), 1, "{text}");
            }
        }
    }

    #[test]
    fn a_span_is_told_in_the_unit_that_says_enough() {
        let words = words(Language::Spanish);
        for (seconds, text) in [
            (0, "1 minuto"),
            (61, "2 minutos"),
            (7200, "2 horas"),
            (4 * 3600, "4 horas"),
            (172_799, "47 horas"),
            (5 * 86_400, "5 días"),
        ] {
            assert_eq!(span(words, seconds), text);
        }
    }
}
