//! RFC 5322 and MIME: bytes to parts; lenient in, strict out.
