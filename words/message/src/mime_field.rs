//! The fields that MIME adds to a header (RFC 2045, RFC 2183, RFC 3282, RFC 2557), made safe to
//! print in ASCII.

use crate::encode::{encode_words, percent_encode};
use crate::header::{Header, unfold};
use crate::mime_cursor::{Cursor, RawParam};

/// Parameters kept of one field.
pub const PARAMS_MAX: usize = 64;
/// Octets kept of the value of one parameter, and of each other text of a part.
pub const PART_TEXT_MAX: usize = 2048;
/// Octets of a boundary (RFC 2046 §5.1.1 allows 70); a longer one is as none.
pub const BOUNDARY_MAX: usize = 256;
/// Languages kept of `Content-Language`.
pub const LANGUAGES_MAX: usize = 32;

/// One parameter of a `Content-Type` or `Content-Disposition`.
///
/// Continuations and charsets (RFC 2231) are kept as sent. Where the sender wrote octets over 127
/// without saying what they are, they are written as RFC 2231 wants it, and the name gets its `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// As sent; printable ASCII.
    pub name: String,
    /// As meant, without quotes; printable ASCII.
    pub value: String,
}

/// A media type. The default is `text/plain; charset=us-ascii` (RFC 2045 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// In lower case: `text`.
    pub kind: String,
    /// In lower case: `plain`.
    pub subtype: String,
    /// In their order.
    pub params: Vec<Param>,
}

impl Default for ContentType {
    fn default() -> ContentType {
        let charset = Param { name: "charset".to_string(), value: "us-ascii".to_string() };
        ContentType { params: vec![charset], ..ContentType::plain("text", "plain") }
    }
}

impl ContentType {
    /// A type without parameters.
    pub(crate) fn plain(kind: &str, subtype: &str) -> ContentType {
        ContentType { kind: kind.to_string(), subtype: subtype.to_string(), params: Vec::new() }
    }

    /// Is it of that type and subtype, both given in lower case?
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// The value of the first parameter of that name, in any case of letters.
    pub fn param(&self, name: &str) -> Option<&str> {
        find_param(&self.params, name)
    }
}

/// What a part is for: `inline`, `attachment` (RFC 2183).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// In lower case.
    pub kind: String,
    /// In their order.
    pub params: Vec<Param>,
}

impl Disposition {
    /// The value of the first parameter of that name, in any case of letters.
    pub fn param(&self, name: &str) -> Option<&str> {
        find_param(&self.params, name)
    }
}

fn find_param<'a>(params: &'a [Param], name: &str) -> Option<&'a str> {
    params.iter().find(|p| p.name.eq_ignore_ascii_case(name)).map(|p| p.value.as_str())
}

/// Everything MIME says of a part in its header. Texts are printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MimeFields {
    /// The media type, or the default one.
    pub content_type: ContentType,
    /// `Content-ID`, with its angle brackets.
    pub id: Option<String>,
    /// `Content-Description`; octets over 127 become encoded words.
    pub description: Option<String>,
    /// `Content-Transfer-Encoding`, `7bit` if there is none.
    pub encoding: String,
    /// `Content-MD5`.
    pub md5: Option<String>,
    /// `Content-Disposition`.
    pub disposition: Option<Disposition>,
    /// `Content-Language`, in its order.
    pub languages: Vec<String>,
    /// `Content-Location`.
    pub location: Option<String>,
}

impl Default for MimeFields {
    fn default() -> MimeFields {
        MimeFields {
            content_type: ContentType::default(),
            id: None,
            description: None,
            encoding: "7bit".to_string(),
            md5: None,
            disposition: None,
            languages: Vec::new(),
            location: None,
        }
    }
}

impl MimeFields {
    /// Octets of all texts.
    pub(crate) fn text_length(&self) -> usize {
        let params = self.disposition.iter().flat_map(|d| &d.params);
        let params = params.chain(&self.content_type.params);
        let texts = [&self.id, &self.description, &self.md5, &self.location];
        params.map(|p| p.name.len() + p.value.len()).sum::<usize>()
            + texts.into_iter().flatten().chain(&self.languages).map(String::len).sum::<usize>()
            + self.disposition.as_ref().map_or(0, |d| d.kind.len())
            + self.content_type.kind.len()
            + self.content_type.subtype.len()
            + self.encoding.len()
    }

    /// Keeps only how the octets are to be read, each text short.
    pub(crate) fn forget_texts(&mut self) {
        let mut content_type = std::mem::take(&mut self.content_type);
        content_type
            .params
            .retain(|p| p.name.eq_ignore_ascii_case("charset") && p.value.len() <= 64);
        content_type.params.truncate(1);
        let mut encoding = std::mem::take(&mut self.encoding);
        for text in [&mut content_type.kind, &mut content_type.subtype, &mut encoding] {
            text.truncate(64);
        }
        *self = MimeFields { content_type, encoding, ..MimeFields::default() };
    }
}

/// What the scanner needs besides: the boundary as it will stand in the body.
pub(crate) struct Parsed {
    pub fields: MimeFields,
    pub boundary: Option<Vec<u8>>,
}

/// Reads the MIME fields of a header. `default` is the type of a part that names none.
pub(crate) fn parse_mime_fields(header: &[u8], default: ContentType) -> Parsed {
    let mut fields = MimeFields::default();
    let (mut content_type, mut boundary, mut has_encoding) = (None, None, false);
    for field in Header::new(header).fields() {
        let Some(name) = content_name(field.name) else { continue };
        let value = field.value;
        match name {
            Name::Type if content_type.is_none() => {
                let (parsed, raw_boundary) = parse_content_type(value);
                content_type = Some(parsed);
                boundary = raw_boundary;
            }
            Name::TransferEncoding if !has_encoding => {
                has_encoding = true;
                let token = Cursor::new(value).token();
                if !token.is_empty() {
                    fields.encoding = ascii(token);
                }
            }
            Name::Id => set_once(&mut fields.id, || Some(ascii(value))),
            Name::Description => set_once(&mut fields.description, || Some(description(value))),
            Name::Md5 => set_once(&mut fields.md5, || Some(ascii(value))),
            Name::Disposition => set_once(&mut fields.disposition, || parse_disposition(value)),
            Name::Language if fields.languages.is_empty() => fields.languages = languages(value),
            Name::Location => set_once(&mut fields.location, || Some(location(value))),
            Name::Type | Name::TransferEncoding | Name::Language => {}
        }
    }
    fields.content_type = content_type.unwrap_or(default);
    Parsed { fields, boundary }
}

fn set_once<T>(slot: &mut Option<T>, value: impl FnOnce() -> Option<T>) {
    if slot.is_none() {
        *slot = value();
    }
}

enum Name {
    Type,
    TransferEncoding,
    Id,
    Description,
    Md5,
    Disposition,
    Language,
    Location,
}

fn content_name(name: &[u8]) -> Option<Name> {
    let (prefix, rest) = name.split_at_checked("content-".len())?;
    if !prefix.eq_ignore_ascii_case(b"content-") {
        return None;
    }
    let named = |name: &str| rest.eq_ignore_ascii_case(name.as_bytes());
    Some(match () {
        () if named("type") => Name::Type,
        () if named("transfer-encoding") => Name::TransferEncoding,
        () if named("id") => Name::Id,
        () if named("description") => Name::Description,
        () if named("md5") => Name::Md5,
        () if named("disposition") => Name::Disposition,
        () if named("language") => Name::Language,
        () if named("location") => Name::Location,
        () => return None,
    })
}

/// `type "/" subtype *(";" parameter)`, or the default type if it is not that; and the boundary.
fn parse_content_type(value: &[u8]) -> (ContentType, Option<Vec<u8>>) {
    let mut cursor = Cursor::new(value);
    let kind = cursor.token();
    cursor.skip_blanks();
    let slash = cursor.eat(b'/');
    cursor.skip_blanks();
    let subtype = cursor.token();
    if kind.is_empty() || subtype.is_empty() || !slash {
        return (ContentType::default(), None);
    }
    let raw = cursor.params();
    let boundary = raw.iter().find(|p| p.name.eq_ignore_ascii_case(b"boundary"));
    let boundary = boundary.map(|p| p.value.trim_ascii_end().to_vec());
    let boundary = boundary.filter(|b| !b.is_empty() && b.len() <= BOUNDARY_MAX);
    let content_type = ContentType {
        kind: ascii(kind).to_ascii_lowercase(),
        subtype: ascii(subtype).to_ascii_lowercase(),
        params: raw.iter().map(RawParam::to_param).collect(),
    };
    (content_type, boundary)
}

fn parse_disposition(value: &[u8]) -> Option<Disposition> {
    let mut cursor = Cursor::new(value);
    let kind = ascii(cursor.token()).to_ascii_lowercase();
    if kind.is_empty() {
        return None;
    }
    Some(Disposition { kind, params: cursor.params().iter().map(RawParam::to_param).collect() })
}

fn languages(value: &[u8]) -> Vec<String> {
    let tags = value.split(|b| *b == b',').map(|tag| ascii(Cursor::new(tag).token()));
    tags.filter(|tag| !tag.is_empty()).take(LANGUAGES_MAX).collect()
}

fn description(value: &[u8]) -> String {
    let value = unfold(value);
    let value = &value[..value.len().min(PART_TEXT_MAX)];
    let mut out = Vec::new();
    encode_words(value, &mut out);
    ascii(&out)
}

/// A URI; folding may have put blanks into it (RFC 2557 §4.4.2).
fn location(value: &[u8]) -> String {
    let value: Vec<u8> = value.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    let mut out = String::new();
    percent_encode(&value[..value.len().min(PART_TEXT_MAX)], |b| b.is_ascii(), &mut out);
    ascii(out.as_bytes())
}

/// Printable ASCII: controls are taken out, octets over 127 become `?`.
fn ascii(text: &[u8]) -> String {
    let text = text.trim_ascii();
    let printable = text.iter().filter(|b| !b.is_ascii_control() || **b == b'\t');
    let char_of = |b: &u8| match b {
        b'\t' => ' ',
        b if b.is_ascii() => char::from(*b),
        _ => '?',
    };
    printable.take(PART_TEXT_MAX).map(char_of).collect()
}

impl RawParam {
    fn to_param(&self) -> Param {
        let name = ascii(&self.name);
        let value = &self.value[..self.value.len().min(PART_TEXT_MAX)];
        if value.is_ascii() {
            return Param { name, value: ascii(value) };
        }
        let starred = name.ends_with('*');
        let charset = if std::str::from_utf8(value).is_ok() { "utf-8" } else { "windows-1252" };
        let mut text = if name.contains('*') { String::new() } else { format!("{charset}''") };
        // In a value that was percent-encoded before, only the new octets are.
        let plain =
            |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b) || starred && b.is_ascii();
        percent_encode(value, plain, &mut text);
        Param {
            name: if starred { name } else { format!("{name}*") },
            value: ascii(text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Parsed {
        parse_mime_fields(header.as_bytes(), ContentType::default())
    }

    fn check_type(value: &str, expected: &str) {
        let found = parse(&format!("Content-Type: {value}\r\n")).fields.content_type;
        let params: String =
            found.params.iter().map(|p| format!("; {}={}", p.name, p.value)).collect();
        assert_eq!(format!("{}/{}{params}", found.kind, found.subtype), expected, "{value}");
    }

    #[test]
    fn content_types_of_every_spelling_are_read() {
        check_type("TEXT/Plain; charset=us-ascii (Plain text)", "text/plain; charset=us-ascii");
        check_type("text/plain; charset=\"us-ascii\"", "text/plain; charset=us-ascii");
        check_type("text / html ; a = b;c=\"d;e\"", "text/html; a=b; c=d;e");
        check_type("image/png;\r\n\tname=\"a \\\"b\\\".png\"", "image/png; name=a \"b\".png");
        check_type("a/b; name=my file.pdf; x=y", "a/b; name=my file.pdf; x=y");
        check_type("a/b; name=my (1).pdf", "a/b; name=my (1).pdf");
        check_type("(c (n)) a/b;;; x ; =y; z=", "a/b; z=");
        check_type("a/b; name*0*=utf-8''a%20; name*1=b", "a/b; name*0*=utf-8''a%20; name*1=b");
        check_type("a/b; name=\"a\u{f1}o\"", "a/b; name*=utf-8''a%C3%B1o");
        check_type("a/b; x=\"open", "a/b; x=open");
        check_type("a/b; x=\"nul\0\r\n here\"", "a/b; x=nul here");
    }

    #[test]
    fn what_is_no_type_is_plain_text() {
        for value in ["", "text", "/", "text/", ";a=b", "(open", "\0"] {
            check_type(value, "text/plain; charset=us-ascii");
        }
    }

    #[test]
    fn unlabelled_octets_become_windows_1252() {
        let header = b"Content-Disposition: attachment; filename=\"a\xf1o.pdf\"\r\n";
        let fields = parse_mime_fields(header, ContentType::default()).fields;
        let disposition = fields.disposition.unwrap();
        assert_eq!(disposition.param("FILENAME*"), Some("windows-1252''a%F1o.pdf"));
    }

    #[test]
    fn the_other_fields_are_read_and_ascii() {
        let fields = parse(
            "Content-ID: <1@x>\r\nContent-Description: a\u{f1}o\r\nContent-Transfer-Encoding: BASE64 (c)\r\n\
             Content-MD5: abc==\r\nContent-Language: es, en-GB ,\r\nContent-Location: http://x/\r\n a\u{f1}o\r\n\
             content-disposition: INLINE\r\nContent-ID: <2@x>\r\n",
        )
        .fields;
        assert_eq!(fields.id.as_deref(), Some("<1@x>"));
        assert_eq!(fields.description.as_deref(), Some("=?utf-8?Q?a=C3=B1o?="));
        assert_eq!(fields.encoding, "BASE64");
        assert_eq!(fields.md5.as_deref(), Some("abc=="));
        assert_eq!(fields.languages, ["es", "en-GB"]);
        assert_eq!(fields.location.as_deref(), Some("http://x/a%C3%B1o"));
        assert_eq!(fields.disposition.unwrap().kind, "inline");
    }

    #[test]
    fn a_boundary_is_taken_whole_or_not_at_all() {
        let boundary =
            |text: &str| parse(&format!("Content-Type: multipart/mixed; {text}\r\n")).boundary;
        assert_eq!(boundary("boundary=\"a b \""), Some(b"a b".to_vec()));
        assert_eq!(boundary("BOUNDARY=a=b/c"), Some(b"a=b/c".to_vec()));
        assert_eq!(boundary("boundary=\"\""), None);
        assert_eq!(
            boundary(&format!("boundary={}", "b".repeat(BOUNDARY_MAX))).map(|b| b.len()),
            Some(BOUNDARY_MAX)
        );
        assert_eq!(boundary(&format!("boundary={}", "b".repeat(BOUNDARY_MAX + 1))), None);
    }

    #[test]
    fn parameters_are_bounded() {
        let many: String = (0..1000).map(|n| format!("; p{n}=\"{}\"", "v".repeat(5000))).collect();
        let params = parse(&format!("Content-Type: a/b{many}\r\n")).fields.content_type.params;
        assert_eq!(params.len(), PARAMS_MAX);
        assert!(params.iter().all(|p| p.value.len() == PART_TEXT_MAX));
    }
}
