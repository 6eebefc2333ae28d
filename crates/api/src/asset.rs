//! Something that is the same for everybody: kept in memory, as it is and compressed, each form with its tag.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use replyx_core::secret::sha256_hex;

use crate::{
    door::Resident,
    transfer::{gzip, takes_gzip},
};

/// How long browsers may use an asset without asking whether it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// They must always ask.
    Never,
    /// An hour: what belongs to a release.
    Hour,
}

impl Fresh {
    const fn header(self) -> HeaderValue {
        match self {
            Self::Never => HeaderValue::from_static("public, no-cache"),
            Self::Hour => HeaderValue::from_static("public, max-age=3600"),
        }
    }
}

/// An asset.
#[derive(Debug)]
pub(crate) struct Asset {
    kind: HeaderValue,
    fresh: Fresh,
    plain: Form,
    gzip: Option<Form>,
}

#[derive(Debug)]
struct Form {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Asset {
    /// Compresses it, which takes a moment for a large one.
    pub(crate) fn new(kind: HeaderValue, fresh: Fresh, bytes: Vec<u8>) -> Self {
        let hash = sha256_hex(&bytes);
        let hash = &hash[..24];
        let tag = |form: &str| {
            HeaderValue::from_str(&format!("\"{hash}{form}\""))
                .expect("hexadecimal is a header value")
        };
        let small = gzip(&bytes).filter(|small| small.len() < bytes.len());
        let gzip = small.map(|bytes| Form { bytes, tag: tag("-gzip") });
        let plain = Form { bytes: Bytes::from(bytes), tag: tag("") };
        Self { kind, fresh, plain, gzip }
    }

    /// The answer to a request with these headers.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip(headers));
        let form = gzip.unwrap_or(&self.plain);
        let mut response = Response::new(Body::from(form.bytes.clone()));
        let is_small = gzip.is_some();
        let named = response.headers_mut();
        named.insert(header::CONTENT_TYPE, self.kind.clone());
        named.insert(header::CACHE_CONTROL, self.fresh.header());
        named.insert(header::ETAG, form.tag.clone());
        if self.gzip.is_some() {
            named.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if is_small {
            named.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response.extensions_mut().insert(Resident);
        response
    }
}
