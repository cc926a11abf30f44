//! How records are written: numbers big-endian, texts with their length in front.

use words_base::Timestamp;

/// Writes one record, version first.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// A record of that version.
    pub(crate) fn new(version: u8) -> Writer {
        Writer(vec![version])
    }

    /// One octet.
    pub(crate) fn octet(&mut self, octet: u8) -> &mut Writer {
        self.0.push(octet);
        self
    }

    /// Four octets.
    pub(crate) fn number32(&mut self, number: u32) -> &mut Writer {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Eight octets.
    pub(crate) fn number64(&mut self, number: u64) -> &mut Writer {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Eight octets: milliseconds since 1970.
    pub(crate) fn time(&mut self, time: Timestamp) -> &mut Writer {
        self.number64(time.millis().cast_unsigned())
    }

    /// One octet that tells whether there is one, and eight for it if so.
    pub(crate) fn maybe64(&mut self, number: Option<u64>) -> &mut Writer {
        self.octet(u8::from(number.is_some()));
        if let Some(number) = number {
            self.number64(number);
        }
        self
    }

    /// Two octets of length and the octets; longer ones are cut, which no caller lets happen.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0.extend_from_slice(&bytes[..usize::from(len)]);
        self
    }

    /// A text, written as it prints.
    pub(crate) fn text(&mut self, text: &impl ToString) -> &mut Writer {
        self.bytes(text.to_string().as_bytes())
    }

    /// The record.
    pub(crate) fn done(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// Reads one record back. `None` anywhere: it is not what was written.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The record's version, and its fields.
    pub(crate) fn open(record: &'a [u8]) -> Option<(u8, Reader<'a>)> {
        let mut reader = Reader(record);
        Some((reader.octet()?, reader))
    }

    /// The record's fields, if it is of that version.
    pub(crate) fn new(version: u8, record: &'a [u8]) -> Option<Reader<'a>> {
        Reader::open(record).filter(|(found, _)| *found == version).map(|(_, reader)| reader)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// One octet.
    pub(crate) fn octet(&mut self) -> Option<u8> {
        self.array::<1>().map(|[octet]| octet)
    }

    /// One octet, 0 or 1.
    pub(crate) fn truth(&mut self) -> Option<bool> {
        match self.octet()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// Four octets.
    pub(crate) fn number32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight octets.
    pub(crate) fn number64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// What [`Writer::time`] wrote.
    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        Some(Timestamp::from_millis(self.number64()?.cast_signed()))
    }

    /// What [`Writer::maybe64`] wrote.
    pub(crate) fn maybe64(&mut self) -> Option<Option<u64>> {
        Some(if self.truth()? { Some(self.number64()?) } else { None })
    }

    /// What [`Writer::bytes`] wrote.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.array().map(u16::from_be_bytes)?;
        self.take(usize::from(len))
    }

    /// What [`Writer::text`] wrote.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// `value`, if nothing is left over.
    pub(crate) fn done<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}
