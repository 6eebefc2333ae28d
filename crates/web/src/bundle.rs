//! Reads a bundle.

use std::io::{Cursor, Read};

use brotli::Decompressor;
use thiserror::Error;

const MAGIC: &str = "replyx-bundle 1";
/// The buffer of a brotli decoder, bytes.
const BUFFER: usize = 4096;

/// A file of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path below the page's address, without a slash at the start.
    pub path: String,
    /// Its media type.
    pub kind: String,
    /// Its content.
    pub plain: Vec<u8>,
    /// Its content compressed with brotli, where that is smaller.
    pub brotli: Option<&'static [u8]>,
}

/// Why a bundle cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BundleError {
    /// It does not begin as a bundle does.
    #[error("not a bundle")]
    Header,
    /// A line does not describe a file.
    #[error("line {0} of the bundle does not describe a file")]
    Line(usize),
    /// The bytes of a file are missing or damaged.
    #[error("the file `{0}` in the bundle is damaged")]
    Content(String),
    /// There are more bytes than the lines describe.
    #[error("the bundle has bytes that belong to no file")]
    Rest,
}

/// The files of a bundle, in its order.
///
/// # Errors
///
/// [`BundleError`] when it is not a bundle or is damaged.
pub(crate) fn unpack(packed: &'static [u8]) -> Result<Vec<File>, BundleError> {
    let end = packed.windows(2).position(|pair| pair == b"\n\n").ok_or(BundleError::Header)?;
    let head = std::str::from_utf8(&packed[..end]).map_err(|_| BundleError::Header)?;
    let mut rest = &packed[end + 2..];
    let mut lines = head.lines();
    if lines.next() != Some(MAGIC) {
        return Err(BundleError::Header);
    }

    let mut files = Vec::new();
    for (number, line) in lines.enumerate() {
        let entry = Entry::parse(line).ok_or(BundleError::Line(number + 2))?;
        let damaged = || BundleError::Content(entry.path.to_owned());
        let (stored, others) = rest.split_at_checked(entry.stored).ok_or_else(damaged)?;
        rest = others;
        files.push(entry.file(stored).ok_or_else(damaged)?);
    }

    if rest.is_empty() { Ok(files) } else { Err(BundleError::Rest) }
}

/// The description of a file.
struct Entry<'l> {
    path: &'l str,
    kind: String,
    size: usize,
    stored: usize,
    is_brotli: bool,
}

impl<'l> Entry<'l> {
    fn parse(line: &'l str) -> Option<Self> {
        let mut words = line.split(' ');
        let entry = Self {
            path: words.next()?,
            kind: words.next()?.replace('+', " "),
            size: words.next()?.parse().ok()?,
            stored: words.next()?.parse().ok()?,
            is_brotli: match words.next()? {
                "br" => true,
                "plain" => false,
                _ => return None,
            },
        };
        words.next().is_none().then_some(entry)
    }

    /// Nothing if the stored bytes are not those of a file of this size.
    fn file(&self, stored: &'static [u8]) -> Option<File> {
        let mut plain = Vec::new();
        if self.is_brotli {
            Decompressor::new(Cursor::new(stored), BUFFER).read_to_end(&mut plain).ok()?;
        } else {
            plain.extend_from_slice(stored);
        }

        (plain.len() == self.size).then(|| File {
            path: self.path.to_owned(),
            kind: self.kind.clone(),
            plain,
            brotli: self.is_brotli.then_some(stored),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_out_as_they_were_packed() {
        let packed = b"replyx-bundle 1\na.css text/css;+charset=utf-8 3 3 plain\nb/c.txt x/y 0 0 plain\n\nabc";
        let files = unpack(packed).expect("it is a bundle");
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].path, "a.css");
        assert_eq!(files[0].kind, "text/css; charset=utf-8");
        assert_eq!((files[0].plain.as_slice(), files[0].brotli), (&b"abc"[..], None));
        assert!(files[1].plain.is_empty());
    }

    #[test]
    fn what_is_not_a_bundle_is_refused() {
        let damaged = || Err(BundleError::Content("a".to_owned()));
        for (packed, fault) in [
            (&b""[..], Err(BundleError::Header)),
            (b"other 1\n\n", Err(BundleError::Header)),
            (b"replyx-bundle 1\na b 1\n\n", Err(BundleError::Line(2))),
            (b"replyx-bundle 1\na b 1 1 zip\n\nx", Err(BundleError::Line(2))),
            (b"replyx-bundle 1\na b 1 1 plain x\n\nx", Err(BundleError::Line(2))),
            (b"replyx-bundle 1\na b 2 2 plain\n\nx", damaged()),
            (b"replyx-bundle 1\na b 2 1 plain\n\nx", damaged()),
            (b"replyx-bundle 1\na b 5 1 br\n\nx", damaged()),
            (b"replyx-bundle 1\na b 1 1 plain\n\nxy", Err(BundleError::Rest)),
        ] {
            assert_eq!(unpack(packed), fault, "{}", String::from_utf8_lossy(packed));
        }
    }
}
