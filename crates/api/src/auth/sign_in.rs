//! Hands the tokens of a session out: in the answer's body, or as cookies that scripts cannot read.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use replyx_accounts::{Device, sessions::OpenSession, token::LIFETIME};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::{self, UserAgent},
    cookies::{self, SetCookies},
    csrf,
    error::{ApiError, ApiResult},
    state::AppState,
};

impl FromRequestParts<AppState> for Device {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Ok(UserAgent(user_agent)) = UserAgent::from_request_parts(parts, state).await;
        Ok(Self { address: caller::address(parts), user_agent })
    }
}

/// How a client gets its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenDelivery {
    /// In the body of the answer.
    Body,
    /// As cookies of a browser.
    Cookies,
}

impl TokenDelivery {
    /// What the field `cookies` of a request asks for.
    ///
    /// # Errors
    ///
    /// [`ApiError::Csrf`] when cookies are wanted by a page that is not ours.
    pub(super) fn asked(state: &AppState, headers: &HeaderMap, cookies: bool) -> ApiResult<Self> {
        if !cookies {
            return Ok(Self::Body);
        }
        csrf::check_origin(state, headers)?;
        Ok(Self::Cookies)
    }
}

/// Hands the tokens of a session out. A CSRF token that the client has already may be kept.
pub(super) fn hand_out(
    state: &AppState,
    session: OpenSession,
    delivery: TokenDelivery,
    csrf: Option<String>,
) -> ApiResult<(SetCookies, Tokens)> {
    let access = state.accounts.tokens.issue(&session.subject)?;
    let expires_in = LIFETIME.as_secs();
    let tokens = Tokens { token_type: "Bearer", expires_in, ..Tokens::default() };
    if delivery == TokenDelivery::Body {
        let tokens = Tokens {
            access_token: Some(access),
            refresh_token: Some(session.refresh_token),
            ..tokens
        };
        return Ok((SetCookies::default(), tokens));
    }

    let csrf = csrf.unwrap_or_else(|| csrf::token(state, session.subject.session));
    let set = SetCookies::default()
        .with(cookies::ACCESS, &access, LIFETIME)
        .with(cookies::REFRESH, &session.refresh_token, session.lifetime)
        .with(cookies::CSRF, &csrf, session.lifetime);
    Ok((set, Tokens { csrf_token: Some(csrf), ..tokens }))
}

/// The tokens of a session, unless they are set as cookies.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Tokens)]
pub struct Tokens {
    /// Goes into `Authorization: Bearer ...`. Not given when cookies are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    pub(super) access_token: Option<String>,
    /// Exchanged for new tokens, once. Not given when cookies are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "rx_refresh_2FfYbE0mD3wq1qJ9rT5uW7xZ8aB4cD6eF0gH2iJ4kL8")]
    pub(super) refresh_token: Option<String>,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub(super) token_type: &'static str,
    /// How long the access token is valid, seconds.
    #[schema(example = 3600)]
    pub(super) expires_in: u64,
    /// Goes into `X-CSRF-Token` with every change that is authorised by cookies. Given when cookies
    /// are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0f1e2d3c4b5a69788796a5b4c3d2e1f0.5d41402abc4b2a76b9719d911017c592")]
    pub(super) csrf_token: Option<String>,
}
