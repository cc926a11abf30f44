//! The messages: all of one follows from its number.

/// So begins an address that nobody has.
pub const GONE: &str = "gone.";
/// Who sends, and is told of what could not be delivered.
pub const SENDER: &str = "ana@mired.org";

/// What its recipient outside does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It has none.
    None,
    /// Takes it, sooner or later.
    Taken,
    /// There is nobody of that name.
    RefusedRecipient,
    /// Does not want it.
    RefusedMessage,
}

/// What is to become of a message outside.
pub fn wish(id: u64) -> Wish {
    match id % 24 {
        7 => Wish::RefusedRecipient,
        17 => Wish::RefusedMessage,
        n if n % 4 == 2 => Wish::None,
        _ => Wish::Taken,
    }
}

/// Is it for bob, too?
pub fn is_for_bob(id: u64) -> bool {
    matches!(id % 4, 2 | 3)
}

/// Whom it goes to outside.
pub fn sink_address(id: u64) -> String {
    match wish(id) {
        Wish::RefusedRecipient => format!("{GONE}{id}@sink.test"),
        _ => "r@sink.test".to_string(),
    }
}

/// All its recipients.
pub fn recipients(id: u64) -> Vec<String> {
    let outside = (wish(id) != Wish::None).then(|| sink_address(id));
    outside.into_iter().chain(is_for_bob(id).then(|| "bob@mired.org".to_string())).collect()
}

/// Its text below the header.
pub fn body(id: u64) -> String {
    // Every 50th is too large to travel inside the log.
    let lines = if id.is_multiple_of(50) { 5_000 } else { 10 + id % 90 };
    let mut body = String::new();
    for line in 0..lines {
        // Some begin with a dot.
        let dot = if line % 7 == 3 { "." } else { "" };
        body.push_str(&format!("{dot}{id} {line} {}\r\n", "x".repeat(60)));
    }
    body
}

/// The message as it is sent, with its last dot.
pub fn written(id: u64) -> String {
    format!(
        "From: {SENDER}\r\nTo: r@sink.test\r\nSubject: {id}\r\n\
         Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <relay.{id}@client.example>\r\n\r\n{}.\r\n",
        body(id).replace("\r\n.", "\r\n..")
    )
}

/// The number of the message that a text is, or gives back.
pub fn id_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("\nMessage-ID: <relay.")?;
    rest.split('@').next()?.parse().ok()
}
