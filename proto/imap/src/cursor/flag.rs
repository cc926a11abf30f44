//! Flags in commands.

use super::Cursor;
use crate::print::is_atom_char;
use words_base::SyntaxError;
use words_mail::{Flags, Keyword, SystemFlag};

const EXPECTED: &str = "a flag like \\Seen or $Forwarded";

impl Cursor<'_> {
    /// `flag-list = "(" [flag *(SP flag)] ")"`
    pub fn flag_list(&mut self) -> Result<Flags, SyntaxError> {
        let mut flags = Flags::new();
        self.list(|cursor| cursor.flag(&mut flags))?;
        Ok(flags)
    }

    /// `store-att-flags`: a list, or flags without brackets up to the end.
    pub fn flags(&mut self) -> Result<Flags, SyntaxError> {
        if self.peek() == Some(b'(') {
            return self.flag_list();
        }
        let mut flags = Flags::new();
        self.flag(&mut flags)?;
        while !self.is_at_end() {
            self.space()?;
            self.flag(&mut flags)?;
        }
        Ok(flags)
    }

    /// ```abnf
    /// flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
    /// ```
    /// Flag extensions are dropped, `\Recent` with them: clients send inventions like `\Forwarded`,
    /// and would lose the message if told BAD.
    fn flag(&mut self, flags: &mut Flags) -> Result<(), SyntaxError> {
        let start = self.at();
        let backslash = self.take(b'\\');
        let name = String::from_utf8_lossy(self.take_while(is_atom_char)).into_owned();
        if backslash {
            if name.is_empty() {
                return Err(SyntaxError::new(start, EXPECTED));
            }
            if let Some(flag) = SystemFlag::parse(&format!("\\{name}")) {
                flags.insert(flag);
            }
            return Ok(());
        }
        flags.insert_keyword(Keyword::parse(&name).ok_or(SyntaxError::new(start, EXPECTED))?);
        Ok(())
    }

    /// `flag-keyword = atom`
    pub fn keyword(&mut self) -> Result<Flags, SyntaxError> {
        let mut flags = Flags::new();
        self.flag(&mut flags)?;
        Ok(flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::Utf8;

    #[test]
    fn flags_are_read_with_and_without_brackets() {
        for (text, want) in [
            ("(\\Seen \\deleted $Junk)", Some("\\Deleted \\Seen $Junk")),
            ("\\Seen NonJunk", Some("\\Seen NonJunk")),
            ("(\\Forwarded \\Recent Junk)", Some("Junk")),
            ("()", Some("")),
            ("(\\)", None),
            ("(a", None),
            ("", None),
            ("(\"x\")", None),
        ] {
            let read = Cursor::new(text.as_bytes(), Utf8::Off).flags().ok();
            assert_eq!(read.map(|f| f.to_string()).as_deref(), want, "{text}");
        }
    }
}
