//! A segment frame by frame, going on behind what is damaged.

use crate::files::{Files, Name, SEGMENTS};
use crate::frame::{Header, Kind};
use crate::log::{Found, Position, Scanner};
use std::collections::HashSet;
use std::io;

/// The marks of frames that openings of this store have written. A body may hold octets that look like
/// a frame; but nobody outside knows a mark.
pub type Generations = HashSet<u32>;

/// What a walk comes upon.
#[derive(Debug)]
pub enum Met {
    /// A frame with a good header.
    Frame {
        /// Its header.
        header: Header,
        /// Where it is.
        offset: u64,
    },
    /// From `offset` to `end` nothing can be made out.
    Gap {
        /// Where it begins.
        offset: u64,
        /// Where the next frame is, or the file ends.
        end: u64,
        /// What is wrong.
        what: &'static str,
    },
}

/// A walk through a segment.
pub struct Walk<'a> {
    /// Gives the payloads.
    pub scanner: Scanner,
    generations: &'a Generations,
    ended: bool,
}

impl Walk<'_> {
    /// Begins at `position`.
    pub fn new<'a>(
        files: &Files,
        position: Position,
        generations: &'a Generations,
    ) -> io::Result<Walk<'a>> {
        let file = files.get(Name::Segment(position.segment))?;
        Ok(Walk { scanner: Scanner::new(file, position), generations, ended: false })
    }

    /// The next frame or gap; `None` behind the seal or the last frame.
    pub fn next(&mut self) -> io::Result<Option<Met>> {
        if self.ended {
            return Ok(None);
        }
        let offset = self.scanner.offset();
        let what = match self.scanner.next()? {
            Found::Frame { header, offset } => {
                self.ended = header.kind == Kind::Seal;
                return Ok(Some(Met::Frame { header, offset }));
            }
            Found::Blank => "nothing is here, though frames follow",
            Found::Bad(what) => what,
        };
        let is_blank = what.starts_with("nothing");
        let found = self.scanner.skip_to(self.generations)?;
        self.ended = !found;
        if !found && is_blank {
            return Ok(None);
        }
        Ok(Some(Met::Gap { offset, end: self.scanner.offset(), what }))
    }
}

/// The marks met in all segments before the first damage in each, and `known`.
pub fn generations(files: &Files, known: Option<u32>) -> Generations {
    let mut generations: Generations = known.into_iter().collect();
    for segment in files.numbers(SEGMENTS).unwrap_or_default() {
        let Ok(file) = files.get(Name::Segment(segment)) else { continue };
        let mut scanner = Scanner::new(file, Position { segment, offset: 0 });
        while let Ok(Found::Frame { header, .. }) = scanner.next() {
            generations.insert(header.generation);
            if header.kind == Kind::Seal {
                break;
            }
        }
    }
    generations
}
