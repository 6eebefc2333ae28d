//! A request that changes something and is authorised by a cookie has to prove that one of our
//! pages sent it: it repeats the CSRF cookie in a header (which a stranger's page can neither read
//! nor set), the token is signed for this very session (so a planted one is of no use), and the
//! browser's own words on where the request comes from agree.

use axum::http::{HeaderMap, header};
use replyx_core::{
    ids::SessionId,
    secret::{keyed_hash, same},
    session::{Access, Principal},
};

use crate::{
    cookies,
    error::{ApiError, ApiResult},
    state::AppState,
};

/// The header that repeats the cookie.
pub const HEADER: &str = "x-csrf-token";

/// A token for a session: chance, and its signature together with the session.
pub fn token(state: &AppState, session: SessionId) -> String {
    let chance = replyx_core::clock::random_hex::<16>();
    let signature = sign(state, &chance, session);
    format!("{chance}.{signature}")
}

fn sign(state: &AppState, chance: &str, session: SessionId) -> String {
    keyed_hash(&state.keys().key("csrf"), &format!("{chance}.{session}"))
}

/// Was this request, authorised by a cookie, meant by one of our pages?
///
/// # Errors
///
/// [`ApiError::Csrf`] when it does not prove so.
pub(crate) fn check(state: &AppState, headers: &HeaderMap, access: &Access) -> ApiResult<()> {
    let Principal::User { session, .. } = &access.principal else { return Err(ApiError::Csrf) };
    let shown = shown(state, headers)?;
    if is_of(state, shown, *session) { Ok(()) } else { Err(ApiError::Csrf) }
}

/// The token that a request shows, as far as can be told before its session is known.
///
/// # Errors
///
/// [`ApiError::Csrf`] when header and cookie differ or lack, or the request comes from elsewhere.
pub(crate) fn shown<'h>(state: &AppState, headers: &'h HeaderMap) -> ApiResult<&'h str> {
    let shown = headers.get(HEADER).and_then(|value| value.to_str().ok()).ok_or(ApiError::Csrf)?;
    let cookie = cookies::read(headers, cookies::CSRF).ok_or(ApiError::Csrf)?;
    if same(shown, cookie) && is_ours(state, headers) { Ok(shown) } else { Err(ApiError::Csrf) }
}

/// Is it a token that we made for this session?
pub(crate) fn is_of(state: &AppState, token: &str, session: SessionId) -> bool {
    let Some((chance, signature)) = token.split_once('.') else { return false };
    same(signature, &sign(state, chance, session))
}

/// Refuses to set cookies for a page that is not ours: a stranger's page could sign its visitor in
/// as somebody else.
///
/// # Errors
///
/// [`ApiError::Csrf`] when the browser says that the request comes from elsewhere.
pub(crate) fn check_origin(state: &AppState, headers: &HeaderMap) -> ApiResult<()> {
    if is_ours(state, headers) { Ok(()) } else { Err(ApiError::Csrf) }
}

/// Does the browser say that the request comes from one of our pages, as far as it says anything?
fn is_ours(state: &AppState, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if headers.contains_key(header::ORIGIN) {
        let origin = text("origin").unwrap_or_default();
        let settings = &state.settings;
        let public = settings.public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
        return is_own(origin, text("host").unwrap_or_default(), settings.production)
            || public.is_some_and(|url| url.origin().ascii_serialization() == origin)
            || settings.cors_origins.iter().any(|known| known == origin);
    }
    !matches!(text("sec-fetch-site"), Some("cross-site" | "same-site"))
}

/// Is it the origin of the host that was asked? In production a page without TLS is nobody's:
/// an attacker on the network may have written it.
fn is_own(origin: &str, host: &str, production: bool) -> bool {
    let Some((scheme, own)) = origin.split_once("://") else { return false };
    !host.is_empty() && own == host && (scheme == "https" || (scheme == "http" && !production))
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn an_origin_is_own_when_host_and_port_agree() {
        assert!(is_own("https://a.example", "a.example", true));
        assert!(is_own("http://127.0.0.1:8000", "127.0.0.1:8000", false));
        for (origin, host) in [
            ("http://a.example", "a.example"),
            ("https://a.example", "b.example"),
            ("https://a.example:444", "a.example"),
            ("https://evil-a.example", "a.example"),
            ("https://a.example.evil", "a.example"),
            ("ftp://a.example", "a.example"),
            ("null", "a.example"),
            ("https://", ""),
            ("", ""),
        ] {
            assert!(!is_own(origin, host, true), "{origin} at {host}");
        }
    }
}
