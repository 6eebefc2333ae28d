//! The content codings in which answers are compressed, and which of them a client takes.

use std::io::Write;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
};
use brotli::{CompressorWriter, enc::BrotliEncoderParams};
use flate2::{Compression, write::GzEncoder};

/// How hard gzip tries, 0 to 9.
const GZIP_LEVEL: u32 = 5;
/// How hard brotli tries, 0 to 11: at 5 it takes about as long as gzip does, and saves more.
const BROTLI_QUALITY: i32 = 5;
/// The buffer of a brotli encoder, bytes.
const BROTLI_BUFFER: usize = 4096;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// `br`
    Brotli,
    /// `gzip`
    Gzip,
}

impl Coding {
    /// All of them, best first.
    pub(crate) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The value of `Content-Encoding`.
    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    /// The coding that the client likes best; of two it likes equally, the one that saves more.
    pub(crate) fn wanted(headers: &HeaderMap) -> Option<Self> {
        let mut best = None;
        for coding in Self::ALL {
            let quality = quality(headers, coding.name());
            if quality > 0.0 && best.is_none_or(|(_, other)| quality > other) {
                best = Some((coding, quality));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// The bytes in this coding; `None` when that does not make them fewer.
    pub(crate) fn encode(self, plain: &[u8]) -> Option<Bytes> {
        let encoded = match self {
            Self::Brotli => brotli(plain),
            Self::Gzip => gzip(plain),
        };
        encoded.filter(|encoded| encoded.len() < plain.len()).map(Bytes::from)
    }
}

/// How much the client likes a coding, 0 to 1. What it does not name it does not take, unless it
/// takes `*`.
fn quality(headers: &HeaderMap, coding: &str) -> f32 {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let names = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    let mut any = 0.0;
    for name in names {
        let (name, parameters) = name.split_once(';').unwrap_or((name, ""));
        let quality = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        let quality = quality.unwrap_or(0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case(coding) => return quality,
            "*" => any = quality,
            _ => {}
        }
    }
    any
}

fn brotli(plain: &[u8]) -> Option<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        size_hint: plain.len(),
        ..BrotliEncoderParams::default()
    };
    let mut encoded = Vec::new();
    let mut encoder = CompressorWriter::with_params(&mut encoded, BROTLI_BUFFER, &parameters);
    encoder.write_all(plain).ok()?;
    // The last bytes are written when the encoder goes.
    drop(encoder);
    Some(encoded)
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_which_coding_it_takes() {
        let wanted = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
            Coding::wanted(&headers)
        };
        for brotli in ["br", "gzip, deflate, br", "*", "br;q=0.5, gzip;q=0.4", "BR", "gzip;q=0, *"]
        {
            assert_eq!(wanted(brotli), Some(Coding::Brotli), "{brotli}");
        }
        for gzip in ["gzip", "GZIP;q=0.5", "gzip, br;q=0.9", "br;q=0, gzip", "br;q=0, *;q=0.1"] {
            assert_eq!(wanted(gzip), Some(Coding::Gzip), "{gzip}");
        }
        for none in ["", "deflate", "gzip;q=0", "br; q=0", "*;q=0", "identity", "gzip;q=x"] {
            assert_eq!(wanted(none), None, "{none}");
        }
        assert_eq!(Coding::wanted(&HeaderMap::new()), None);
    }

    #[test]
    fn what_does_not_become_smaller_is_left_alone() {
        for coding in Coding::ALL {
            assert_eq!(coding.encode(b"a"), None);
            let small = coding.encode(&[b'a'; 10_000]).unwrap();
            assert!(small.len() < 200, "{}: {}", coding.name(), small.len());
        }
    }
}
