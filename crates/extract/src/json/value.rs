//! JSON becomes a tree.
//!
//! Numbers stay the text that they are: a price must not change by being read.

use super::super::{Unreadable, html};

/// Values inside one another.
const MAX_DEPTH: usize = 128;
/// Values of one file.
const MAX_VALUES: usize = 1_000_000;

/// A value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'t> {
    Null,
    Bool(bool),
    Number(&'t str),
    String(String),
    Array(Vec<Value<'t>>),
    Object(Vec<(String, Value<'t>)>),
}

impl Value<'_> {
    /// Can it stand behind its key on one line?
    pub(super) fn is_line(&self) -> bool {
        match self {
            Self::Object(_) => false,
            Self::Array(items) => {
                !items.iter().any(|item| matches!(item, Self::Object(_) | Self::Array(_)))
            }
            _ => true,
        }
    }

    /// Is there nothing in it?
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) | Self::Number(_) => false,
            Self::String(text) => text.trim().is_empty(),
            Self::Array(items) => items.iter().all(Self::is_blank),
            Self::Object(fields) => fields.iter().all(|(_, value)| value.is_blank()),
        }
    }

    /// What stands on that line.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Null | Self::Object(_) => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => (*number).to_owned(),
            // Shops export descriptions as pieces of pages.
            Self::String(text) => html::value(text).unwrap_or_else(|| text.clone()),
            Self::Array(items) => {
                let lines: Vec<String> =
                    items.iter().map(Self::line).filter(|line| !line.is_empty()).collect();
                lines.join(", ")
            }
        }
    }
}

/// Reads one value, or a list of the values that follow each other.
pub(super) fn parse(text: &str) -> Result<Value<'_>, Unreadable> {
    let mut parser = Parser { text, at: 0, depth: 0, values: 0 };
    let mut found = Vec::new();
    while !parser.blank() {
        found.push(parser.value()?);
    }
    match found.len() {
        0 => Err(Unreadable::Empty),
        1 => found.pop().ok_or(Unreadable::Empty),
        _ if found.iter().any(|value| matches!(value, Value::Object(_) | Value::Array(_))) => {
            Ok(Value::Array(found))
        }
        // Words and numbers side by side are some other file.
        _ => Err(Unreadable::Damaged),
    }
}

/// Is it JSON from its beginning to its end, an object or a list at the top?
pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && match parse(text) {
            Ok(value) => matches!(value, Value::Object(_) | Value::Array(_)),
            // Reading it says why.
            Err(why) => why == Unreadable::TooComplex,
        }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    values: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips blanks; is there nothing else?
    fn blank(&mut self) -> bool {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.peek().is_none()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unreadable> {
        if self.take(byte) { Ok(()) } else { Err(Unreadable::Damaged) }
    }

    fn value(&mut self) -> Result<Value<'t>, Unreadable> {
        self.blank();
        self.values += 1;

        if self.values > MAX_VALUES || self.depth > MAX_DEPTH {
            return Err(Unreadable::TooComplex);
        }

        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Ok(Value::Number(self.number()?)),
            _ => {
                for (word, value) in [
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("null", Value::Null),
                ] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(Unreadable::Damaged)
            }
        }
    }

    fn object(&mut self) -> Result<Value<'t>, Unreadable> {
        self.at += 1;
        self.depth += 1;
        let mut fields = Vec::new();
        self.blank();
        if !self.take(b'}') {
            loop {
                self.blank();
                let key = self.string()?;
                self.blank();
                self.expect(b':')?;
                fields.push((key, self.value()?));
                self.blank();
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b'}')?;
        }
        self.depth -= 1;
        Ok(Value::Object(fields))
    }

    fn array(&mut self) -> Result<Value<'t>, Unreadable> {
        self.at += 1;
        self.depth += 1;
        let mut items = Vec::new();
        self.blank();
        if !self.take(b']') {
            loop {
                items.push(self.value()?);
                self.blank();
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b']')?;
        }
        self.depth -= 1;
        Ok(Value::Array(items))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<&'t str, Unreadable> {
        let start = self.at;
        self.take(b'-');
        let zero = self.peek() == Some(b'0');
        let whole = self.digits();
        let mut good = whole > 0 && (!zero || whole == 1);
        if self.take(b'.') {
            good &= self.digits() > 0;
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            good &= self.digits() > 0;
        }
        if good { Ok(&self.text[start..self.at]) } else { Err(Unreadable::Damaged) }
    }

    fn string(&mut self) -> Result<String, Unreadable> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest
                .find(|c| matches!(c, '"' | '\\' | '\0'..='\u{1F}'))
                .ok_or(Unreadable::Damaged)?;
            text.push_str(&rest[..end]);
            self.at += end + 1;
            match rest.as_bytes()[end] {
                b'"' => return Ok(text),
                b'\\' => text.push(self.escape()?),
                _ => return Err(Unreadable::Damaged),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Unreadable> {
        let escape = self.peek().ok_or(Unreadable::Damaged)?;
        self.at += 1;

        Ok(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                let low = self.text[self.at..].starts_with("\\u").then_some(self.at);
                if let (0xD800..=0xDBFF, Some(before)) = (unit, low) {
                    self.at += 2;
                    let low = self.unit()?;
                    if let Some(Ok(pair)) = char::decode_utf16([unit, low]).next() {
                        return Ok(pair);
                    }
                    self.at = before;
                }
                char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(Unreadable::Damaged),
        })
    }

    fn unit(&mut self) -> Result<u16, Unreadable> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Unreadable::Damaged)?;
        self.at += 4;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Unreadable::Damaged);
        }
        u16::from_str_radix(digits, 16).map_err(|_| Unreadable::Damaged)
    }
}
