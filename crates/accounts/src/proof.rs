//! Proof that it is the person who asks, and not who found their access token: what takes an account over, or away,
//! asks for the password (and the second factor) once more. Wrong ones are counted as those at sign-in are, in counts
//! of their own, so that whoever guesses here does not lock the person out there.

use chrono::{DateTime, Utc};
use replyx_core::{audit::Outcome, ids::UserId, secret::sha256_hex};
use replyx_storage::Tx;
use serde_json::json;

use super::{login, second_factor};
use crate::{
    caller::Account,
    error::{ApiError, ApiResult},
    state::AppState,
};

/// Under what wrong passwords of somebody who is signed in are counted.
pub(super) fn password_count(user: UserId) -> String {
    sha256_hex(format!("password:{user}").as_bytes())
}

/// Is it their password?
///
/// # Errors
///
/// 403 `wrong_password` when it is not, 429 when it was wrong too often.
pub(crate) async fn by_password(
    state: &AppState,
    account: &Account,
    password: String,
) -> ApiResult<()> {
    let user = account.user().id;
    let count = password_count(user);
    login::count(state, &count).await?;
    let hash = state.db().read().await?.system().users().password_hash(user).await?;
    if !state.passwords.verify(password, hash).await? {
        let detail = "the password is wrong";
        return refuse(state, account, "password", "wrong_password", detail).await;
    }
    login::clear(state, &[&count]).await
}

/// Is it a code of their second factor? It is used up. Who has none needs none.
///
/// # Errors
///
/// 403 `totp_required` without a code, `wrong_totp` when it is not good; 429 when it was wrong too often.
pub(crate) async fn by_code(
    state: &AppState,
    account: &Account,
    code: Option<&str>,
) -> ApiResult<()> {
    let user = account.user();
    if !user.second_factor {
        return Ok(());
    }
    let Some(code) = code else {
        return Err(ApiError::Refused {
            code: "totp_required",
            detail: "this account asks for a code of its second factor, in `code`",
        });
    };
    let count = sha256_hex(format!("second-factor:{}", user.id).as_bytes());
    login::count(state, &count).await?;
    if !second_factor::verify(state, user.id, code).await? {
        let detail = "the code of the second factor is wrong, or was used before";
        return refuse(state, account, "second_factor", "wrong_totp", detail).await;
    }
    login::clear(state, &[&count]).await
}

/// Are they still signed in, as the transaction sees it? Others cannot change the account until it ends: a password
/// that is reset at this moment shuts a thief out for good.
///
/// # Errors
///
/// 401 when they are not.
pub(crate) async fn still_signed_in(
    tx: &mut Tx,
    account: &Account,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    tx.system().users().lock(account.user().id).await?;
    let access = tx.system().sessions().access(account.session, None, now).await?;
    if access.is_some() { Ok(()) } else { Err(ApiError::Unauthenticated) }
}

/// Notes that they could not prove it.
async fn refuse(
    state: &AppState,
    account: &Account,
    what: &str,
    code: &'static str,
    detail: &'static str,
) -> ApiResult<()> {
    let now = state.clock().now();
    let user = account.user().id;
    let mut act = account.act(now, "proof.refused", ("user", user), json!({"reason": what}));
    act.outcome = Outcome::Refused;
    let mut tx = state.db().begin().await?;
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Err(ApiError::Refused { code, detail })
}
