//! Text in the encodings that people have.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;
use replyx_core::knowledge::DocumentKind;

use super::{Extracted, MAX_TEXT, Unreadable, is_readable};

/// Reads plain text: UTF-8, UTF-16 with a byte order mark, or a legacy encoding recognised by its letters.
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
    Ok(Extracted { text, pages: Vec::new(), headings: Vec::new(), kind })
}

fn decode(bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    let lossy = String::from_utf8_lossy(bytes);
    if is_damaged_utf8(&lossy) {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        // The hint only breaks ties: short Cyrillic texts look like other alphabets.
        let encoding = detector.guess(Some(b"ru"), Utf8Detection::Deny);
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    lossy.into_owned()
}

/// A few broken characters are a damaged UTF-8 file; many are another encoding.
fn is_damaged_utf8(lossy: &str) -> bool {
    let (mut broken, mut whole) = (0_usize, 0_usize);
    for c in lossy.chars().filter(|c| !c.is_ascii()) {
        if c == char::REPLACEMENT_CHARACTER {
            broken += 1;
        } else {
            whole += 1;
        }
    }
    broken * 10 > whole
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
    fn common_encodings_are_recognised() {
        let utf16: Vec<u8> = std::iter::once(0xFEFF_u16)
            .chain(SHOP.encode_utf16())
            .flat_map(u16::to_be_bytes)
            .collect();
        for bytes in [
            SHOP.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", SHOP.as_bytes()].concat(),
            utf16,
            encoding_rs::WINDOWS_1251.encode(SHOP).0.into_owned(),
            encoding_rs::KOI8_R.encode(SHOP).0.into_owned(),
            encoding_rs::IBM866.encode(SHOP).0.into_owned(),
        ] {
            assert_eq!(text(&bytes).unwrap().text, SHOP);
        }
    }

    #[test]
    fn western_text_is_not_taken_for_russian() {
        let menu =
            "Café crème, Müsli und Brötchen, jalapeño, garçon, déjà vu — voilà l’été à Zürich";
        let bytes = encoding_rs::WINDOWS_1252.encode(menu).0.into_owned();
        assert_eq!(text(&bytes).unwrap().text, menu);
    }

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
