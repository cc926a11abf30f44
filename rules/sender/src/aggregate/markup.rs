//! As much of XML 1.0 as reports are made of: elements and text. What else a stranger may write is
//! passed over; what could grow (a DOCTYPE with entities) is refused.

/// Deepest nesting.
const DEPTH_MAX: usize = 16;
/// Longest text of one element, in octets; more is dropped.
const TEXT_MAX: usize = 1024;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// An element begins: its name, without a prefix.
    Begin(String),
    /// The innermost element ends: its name, and its own text without blanks around it.
    End(String, String),
}

/// It is no XML that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoMarkup;

/// Reads a document, event by event.
pub(super) struct Markup<'a> {
    rest: &'a str,
    open: Vec<(&'a str, String)>,
    /// An element that was empty ends at once.
    ends: bool,
}

impl<'a> Markup<'a> {
    pub(super) fn new(text: &'a str) -> Markup<'a> {
        Markup { rest: text.trim_start_matches('\u{feff}'), open: Vec::new(), ends: false }
    }

    /// The name of the innermost element that is open.
    pub(super) fn parent(&self) -> &str {
        self.open.last().map_or("", |(name, _)| local(name))
    }

    /// The next event; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Event>, NoMarkup> {
        if std::mem::take(&mut self.ends) {
            return Ok(self.close());
        }
        while let Some(at) = self.rest.find('<') {
            let (text, rest) = self.rest.split_at(at);
            self.text(text);
            self.rest = rest;
            if let Some(after) = self.past("<!--", "-->")? {
                self.rest = after.1;
            } else if let Some((inside, after)) = self.past("<![CDATA[", "]]>")? {
                self.add(inside);
                self.rest = after;
            } else if let Some((_, after)) = self.past("<?", "?>")? {
                self.rest = after;
            } else if self.rest.starts_with("<!") {
                return Err(NoMarkup);
            } else {
                return self.tag().map(Some);
            }
        }
        if self.open.is_empty() { Ok(None) } else { Err(NoMarkup) }
    }

    /// What stands between `begin` and `end` if it is next, and what follows.
    fn past(&self, begin: &str, end: &str) -> Result<Option<(&'a str, &'a str)>, NoMarkup> {
        match self.rest.strip_prefix(begin) {
            None => Ok(None),
            Some(inside) => inside.split_once(end).map(Some).ok_or(NoMarkup),
        }
    }

    fn tag(&mut self) -> Result<Event, NoMarkup> {
        let (inside, after) = self.tag_end()?;
        self.rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            return match self.open.last() {
                Some((open, _)) if *open == name.trim_end() => self.close().ok_or(NoMarkup),
                _ => Err(NoMarkup),
            };
        }
        let inside = match inside.strip_suffix('/') {
            Some(inside) => {
                self.ends = true;
                inside
            }
            None => inside,
        };
        let name = inside.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        if name.is_empty() || self.open.len() == DEPTH_MAX {
            return Err(NoMarkup);
        }
        self.open.push((name, String::new()));
        Ok(Event::Begin(local(name).to_string()))
    }

    /// The inside of the tag that is next, and what follows. A ">" may stand in an attribute.
    fn tag_end(&self) -> Result<(&'a str, &'a str), NoMarkup> {
        let mut quote = None;
        for (at, c) in self.rest.char_indices().skip(1) {
            match (quote, c) {
                (None, '>') => return Ok((&self.rest[1..at], &self.rest[at + 1..])),
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                _ => {}
            }
        }
        Err(NoMarkup)
    }

    fn close(&mut self) -> Option<Event> {
        let (name, text) = self.open.pop()?;
        Some(Event::End(local(name).to_string(), text.trim().to_string()))
    }

    fn text(&mut self, mut text: &str) {
        while let Some((before, rest)) = text.split_once('&') {
            self.add(before);
            match rest.split_once(';').and_then(|(name, rest)| Some((character(name)?, rest))) {
                Some((c, after)) => {
                    self.add(c.encode_utf8(&mut [0; 4]));
                    text = after;
                }
                None => {
                    self.add("&");
                    text = rest;
                }
            }
        }
        self.add(text);
    }

    fn add(&mut self, text: &str) {
        if let Some((_, own)) = self.open.last_mut()
            && own.len() + text.len() <= TEXT_MAX
        {
            own.push_str(text);
        }
    }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        name => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)
        }
    }
}
