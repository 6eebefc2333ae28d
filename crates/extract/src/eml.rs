//! Mails: who wrote to whom, when, and what is new in it; text that is attached is read, of other
//! attachments there are the names alone. [`thread`] knows what repeats the mails before.

use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use replyx_core::knowledge::{DocumentKind, DocumentWarning, WarningCode};

use super::{
    Extracted, Unreadable, detect,
    encoding::{decode, utf16},
    html,
    writer::{Writer, one_line},
};

/// A forwarded mail inside a forwarded mail is read, and no deeper.
const DEEPEST: u8 = 2;
/// How a mail says that another one is inside.
const NESTED: &[u8] = b"message/rfc822";
/// More mails than this inside one another would exhaust the parser's stack.
const MAX_NESTED: usize = 100;
/// Most attachments that are named.
const MAX_ATTACHMENTS: usize = 100;
/// So many attached texts of a mail are read.
const MAX_TEXTS: usize = 20;
/// Attached texts that are longer are only named, bytes.
const LONGEST_TEXT: usize = 2 * 1024 * 1024;
/// Most names of a recipients' line.
const MAX_NAMES: usize = 50;

mod thread;

/// Reads a mail: the subject is its title, the plain text its body; the HTML is read where there is
/// no plain text, or where that is a stub.
pub(super) fn eml(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let narrow = narrow(bytes);
    let bytes = narrow.as_deref().unwrap_or(bytes);
    let nested = bytes.windows(NESTED.len()).filter(|at| at.eq_ignore_ascii_case(NESTED)).count();
    if nested > MAX_NESTED {
        return Err(Unreadable::TooComplex);
    }
    let message = MessageParser::default().parse(bytes).ok_or(Unreadable::Damaged)?;
    let mut writer = Writer::new(DocumentKind::Eml);
    if let Some(subject) = message.subject() {
        writer.title(subject);
    }
    let mut attached = Vec::new();
    write(&message, 0, &mut writer, &mut attached);
    if !attached.is_empty() {
        let files = if attached.len() == 1 { "an attachment is" } else { "attachments are" };
        let detail = format!("{files} named, but not read: upload what should be known");
        writer.warn(DocumentWarning::names(WarningCode::AttachmentsSkipped, attached, detail));
    }
    writer.finish()
}

/// A mail that was saved in UTF-16 as a whole, as other mails are.
fn narrow(bytes: &[u8]) -> Option<Vec<u8>> {
    /// What keeps its own encoding, whatever stands around it.
    const CODED: [&str; 2] = ["base64", "quoted-printable"];
    let marked = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    if !marked && utf16(bytes).is_none() {
        return None;
    }
    let text = decode(bytes);
    let lower = text.to_ascii_lowercase();
    if CODED.iter().any(|coding| lower.contains(coding)) {
        return Some(text.into_bytes());
    }
    // What its head says of the encoding has been true of the file that it is no longer.
    let mut said = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, found) in lower.match_indices("utf-16") {
        said.push_str(&text[rest..at]);
        rest = at + found.len();
        let is_charset = lower[..at].trim_end_matches(['"', '\'']).ends_with("charset=");
        let tail = &lower[rest..];
        if is_charset && (tail.starts_with("le") || tail.starts_with("be")) {
            rest += 2;
        }
        said.push_str(if is_charset { "utf-8" } else { &text[at..at + found.len()] });
    }
    said.push_str(&text[rest..]);
    Some(said.into_bytes())
}

fn write(message: &Message<'_>, depth: u8, writer: &mut Writer, attached: &mut Vec<String>) {
    if let Some(subject) = message.subject() {
        writer.heading(depth + 1, subject);
    }
    writer.paragraph(&head(message));
    let forwarded = message.subject().is_some_and(thread::is_forwarded);
    let page = message.html_bodies().find_map(|part| match &part.body {
        PartType::Html(page) => Some(page.as_ref()),
        _ => None,
    });
    let own_page = |page: &str| {
        if forwarded { page.to_owned() } else { thread::own_page(page).to_owned() }
    };
    let is_stub =
        |plain: &str| page.is_some_and(|page| thread::is_stub(plain, &words(&own_page(page))));

    for part in message.text_bodies() {
        match &part.body {
            PartType::Html(page) => html::write(&own_page(page), None, writer),
            PartType::Text(text) => {
                let text = text_of(part, text, message, depth);
                let own = if forwarded { text } else { thread::own(&text) };
                match page {
                    Some(page) if is_stub(&own) => html::write(&own_page(page), None, writer),
                    _ => paragraphs(&own, writer),
                }
            }
            _ => {}
        }
    }

    let mut texts = 0;
    for part in message.attachments().take(MAX_ATTACHMENTS) {
        match &part.body {
            PartType::Message(nested) if depth < DEEPEST => {
                write(nested, depth + 1, writer, attached);
            }
            _ => {
                let Some(name) = part.attachment_name() else { continue };
                let text =
                    Some(part.contents()).filter(|_| texts < MAX_TEXTS && is_text(part, name));
                let text = text.and_then(|bytes| read_text(name, bytes));
                if let Some(text) = text {
                    texts += 1;
                    writer.heading(depth + 2, name);
                    paragraphs(&text, writer);
                } else {
                    writer.item(0, None, &format!("Attachment: {name}"));
                    attached.push(one_line(name));
                }
            }
        }
    }
}

/// Is an attached file one of words, as the mail says?
fn is_text(part: &MessagePart<'_>, name: &str) -> bool {
    const ENDINGS: [&str; 8] = ["txt", "md", "csv", "tsv", "htm", "html", "json", "log"];
    let kind = part.content_type();
    let written = kind.is_some_and(|kind| kind.ctype().eq_ignore_ascii_case("text"));
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    written || ENDINGS.contains(&ending.as_str())
}

/// The text of an attached file, if it is one of words.
fn read_text(name: &str, bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.len() > LONGEST_TEXT {
        return None;
    }
    let kind = detect(name, bytes).ok()?;
    let is_text = matches!(
        kind,
        DocumentKind::Text
            | DocumentKind::Markdown
            | DocumentKind::Csv
            | DocumentKind::Html
            | DocumentKind::Json
    );
    if !is_text {
        return None;
    }
    super::parse(kind, bytes).ok().map(|found| found.text)
}

/// The text of a part in its right encoding.
fn text_of(part: &MessagePart<'_>, text: &str, message: &Message<'_>, depth: u8) -> String {
    if depth > 0 || !text.contains(char::REPLACEMENT_CHARACTER) {
        return text.to_owned();
    }
    // It does not say which encoding it is in, or lies.
    let range = part.offset_body as usize..part.offset_end as usize;
    let raw = (part.encoding == Encoding::None).then_some(&message.raw_message);
    raw.and_then(|raw| raw.get(range)).map_or_else(|| text.to_owned(), decode)
}

/// What a page says, without its shape.
fn words(page: &str) -> String {
    let mut writer = Writer::new(DocumentKind::Eml);
    html::write(page, None, &mut writer);
    writer.finish().map(|found| found.text).unwrap_or_default()
}

/// `From`, `To` and `Date`, a line each.
fn head(message: &Message<'_>) -> String {
    let mut lines = Vec::new();
    for (label, address) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
        if let Some(names) = address.map(names).filter(|names| !names.is_empty()) {
            lines.push(format!("{label}: {names}"));
        }
    }
    if let Some(date) = message.date().filter(|date| date.is_valid()) {
        let sign = if date.tz_before_gmt { '-' } else { '+' };
        let hours = date.tz_hour;
        let minutes = date.tz_minute;
        lines.push(format!(
            "Date: {}-{:02}-{:02} {:02}:{:02} {sign}{hours:02}:{minutes:02}",
            date.year, date.month, date.day, date.hour, date.minute
        ));
    }
    lines.join("\n")
}

fn names(address: &Address<'_>) -> String {
    let names: Vec<String> = address
        .iter()
        .take(MAX_NAMES)
        .filter_map(|one| match (one.name(), one.address()) {
            (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
            (name, address) => address.or(name).map(str::to_owned),
        })
        .collect();
    names.join(", ")
}

fn paragraphs(text: &str, writer: &mut Writer) {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end).chain([""]) {
        if !line.trim().is_empty() {
            lines.push(line);
        } else if !lines.is_empty() {
            writer.paragraph(&lines.join("\n"));
            lines.clear();
        }
    }
}
