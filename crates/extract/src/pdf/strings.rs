//! The characters of a PDF's strings and glyphs.

use unicode_normalization::UnicodeNormalization;

use super::super::{encoding::decode, plain::clean};

/// A text string: UTF-16 or UTF-8 with a mark in front, or the encoding of its own that PDF has,
/// which is Latin-1 for the most part.
pub(super) fn text(bytes: &[u8]) -> String {
    let is_marked =
        [b"\xFE\xFF".as_slice(), b"\xFF\xFE", b"\xEF\xBB\xBF"].iter().any(|m| bytes.starts_with(m));
    let text = if is_marked || std::str::from_utf8(bytes).is_ok() {
        decode(bytes)
    } else {
        bytes.iter().map(|byte| special(*byte).unwrap_or(char::from(*byte))).collect()
    };
    text.chars().map(plain_char).collect()
}

/// Where `PDFDocEncoding` is not Latin-1: ISO 32000-2, table D.2.
fn special(byte: u8) -> Option<char> {
    const FROM_80: &str = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž";
    match byte {
        0x80..=0x9E => FROM_80.chars().nth(usize::from(byte - 0x80)),
        0xA0 => Some('€'),
        _ => None,
    }
}

/// A glyph's text in the letters that people type: ligatures and the shapes of Arabic letters are
/// taken apart, bullets of symbol fonts become bullets.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{FB00}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' => {
                plain.extend([c].into_iter().nfkc());
            }
            // A hyphenated line end must survive until lines are joined.
            '\u{AD}' => plain.push(c),
            c => plain.push_str(&clean(plain_char(c).encode_utf8(&mut [0; 4]))),
        }
    }
    plain
}

/// Signs of symbol fonts have places of their own.
fn plain_char(c: char) -> char {
    match c {
        '\u{F0A7}' | '\u{F0B7}' | '\u{F0D8}' | '\u{F076}' | '\u{F06E}' => '•',
        '\u{F0FC}' | '\u{F0FE}' => '✓',
        '\u{F0FB}' | '\u{F0FD}' => '✗',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_in_the_encoding_they_are_in() {
        assert_eq!(text(b"\xFE\xFF\x04\x26\x04\x35\x04\x3D\x04\x30"), "Цена");
        assert_eq!(text(b"Caf\xE9 \xA0 5 \x84 6"), "Café € 5 — 6");
        assert_eq!(text("Цена".as_bytes()), "Цена");
    }

    #[test]
    fn glyphs_become_the_letters_that_people_type() {
        assert_eq!(plain("\u{FB03}"), "ffi");
        assert_eq!(plain("\u{FEFB}"), "لا");
        assert_eq!(plain("\u{F0B7}"), "•");
        assert_eq!(plain("\u{AD}"), "\u{AD}");
        assert_eq!(plain("a\u{0}"), "a");
    }
}
