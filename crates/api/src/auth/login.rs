//! `POST /api/v1/auth/login`
//!
//! What an account bears is counted before the password is looked at, whether or not there is such an account:
//! neither many requests at once nor the answers tell more than one guess at a time. Codes of the second factor are
//! counted apart, so that the right password does not buy new guesses of them.

use std::time::Duration;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_core::{
    audit::Outcome,
    mail::{Letter, Mail},
    secret::sha256_hex,
    session::{Attempt, Patience},
    setting,
    user::{User, normal_email},
};
use replyx_storage::Tx;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    second_factor,
    sign_in::{self, Device, Tokens},
};
use crate::{
    cookies::SetCookies,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    post,
    state::AppState,
};

/// How long an account is so new that its first sign-in is no news.
const NEW: chrono::Duration = chrono::Duration::days(1);

/// Who wants in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginUser)]
pub struct Request {
    /// The e-mail address of the account.
    #[garde(length(chars, max = 254))]
    #[schema(example = "owner@example.org", max_length = 254)]
    email: String,
    /// Its password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    password: String,
    /// The code that the second factor shows, or a recovery code; only for accounts that have one.
    #[garde(length(chars, max = 40))]
    #[schema(example = "123456", max_length = 40)]
    totp: Option<String>,
    /// Set cookies for a browser instead of giving the tokens.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = false)]
    cookies: bool,
}

/// Opens a session with an e-mail address and a password.
#[utoipa::path(
    post, path = "/auth/login", operation_id = "login_user", tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "the tokens of the session", body = Tokens),
        (status = 401, description = "`wrong_credentials`; `totp_required` when the password is right and a second \
            factor is asked for, `wrong_totp` when its code is wrong", body = Problem),
        (status = 403, description = "`account_blocked`; `csrf_failed` when a page that is not ours wants cookies",
            body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.login", skip_all)]
pub async fn login(
    state: State<AppState>,
    device: Device,
    body: Body<Request>,
) -> ApiResult<(SetCookies, Json<Tokens>)> {
    let (State(state), Body(request)) = (state, body);
    device.check_cookies(&state, request.cookies)?;
    let email = normal_email(&request.email);
    let password_count = sha256_hex(email.as_bytes());
    count(&state, &password_count).await?;
    let found = state.db().read().await?.system().users().find_by_email(&email).await?;
    let (user, hash) = found.unzip();
    let right = state.passwords.verify(request.password, hash.clone()).await?;
    let user = match user {
        Some(user) if right => user,
        user => return refuse(&state, &device, user, "password", ApiError::WrongCredentials).await,
    };
    if user.blocked_at.is_some() {
        clear(&state, &[&password_count]).await?;
        let error =
            ApiError::Refused { code: "account_blocked", detail: "this account is blocked" };
        return refuse(&state, &device, Some(user), "blocked", error).await;
    }
    let code_count = sha256_hex(format!("second-factor:{}", user.id).as_bytes());
    if user.second_factor {
        clear(&state, &[&password_count]).await?;
        let Some(code) = request.totp else { return Err(code_required()) };
        count(&state, &code_count).await?;
        if !second_factor::verify(&state, user.id, &code).await? {
            return refuse(&state, &device, Some(user), "second_factor", wrong_code()).await;
        }
    }
    let now = state.clock().now();
    let news = news(&state, &user, &device, now).await?;
    let mut tx = state.db().begin().await?;
    still_so(&mut tx, &user, hash).await?;
    tx.system().login_attempts().clear(&password_count).await?;
    tx.system().login_attempts().clear(&code_count).await?;
    if let Some(mail) = news {
        post::queue(&state, &mut tx, &mail).await?;
    }
    let place = sign_in::home(&mut tx, &user).await?;
    let opened = sign_in::open(&state, &mut tx, &user, place, &device).await?;
    let details = json!({"session": opened.session.to_string()});
    let act = device.act(now, "session.opened", Some(&user), Outcome::Done, details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    let (cookies, tokens) = opened.hand_out(&state, request.cookies, None)?;
    Ok((cookies, Json(tokens)))
}

/// Does what let them in still hold? Others cannot change the account until the transaction ends: a password that was
/// reset while the old one was looked at opens nothing.
async fn still_so(tx: &mut Tx, user: &User, hash: Option<String>) -> ApiResult<()> {
    let found = tx.system().users().lock(user.id).await?;
    let same = found.is_some_and(|found| {
        found.blocked_at == user.blocked_at && found.second_factor == user.second_factor
    });
    let same = same && tx.system().users().password_hash(user.id).await? == hash;
    if same { Ok(()) } else { Err(ApiError::WrongCredentials) }
}

const fn code_required() -> ApiError {
    ApiError::SignIn {
        code: "totp_required",
        detail: "this account asks for a code of its second factor, in `totp`",
    }
}

const fn wrong_code() -> ApiError {
    ApiError::SignIn {
        code: "wrong_totp",
        detail: "the code of the second factor is wrong, or was used before",
    }
}

/// How patient accounts are with those who guess.
pub(crate) fn patience(state: &AppState) -> Patience {
    Patience {
        free: 3,
        first: Duration::from_secs(1),
        lock_after: 10,
        lock: state.tuning.minutes(setting::LOGIN_LOCK_MINUTES),
    }
}

/// Counts an attempt, which fails until it is cleared.
///
/// # Errors
///
/// 429 when the next may not be made yet.
pub(crate) async fn count(state: &AppState, hash: &str) -> ApiResult<()> {
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let attempt = tx.system().login_attempts().begin(hash, patience(state), now).await?;
    tx.commit().await?;
    match attempt {
        Attempt::Allowed => Ok(()),
        Attempt::Wait(until) => {
            let retry_after = (until - now).to_std().unwrap_or_default();
            Err(ApiError::TooManyRequests(retry_after.into()))
        }
    }
}

/// Forgets the failed attempts.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn clear(state: &AppState, hashes: &[&str]) -> ApiResult<()> {
    let mut tx = state.db().begin().await?;
    for hash in hashes {
        tx.system().login_attempts().clear(hash).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Notes that somebody was not let in. An address that has no account is not written down: it may be a mistyped
/// password.
async fn refuse<T>(
    state: &AppState,
    device: &Device,
    user: Option<User>,
    reason: &str,
    error: ApiError,
) -> ApiResult<T> {
    let now = state.clock().now();
    let details = json!({"reason": reason});
    let act = device.act(now, "session.refused", user.as_ref(), Outcome::Refused, details);
    let mut tx = state.db().begin().await?;
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Err(error)
}

/// The letter to the person when somebody signs in from where, or with what, nobody has before.
async fn news(
    state: &AppState,
    user: &User,
    device: &Device,
    now: DateTime<Utc>,
) -> ApiResult<Option<Mail>> {
    let address = device.address.to_string();
    let mut tx = state.db().read().await?;
    let known = tx.system().sessions().knows_device(user.id, &address, &device.user_agent).await?;
    if known {
        return Ok(None);
    }
    let is_first = tx.system().sessions().list(user.id, now).await?.is_empty();
    drop(tx);
    if is_first && now - user.created_at < NEW {
        return Ok(None);
    }
    let user_agent = device.user_agent.clone();
    let letter = Letter::NewSignIn { at: now, address, user_agent };
    let mail = Mail { to: user.email.clone(), language: user.language, letter };
    Ok(post::may_tell(state, &mail).await.then_some(mail))
}
