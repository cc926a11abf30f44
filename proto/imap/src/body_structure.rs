//! BODY and BODYSTRUCTURE (RFC 3501 §7.4.2, §9 `body`), printed from the tree of parts.

use crate::envelope;
use crate::print::{self, Utf8};
use words_message::{Content, Param, Part};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// BODY: without extension data.
    Body,
    /// BODYSTRUCTURE: with all of it.
    BodyStructure,
}

/// How a tree is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub form: Form,
    pub utf8: Utf8,
}

/// `body = "(" (body-type-1part / body-type-mpart) ")"`
///
/// Calls itself once a level; the scanner has cut the tree at `words_message::DEPTH_MAX`.
pub(crate) fn body(out: &mut Vec<u8>, part: &Part, style: Style) {
    out.push(b'(');
    match &part.content {
        Content::Multipart(children) => multipart(out, part, children, style),
        Content::Message { root, .. } => {
            basic(out, part);
            out.push(b' ');
            message(out, part, style.utf8);
            out.push(b' ');
            body(out, root, style);
            lines(out, part);
            single_extension(out, part, style);
        }
        Content::Leaf => {
            basic(out, part);
            if part.content_type().kind == "text" {
                lines(out, part);
            }
            single_extension(out, part, style);
        }
    }
    out.push(b')');
}

/// `body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]`
fn multipart(out: &mut Vec<u8>, part: &Part, children: &[Part], style: Style) {
    for child in children {
        body(out, child, style);
    }
    out.push(b' ');
    string(out, &part.content_type().subtype);
    if style.form == Form::BodyStructure {
        out.push(b' ');
        parameters(out, &part.content_type().params);
        common_extension(out, part);
    }
}

/// ```abnf
/// media-type  = media-basic SP media-subtype
/// body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
/// ```
fn basic(out: &mut Vec<u8>, part: &Part) {
    let fields = &part.fields;
    string(out, &fields.content_type.kind);
    out.push(b' ');
    string(out, &fields.content_type.subtype);
    out.push(b' ');
    parameters(out, &fields.content_type.params);
    for text in [&fields.id, &fields.description] {
        out.push(b' ');
        nstring(out, text.as_deref());
    }
    out.push(b' ');
    string(out, &fields.encoding);
    out.push(b' ');
    print::number(out, part.octets());
}

/// The envelope of a message in a message.
fn message(out: &mut Vec<u8>, part: &Part, utf8: Utf8) {
    match part.summary() {
        Some(summary) => envelope::of_summary(out, &summary, utf8),
        None => envelope::envelope(out, b"", utf8),
    }
}

fn lines(out: &mut Vec<u8>, part: &Part) {
    out.push(b' ');
    print::number(out, part.lines);
}

/// `body-ext-1part = body-fld-md5 SP body-fld-dsp SP body-fld-lang SP body-fld-loc`
fn single_extension(out: &mut Vec<u8>, part: &Part, style: Style) {
    if style.form == Form::BodyStructure {
        out.push(b' ');
        nstring(out, part.fields.md5.as_deref());
        common_extension(out, part);
    }
}

/// ```abnf
/// body-fld-dsp  = "(" string SP body-fld-param ")" / nil
/// body-fld-lang = nstring / "(" string *(SP string) ")"
/// body-fld-loc  = nstring
/// ```
fn common_extension(out: &mut Vec<u8>, part: &Part) {
    match &part.fields.disposition {
        None => out.extend_from_slice(b" NIL "),
        Some(disposition) => {
            out.extend_from_slice(b" (");
            string(out, &disposition.kind);
            out.push(b' ');
            parameters(out, &disposition.params);
            out.extend_from_slice(b") ");
        }
    }
    list(out, part.fields.languages.iter().map(String::as_str));
    out.push(b' ');
    nstring(out, part.fields.location.as_deref());
}

/// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
fn parameters(out: &mut Vec<u8>, params: &[Param]) {
    list(out, params.iter().flat_map(|param| [param.name.as_str(), param.value.as_str()]));
}

/// `"(" string *(SP string) ")" / nil`
fn list<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'a str>) {
    let start = out.len();
    for text in texts {
        out.push(if out.len() == start { b'(' } else { b' ' });
        string(out, text);
    }
    out.extend_from_slice(if out.len() == start { b"NIL" } else { b")" });
}

/// Texts of a part are ASCII already.
fn string(out: &mut Vec<u8>, text: &str) {
    print::string(out, text.as_bytes(), Utf8::Off);
}

fn nstring(out: &mut Vec<u8>, text: Option<&str>) {
    print::nstring(out, text.map(str::as_bytes), Utf8::Off);
}

#[cfg(test)]
mod tests {
    use super::*;
    use words_message::StructureScanner;

    fn printed(message: &str, form: Form) -> String {
        let mut scanner = StructureScanner::new();
        scanner.feed(message.as_bytes());
        let mut out = Vec::new();
        body(&mut out, &scanner.finish().root, Style { form, utf8: Utf8::Off });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plain_message_has_lines_and_defaults() {
        let message = "Subject: x\r\n\r\none\r\ntwo\r\n";
        let body = "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 2)";
        assert_eq!(printed(message, Form::Body), body);
        let structure = body.replace(')', "@").replacen("10 2@", "10 2 NIL NIL NIL NIL)", 1);
        assert_eq!(printed(message, Form::BodyStructure), structure.replace('@', ")"));
    }

    const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\r\nContent-Language: es, ca\r\n\r\n\
        --b\r\n\r\nhola\r\n\
        --b\r\nContent-Type: image/png; name=\"a b.png\"\r\nContent-ID: <1@x>\r\n\
        Content-Transfer-Encoding: base64\r\nContent-MD5: Q2hlY2s=\r\n\
        Content-Disposition: inline; filename=\"a b.png\"\r\nContent-Location: a.png\r\n\r\niVBOR\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n\
        --b--\r\n";

    #[test]
    fn every_kind_of_part_has_its_fields_and_all_extension_data() {
        assert_eq!(
            printed(MIXED, Form::BodyStructure),
            "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 0 NIL NIL NIL NIL)\
             (\"image\" \"png\" (\"name\" \"a b.png\") \"<1@x>\" NIL \"base64\" 5 \"Q2hlY2s=\" \
             (\"inline\" (\"filename\" \"a b.png\")) NIL \"a.png\")\
             (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 19 \
             (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) \
             (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 0 NIL NIL NIL NIL) \
             2 NIL NIL NIL NIL) \
             \"mixed\" (\"boundary\" \"b\") NIL (\"es\" \"ca\") NIL)"
        );
        assert!(printed(MIXED, Form::Body).ends_with(" 2) \"mixed\")"));
    }
}
