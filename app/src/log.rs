//! The log: one line an event.

use crate::story::Story;
use crate::words::Words;
use std::borrow::Cow;
use std::fmt;
use std::io::{IsTerminal, stderr};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// The road of each message in sentences, in the reader's language.
    Words,
    /// One line of names and values an event.
    Human,
    /// One JSON object a line.
    Json,
}

/// Which lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// What somebody should look at.
    Warnings,
    /// What happens.
    Usual,
    /// Also what only a developer wants to know.
    Everything,
}

impl Amount {
    fn level(self) -> LevelFilter {
        match self {
            Amount::Warnings => LevelFilter::WARN,
            Amount::Usual => LevelFilter::INFO,
            Amount::Everything => LevelFilter::DEBUG,
        }
    }
}

/// Through which the amount is changed later.
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// From now on, logs to standard error. A panic is a line too.
pub fn start(form: Form, amount: Amount) {
    let (level, handle) = reload::Layer::new(amount.level());
    // It is started once.
    let _ = LEVEL.set(handle);
    let layer = tracing_subscriber::fmt::layer().with_writer(stderr);
    let ansi = stderr().is_terminal();
    let layer = match form {
        Form::Words => {
            let story = Story::new(Words::of_environment());
            layer.with_ansi(ansi).event_format(story).boxed()
        }
        Form::Human => layer.with_ansi(ansi).event_format(Human).boxed(),
        Form::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let ours = filter_fn(|about| !is_chatter(about.target()) || *about.level() == Level::ERROR);
    tracing_subscriber::registry().with(level).with(layer.with_filter(ours)).init();
    std::panic::set_hook(Box::new(panicked));
}

/// Libraries that tell of what is no news to an operator: answers of the DNS that were not needed.
fn is_chatter(target: &str) -> bool {
    target.starts_with("hickory")
}

/// From now on, logs so much.
pub fn set_amount(amount: Amount) {
    if let Some(handle) = LEVEL.get() {
        // An error means that nobody logs any more.
        let _ = handle.modify(|level| *level = amount.level());
    }
}

fn panicked(info: &PanicHookInfo<'_>) {
    let what = info.payload_as_str().unwrap_or("a panic without words");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    error!(place, "fault: {what}");
}

/// `09:12:03.123 id=… peer=… connected listener=smtp`, in UTC.
struct Human;

impl<S, N> FormatEvent<S, N> for Human
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
        let (dim, bold, normal) = match writer.has_ansi_escapes() {
            true => ("\x1b[2m", "\x1b[1m", "\x1b[0m"),
            false => ("", "", ""),
        };
        write!(writer, "{dim}{}{normal} ", Time::now())?;
        match *event.metadata().level() {
            Level::INFO => {}
            level => write!(writer, "{bold}{level}{normal} ")?,
        }
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                write!(writer, "{dim}{fields}{normal} ")?;
            }
        }
        let mut fields = Fields { writer: &mut writer, result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
        writeln!(writer)
    }
}

/// Writes an event's fields, but for those that its span has told already.
struct Fields<'a, 'w> {
    writer: &'a mut Writer<'w>,
    result: fmt::Result,
}

impl Fields<'_, '_> {
    fn write(&mut self, field: &Field, value: &str) {
        if matches!(field.name(), "session" | "peer") {
            return;
        }
        let value = harmless(value);
        let result = match field.name() {
            "message" => write!(self.writer, "{value}"),
            name if value.is_empty() || value.contains(' ') => {
                write!(self.writer, " {name}={value:?}")
            }
            name => write!(self.writer, " {name}={value}"),
        };
        self.result = self.result.and(result);
    }
}

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, &format!("{value:?}"));
    }
}

/// What strangers wrote must not look like lines or colours of ours.
pub fn harmless(value: &str) -> Cow<'_, str> {
    // Beside control characters, what ends lines or turns the direction of writing.
    let is_harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match value.contains(is_harmful) {
        true => value.escape_debug().to_string().into(),
        false => value.into(),
    }
}

/// A time of day, in UTC.
pub struct Time(u128);

impl Time {
    /// The present.
    pub fn now() -> Time {
        Time(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{hour:02}:{minute:02}:{second:02}.{millis:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;

    #[test]
    fn a_line_cannot_be_forged_by_what_it_tells() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .event_format(Human)
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("session", id = "s1", peer = "192.0.2.1:5");
            let name = "ana\n09:00:00.000 login account=root\x1b[2J";
            span.in_scope(|| tracing::warn!(session = "s1", name, to = "", "login refused"));
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let (_, rest) = text.split_once(' ').unwrap();
        let want = "WARN id=\"s1\" peer=\"192.0.2.1:5\" login refused \
                    name=\"ana\\\\n09:00:00.000 login account=root\\\\u{1b}[2J\" to=\"\"\n";
        assert_eq!(rest, want);
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Lines;

        fn make_writer(&self) -> Lines {
            self.clone()
        }
    }

    #[test]
    fn a_time_of_day_is_read_off_the_milliseconds() {
        assert_eq!(Time(0).to_string(), "00:00:00.000");
        assert_eq!(Time(1_767_225_599_999).to_string(), "23:59:59.999");
    }

    #[test]
    fn nobody_writes_lines_or_colours_into_the_log() {
        for (value, want) in [
            ("ñandú@mired.org", "ñandú@mired.org"),
            ("a\r\nb", "a\\r\\nb"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{2028}gpj.\u{202e}exe", "\\u{2028}gpj.\\u{202e}exe"),
        ] {
            assert_eq!(harmless(value), want);
        }
    }
}
