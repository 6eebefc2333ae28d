//! Where things are in the file: its head, and the pieces that its text is stored in (MS-DOC 2.5
//! and 2.8.35).

use encoding_rs::{Encoding, WINDOWS_1251, WINDOWS_1252};

use super::{
    super::{MAX_TEXT, Unreadable, detect},
    bytes::{half, long, part},
};

/// Places in the head of the file.
const LANGUAGE: usize = 0x06;
const FLAGS: usize = 0x0A;
const FIRST: usize = 0x18;
const LAST: usize = 0x1C;
const LENGTHS: usize = 0x4C;
const TABLES: usize = 0x9A;
/// What the flags say.
const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;
/// Word 97 is the first version whose text is in pieces; those before have it in one.
const WORD_97: u16 = 0x00C1;
/// The language of Russia.
const RUSSIAN: u16 = 0x0419;
/// The stories of a document: text, footnotes, headers, macros, comments, endnotes, boxes.
const STORIES: usize = 7;

/// A document's streams and what its head says of them.
pub(super) struct File {
    pub(super) main: Vec<u8>,
    pub(super) table: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
    /// How long each story is, characters.
    pub(super) lengths: [usize; STORIES],
}

/// A stretch of text as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Where it begins in the text, characters.
    pub(super) first: usize,
    /// Where it ends, exclusive.
    pub(super) end: usize,
    /// Where it begins in the stream, bytes.
    pub(super) at: usize,
    /// The encoding of single bytes; pairs of bytes without.
    pub(super) encoding: Option<&'static Encoding>,
}

/// A character and where it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) unit: u16,
    pub(super) at: usize,
}

impl File {
    /// Opens a compound file.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable`] when it is no document of Word, or locked.
    pub(super) fn open(bytes: &[u8]) -> Result<Self, Unreadable> {
        let main = detect::stream(bytes, "WordDocument").ok_or(Unreadable::Damaged)?;
        let version = half(&main, 2).ok_or(Unreadable::Damaged)?;
        let flags = half(&main, FLAGS).ok_or(Unreadable::Damaged)?;
        if flags & ENCRYPTED != 0 {
            return Err(Unreadable::Locked);
        }
        if version < WORD_97 {
            return Self::of_one_piece(main).ok_or(Unreadable::Damaged);
        }

        let name = if flags & SECOND_TABLE != 0 { "1Table" } else { "0Table" };
        let table = detect::stream(bytes, name).ok_or(Unreadable::Damaged)?;
        let mut lengths = [0; STORIES];
        for (story, length) in lengths.iter_mut().enumerate() {
            *length = long(&main, LENGTHS + story * 4).ok_or(Unreadable::Damaged)?;
        }
        let mut file = Self { main, table, pieces: Vec::new(), lengths };
        file.pieces = file.read_pieces().ok_or(Unreadable::Damaged)?;
        let length: usize = file.pieces.iter().map(|piece| piece.end - piece.first).sum();
        if length > MAX_TEXT { Err(Unreadable::TooLong) } else { Ok(file) }
    }

    /// A document of the time before Word 97: its text in one piece, of single bytes.
    fn of_one_piece(main: Vec<u8>) -> Option<Self> {
        let at = long(&main, FIRST)?;
        let length = long(&main, LAST)?.checked_sub(at)?;
        part(&main, at, length)?;
        let encoding = Some(page(&main, at, length));
        let pieces = vec![Piece { first: 0, end: length, at, encoding }];
        let mut lengths = [0; STORIES];
        lengths[0] = length;
        Some(Self { main, table: Vec::new(), pieces, lengths })
    }

    /// A structure in the table, by its number in the head.
    pub(super) fn structure(&self, number: usize) -> &[u8] {
        let at = TABLES + number * 8;
        let found = long(&self.main, at).zip(long(&self.main, at + 4));
        found.and_then(|(at, length)| part(&self.table, at, length)).unwrap_or_default()
    }

    /// What follows a structure in the table: some keep what they point to behind themselves.
    pub(super) fn behind(&self, number: usize) -> &[u8] {
        let at = TABLES + number * 8;
        let found = long(&self.main, at).zip(long(&self.main, at + 4));
        let end = found.and_then(|(at, length)| at.checked_add(length));
        end.and_then(|end| self.table.get(end..)).unwrap_or_default()
    }

    fn read_pieces(&self) -> Option<Vec<Piece>> {
        const CLX: usize = 33;
        let mut clx = self.structure(CLX);
        // Changes of properties stand before the table of pieces.
        while clx.first() == Some(&1) {
            let length = usize::from(half(clx, 1)?);
            clx = clx.get(3 + length..)?;
        }
        if clx.first() != Some(&2) {
            return None;
        }
        let table = part(clx, 5, long(clx, 1)?)?;
        let count = table.len().checked_sub(4)? / 12;

        let mut pieces = Vec::with_capacity(count);
        for piece in 0..count {
            let first = long(table, piece * 4)?;
            let end = long(table, piece * 4 + 4)?;
            let place = long(table, (count + 1) * 4 + piece * 8 + 2)?;
            let length = end.checked_sub(first)?;
            let is_narrow = place & 0x4000_0000 != 0;
            let at = if is_narrow { (place & 0x3FFF_FFFF) / 2 } else { place };
            let size = if is_narrow { length } else { length.checked_mul(2)? };
            // The last piece may reach a little over the end.
            if part(&self.main, at, size).is_none() {
                continue;
            }
            let encoding = is_narrow.then(|| page(&self.main, at, length));
            pieces.push(Piece { first, end, at, encoding });
        }
        Some(pieces)
    }

    /// The characters from a place of the text to another one, as far as they are stored.
    pub(super) fn units(&self, first: usize, end: usize) -> Vec<Unit> {
        let mut units = Vec::new();
        for piece in &self.pieces {
            let from = first.max(piece.first);
            let to = end.min(piece.end);
            for place in from..to.max(from) {
                let offset = place - piece.first;
                if let Some(encoding) = piece.encoding {
                    let at = piece.at + offset;
                    let byte = self.main.get(at).copied().unwrap_or(0);
                    units.push(Unit { unit: wide(byte, encoding), at });
                } else {
                    let at = piece.at + offset * 2;
                    units.push(Unit { unit: half(&self.main, at).unwrap_or(0), at });
                }
            }
        }
        units
    }
}

/// A byte as a character; those below a blank are marks of the format.
fn wide(byte: u8, encoding: &'static Encoding) -> u16 {
    if byte.is_ascii() {
        return u16::from(byte);
    }
    let buffer = [byte];
    let text = encoding.decode_without_bom_handling(&buffer).0;
    text.chars().next().and_then(|c| u16::try_from(u32::from(c)).ok()).unwrap_or(0xFFFD)
}

/// The encoding of a piece of single bytes. Word writes Western European; other programs, and Word
/// before 97, the letters of the document's language.
fn page(main: &[u8], at: usize, length: usize) -> &'static Encoding {
    let bytes = part(main, at, length).unwrap_or_default();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let high = bytes.iter().filter(|byte| **byte >= 0xC0).count();
    let is_russian = half(main, LANGUAGE) == Some(RUSSIAN) || high > letters;
    if is_russian && high * 4 > letters { WINDOWS_1251 } else { WINDOWS_1252 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head that says where its text is, and the text.
    fn old(language: u16, text: &[u8]) -> Vec<u8> {
        let mut main = vec![0; 64];
        main[LANGUAGE..LANGUAGE + 2].copy_from_slice(&language.to_le_bytes());
        main[FIRST..FIRST + 4].copy_from_slice(&64_u32.to_le_bytes());
        let end = u32::try_from(64 + text.len()).unwrap();
        main[LAST..LAST + 4].copy_from_slice(&end.to_le_bytes());
        main.extend_from_slice(text);
        main
    }

    fn text(file: &File) -> String {
        let units = file.units(0, file.lengths[0]);
        String::from_utf16_lossy(&units.iter().map(|unit| unit.unit).collect::<Vec<_>>())
    }

    #[test]
    fn text_of_the_time_before_97_is_read_in_the_letters_of_its_language() {
        let russian = WINDOWS_1251.encode("Цена 290 рублей\r").0;
        let file = File::of_one_piece(old(RUSSIAN, &russian)).unwrap();
        assert_eq!(text(&file), "Цена 290 рублей\r");
        let french = WINDOWS_1252.encode("Café à 5 €\r").0;
        let file = File::of_one_piece(old(0x040C, &french)).unwrap();
        assert_eq!(text(&file), "Café à 5 €\r");

        let mut torn = old(RUSSIAN, &russian);
        torn.truncate(70);
        assert!(File::of_one_piece(torn).is_none());
    }
}
