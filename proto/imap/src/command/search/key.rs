//! Search keys (RFC 3501 §6.4.4), with OLDER and YOUNGER (RFC 5032), MODSEQ (RFC 7162), SAVEDBEFORE
//! and its kind (RFC 8514), EMAILID and THREADID (RFC 8474).

use super::charset::Charset;
use crate::ask::SearchKey;
use crate::cursor::{Cursor, Kind, ParseError};
use crate::options::SEARCH_DEPTH_MAX;
use crate::tagged::{Code, Tagged};
use words_mail::{Flags, ModSeq, SystemFlag};

/// All keys of a command.
#[derive(Debug, PartialEq)]
pub(in crate::command) struct Keys {
    /// As one.
    pub key: SearchKey,
    /// Was MODSEQ among them?
    pub has_modseq: bool,
}

impl Keys {
    /// `search-key *(SP search-key)`
    pub fn parse(cursor: &mut Cursor<'_>, charset: Charset) -> Result<Keys, ParseError> {
        let mut parser = Parser { cursor, charset, has_modseq: false };
        let mut keys = vec![parser.key(0)?];
        while !parser.cursor.is_at_end() {
            parser.cursor.space()?;
            keys.push(parser.key(0)?);
        }
        Ok(Keys { key: all_of(keys), has_modseq: parser.has_modseq })
    }
}

fn all_of(mut keys: Vec<SearchKey>) -> SearchKey {
    match keys.len() {
        1 => keys.remove(0),
        _ => SearchKey::And(keys),
    }
}

struct Parser<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    charset: Charset,
    has_modseq: bool,
}

impl Parser<'_, '_> {
    /// One key. Calls itself for keys within keys, at most [`SEARCH_DEPTH_MAX`] deep.
    fn key(&mut self, depth: usize) -> Result<SearchKey, ParseError> {
        if depth > SEARCH_DEPTH_MAX {
            let text = "Search keys nested too deeply";
            return Err(ParseError::Refused(Tagged::no(Code::Word("LIMIT"), text)));
        }
        if self.cursor.is_at_set() {
            return Ok(SearchKey::Numbers(self.cursor.numbers(Kind::Seq)?));
        }
        if self.cursor.peek() == Some(b'(') {
            return self.group(depth);
        }
        let start = self.cursor.clone();
        let word = self.cursor.atom(EXPECTED)?.to_ascii_uppercase();
        match word.as_slice() {
            b"NOT" => Ok(SearchKey::Not(Box::new(self.argument(|p| p.key(depth + 1))?))),
            b"OR" => {
                let one = self.argument(|p| p.key(depth + 1))?;
                let other = self.argument(|p| p.key(depth + 1))?;
                Ok(SearchKey::Or(Box::new(one), Box::new(other)))
            }
            word => match self.simple(word)? {
                Some(key) => Ok(key),
                None => Ok(start.expected(EXPECTED)?),
            },
        }
    }

    /// `"(" search-key *(SP search-key) ")"`
    fn group(&mut self, depth: usize) -> Result<SearchKey, ParseError> {
        let mut keys = Vec::new();
        self.cursor.list::<ParseError>(|cursor| {
            let mut inner = Parser { cursor, charset: self.charset, has_modseq: false };
            keys.push(inner.key(depth + 1)?);
            self.has_modseq |= inner.has_modseq;
            Ok(())
        })?;
        match keys.is_empty() {
            true => Ok(self.cursor.expected("a search key in the brackets")?),
            false => Ok(all_of(keys)),
        }
    }

    /// A key that holds no other; `None` if `word` is none.
    fn simple(&mut self, word: &[u8]) -> Result<Option<SearchKey>, ParseError> {
        let key = match (flag(word), date(word), text(word)) {
            (Some(key), _, _) => key,
            (_, Some(key), _) => key(self.argument(|p| Ok(p.cursor.date()?))?),
            (_, _, Some(key)) => key(self.argument(Parser::text)?),
            (None, None, None) => return self.other(word),
        };
        Ok(Some(key))
    }

    fn other(&mut self, word: &[u8]) -> Result<Option<SearchKey>, ParseError> {
        let key = match word {
            // RFC 8514 §4.3: whether SAVEDATE is kept, which here it always is.
            b"ALL" | b"SAVEDATESUPPORTED" => SearchKey::All,
            b"RECENT" | b"NEW" => SearchKey::Recent(true),
            b"OLD" => SearchKey::Recent(false),
            b"KEYWORD" => self.keyword(SearchKey::Flag)?,
            b"UNKEYWORD" => self.keyword(SearchKey::NotFlag)?,
            b"UID" => SearchKey::Numbers(self.argument(|p| Ok(p.cursor.numbers(Kind::Uid)?))?),
            b"HEADER" => {
                let name = self.argument(Parser::text)?;
                SearchKey::Header(name, self.argument(Parser::text)?)
            }
            b"LARGER" => SearchKey::Larger(self.number()?),
            b"SMALLER" => SearchKey::Smaller(self.number()?),
            b"OLDER" => SearchKey::Older(self.seconds()?),
            b"YOUNGER" => SearchKey::Younger(self.seconds()?),
            b"MODSEQ" => self.argument(Parser::modseq)?,
            b"EMAILID" => SearchKey::EmailId(self.argument(Parser::object_id)?),
            b"THREADID" => SearchKey::ThreadId(self.argument(Parser::object_id)?),
            _ => return Ok(None),
        };
        Ok(Some(key))
    }

    /// What follows a key's name: a space, and this.
    fn argument<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        self.cursor.space()?;
        read(self)
    }

    fn text(&mut self) -> Result<String, ParseError> {
        Ok(self.charset.decode(&self.cursor.astring("a text to search for")?))
    }

    fn keyword(&mut self, key: fn(Flags) -> SearchKey) -> Result<SearchKey, ParseError> {
        self.argument(|parser| Ok(key(parser.cursor.keyword()?)))
    }

    fn number(&mut self) -> Result<u64, ParseError> {
        self.argument(|parser| Ok(parser.cursor.number()?))
    }

    fn seconds(&mut self) -> Result<u32, ParseError> {
        self.argument(|parser| Ok(parser.cursor.number32()?))
    }

    /// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")`
    fn object_id(&mut self) -> Result<String, ParseError> {
        let id = self.cursor.atom("an object id")?;
        Ok(String::from_utf8_lossy(id).into_owned())
    }

    /// ```abnf
    /// search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
    /// search-modseq-ext  = SP entry-name SP entry-type-req
    /// ```
    /// We keep one mod-sequence a message, so that the entry makes no difference (RFC 7162 §3.1.5).
    fn modseq(&mut self) -> Result<SearchKey, ParseError> {
        if self.cursor.peek() == Some(b'"') {
            self.cursor.string("an entry name")?;
            self.cursor.space()?;
            self.cursor.atom("priv, shared or all")?;
            self.cursor.space()?;
        }
        self.has_modseq = true;
        Ok(SearchKey::ModSeq(ModSeq(self.cursor.number()?)))
    }
}

const EXPECTED: &str = "a search key like UNSEEN or FROM";

/// ANSWERED, UNANSWERED and their kind.
fn flag(word: &[u8]) -> Option<SearchKey> {
    let (name, key): (_, fn(Flags) -> SearchKey) = match word.strip_prefix(b"UN") {
        Some(name) => (name, SearchKey::NotFlag),
        None => (word, SearchKey::Flag),
    };
    let named = |flag: &SystemFlag| flag.as_str().as_bytes()[1..].eq_ignore_ascii_case(name);
    let flag = SystemFlag::ALL.into_iter().find(named)?;
    let mut flags = Flags::new();
    flags.insert(flag);
    Some(key(flags))
}

/// Keys of a day.
fn date(word: &[u8]) -> Option<fn(i32) -> SearchKey> {
    Some(match word {
        b"BEFORE" => SearchKey::Before,
        b"ON" => SearchKey::On,
        b"SINCE" => SearchKey::Since,
        b"SENTBEFORE" => SearchKey::SentBefore,
        b"SENTON" => SearchKey::SentOn,
        b"SENTSINCE" => SearchKey::SentSince,
        b"SAVEDBEFORE" => SearchKey::SavedBefore,
        b"SAVEDON" => SearchKey::SavedOn,
        b"SAVEDSINCE" => SearchKey::SavedSince,
        _ => return None,
    })
}

/// Keys of a text.
fn text(word: &[u8]) -> Option<fn(String) -> SearchKey> {
    Some(match word {
        b"BCC" => SearchKey::Bcc,
        b"CC" => SearchKey::Cc,
        b"FROM" => SearchKey::From,
        b"TO" => SearchKey::To,
        b"SUBJECT" => SearchKey::Subject,
        b"BODY" => SearchKey::Body,
        b"TEXT" => SearchKey::Text,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
