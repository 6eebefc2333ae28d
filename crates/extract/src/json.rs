//! JSON: one value, or one on each line.
//!
//! [`value`] parses with a bound on depth and on the number of values, and keeps numbers as they
//! are written; this file makes text of them: scalars are `path: value` lines, a list of flat
//! objects is a table, a list of others has a section for each.

use replyx_core::knowledge::DocumentKind;

use super::{Extracted, Unreadable, encoding::decode, writer::Writer};
use value::Value;

mod value;

pub(crate) use value::is_json;

/// A table has at most so many columns; a wider list is written as sections.
const MAX_COLUMNS: usize = 40;
/// What an object is called by.
const NAMES: [&str; 14] = [
    "title",
    "name",
    "question",
    "heading",
    "label",
    "subject",
    "key",
    "id",
    "название",
    "имя",
    "заголовок",
    "вопрос",
    "наименование",
    "код",
];

/// Reads JSON.
pub(super) fn json(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let text = decode(bytes);
    let value = value::parse(&text)?;
    let mut writer = Writer::new(DocumentKind::Json);
    if let Value::Object(fields) = &value
        && let Some(Value::String(title)) = field(fields, &["title", "name", "название"])
    {
        writer.title(title);
    }
    Text { writer: &mut writer, lines: Vec::new() }.value("", &value, 1);
    writer.finish()
}

struct Text<'w> {
    writer: &'w mut Writer,
    /// Lines of scalars that belong together.
    lines: Vec<String>,
}

impl Text<'_> {
    fn value(&mut self, path: &str, value: &Value<'_>, level: u8) {
        self.lines_of(path, value, level);
        self.end_lines();
    }

    /// Everything of a value: its scalars as lines first, so that an object stays together.
    fn lines_of(&mut self, path: &str, value: &Value<'_>, level: u8) {
        if self.writer.is_full() {
            return;
        }
        match value {
            Value::Object(fields) => {
                let (scalars, others): (Vec<_>, Vec<_>) =
                    fields.iter().partition(|(_, value)| value.is_line());
                let has_text = fields.iter().any(|(key, _)| key == "text");
                for (key, value) in scalars.into_iter().chain(others) {
                    // The same pieces once more, as exports of chats list them.
                    if has_text && key == "text_entities" {
                        continue;
                    }
                    self.lines_of(&join(path, key), value, level);
                }
            }
            Value::Array(items) if !value.is_line() => match pieces(items) {
                Some(text) => self.line(path, &text),
                None => self.list(path, items, level),
            },
            line => self.line(path, &line.line()),
        }
    }

    fn line(&mut self, path: &str, value: &str) {
        if value.trim().is_empty() {
            return;
        }
        self.lines.push(if path.is_empty() {
            value.to_owned()
        } else {
            format!("{path}: {value}")
        });
    }

    fn end_lines(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.writer.paragraph(&lines.join("\n"));
    }

    fn list(&mut self, path: &str, items: &[Value<'_>], level: u8) {
        self.end_lines();
        if let Some(columns) = columns(items) {
            self.writer.heading(level, path);
            self.writer.row(&columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>());
            for item in items {
                let Value::Object(fields) = item else { continue };
                let cell =
                    |column: &&str| field(fields, &[*column]).map(Value::line).unwrap_or_default();
                self.writer.row(&columns.iter().map(cell).collect::<Vec<_>>());
            }
            self.writer.end_table();
            return;
        }
        for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_blank()) {
            let name = match item {
                Value::Object(fields) => field(fields, &NAMES).map(Value::line),
                _ => None,
            };
            let name = name.filter(|name| !name.is_empty());
            self.writer.heading(level, &name.unwrap_or_else(|| format!("{path} {}", index + 1)));
            self.value("", item, level.saturating_add(1).min(6));
        }
    }
}

/// The text of a message that an export tears into its links and words:
/// `["See ", {"type": "link", "text": "our site"}, "."]`.
fn pieces(items: &[Value<'_>]) -> Option<String> {
    let piece = |item: &Value<'_>| match item {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            let typed = fields.iter().any(|(key, _)| key == "type");
            let text = fields.iter().find(|(key, _)| key == "text").map(|(_, value)| value);
            match text {
                Some(Value::String(text)) if typed => Some(text.clone()),
                _ => None,
            }
        }
        _ => None,
    };
    let torn = items.iter().any(|item| matches!(item, Value::Object(_)));
    torn.then(|| items.iter().map(piece).collect()).flatten()
}

/// The columns of a list of flat objects, in the order of their first appearance.
fn columns<'v>(items: &'v [Value<'_>]) -> Option<Vec<&'v str>> {
    let mut columns: Vec<&str> = Vec::new();
    for item in items {
        let Value::Object(fields) = item else { return None };
        for (key, value) in fields {
            if !value.is_line() {
                return None;
            }
            if !columns.contains(&key.as_ref()) {
                columns.push(key);
            }
            if columns.len() > MAX_COLUMNS {
                return None;
            }
        }
    }
    (items.len() > 1 && columns.len() > 1).then_some(columns)
}

fn field<'v, 't>(fields: &'v [(String, Value<'t>)], names: &[&str]) -> Option<&'v Value<'t>> {
    names
        .iter()
        .find_map(|name| {
            fields
                .iter()
                .find(|(key, value)| key.to_lowercase() == name.to_lowercase() && value.is_line())
        })
        .map(|(_, value)| value)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        json(source.as_bytes()).unwrap().text
    }

    #[test]
    fn objects_are_lines_with_paths() {
        let source = r#"{"shop": "Ромашка", "delivery": {"city": {"price": 290.50, "free": null}, "days": [1, 2]},
            "open": true, "id": 12345678901234567890123, "e": 1.0E+2, "text": "a\nb"}"#;
        assert_eq!(
            text(source),
            "shop: Ромашка\nopen: true\nid: 12345678901234567890123\ne: 1.0E+2\ntext: a\nb\n\
             delivery.days: 1, 2\ndelivery.city.price: 290.50"
        );
    }

    #[test]
    fn flat_lists_are_tables_and_others_sections() {
        assert_eq!(
            text(
                r#"{"prices": [{"zone": "City", "price": 4.90}, {"zone": "Country", "days": 3}]}"#
            ),
            "prices\n\nzone | price | days\n--- | --- | ---\nCity | 4.90\nCountry |  | 3"
        );
        let found = json(
            r#"{"faq": [{"question": "Open?", "tags": [{"a": 1}], "answer": "Yes"}, {"x": {"y": [[1], [2]]}}]}"#
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(
            found.text,
            "Open?\n\nquestion: Open?\nanswer: Yes\n\ntags 1\n\na: 1\n\nfaq 2\n\nx.y 1\n\n1\n\nx.y 2\n\n2"
        );
        assert_eq!(found.headings[0].level, 1);
        assert_eq!(found.headings[1].level, 2);
    }

    #[test]
    fn a_message_in_pieces_is_one_text() {
        let source = r#"{"messages": [{"id": 1, "text": ["See ", {"type": "link", "text": "our site"}, "."],
            "text_entities": [{"type": "plain", "text": "See "}]}, {"id": 2, "text": "<p>R&amp;D &ndash; <b>5 €</b></p>"}]}"#;
        assert_eq!(text(source), "1\n\nid: 1\ntext: See our site.\n\n2\n\nid: 2\ntext: R&D – 5 €");
    }

    #[test]
    fn a_value_on_each_line_is_a_list() {
        assert_eq!(
            text("{\"q\": \"a\", \"a\": 1}\n{\"q\": \"b\", \"a\": 2}\n"),
            "q | a\n--- | ---\na | 1\nb | 2"
        );
    }

    #[test]
    fn broken_and_hostile_json_ends_in_a_sentence() {
        for broken in [
            "{",
            "[1,",
            "{\"a\" 1}",
            "[1] x",
            "\"a",
            "{\"a\":1,}",
            "01",
            "-",
            "1.",
            "nul",
            "[\"\u{1}\"]",
        ] {
            assert_eq!(json(broken.as_bytes()), Err(Unreadable::Damaged), "{broken}");
        }
        assert_eq!(json("[".repeat(100_000).as_bytes()), Err(Unreadable::TooComplex));
        assert_eq!(json(b"[[],{}]"), Err(Unreadable::Empty));
        assert_eq!(
            text(r#"["lone \ud83d surrogate \ude00", "pair \ud83d\ude00"]"#),
            "lone \u{FFFD} surrogate \u{FFFD}, pair 😀"
        );
        let nulls = format!("[{}1]", "0,".repeat(3_000_000));
        assert_eq!(json(nulls.as_bytes()), Err(Unreadable::TooComplex));
    }
}
