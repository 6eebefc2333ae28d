//! Telegram's HTML: what `parse_mode=HTML` accepts, and what is left of it for the reader.
//!
//! Follows `parse_html` of Telegram's open source server library, down to the messages and byte
//! offsets: an unknown `&name;` stays as it is, a stray `<` is an unfinished tag, and tags must
//! close in order. [`parse`] is the way in.

mod decode;

use serde_json::{Map, Value, json};

use decode::{decode, link};

const TAGS: [&str; 17] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "span",
    "pre",
    "code",
    "blockquote",
    "tg-time",
];

/// A text without its markup.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Formatted {
    /// What the reader sees.
    pub(crate) text: String,
    /// `MessageEntity` objects in order of their start; offsets and lengths in UTF-16 units.
    pub(crate) entities: Vec<Value>,
}

impl Formatted {
    /// The same without the white space around it, which Telegram does not keep.
    pub(crate) fn trimmed(mut self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        let before = utf16_length(&self.text[..start]);
        let text = self.text.trim();
        if text.len() == self.text.len() {
            return self;
        }
        let length = utf16_length(text);
        self.text = text.to_owned();
        self.entities.retain_mut(|entity| {
            let from = entity["offset"].as_u64().unwrap_or_default();
            let to = from + entity["length"].as_u64().unwrap_or_default();
            let from = from.saturating_sub(before);
            let to = to.saturating_sub(before).min(length);
            entity["offset"] = from.into();
            entity["length"] = to.saturating_sub(from).into();
            to > from
        });
        self
    }
}

fn utf16_length(text: &str) -> u64 {
    text.encode_utf16().count() as u64
}

/// Takes the markup out of `source`.
///
/// # Errors
///
/// Returns what Telegram says after `can't parse entities: `.
pub(crate) fn parse(source: &str) -> Result<Formatted, String> {
    let mut parser =
        Parser { source, at: 0, open: Vec::new(), out: Formatted::default(), units: 0 };
    while let Some(c) = parser.peek() {
        match c {
            '<' if parser.source[parser.at + 1..].starts_with('/') => parser.close_tag()?,
            '<' => parser.open_tag()?,
            '&' => {
                let c = parser.entity_or_ampersand();
                parser.push(c);
            }
            _ => {
                parser.at += c.len_utf8();
                parser.push(c);
            }
        }
    }

    if let Some(tag) = parser.open.last() {
        return Err(format!("Can't find end tag corresponding to start tag \"{}\"", tag.name));
    }

    let mut out = parser.out;
    out.entities.sort_by_key(|entity| {
        (entity["offset"].as_u64(), std::cmp::Reverse(entity["length"].as_u64()))
    });

    Ok(out)
}

struct Tag {
    name: String,
    argument: String,
    /// Start in the plain text, in bytes and in UTF-16 units.
    bytes: usize,
    units: usize,
}

struct Parser<'s> {
    source: &'s str,
    at: usize,
    open: Vec<Tag>,
    out: Formatted,
    units: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.source[self.at..].chars().next()
    }

    fn push(&mut self, c: char) {
        self.units += c.len_utf16();
        self.out.text.push(c);
    }

    /// Takes characters while they satisfy `wanted`.
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let rest = &self.source[self.at..];
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    fn skip_spaces(&mut self) {
        self.take(|c| c.is_ascii_whitespace());
    }

    fn open_tag(&mut self) -> Result<(), String> {
        let start = self.at;
        let unclosed = || format!("Unclosed start tag at byte offset {start}");
        self.at += 1;
        let name = self.take(|c| !c.is_ascii_whitespace() && c != '>').to_ascii_lowercase();

        if self.peek().is_none() {
            return Err(unclosed());
        }
        if !TAGS.contains(&name.as_str()) {
            return Err(format!("Unsupported start tag \"{name}\" at byte offset {start}"));
        }

        let mut argument = String::new();
        loop {
            self.skip_spaces();
            match self.peek() {
                None => return Err(unclosed()),
                Some('>') => break,
                Some(_) => self.attribute(&name, start, &mut argument)?,
            }
        }

        self.at += 1;

        if name == "span" && argument != "spoiler" {
            return Err(format!(
                "Tag \"span\" must have class \"tg-spoiler\" at byte offset {start}"
            ));
        }

        self.open.push(Tag { name, argument, bytes: self.out.text.len(), units: self.units });
        Ok(())
    }

    fn attribute(&mut self, tag: &str, start: usize, argument: &mut String) -> Result<(), String> {
        let unclosed = || format!("Unclosed start tag at byte offset {start}");
        let name = self.take(|c| !c.is_ascii_whitespace() && !"=>/\"'".contains(c));
        if name.is_empty() {
            return Err(format!(
                "Empty attribute name in the tag \"{tag}\" at byte offset {start}"
            ));
        }

        self.skip_spaces();

        let value = match self.peek() {
            None => return Err(unclosed()),
            Some('=') => {
                self.at += 1;
                self.skip_spaces();
                self.attribute_value()?
            }
            Some(_) if tag == "blockquote" && name == "expandable" => String::new(),
            Some(_) => {
                return Err(format!(
                    "Expected equal sign in declaration of an attribute of the tag \"{tag}\" at byte offset {start}"
                ));
            }
        };

        if self.peek().is_none() {
            return Err(unclosed());
        }

        let meant = match (tag, name.as_str()) {
            ("a", "href") | ("tg-emoji", "emoji-id") => Some(value),
            ("code", "class") => value.strip_prefix("language-").map(str::to_owned),
            ("span", "class") => value.strip_prefix("tg-").map(str::to_owned),
            ("blockquote", "expandable") => Some("expandable".to_owned()),
            _ => None,
        };

        if let Some(meant) = meant {
            *argument = meant;
        }

        Ok(())
    }

    fn attribute_value(&mut self) -> Result<String, String> {
        let start = self.at;

        let Some(quote @ ('"' | '\'')) = self.peek() else {
            let token = self.take(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
            return match self.peek() {
                Some(c) if !c.is_ascii_whitespace() && c != '>' => {
                    Err(format!("Unexpected end of name token at byte offset {start}"))
                }
                _ => Ok(token.to_ascii_lowercase()),
            };
        };

        self.at += 1;
        let mut value = String::new();
        while let Some(c) = self.peek() {
            if c == quote {
                self.at += 1;
                break;
            }
            if c == '&' {
                value.push(self.entity_or_ampersand());
            } else {
                self.at += c.len_utf8();
                value.push(c);
            }
        }

        Ok(value)
    }

    fn close_tag(&mut self) -> Result<(), String> {
        let start = self.at;
        let Some(tag) = self.open.pop() else {
            return Err(format!("Unexpected end tag at byte offset {start}"));
        };
        self.at += 2;
        let name = self.take(|c| !c.is_ascii_whitespace() && c != '>').to_ascii_lowercase();
        self.skip_spaces();
        if self.peek() != Some('>') {
            return Err(format!("Unclosed end tag at byte offset {start}"));
        }
        self.at += 1;
        if !name.is_empty() && name != tag.name {
            return Err(format!(
                "Unmatched end tag at byte offset {start}, expected \"</{}>\", found \"</{name}>\"",
                tag.name
            ));
        }
        self.note(&tag);
        Ok(())
    }

    /// Writes down the entity that a closed tag leaves, if it leaves one.
    fn note(&mut self, tag: &Tag) {
        let length = self.units - tag.units;
        if length == 0 {
            return;
        }
        let mut more = Map::new();
        let kind = match tag.name.as_str() {
            "b" | "strong" => "bold",
            "i" | "em" => "italic",
            "u" | "ins" => "underline",
            "s" | "strike" | "del" => "strikethrough",
            "span" | "tg-spoiler" => "spoiler",
            "blockquote" if tag.argument.is_empty() => "blockquote",
            "blockquote" => "expandable_blockquote",
            "pre" => {
                if let Some(language) = self.take_language(tag.units, length) {
                    more.insert("language".to_owned(), language.into());
                }
                "pre"
            }
            "code" => {
                if !tag.argument.is_empty() {
                    more.insert("language".to_owned(), tag.argument.clone().into());
                }
                "code"
            }
            "a" => {
                let target = match tag.argument.as_str() {
                    "" => self.out.text[tag.bytes..].to_owned(),
                    target => target.to_owned(),
                };
                // Telegram drops a link that leads nowhere and keeps its text.
                let Some(target) = link(&target) else { return };
                more.insert("url".to_owned(), target.into());
                "text_link"
            }
            _ => return,
        };
        let mut entity = json!({"type": kind, "offset": tag.units, "length": length});
        entity.as_object_mut().expect("made as an object above").extend(more);
        self.out.entities.push(entity);
    }

    /// Takes the `<code class="language-...">` that fills a `<pre>` out again: the two are one
    /// entity.
    fn take_language(&mut self, offset: usize, length: usize) -> Option<String> {
        let code = self.out.entities.last()?;
        let fills = code["type"] == "code" && code["offset"] == offset && code["length"] == length;
        let language = code["language"].as_str().filter(|_| fills)?.to_owned();
        self.out.entities.pop();
        Some(language)
    }

    /// Takes an entity, or the bare ampersand if Telegram does not know the entity.
    fn entity_or_ampersand(&mut self) -> char {
        if let Some((c, length)) = decode(&self.source[self.at..]) {
            self.at += length;
            c
        } else {
            self.at += 1;
            '&'
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(source: &str) -> String {
        parse(source).unwrap().text
    }

    #[test]
    fn entities_carry_offsets_in_utf16_units() {
        let formatted =
            parse("😀 <b>жир<i>ный</i></b> <a href=\"https://a.example/?x=1&amp;y\">т</a>")
                .unwrap();
        assert_eq!(formatted.text, "😀 жирный т");
        assert_eq!(
            formatted.entities,
            [
                json!({"type": "bold", "offset": 3, "length": 6}),
                json!({"type": "italic", "offset": 6, "length": 3}),
                json!({"type": "text_link", "offset": 10, "length": 1, "url": "https://a.example/?x=1&y"}),
            ]
        );
    }

    #[test]
    fn white_space_around_the_text_goes_and_takes_its_part_of_the_entities() {
        let trimmed = parse(" <i>\n</i><b>  я </b>\n<u> </u>").unwrap().trimmed();
        assert_eq!(trimmed.text, "я");
        assert_eq!(trimmed.entities, [json!({"type": "bold", "offset": 0, "length": 1})]);
    }

    #[test]
    fn a_language_belongs_to_the_pre_around_it() {
        let formatted = parse("<pre><code class=\"language-rust\">fn</code></pre>").unwrap();
        assert_eq!(
            formatted.entities,
            [json!({"type": "pre", "offset": 0, "length": 2, "language": "rust"})]
        );
    }

    #[test]
    fn only_four_names_and_numbers_are_decoded() {
        assert_eq!(plain("&lt;&gt;&amp;&quot;&#39;&#x41;&#1078"), "<>&\"'Aж");
        assert_eq!(plain("a&nbsp;b &copy; &mdash;"), "a&nbsp;b &copy; &mdash;");
        assert_eq!(
            plain("Q&A & more &; &#; &#x; &#0; &#99999999;"),
            "Q&A & more &; &#; &#x; &#0; &#99999999;"
        );
        assert_eq!(plain("&amp;lt;"), "&lt;");
    }

    #[test]
    fn what_telegram_refuses_is_refused_in_its_words() {
        for (source, refusal) in [
            ("a < b", "Unsupported start tag \"\" at byte offset 2"),
            ("a <b", "Unclosed start tag at byte offset 2"),
            ("a < b > c", "Unsupported start tag \"\" at byte offset 2"),
            ("<p>x</p>", "Unsupported start tag \"p\" at byte offset 0"),
            ("я<br/>", "Unsupported start tag \"br/\" at byte offset 2"),
            ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
            ("x</b>", "Unexpected end tag at byte offset 1"),
            (
                "<b><i>x</b></i>",
                "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\"",
            ),
            ("<b>x</b", "Unclosed end tag at byte offset 4"),
            ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
            ("<a href=https://x>y</a>", "Unexpected end of name token at byte offset 8"),
            ("<a href=\"x>y</a>", "Unclosed start tag at byte offset 0"),
            (
                "<a href>y</a>",
                "Expected equal sign in declaration of an attribute of the tag \"a\" at byte offset 0",
            ),
        ] {
            assert_eq!(parse(source), Err(refusal.to_owned()), "{source}");
        }
    }

    #[test]
    fn every_supported_tag_is_accepted() {
        let formatted = parse(
            "<STRONG>a</STRONG><em>a</em><ins>a</ins><u>a</u><s>a</s><strike>a</strike><del>a</del>\
             <code>a</code><pre>a</pre><blockquote>a</blockquote><blockquote expandable>a</blockquote>\
             <tg-spoiler>a</tg-spoiler><span class='tg-spoiler'>a</span>",
        )
        .unwrap();
        assert_eq!(formatted.text, "a".repeat(13));
        assert_eq!(formatted.entities.len(), 13);
    }
}
