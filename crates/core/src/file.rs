//! Where the bytes of a file are: in the row that belongs to it, or in the store of files.

use crate::ids::FileId;

/// Bytes that are about to be stored with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'b> {
    /// They are written into the row.
    Inline(&'b [u8]),
    /// They are in the store of files, under this id, and the row names them.
    Kept(FileId),
}

impl Content<'_> {
    /// The bytes that are written into the row.
    pub const fn inline(&self) -> &[u8] {
        match self {
            Self::Inline(bytes) => bytes,
            Self::Kept(_) => &[],
        }
    }

    /// The file that the row names.
    pub const fn file(&self) -> Option<FileId> {
        match self {
            Self::Inline(_) => None,
            Self::Kept(file) => Some(*file),
        }
    }
}

impl<'b> From<&'b [u8]> for Content<'b> {
    fn from(bytes: &'b [u8]) -> Self {
        Self::Inline(bytes)
    }
}

impl<'b> From<&'b Vec<u8>> for Content<'b> {
    fn from(bytes: &'b Vec<u8>) -> Self {
        Self::Inline(bytes)
    }
}

impl<'b, const N: usize> From<&'b [u8; N]> for Content<'b> {
    fn from(bytes: &'b [u8; N]) -> Self {
        Self::Inline(bytes)
    }
}

/// What a row says of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredBytes {
    /// The row holds them.
    Inline(Vec<u8>),
    /// They are in the store of files.
    Kept {
        /// Under this id.
        file: FileId,
        /// Their SHA-256, lower-case hexadecimal.
        content_hash: String,
        /// How many they are.
        size: u64,
    },
}

impl StoredBytes {
    /// The bytes that the row holds.
    pub fn into_inline(self) -> Option<Vec<u8>> {
        match self {
            Self::Inline(bytes) => Some(bytes),
            Self::Kept { .. } => None,
        }
    }
}
