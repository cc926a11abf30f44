//! The log as a story: what happens to each message, in sentences that a learner can follow.

use crate::log::{Time, harmless};
use crate::words::Words;
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Letters of a session's id that are shown: those that differ from one moment to the next.
const ID_SHOWN: std::ops::Range<usize> = 4..9;

/// Tells events in the words of one language. An event without words of its own is told as it is.
pub struct Story {
    words: &'static Words,
}

impl Story {
    /// In these words.
    pub fn new(words: &'static Words) -> Story {
        Story { words }
    }
}

impl<S, N> FormatEvent<S, N> for Story
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flatten() {
            if let Some(text) = span.extensions().get::<FormattedFields<N>>() {
                fields.add_formatted(text.fields.as_str());
            }
        }
        event.record(&mut fields);
        let (dim, bold, normal) = match writer.has_ansi_escapes() {
            true => ("\x1b[2m", "\x1b[1m", "\x1b[0m"),
            false => ("", "", ""),
        };
        let emphasis = if *event.metadata().level() <= Level::WARN { bold } else { "" };
        write!(writer, "{dim}{} {:5}{normal}  ", Time::now(), fields.session())?;
        writeln!(writer, "{emphasis}{}{normal}", fields.tell(self.words))
    }
}

/// What an event and its span say, by name.
#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// `id="0qb1s4rs0000" peer="127.0.0.1:57102"`, as a span keeps it. The span's id is the
    /// session's; an event's own is a message's.
    fn add_formatted(&mut self, text: &str) {
        for word in text.split_whitespace() {
            if let Some((name, value)) = word.split_once('=') {
                let name = if name == "id" { "session" } else { name };
                self.0.push((name.to_string(), harmless(value.trim_matches('"')).into_owned()));
            }
        }
    }

    fn session(&self) -> &str {
        let id = self.get("session").unwrap_or_default();
        id.get(ID_SHOWN).unwrap_or(id)
    }

    fn tell(&self, words: &Words) -> String {
        let message = self.get("message").unwrap_or_default();
        match words.story.iter().find(|(name, _)| *name == message) {
            Some((_, sentence)) => self.fill(sentence),
            None => self.plain(message),
        }
    }

    /// The sentence, each `{name}` replaced by the value of that name.
    fn fill(&self, sentence: &str) -> String {
        let mut out = String::new();
        let mut rest = sentence;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(before);
            out.push_str(self.get(name).unwrap_or("?"));
            rest = after;
        }
        out + rest
    }

    fn plain(&self, message: &str) -> String {
        let mut out = message.to_string();
        let told = ["message", "session", "peer"];
        for (name, value) in self.0.iter().filter(|(name, _)| !told.contains(&name.as_str())) {
            // Writing to a string does not fail.
            let _ = write!(out, " {name}={value}");
        }
        out
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_string(), harmless(value).into_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        self.0.push((field.name().to_string(), harmless(&value).into_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect())
    }

    #[test]
    fn every_language_tells_the_same_events() {
        let names = |words: &Words| words.story.iter().map(|(n, _)| *n).collect::<Vec<_>>();
        let [english, others @ ..] = Words::ALL;
        for words in others {
            assert_eq!(names(words), names(english));
        }
        for words in Words::ALL {
            for (name, sentence) in words.story {
                assert_eq!(sentence.matches('{').count(), sentence.matches('}').count(), "{name}");
            }
        }
    }

    #[test]
    fn an_event_becomes_a_sentence() {
        let mut told = fields(&[]);
        told.add_formatted("id=\"0qb1s4rs0000\" peer=\"127.0.0.1:57102\"");
        told.0.extend(fields(&[("message", "connected"), ("listener", "smtp")]).0);
        assert_eq!(told.session(), "s4rs0");
        assert_eq!(told.tell(Words::ALL[0]), "127.0.0.1:57102 connects to the smtp port");
    }

    #[test]
    fn an_event_without_words_is_told_as_it_is() {
        let told = fields(&[("peer", "x"), ("message", "odd"), ("count", "3")]);
        assert_eq!(told.tell(Words::ALL[0]), "odd count=3");
    }
}
