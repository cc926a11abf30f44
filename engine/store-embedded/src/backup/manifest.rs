//! A manifest: what one backup consists of, in lines of text, with a checksum at the end.

use crate::base::Mark;
use crate::log::Position;
use std::fmt::Write;

/// The first line; also what the directory's `VERSION` file says.
pub const FORMAT: &str = "estafeta backup 1";

/// What a file of a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The metadata: a dump, numbered as the backup that made it.
    Metadata,
    /// A sealed segment.
    Segment,
    /// A piece of the segment that was still being written.
    Tail,
    /// A large body.
    Large,
}

impl Kind {
    /// Every one.
    pub const ALL: [Kind; 4] = [Kind::Metadata, Kind::Segment, Kind::Tail, Kind::Large];

    /// The directory of such files, and the word for them in a manifest.
    pub fn directory(self) -> &'static str {
        match self {
            Kind::Metadata => "meta",
            Kind::Segment => "seg",
            Kind::Tail => "tail",
            Kind::Large => "large",
        }
    }
}

/// A file of a backup. Its name says its number and its checksum, so that files of one number from
/// stores that went different ways do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct File {
    /// What it holds.
    pub kind: Kind,
    /// Number of the segment or of the body.
    pub number: u64,
    /// For a piece of a segment: octets of the segment before it.
    pub from: u64,
    /// Octets.
    pub len: u64,
    /// CRC32C of all of them.
    pub crc: u32,
    /// What tells that a file of the store is the same without reading it: the checksum of the
    /// segment's seal, or of the body's block checksums. 0 if that is not known.
    pub mark: u32,
}

impl File {
    /// Relative to the backup directory.
    pub fn path(&self) -> String {
        let File { kind, number, from, crc, .. } = self;
        match kind {
            Kind::Tail => format!("{}/{number:016x}-{from:016x}-{crc:08x}", kind.directory()),
            _ => format!("{}/{number:016x}-{crc:08x}", kind.directory()),
        }
    }

    /// Number and checksum in a file's name, if it is of this kind and complete.
    pub fn of_name(kind: Kind, name: &str) -> Option<(u64, u64, u32)> {
        let mut parts = name.split('-');
        let number = hex(parts.next(), 16)?;
        let from = match kind {
            Kind::Tail => hex(parts.next(), 16)?,
            Kind::Metadata | Kind::Segment | Kind::Large => 0,
        };
        let crc = u32::try_from(hex(parts.next(), 8)?).ok()?;
        parts.next().is_none().then_some((number, from, crc))
    }
}

/// The number in a part of a name, which has just so many digits.
fn hex(part: Option<&str>, len: usize) -> Option<u64> {
    let part = part.filter(|part| part.len() == len)?;
    u64::from_str_radix(part, 16).ok()
}

/// What one backup consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Which one it is, from 1.
    pub number: u64,
    /// When it began, in milliseconds since 1970.
    pub begun: u64,
    /// The moment of the store that it holds.
    pub mark: Mark,
    /// Bodies,
    pub bodies: u64,
    /// and their octets.
    pub body_bytes: u64,
    /// Octets that were copied for it, and those that are linked.
    pub copied: u64,
    /// Octets of files that it shares with the store.
    pub linked: u64,
    /// What of the store was damaged already; it is damaged or missing here too.
    pub damage: Vec<String>,
    /// Every file.
    pub files: Vec<File>,
}

impl Manifest {
    /// Octets of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.len).sum()
    }

    /// Its text.
    pub fn encode(&self) -> String {
        let Mark { position, sequence, next_blob, generation } = self.mark;
        let Position { segment, offset } = position;
        let mut text = format!("{FORMAT}\nnumber {}\nbegun {}\n", self.number, self.begun);
        let _ = writeln!(text, "mark {segment} {offset} {sequence} {next_blob} {generation}");
        let _ = writeln!(text, "bodies {} {}", self.bodies, self.body_bytes);
        let _ = writeln!(text, "copied {} {}", self.copied, self.linked);
        for what in &self.damage {
            let _ = writeln!(text, "damage {}", what.replace(['\r', '\n'], " "));
        }
        for File { kind, number, from, len, crc, mark } in &self.files {
            let kind = kind.directory();
            let _ = writeln!(text, "{kind} {number:016x} {from:x} {len} {crc:08x} {mark:08x}");
        }
        let crc = crc32c::crc32c(text.as_bytes());
        let _ = writeln!(text, "end {} {crc:08x}", self.files.len());
        text
    }

    /// Reads it; the error says what is wrong.
    pub fn decode(text: &[u8]) -> Result<Manifest, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is no text")?;
        let whole = text.strip_suffix('\n').ok_or("its last line is not whole")?;
        let (front, last) = whole.rsplit_once('\n').ok_or("it is cut off")?;
        let front = &text[..front.len() + 1];
        let mut lines = front.lines();
        match lines.next() {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(format!("it has format {other:?}, this build reads {FORMAT:?}"));
            }
            None => return Err("it is empty".into()),
        }
        let mut manifest = Manifest::EMPTY;
        for line in lines {
            manifest.take(line).ok_or_else(|| format!("a line is not known: {line:?}"))?;
        }
        let end = format!("end {} {:08x}", manifest.files.len(), crc32c::crc32c(front.as_bytes()));
        match last == end {
            true => Ok(manifest),
            false => Err("its checksum does not match".into()),
        }
    }

    const EMPTY: Manifest = Manifest {
        number: 0,
        begun: 0,
        mark: Mark::NEW,
        bodies: 0,
        body_bytes: 0,
        copied: 0,
        linked: 0,
        damage: Vec::new(),
        files: Vec::new(),
    };

    fn take(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        let mut parts = rest.split(' ');
        let mut number = || parts.next()?.parse::<u64>().ok();
        match word {
            "number" => self.number = number()?,
            "begun" => self.begun = number()?,
            "mark" => {
                let position = Position { segment: number()?, offset: number()? };
                let (sequence, next_blob) = (number()?, number()?);
                let generation = u32::try_from(number()?).ok()?;
                self.mark = Mark { position, sequence, next_blob, generation };
            }
            "bodies" => (self.bodies, self.body_bytes) = (number()?, number()?),
            "copied" => (self.copied, self.linked) = (number()?, number()?),
            "damage" => self.damage.push(rest.to_owned()),
            word => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.directory() == word)?;
                let mut hex = || u64::from_str_radix(parts.next()?, 16).ok();
                let (number, from) = (hex()?, hex()?);
                let len = parts.next()?.parse().ok()?;
                let mut hex = || u32::from_str_radix(parts.next()?, 16).ok();
                let (crc, mark) = (hex()?, hex()?);
                self.files.push(File { kind, number, from, len, crc, mark });
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let file = |kind, number, from| File {
            kind,
            number,
            from,
            len: 1 << 33,
            crc: 0x00ab_cdef,
            mark: 7,
        };
        Manifest {
            number: 12,
            begun: 1_795_508_984_000,
            mark: Mark {
                position: Position { segment: 5, offset: 8192 },
                sequence: 1 << 40,
                next_blob: 77,
                generation: u32::MAX,
            },
            bodies: 3,
            body_bytes: 4_000,
            copied: 10,
            linked: 20,
            damage: vec!["seg/5 at octet 7: a checksum\nin two lines".into()],
            files: vec![
                file(Kind::Metadata, 12, 0),
                file(Kind::Segment, u64::MAX, 0),
                file(Kind::Tail, 5, 4096),
                file(Kind::Large, 1, 0),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut expected = manifest();
        let text = expected.encode();
        expected.damage = vec!["seg/5 at octet 7: a checksum in two lines".into()];
        assert_eq!(Manifest::decode(text.as_bytes()), Ok(expected));
    }

    #[test]
    fn cut_or_altered_anywhere_it_is_refused() {
        let text = manifest().encode().into_bytes();
        for at in 0..text.len() {
            assert!(Manifest::decode(&text[..at]).is_err(), "cut at {at}");
            let mut altered = text.clone();
            altered[at] ^= 1;
            assert!(Manifest::decode(&altered).is_err(), "altered at {at}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for file in manifest().files {
            let path = file.path();
            let (directory, name) = path.split_once('/').expect("a directory");
            assert_eq!(directory, file.kind.directory());
            assert_eq!(File::of_name(file.kind, name), Some((file.number, file.from, file.crc)));
            for wrong in [format!("{name}.new"), format!("{name}-0"), name[1..].to_owned()] {
                assert_eq!(File::of_name(file.kind, &wrong), None, "{wrong}");
            }
        }
    }
}
