//! Proof that a request comes from the person, and not from somebody who found their access token:
//! operations that take over or delete an account ask for the password (and the second factor)
//! again. Failed attempts are limited as at sign-in but counted separately, so that guessing here
//! does not lock the person out there.

use chrono::{DateTime, Utc};
use replyx_core::{act, actor::Account, change::Change};
use replyx_storage::Tx;

use crate::{
    Cx, Error, Result,
    attempts::{self, Count},
    codes,
};

/// Is it their password?
///
/// # Errors
///
/// [`Error::WrongPassword`] when it is not, [`Error::TooMany`] when it was wrong too often.
pub(crate) async fn by_password(cx: &Cx, account: &Account, password: String) -> Result<()> {
    let user = account.user().id;
    let count = Count::password(user);
    attempts::count(cx, &count).await?;

    let hash = cx.db.read().await?.system().users().password_hash(user).await?;
    if !cx.passwords.verify(password, hash).await? {
        note_refusal(cx, account, "password").await?;
        return Err(Error::WrongPassword);
    }
    attempts::clear(cx, &count).await
}

/// Checks a code of the account's second factor, which cannot be used again. An account without a
/// second factor needs no code.
///
/// # Errors
///
/// [`Error::ProofRequired`] without a code, [`Error::WrongProof`] when it is not good;
/// [`Error::TooMany`] when it was wrong too often.
pub(crate) async fn by_code(cx: &Cx, account: &Account, code: Option<&str>) -> Result<()> {
    let user = account.user();
    if !user.second_factor {
        return Ok(());
    }
    let code = code.ok_or(Error::ProofRequired)?;
    let count = Count::second_factor(user.id);
    attempts::count(cx, &count).await?;

    if !codes::verify(cx, user.id, code).await? {
        note_refusal(cx, account, "second_factor").await?;
        return Err(Error::WrongProof);
    }
    attempts::clear(cx, &count).await
}

/// Are they still signed in, as the transaction sees it? Others cannot change the account until it
/// ends: a password that is reset at this moment shuts a thief out permanently.
///
/// # Errors
///
/// [`Error::Unauthenticated`] when they are not.
pub(crate) async fn still_signed_in(
    tx: &mut Tx,
    account: &Account,
    now: DateTime<Utc>,
) -> Result<()> {
    tx.system().users().lock(account.user().id).await?;
    let access = tx.system().sessions().access(account.session, None, now).await?;
    if access.is_some() { Ok(()) } else { Err(Error::Unauthenticated) }
}

/// Records that they could not prove it.
async fn note_refusal(cx: &Cx, account: &Account, what: &str) -> Result<()> {
    let act = act::ProofRefused { user: account.user().id, reason: what.to_owned() };

    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        tx.apply(Change::platform_act(&account.actor(), &act, cx.clock.now())).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
