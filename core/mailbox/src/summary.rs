//! What is kept of a header beside the message.

use words_message::Summary;

/// The encoded summary of a header section.
pub(crate) fn encode(header: &[u8]) -> Vec<u8> {
    Summary::of_header(header).encode()
}
