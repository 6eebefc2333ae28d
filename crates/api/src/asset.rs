//! Something that is the same for everybody: kept in memory, as it is and compressed, each form
//! with its tag.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use replyx_core::secret::sha256_hex;

use crate::{coding::Coding, door::Resident, transfer::tag_in};

/// How long browsers may use an asset without asking whether it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssetLifetime {
    /// They must always ask.
    Never,
    /// An hour: what belongs to a release.
    Hour,
    /// They never need to: another content has another name.
    Forever,
}

impl AssetLifetime {
    const fn header(self) -> HeaderValue {
        match self {
            Self::Never => HeaderValue::from_static("public, no-cache"),
            Self::Hour => HeaderValue::from_static("public, max-age=3600"),
            Self::Forever => HeaderValue::from_static("public, max-age=31536000, immutable"),
        }
    }
}

/// An asset.
#[derive(Debug)]
pub(crate) struct Asset {
    kind: HeaderValue,
    fresh: AssetLifetime,
    plain: Form,
    encoded: Vec<(Coding, Form)>,
}

#[derive(Debug)]
struct Form {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Asset {
    /// Compresses it, which takes a moment for a large one.
    pub(crate) fn new(kind: HeaderValue, fresh: AssetLifetime, bytes: Vec<u8>) -> Self {
        Self::with(kind, fresh, bytes, None)
    }

    /// The same for what is already compressed with brotli, and better than we would take the time
    /// for.
    pub(crate) fn packed(
        kind: HeaderValue,
        fresh: AssetLifetime,
        bytes: Vec<u8>,
        packed: &'static [u8],
    ) -> Self {
        Self::with(kind, fresh, bytes, Some(packed))
    }

    fn with(
        kind: HeaderValue,
        fresh: AssetLifetime,
        bytes: Vec<u8>,
        packed: Option<&'static [u8]>,
    ) -> Self {
        let hash = sha256_hex(&bytes);
        let tag = HeaderValue::from_str(&format!("\"{}\"", &hash[..24]))
            .expect("hexadecimal is a header value");

        let encoded = Coding::ALL.into_iter().filter_map(|coding| {
            let encoded = match (coding, packed) {
                (Coding::Brotli, Some(packed)) => Bytes::from_static(packed),
                _ => coding.encode(&bytes)?,
            };
            let form = Form { bytes: encoded, tag: tag_in(coding, &tag)? };
            Some((coding, form))
        });
        let encoded = encoded.collect();
        let plain = Form { bytes: Bytes::from(bytes), tag };
        Self { kind, fresh, plain, encoded }
    }

    /// The answer to a request with these headers.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let wanted = Coding::wanted(headers);
        let coded = self.encoded.iter().find(|(coding, _)| Some(*coding) == wanted);
        let form = coded.map_or(&self.plain, |(_, form)| form);
        let mut response = Response::new(Body::from(form.bytes.clone()));
        let named = response.headers_mut();
        named.insert(header::CONTENT_TYPE, self.kind.clone());
        named.insert(header::CACHE_CONTROL, self.fresh.header());
        named.insert(header::ETAG, form.tag.clone());
        if !self.encoded.is_empty() {
            named.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if let Some((coding, _)) = coded {
            named.insert(header::CONTENT_ENCODING, coding.header());
        }
        response.extensions_mut().insert(Resident);
        response
    }
}
