//! The pages that links in letters lead to: accepting an invitation, and setting a new password.
//!
//! They are files in the program, in English and Russian, with one script and one style sheet
//! beside them, so that a strict content security policy holds. The token stands behind `#` in the
//! link: it reaches the script, and no server's log. What the script does is in the API for
//! everybody: `auth/register`, `auth/login`, `invitations/accept` and `auth/password/reset`.

use axum::{
    Router,
    extract::RawQuery,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use replyx_accounts::{INVITE_PAGE, RESET_PAGE};
use replyx_core::assistant::Language;

const SCRIPT: &str = "/landing/page.js";
const STYLE: &str = "/landing/page.css";

/// A page runs our script, looks as our sheet says and talks to our API. Nothing in it is sent as a
/// form: without the script a password would end up in the address.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The pages and what they load.
pub(crate) fn routes() -> Router {
    Router::new()
        .route(INVITE_PAGE, get(invite))
        .route(RESET_PAGE, get(reset))
        .route(
            SCRIPT,
            get(async || file("text/javascript; charset=utf-8", include_str!("landing/page.js"))),
        )
        .route(
            STYLE,
            get(async || file("text/css; charset=utf-8", include_str!("landing/page.css"))),
        )
}

async fn invite(query: RawQuery, headers: HeaderMap) -> Response {
    page(match language(query.0.as_deref(), &headers) {
        Language::English => include_str!("landing/invite.en.html"),
        Language::Russian => include_str!("landing/invite.ru.html"),
    })
}

async fn reset(query: RawQuery, headers: HeaderMap) -> Response {
    page(match language(query.0.as_deref(), &headers) {
        Language::English => include_str!("landing/reset.en.html"),
        Language::Russian => include_str!("landing/reset.ru.html"),
    })
}

fn page(html: &'static str) -> Response {
    let mut response = file("text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    headers.insert(
        HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow"),
    );
    response
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // They belong to this version of the program.
    let fresh = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    ([kind, fresh], text).into_response()
}

/// The language that is asked for by `?lang=`, or else the one that the browser likes best of those
/// that there are.
fn language(query: Option<&str>, headers: &HeaderMap) -> Language {
    let asked = query.into_iter().flat_map(|query| query.split('&'));
    let asked = asked.filter_map(|pair| pair.strip_prefix("lang=")).find_map(known);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    asked.or_else(|| best(accepted?)).unwrap_or(Language::English)
}

fn known(tag: &str) -> Option<Language> {
    tag.split('-').next()?.trim().to_ascii_lowercase().parse().ok()
}

fn best(accepted: &str) -> Option<Language> {
    let weighed = accepted.split(',').filter_map(|choice| {
        let mut parts = choice.split(';').map(str::trim);
        let language = known(parts.next()?)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map(str::parse);
        let weight: f32 = weight.unwrap_or(Ok(1.0)).ok()?;
        (weight > 0.0).then_some((language, weight))
    });
    // Of equals the first is liked best.
    let better = |best: (Language, f32), next: (Language, f32)| {
        if next.1 > best.1 { next } else { best }
    };
    weighed.reduce(better).map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_speaks_the_readers_language() {
        let chosen = |query: Option<&str>, accepted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            language(query, &headers)
        };
        for (query, accepted, expected) in [
            (None, "", Language::English),
            (None, "ru", Language::Russian),
            (None, "ru-RU,ru;q=0.9,en;q=0.8", Language::Russian),
            (None, "en-US,en;q=0.9,ru;q=0.8", Language::English),
            (None, "de, en;q=0.3, ru;q=0.7", Language::Russian),
            (None, "ru;q=0, en;q=0.1", Language::English),
            (None, "fr;q=x, *", Language::English),
            (Some("lang=ru"), "en", Language::Russian),
            (Some("a=b&lang=en"), "ru", Language::English),
            (Some("lang=xx"), "ru", Language::Russian),
        ] {
            assert_eq!(chosen(query, accepted), expected, "{query:?} {accepted}");
        }
    }

    #[test]
    fn nothing_in_a_page_runs_but_our_script() {
        for html in [
            include_str!("landing/invite.en.html"),
            include_str!("landing/invite.ru.html"),
            include_str!("landing/reset.en.html"),
            include_str!("landing/reset.ru.html"),
        ] {
            assert_eq!(html.matches("<script").count(), 1);
            assert!(html.contains(&format!("<script src=\"{SCRIPT}\" defer></script>")));
            assert!(html.contains(&format!("href=\"{STYLE}\"")));
            for inline in
                [" style=", " onclick=", " onsubmit=", "javascript:", "http://", "https://"]
            {
                assert!(!html.contains(inline), "{inline}");
            }
            // Every field says what it is, to those who hear the page too.
            for field in html.split("<input ").skip(1) {
                let id = field.split("id=\"").nth(1).and_then(|rest| rest.split('"').next());
                let id = id.expect("a field has an id");
                assert!(html.contains(&format!("<label for=\"{id}\">")), "{id}");
            }
        }
    }
}
