//! Files that are ZIP archives: their entries, bounded.
//!
//! [`Package::open`] is the way in. Sizes in an archive's headers are promises of a stranger, so
//! every entry is read through a limit; names are only looked up and never become paths. An archive
//! that asks for more than the limits is [`Unreadable::TooComplex`].

use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

use zip::ZipArchive;

use super::Unreadable;

mod links;
mod relations;

pub(super) use links::link;
pub(super) use relations::{Relations, resolve};

/// Most entries an archive may have.
const ENTRIES: usize = 10_000;
/// Largest entry, bytes unpacked.
const ENTRY: u64 = 64 * 1024 * 1024;
/// An entry larger than this must not be smaller than its `RATIO`th part when packed, bytes.
const FREE: u64 = 1024 * 1024;
/// Largest ratio of an unpacked entry to its packed size.
const RATIO: u64 = 200;
/// All that is ever unpacked from one archive, bytes.
const TOTAL: u64 = 256 * 1024 * 1024;
/// How a compound file begins; office programs wrap encrypted documents in one.
const COMPOUND: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// An open archive.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Entries by name in lower case, without a leading slash.
    names: HashMap<String, usize>,
    /// How many bytes may still be unpacked.
    left: u64,
    size: u64,
}

impl<'a> Package<'a> {
    /// Opens an archive.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable::Locked`] when the whole document is encrypted,
    /// [`Unreadable::TooComplex`] when it has too many entries, [`Unreadable::Damaged`] when it is
    /// no archive.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        if bytes.starts_with(&COMPOUND) {
            return Err(compound(bytes));
        }
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Unreadable::Damaged)?;
        if archive.len() > ENTRIES {
            return Err(Unreadable::TooComplex);
        }
        let mut names = HashMap::new();
        for index in 0..archive.len() {
            if let Some(Ok(name)) = archive.name_for_index(index) {
                names.entry(key(&name)).or_insert(index);
            }
        }
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(Self { archive, names, left: TOTAL, size })
    }

    /// Is there an entry of that name? Case and a leading slash do not matter.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(&key(name))
    }

    /// An entry's bytes, nothing when there is no such entry.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable`] when the entry is damaged, encrypted or too large.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        self.names.get(&key(name)).copied().map(|index| self.unpack(index)).transpose()
    }

    /// An entry's text in whichever Unicode or declared encoding it has.
    ///
    /// # Errors
    ///
    /// As [`Package::read`].
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Unreadable> {
        Ok(self.read(name)?.map(decode))
    }

    /// The text of an entry a document cannot be without.
    ///
    /// # Errors
    ///
    /// As [`Package::read`]; [`Unreadable::Damaged`] when there is no such entry.
    pub(super) fn required(&mut self, name: &str) -> Result<String, Unreadable> {
        self.text(name)?.ok_or(Unreadable::Damaged)
    }

    /// Unpacks every entry and forgets it, for the sake of readers that open the archive without
    /// limits.
    ///
    /// # Errors
    ///
    /// As [`Package::read`].
    pub(super) fn check(&mut self) -> Result<(), Unreadable> {
        for index in 0..self.archive.len() {
            self.copy(index, &mut std::io::sink())?;
        }
        Ok(())
    }

    fn unpack(&mut self, index: usize) -> Result<Vec<u8>, Unreadable> {
        let mut bytes = Vec::new();
        self.copy(index, &mut bytes)?;
        Ok(bytes)
    }

    fn copy(&mut self, index: usize, to: &mut impl std::io::Write) -> Result<(), Unreadable> {
        let packed = self.archive.by_index_raw(index).map_err(|_| Unreadable::Damaged)?;
        if packed.encrypted() {
            return Err(Unreadable::Locked);
        }
        let most = packed.compressed_size().min(self.size).saturating_mul(RATIO).max(FREE);
        drop(packed);
        let most = most.min(ENTRY).min(self.left);
        let entry = self.archive.by_index(index).map_err(|_| Unreadable::Damaged)?;
        let copied =
            std::io::copy(&mut entry.take(most + 1), to).map_err(|_| Unreadable::Damaged)?;
        if copied > most {
            return Err(Unreadable::TooComplex);
        }
        self.left -= copied;
        Ok(())
    }
}

/// What pictures in documents are called.
const PICTURES: [&str; 12] = [
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".svg", ".emf", ".wmf",
    ".jp2",
];

/// Is it an archive that holds pictures? The small view of the first page, which programs add, is
/// none.
pub(super) fn has_pictures(bytes: &[u8]) -> bool {
    let Ok(package) = Package::open(bytes) else { return false };
    package
        .names
        .keys()
        .any(|name| PICTURES.iter().any(|end| name.ends_with(end)) && !name.contains("thumbnail"))
}

fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_lowercase()
}

/// Is it no archive but a compound file?
pub(super) fn is_compound(bytes: &[u8]) -> bool {
    bytes.starts_with(&COMPOUND)
}

/// A compound file is an encrypted document or a format of the last century.
fn compound(bytes: &[u8]) -> Unreadable {
    let stream: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.windows(stream.len()).any(|window| window == stream) {
        Unreadable::Locked
    } else {
        Unreadable::Damaged
    }
}

/// Text by its byte order mark, else by the encoding its XML declaration names, else as UTF-8.
fn decode(bytes: Vec<u8>) -> String {
    let encoding = encoding_rs::Encoding::for_bom(&bytes)
        .map(|(encoding, _)| encoding)
        .or_else(|| declared(&bytes))
        .unwrap_or(encoding_rs::UTF_8);
    if encoding == encoding_rs::UTF_8 && !bytes.starts_with("\u{feff}".as_bytes()) {
        return String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    }
    encoding.decode(&bytes).0.into_owned()
}

fn declared(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = bytes.get(..bytes.len().min(200))?;
    let head = head.split(|byte| *byte == b'>').next()?;
    let head = std::str::from_utf8(head).ok()?.strip_prefix("<?xml")?;
    let value = head.split_once("encoding")?.1.split(['"', '\'']).nth(1)?;
    encoding_rs::Encoding::for_label(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_encoding_it_declares() {
        let utf16: Vec<u8> = "\u{feff}<a>Ж</a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(utf16), "<a>Ж</a>");
        assert_eq!(decode("\u{feff}<a>Ж</a>".into()), "<a>Ж</a>");
        let mut old = b"<?xml version='1.0' encoding='windows-1251'?><a>".to_vec();
        old.push(0xC6);
        assert!(decode(old).ends_with("<a>Ж"));
    }

    #[test]
    fn what_is_no_archive_is_damaged() {
        assert_eq!(Package::open(b"PK\x03\x04 nothing").err(), Some(Unreadable::Damaged));
        assert_eq!(Package::open(&COMPOUND).err(), Some(Unreadable::Damaged));
    }
}
