//! A client that speaks lines.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub struct Client {
    stream: BufReader<TcpStream>,
    tag: u32,
}

impl Client {
    pub fn connect(port: u16) -> Client {
        Client::try_connect(port).unwrap()
    }

    pub fn try_connect(port: u16) -> std::io::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::with_capacity(64 * 1024, stream), tag: 0 })
    }

    /// Sends a line; its CRLF is added.
    pub fn send(&mut self, line: &str) {
        self.try_send(format!("{line}\r\n").as_bytes()).unwrap();
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// The next line without its CRLF; `None` when the server has closed.
    pub fn read_line(&mut self) -> Option<String> {
        self.try_read_line().unwrap()
    }

    pub fn try_read_line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = line.strip_suffix(b"\r\n").expect("lines end in CRLF");
        Ok(Some(String::from_utf8_lossy(text).into_owned()))
    }

    pub fn read_exact(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// An SMTP reply: its code, when its last line has come.
    pub fn reply(&mut self) -> std::io::Result<(u16, String)> {
        loop {
            let Some(line) = self.try_read_line()? else {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            };
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|c| c.parse().ok()).unwrap_or(0);
                return Ok((code, line));
            }
        }
    }

    /// Reads whatever has come, without waiting for more; an error if the server has closed.
    pub fn drain(&mut self) -> std::io::Result<()> {
        self.stream.get_ref().set_nonblocking(true)?;
        let mut bytes = [0; 65_536];
        let result = loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => break Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        self.stream.get_ref().set_nonblocking(false)?;
        result
    }

    /// Sends a command, wants this code.
    pub fn smtp(&mut self, line: &str, code: u16) -> String {
        self.send(line);
        let (got, text) = self.reply().unwrap();
        assert_eq!(got, code, "{line}: {text}");
        text
    }

    /// An IMAP command: its untagged lines (literals joined in) when its OK has come.
    pub fn imap(&mut self, command: &str) -> Vec<String> {
        let (lines, rest) = self.imap_answer(command);
        assert!(rest.starts_with("OK"), "{command}: {rest}");
        lines
    }

    /// An IMAP command: its untagged lines, and what its own line says behind the tag.
    pub fn imap_answer(&mut self, command: &str) -> (Vec<String>, String) {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.send(&format!("{tag} {command}"));
        let mut lines = Vec::new();
        loop {
            let mut line = self.read_line().expect("closed");
            while let Some(count) = literal(&line) {
                line.push_str("\r\n");
                line.push_str(&String::from_utf8_lossy(&self.read_exact(count)));
                line.push_str(&self.read_line().expect("closed"));
            }
            if let Some(rest) = line.strip_prefix(&format!("{tag} ")) {
                return (lines, rest.to_string());
            }
            lines.push(line);
        }
    }
}

fn literal(line: &str) -> Option<usize> {
    line.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}
