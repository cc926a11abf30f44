//! The log: one line an event.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::panic::PanicHookInfo;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Which lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// What happens.
    Usual,
    /// What somebody should look at.
    Warnings,
}

/// From now on, logs to standard error. A panic is a line too.
pub fn start(form: Form, amount: Amount) {
    let level = match amount {
        Amount::Usual => LevelFilter::INFO,
        Amount::Warnings => LevelFilter::WARN,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(stderr);
    match form {
        Form::Human => builder.with_ansi(stderr().is_terminal()).event_format(Human).init(),
        Form::Json => builder.json().flatten_event(true).with_span_list(false).init(),
    }
    std::panic::set_hook(Box::new(panicked));
}

fn panicked(info: &PanicHookInfo<'_>) {
    let what = info.payload_as_str().unwrap_or("a panic without words");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    error!(place, "fault: {what}");
}

/// `09:12:03.123 id=… peer=… connected listener="smtp"`, in UTC.
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
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// A time of day, in UTC.
struct Time(u128);

impl Time {
    fn now() -> Time {
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

    #[test]
    fn a_time_of_day_is_read_off_the_milliseconds() {
        assert_eq!(Time(0).to_string(), "00:00:00.000");
        assert_eq!(Time(1_767_225_599_999).to_string(), "23:59:59.999");
    }
}
