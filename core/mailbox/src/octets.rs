//! Reading fixed and counted fields of stored records. Numbers are big-endian.

/// The octets of a record that are still to be read. Each step is `None` past the end.
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `len` octets.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next `N` octets.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    /// One octet.
    #[inline]
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|a| a[0])
    }

    /// Four octets.
    #[inline]
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight octets.
    #[inline]
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Eight octets, signed.
    #[inline]
    pub fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// Has everything been read?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A counter's value as [`core_store::Batch::assign`] keeps it; 0 if it has none.
pub(crate) fn counter(value: Option<&bytes::Bytes>) -> u64 {
    value.and_then(|v| Reader(v).u64()).unwrap_or(0)
}

/// The numbers that [`core_store::Batch::add`] keeps: little-endian, missing ones are 0.
pub(crate) fn sums<const N: usize>(value: Option<&bytes::Bytes>) -> [i64; N] {
    let mut numbers = [0; N];
    let octets = value.map(|v| v.as_ref()).unwrap_or_default();
    for (number, octets) in numbers.iter_mut().zip(octets.as_chunks::<8>().0) {
        *number = i64::from_le_bytes(*octets);
    }
    numbers
}
