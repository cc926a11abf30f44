//! Dovecot's configuration: `key = value`, blocks, `!include`. What `doveconf -n` prints is the same
//! without includes.

/// One line or block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// `key = value`, quotes taken off.
    Setting {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// `kind name { … }`.
    Block {
        /// As in `passdb`, `namespace`, `protocol`.
        kind: String,
        /// As in `inbox`; often empty.
        name: String,
        /// What is in it.
        nodes: Vec<Node>,
    },
    /// `!include pattern`, `!include_try pattern`.
    Include {
        /// File name, relative to the file that says so; may hold `*`.
        pattern: String,
        /// May it be missing?
        optional: bool,
    },
}

/// Deepest nesting of blocks that is read.
const DEPTH_MAX: usize = 16;

/// Reads a text. Lines that make no sense are passed over; what a block without an end holds, it
/// holds to the end.
pub fn parse(text: &str) -> Vec<Node> {
    let mut open: Vec<(String, String, Vec<Node>)> = Vec::new();
    let mut nodes = Vec::new();
    for line in logical_lines(text) {
        if line == "}" {
            if let Some((kind, name, inner)) = open.pop() {
                let block = Node::Block { kind, name, nodes: inner };
                open.last_mut().map_or(&mut nodes, |(_, _, n)| n).push(block);
            }
            continue;
        }
        if let Some(head) = line.strip_suffix('{') {
            let (kind, name) = split_word(head.trim());
            // One that is nested too deeply is read as part of the one around it, which ends earlier.
            if open.len() < DEPTH_MAX {
                open.push((kind.to_string(), unquote(name.trim()), Vec::new()));
            }
            continue;
        }
        if let Some(node) = simple(&line) {
            open.last_mut().map_or(&mut nodes, |(_, _, n)| n).push(node);
        }
    }
    while let Some((kind, name, inner)) = open.pop() {
        let block = Node::Block { kind, name, nodes: inner };
        open.last_mut().map_or(&mut nodes, |(_, _, n)| n).push(block);
    }
    nodes
}

/// Lines without comments and without white space around them; those that end in a backslash go on.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let line = without_comment(line).trim();
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some(last) if goes_on => {
                last.push(' ');
                last.push_str(part);
            }
            _ if !part.is_empty() => lines.push(part.to_string()),
            _ => {}
        }
        goes_on = more;
    }
    lines
}

/// A comment begins at a `#` at the line's beginning or after white space, outside of quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut after_blank = true;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if after_blank => return &line[..at],
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        after_blank = c.is_ascii_whitespace();
    }
    line
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((text, ""))
}

fn unquote(text: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return inner.replace("\\\"", "\"").replace("\\\\", "\\");
        }
    }
    text.to_string()
}

fn simple(line: &str) -> Option<Node> {
    for (word, optional) in [("!include_try", true), ("!include", false)] {
        if let Some(pattern) = line.strip_prefix(word).filter(|p| p.starts_with([' ', '\t'])) {
            return Some(Node::Include { pattern: unquote(pattern.trim()), optional });
        }
    }
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let good = !key.is_empty() && !key.contains(|c: char| c.is_ascii_whitespace());
    good.then(|| Node::Setting { key: key.to_string(), value: unquote(value.trim()) })
}

/// The last value of a key at this level, later lines winning.
pub fn setting<'a>(nodes: &'a [Node], key: &str) -> Option<&'a str> {
    nodes.iter().rev().find_map(|node| match node {
        Node::Setting { key: k, value } if k == key => Some(value.as_str()),
        _ => None,
    })
}

/// Blocks of a kind at this level, in order.
pub fn blocks<'a>(nodes: &'a [Node], kind: &str) -> Vec<(&'a str, &'a [Node])> {
    let block = |node: &'a Node| match node {
        Node::Block { kind: k, name, nodes } if k == kind => Some((name.as_str(), &nodes[..])),
        _ => None,
    };
    nodes.iter().filter_map(block).collect()
}

/// What a variable stands for: `%u` the whole name, `%n` before the `@`, `%d` behind it, `%h` the home
/// directory, `%%` a percent sign; `%L` before a letter asks for lower case, as in `%Lu`, and newer
/// forms write `%{user}`. Widths like `%1n` cut. `None`: it asks for something else.
pub fn expand(text: &str, user: &str, home: &str) -> Option<String> {
    let (name, domain) = user.split_once('@').unwrap_or((user, ""));
    let by_letter = |letter: char| match letter {
        'u' => Some(user),
        'n' => Some(name),
        'd' => Some(domain),
        'h' => Some(home),
        _ => None,
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        if let Some((long, after)) = after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            let letter = match long {
                "user" => 'u',
                "user | username" | "username" => 'n',
                "user | domain" | "domain" => 'd',
                "home" => 'h',
                _ => return None,
            };
            out.push_str(by_letter(letter)?);
            rest = after;
            continue;
        }
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (width, after) = after.split_at(digits);
        let (lower, after) = after.strip_prefix('L').map_or((false, after), |after| (true, after));
        let letter = after.chars().next()?;
        let value = by_letter(letter)?;
        let value = if lower { value.to_lowercase() } else { value.to_string() };
        let width = if width.is_empty() { usize::MAX } else { width.parse().ok()? };
        out.extend(value.chars().take(width));
        rest = &after[letter.len_utf8()..];
    }
    out.push_str(rest);
    match out.strip_prefix('~') {
        Some(below) if below.is_empty() || below.starts_with('/') => Some(format!("{home}{below}")),
        _ => Some(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read() {
        let text = "# 2.3\nmail_location = maildir:~/Maildir # here\nbase = \"a # b\"\n\
            passdb {\n  driver = passwd-file\n  args = scheme=CRYPT \\\n   /etc/users\n}\n\
            namespace inbox {\n inbox = yes\n mailbox Sent {\n special_use = \\Sent\n }\n}\n\
            !include conf.d/*.conf\n!include_try local.conf\nnonsense\nmail_location = mbox:~/mail\n";
        let nodes = parse(text);
        assert_eq!(setting(&nodes, "mail_location"), Some("mbox:~/mail"));
        assert_eq!(setting(&nodes, "base"), Some("a # b"));
        let passdb = blocks(&nodes, "passdb");
        assert_eq!(setting(passdb[0].1, "args"), Some("scheme=CRYPT /etc/users"));
        let (name, inbox) = blocks(&nodes, "namespace")[0];
        assert_eq!((name, setting(inbox, "inbox")), ("inbox", Some("yes")));
        let (sent, inner) = blocks(inbox, "mailbox")[0];
        assert_eq!((sent, setting(inner, "special_use")), ("Sent", Some("\\Sent")));
        let include = |pattern: &str, optional| Node::Include { pattern: pattern.into(), optional };
        assert!(nodes.contains(&include("conf.d/*.conf", false)));
        assert!(nodes.contains(&include("local.conf", true)));
    }

    #[test]
    fn broken_blocks_lose_nothing() {
        let nodes = parse("}\na {\nb {\nx = 1\n");
        let (_, a) = blocks(&nodes, "a")[0];
        assert_eq!(setting(blocks(a, "b")[0].1, "x"), Some("1"));
        parse(&"a {\n".repeat(10_000));
    }

    #[test]
    fn variables_are_expanded() {
        for (text, want) in [
            ("maildir:~/Maildir", Some("maildir:~/Maildir")),
            ("~/Maildir", Some("/home/Ana/Maildir")),
            ("/var/vmail/%d/%n", Some("/var/vmail/Mired.org/Ana")),
            ("/v/%Ld/%Lu/%1n", Some("/v/mired.org/ana@mired.org/A")),
            ("%h/%%x", Some("/home/Ana/%x")),
            ("/v/%{domain}/%{username}", Some("/v/Mired.org/Ana")),
            ("/v/%{sha1:user}", None),
            ("/v/%x", None),
            ("/v/%", None),
        ] {
            let got = expand(text, "Ana@Mired.org", "/home/Ana");
            assert_eq!(got.as_deref(), want, "{text}");
        }
    }
}
