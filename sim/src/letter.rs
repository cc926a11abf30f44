//! What is sent: letters that can be told apart, and told from damaged ones.

use core_store::suite::Dice;
use std::rc::Rc;

/// A letter's number: no two are alike.
pub type Token = u64;

/// A letter as it was sent.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its number.
    pub token: Token,
    /// All its octets, lines ended by CRLF.
    pub octets: Rc<Vec<u8>>,
}

/// The field that holds the number.
const FIELD: &str = "X-Letter: ";

impl Letter {
    /// Makes one up.
    pub fn write(token: Token, dice: &mut Dice) -> Letter {
        let size = match dice.below(80) {
            0 => 266_000 + dice.below(30_000),
            1 => 66_000 + dice.below(70_000),
            2..10 => 2_000 + dice.below(16_000),
            _ => 40 + dice.below(900),
        } as usize;
        let mut text = format!(
            "From: <sender@client.example>\r\nTo: <list@mired.org>\r\nSubject: letter {token}\r\n\
             Message-ID: <{token}@client.example>\r\n{FIELD}{token}\r\n\r\n"
        );
        while text.len() < size {
            match dice.below(6) {
                // To be stuffed on the wire.
                0 => text.push_str(".\r\n"),
                1 => text.push_str("..dots\r\n"),
                2 => text.push_str("\r\n"),
                _ => {
                    let number = dice.roll();
                    let line = format!("{number:016x} {token} ");
                    text.push_str(&line.repeat(1 + dice.below(3) as usize));
                    text.push_str("\r\n");
                }
            }
        }
        Letter { token, octets: Rc::new(text.into_bytes()) }
    }
}

/// The number of the letter in stored octets.
pub fn token(octets: &[u8]) -> Option<Token> {
    let text = String::from_utf8_lossy(&octets[..octets.len().min(4_000)]);
    let (_, rest) = text.split_once(FIELD)?;
    rest.split("\r\n").next()?.parse().ok()
}
