//! The cookies of a browser's session. All are `__Host-`: of this host alone, over TLS (or on the
//! loopback), for every path; only the CSRF token may be read by scripts.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, IntoResponseParts, Response, ResponseParts},
};

/// Holds the access token.
pub const ACCESS: &str = "__Host-rx_access";
/// Holds the refresh token.
pub const REFRESH: &str = "__Host-rx_refresh";
/// Holds the token that a script has to repeat in [`crate::csrf::HEADER`].
pub const CSRF: &str = "__Host-rx_csrf";

/// The value of a cookie. If it comes more than once, somebody plants cookies: then it has none.
pub fn read<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value).filter(|value| !value.is_empty())
}

/// Cookies that an answer sets, beside those that others set.
#[derive(Clone, Debug, Default)]
pub struct SetCookies(Vec<HeaderValue>);

impl SetCookies {
    /// With a cookie for so long; none at all takes it away. `HttpOnly`, unless it is the CSRF
    /// token.
    ///
    /// # Panics
    ///
    /// Never: our values are letters, digits and a few marks that a header may hold.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str, lifetime: Duration) -> Self {
        let hidden = if name == CSRF { "" } else { "; HttpOnly" };
        let seconds = lifetime.as_secs();
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; Secure{hidden}; SameSite=Lax");
        self.0.push(text.try_into().expect("our tokens are valid in a header"));
        self
    }

    /// Takes the whole session away.
    #[must_use]
    pub fn cleared() -> Self {
        let none = Self::default();
        [ACCESS, REFRESH, CSRF]
            .into_iter()
            .fold(none, |all, name| all.with(name, "", Duration::ZERO))
    }
}

impl IntoResponseParts for SetCookies {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        for cookie in self.0 {
            parts.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(parts)
    }
}

impl IntoResponse for SetCookies {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&'static str]) -> HeaderMap {
        cookies.iter().map(|text| (header::COOKIE, HeaderValue::from_static(text))).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_and_not_believed_when_it_comes_twice() {
        let one = headers(&["a=b; __Host-rx_csrf=x.y", "c=d"]);
        assert_eq!(read(&one, CSRF), Some("x.y"));
        assert_eq!(read(&one, ACCESS), None);
        for twice in [
            headers(&["__Host-rx_csrf=x; __Host-rx_csrf=y"]),
            headers(&["__Host-rx_csrf=x", "__Host-rx_csrf=x"]),
            headers(&["__Host-rx_csrf="]),
            headers(&["__Host-rx_csrf"]),
            headers(&["x__Host-rx_csrf=x"]),
        ] {
            assert_eq!(read(&twice, CSRF), None, "{twice:?}");
        }
    }

    #[test]
    fn only_the_csrf_token_may_be_read_by_scripts() {
        let set = SetCookies::default().with(ACCESS, "a.b.c", Duration::from_hours(1)).with(
            CSRF,
            "d.e",
            Duration::from_hours(1),
        );
        let text: Vec<&str> = set.0.iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(
            text,
            [
                "__Host-rx_access=a.b.c; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax",
                "__Host-rx_csrf=d.e; Path=/; Max-Age=3600; Secure; SameSite=Lax",
            ]
        );
    }
}
