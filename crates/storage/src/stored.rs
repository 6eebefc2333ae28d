//! What may be stored: values on their way into the database.
//!
//! Texts come from customers, providers of models and documents, and may hold control characters.
//! `PostgreSQL` takes no NUL, neither in a text nor in JSON, and fails the whole transaction;
//! nobody wants the others in a list or a log. So every value that the macros of `query.rs` bind
//! passes [`Stored::stored`], which replaces them with spaces. A space is as long as what it
//! replaces, so positions in a text stay right.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{
    ser::{CharEscape, CompactFormatter, Formatter, Serializer},
    value::RawValue,
};
use sqlx::types::Json;
use uuid::Uuid;

/// Is it a control character that no text needs? Tabs and line breaks are needed.
const fn is_unwanted(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// The text with spaces in the place of control characters.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(is_unwanted) {
        return Cow::Borrowed(text);
    }
    let is_unwanted = |char: char| u8::try_from(char).is_ok_and(is_unwanted);
    Cow::Owned(text.replace(is_unwanted, " "))
}

/// A value that can be bound to a statement.
pub(crate) trait Stored {
    /// As what it is bound.
    type As;

    /// The value as it is stored.
    fn stored(self) -> Self::As;
}

macro_rules! as_it_is {
    ($($type:ty),+ $(,)?) => {
        $(impl Stored for $type {
            type As = Self;

            fn stored(self) -> Self {
                self
            }
        }

        impl Stored for Option<$type> {
            type As = Self;

            fn stored(self) -> Self {
                self
            }
        }

        impl<'a> Stored for &'a $type {
            type As = Self;

            fn stored(self) -> Self {
                self
            }
        }

        impl<'a> Stored for &'a Option<$type> {
            type As = Self;

            fn stored(self) -> Self {
                self
            }
        })+
    };
}

as_it_is!(bool, i32, i64, f64, Uuid, DateTime<Utc>, NaiveDate, Vec<u8>);

impl Stored for &[u8] {
    type As = Self;

    fn stored(self) -> Self {
        self
    }
}

impl Stored for Option<&[u8]> {
    type As = Self;

    fn stored(self) -> Self {
        self
    }
}

impl<'a> Stored for &'a str {
    type As = Cow<'a, str>;

    fn stored(self) -> Cow<'a, str> {
        clean(self)
    }
}

impl<'a> Stored for &'a String {
    type As = Cow<'a, str>;

    fn stored(self) -> Cow<'a, str> {
        clean(self)
    }
}

impl<'a> Stored for &'a Cow<'_, str> {
    type As = Cow<'a, str>;

    fn stored(self) -> Cow<'a, str> {
        clean(self)
    }
}

impl Stored for String {
    type As = Self;

    fn stored(self) -> Self {
        clean(&self).into_owned()
    }
}

impl<'a> Stored for Option<&'a str> {
    type As = Option<Cow<'a, str>>;

    fn stored(self) -> Option<Cow<'a, str>> {
        self.map(clean)
    }
}

impl<'a> Stored for Option<&'a String> {
    type As = Option<Cow<'a, str>>;

    fn stored(self) -> Option<Cow<'a, str>> {
        self.map(|text| clean(text))
    }
}

impl<'a> Stored for &'a Option<String> {
    type As = Option<Cow<'a, str>>;

    fn stored(self) -> Option<Cow<'a, str>> {
        self.as_deref().map(clean)
    }
}

impl Stored for Option<String> {
    type As = Self;

    fn stored(self) -> Self {
        self.map(|text| clean(&text).into_owned())
    }
}

impl<T: Serialize> Stored for Json<T> {
    type As = Json<Box<RawValue>>;

    fn stored(self) -> Json<Box<RawValue>> {
        json(&self.0)
    }
}

impl<T: Serialize> Stored for Option<Json<T>> {
    type As = Option<Json<Box<RawValue>>>;

    fn stored(self) -> Option<Json<Box<RawValue>>> {
        self.map(|Json(value)| json(&value))
    }
}

/// A value as JSON without control characters.
fn json(value: &impl Serialize) -> Json<Box<RawValue>> {
    let mut text = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut text, Clean))
        .expect("what is stored as JSON has texts as its keys");
    let text = String::from_utf8(text).expect("JSON is made of texts");
    Json(RawValue::from_string(text).expect("it was just made"))
}

/// Writes JSON with spaces in the place of control characters.
struct Clean;

impl Formatter for Clean {
    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::AsciiControl(_) | CharEscape::Backspace | CharEscape::FormFeed => {
                writer.write_all(b" ")
            }
            needed => CompactFormatter.write_char_escape(writer, needed),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn control_characters_become_spaces_and_positions_stay() {
        assert_eq!(clean("a\0b\u{1b}[0m\u{8}"), "a b [0m ");
        assert!(matches!(clean("tab\tline\r\nё\u{7f}"), Cow::Borrowed(_)));
        assert_eq!(Some("\0").stored().as_deref(), Some(" "));
    }

    #[test]
    fn json_holds_no_control_characters_at_any_depth() {
        let value = json!({"a\0": ["b\0\u{1f}", {"c": "\n\t\"\\\u{c}"}], "d": 1.5});
        let Json(stored) = Json(&value).stored();
        assert_eq!(stored.get(), r#"{"a ":["b  ",{"c":"\n\t\"\\ "}],"d":1.5}"#);
    }
}
