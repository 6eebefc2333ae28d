//! The console: the files that the crate `web` carries, below `/app`.
//!
//! An address that names no file is a place inside the console, and gets its page. An address that
//! looks like a file and is none is not found: a page in place of a script breaks open tabs.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{Redirect, Response},
    routing::get,
};
use tokio::task::spawn_blocking;

use crate::{
    asset::{Asset, AssetLifetime},
    error::{ApiError, ApiResult},
};

/// The page, which names the rest.
const PAGE: &str = "index.html";
/// Files in here are named by their content.
const HASHED: &str = "assets/";

/// The console runs only its own scripts, makes no HTML out of text, and talks only to us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
     font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
     frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);

static FILES: LazyLock<BTreeMap<&str, Asset>> = LazyLock::new(|| {
    let known = replyx_web::console().iter().filter_map(|file| {
        let kind = HeaderValue::from_str(&file.kind).ok()?;
        let fresh = if file.path.starts_with(HASHED) {
            AssetLifetime::Forever
        } else {
            AssetLifetime::Never
        };
        let plain = file.plain.clone();
        let asset = match file.brotli {
            Some(packed) => Asset::packed(kind, fresh, plain, packed),
            None => Asset::new(kind, fresh, plain),
        };
        Some((file.path.as_str(), asset))
    });
    known.collect()
});

/// `GET /app` and everything below.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/app", get(async || Redirect::to("/app/")))
        .route("/app/", get(page))
        .route("/app/{*path}", get(file))
}

async fn page(headers: HeaderMap) -> ApiResult<Response> {
    answer(PAGE.to_owned(), headers).await
}

async fn file(path: Option<Path<String>>, headers: HeaderMap) -> ApiResult<Response> {
    let Path(path) = path.ok_or(ApiError::NotFound("file"))?;
    answer(path, headers).await
}

async fn answer(path: String, headers: HeaderMap) -> ApiResult<Response> {
    // The first request compresses all files, which takes a moment.
    let found = spawn_blocking(move || {
        let name = if is_place(&path) { PAGE } else { path.as_str() };
        Some(FILES.get(name)?.answer(&headers))
    });

    let mut response = found.await?.ok_or(ApiError::NotFound("file"))?;
    let named = response.headers_mut();
    named.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    named.insert(
        HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow"),
    );
    Ok(response)
}

/// Is it a place inside the console, rather than a file?
fn is_place(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    !path.starts_with(HASHED) && !name.contains('.')
}

#[cfg(test)]
mod tests {
    use super::is_place;

    #[test]
    fn places_and_files_are_told_apart() {
        for place in ["", "sign-in", "w/0190/inbox/mine", "w/0190/inbox/mine/0191", "w/"] {
            assert!(is_place(place), "{place}");
        }
        for file in ["index.html", "assets/app-1a2b.js", "assets/app", "w/x/favicon.svg", "a.b"] {
            assert!(!is_place(file), "{file}");
        }
    }
}
