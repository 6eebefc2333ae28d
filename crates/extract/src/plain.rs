//! Plain text and Markdown, which stay what they are.

use replyx_core::knowledge::DocumentKind;

use super::{Extracted, MAX_TEXT, Unreadable, encoding::decode, is_readable};

/// Reads plain text: UTF-8, UTF-16, or a legacy encoding recognised by its letters.
///
/// # Errors
///
/// Returns [`Unreadable`] when there is no text in it or too much.
pub fn text(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    read(bytes, DocumentKind::Text)
}

/// Reads Markdown, which stays Markdown. Encodings as for [`text`].
///
/// # Errors
///
/// Returns [`Unreadable`] when there is no text in it or too much.
pub fn markdown(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    read(bytes, DocumentKind::Markdown)
}

fn read(bytes: &[u8], kind: DocumentKind) -> Result<Extracted, Unreadable> {
    if bytes.len() > MAX_TEXT {
        return Err(Unreadable::TooLong);
    }
    let text = clean(&decode(bytes));
    is_readable(&text)?;
    Ok(Extracted {
        text,
        pages: Vec::new(),
        headings: Vec::new(),
        kind,
        title: None,
        warnings: Vec::new(),
    })
}

/// Line ends become `\n`; characters that show nothing and would tear words apart go.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                clean.push('\n');
            }
            '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\n' | '\t' => clean.push(c),
            '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' => {}
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "Доставка по городу стоит 290 рублей. Ёлки не возвращаем.";

    #[test]
    fn a_file_cut_in_the_middle_of_a_character_stays_utf_8() {
        let bytes = &SHOP.as_bytes()[..SHOP.len() - 2];
        assert!(text(bytes).unwrap().text.starts_with("Доставка по городу"));
    }

    #[test]
    fn invisible_characters_go_and_lines_end_alike() {
        let bytes = "a\0b\r\nc\rd\u{c}e\u{1b}[0m co\u{ad}operate\u{feff}\t!".as_bytes();
        assert_eq!(text(bytes).unwrap().text, "ab\nc\nd\ne[0m cooperate\t!");
    }

    #[test]
    fn nothing_to_read_is_said_so() {
        assert_eq!(text(b""), Err(Unreadable::Empty));
        assert_eq!(text(b" \r\n\t\0"), Err(Unreadable::Empty));
        assert_eq!(markdown(b"---\n***\n"), Err(Unreadable::NoText));
    }
}
