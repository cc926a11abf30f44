//! Fixed and counted fields of stored records. Numbers are big-endian.

use words_base::Timestamp;

/// The octets of a record that are still to be read. Each step is `None` past the end.
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|a| a[0])
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn time(&mut self) -> Option<Timestamp> {
        self.array().map(|a| Timestamp::from_millis(i64::from_be_bytes(a)))
    }

    /// Two octets of length and so many.
    pub fn octets(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?.into();
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// The same, of UTF-8.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.octets()?).ok()
    }

    /// The record's value, if nothing of it is left over.
    pub fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// Writes what [`Reader`] reads.
pub(crate) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn new(version: u8) -> Writer {
        let mut octets = Vec::with_capacity(192);
        octets.push(version);
        Writer(octets)
    }

    pub fn u8(&mut self, number: u8) -> &mut Writer {
        self.0.push(number);
        self
    }

    pub fn u16(&mut self, number: u16) -> &mut Writer {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub fn u32(&mut self, number: u32) -> &mut Writer {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub fn u64(&mut self, number: u64) -> &mut Writer {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub fn time(&mut self, time: Timestamp) -> &mut Writer {
        self.0.extend_from_slice(&time.millis().to_be_bytes());
        self
    }

    /// Octets that fit: whoever calls this has a limit of its own below 65,536.
    pub fn octets(&mut self, octets: &[u8]) -> &mut Writer {
        let len = u16::try_from(octets.len()).unwrap_or(u16::MAX);
        self.u16(len);
        self.0.extend_from_slice(&octets[..len.into()]);
        self
    }

    pub fn text(&mut self, text: &str) -> &mut Writer {
        self.octets(text.as_bytes())
    }
}
