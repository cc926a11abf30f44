//! Reading a message once, for all that only its octets tell.

use super::judge::Facts;
use super::prepared::{Need, Prepared};
use super::scan::Pace;
use crate::Content;
use words_mail::Refusal;
use words_message::{DateTime, Header, HeaderCollector, TextSearcher, header_contains};

/// Octets that are read at once.
const PIECE: usize = 64 << 10;

/// Does the message match? Reads on until that is decided.
pub(super) async fn judge(
    prepared: &Prepared,
    facts: &Facts<'_>,
    content: &Content,
    pace: &mut Pace,
) -> Result<bool, Refusal> {
    let mut reading = Reading::new(prepared, facts);
    let mut offset = 0;
    while offset < content.len() {
        let piece = content.read(offset, PIECE).await?;
        pace.octets(piece.len()).await;
        if piece.is_empty() {
            break;
        }
        offset += piece.len() as u64;
        if reading.feed(&piece)
            && let Some(matches) = reading.judge(facts)
        {
            return Ok(matches);
        }
    }
    reading.finish();
    // Every marked need has its answer now, and no other one counts.
    Ok(reading.judge(facts).unwrap_or(false))
}

struct Reading<'a> {
    prepared: &'a Prepared,
    /// The answers, as far as they are known.
    answers: Vec<Option<bool>>,
    /// Which are wanted.
    marked: Vec<bool>,
    /// The header, until it is complete.
    header: Option<HeaderCollector>,
    /// Texts still looked for, and which need each is for.
    searchers: Vec<(usize, TextSearcher)>,
}

impl<'a> Reading<'a> {
    fn new(prepared: &'a Prepared, facts: &Facts<'_>) -> Reading<'a> {
        let mut marked = vec![false; prepared.needs.len()];
        prepared.mark_needs(facts, &mut marked);
        let mut searchers = Vec::new();
        let mut of_header = false;
        for (i, need) in prepared.needs.iter().enumerate().filter(|(i, _)| marked[*i]) {
            match need {
                Need::Text(scope, text) => searchers.push((i, TextSearcher::new(text, *scope))),
                Need::Header(..) | Need::Sent(_) => of_header = true,
            }
        }
        Reading {
            prepared,
            answers: vec![None; prepared.needs.len()],
            marked,
            header: of_header.then(HeaderCollector::new),
            searchers,
        }
    }

    fn judge(&self, facts: &Facts<'_>) -> Option<bool> {
        self.prepared.judge(&Facts { needs: Some(&self.answers), ..*facts })
    }

    /// Takes a piece of the message. Has it answered anything?
    fn feed(&mut self, piece: &[u8]) -> bool {
        let mut news = false;
        if let Some(header) = &mut self.header {
            // What is longer than any header may be counts as far as it was kept.
            let over = header.feed(piece).is_err() || header.is_complete();
            if over {
                self.answer_by_header();
                news = true;
            }
        }
        let answers = &mut self.answers;
        self.searchers.retain_mut(|(i, searcher)| {
            let found = searcher.feed(piece);
            if found {
                answers[*i] = Some(true);
                news = true;
            }
            !found
        });
        news
    }

    fn finish(&mut self) {
        self.answer_by_header();
        for (i, searcher) in self.searchers.drain(..) {
            self.answers[i] = Some(searcher.finish());
        }
    }

    fn answer_by_header(&mut self) {
        let Some(header) = self.header.take() else { return };
        let header = Header::new(header.bytes());
        for (i, need) in self.prepared.needs.iter().enumerate().filter(|(i, _)| self.marked[*i]) {
            match need {
                Need::Header(name, text) => {
                    let mut fields = header.find_all(name);
                    self.answers[i] = Some(fields.any(|field| header_contains(field.value, text)));
                }
                Need::Sent(days) => {
                    let date = header.find("Date").and_then(|f| DateTime::parse_field(f.value));
                    self.answers[i] = Some(date.is_some_and(|d| days.contains(&d.date().days())));
                }
                Need::Text(..) => {}
            }
        }
    }
}
