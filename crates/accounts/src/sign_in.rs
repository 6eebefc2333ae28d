//! Signing in with an e-mail address and a password.
//!
//! What an account bears is counted before the password is looked at, whether or not there is such
//! an account: neither many requests at once nor the answers tell more than one guess at a time.
//! Codes of the second factor are counted apart, so that the right password does not buy new
//! guesses of them.

use chrono::{DateTime, Utc};
use replyx_core::{
    act,
    change::Change,
    mail::{Letter, Mail},
    user::{User, normal_email},
};
use replyx_storage::Tx;

use crate::{
    Cx, Device, Error, Result,
    attempts::{self, Count},
    codes,
    sessions::{self, Occasion, OpenSession},
};

/// How long an account is so new that its first sign-in is no news.
const NEW: chrono::Duration = chrono::Duration::days(1);

/// What somebody shows who wants in.
#[derive(Debug)]
pub struct Credentials {
    /// The e-mail address, as it was typed.
    pub email: String,
    /// The password.
    pub password: String,
    /// A code of the second factor, or a recovery code.
    pub code: Option<String>,
}

/// Opens a session.
///
/// # Errors
///
/// [`Error::WrongCredentials`], [`Error::AccountBlocked`], [`Error::CodeRequired`],
/// [`Error::WrongCode`], and [`Error::TooMany`] when there were too many wrong attempts.
pub async fn sign_in(cx: &Cx, device: &Device, shown: Credentials) -> Result<OpenSession> {
    let email = normal_email(&shown.email);
    let password_count = Count::sign_in(&email);
    attempts::count(cx, &password_count).await?;

    let found = cx.db.read().await?.system().users().find_by_email(&email).await?;
    let (user, hash) = found.unzip();
    let right = cx.passwords.verify(shown.password, hash.clone()).await?;
    let user = match user {
        Some(user) if right => user,
        user => {
            note_refusal(cx, device, user.as_ref(), "password").await?;
            return Err(Error::WrongCredentials);
        }
    };

    if user.blocked_at.is_some() {
        attempts::clear(cx, &password_count).await?;
        note_refusal(cx, device, Some(&user), "blocked").await?;
        return Err(Error::AccountBlocked);
    }

    let code_count = Count::second_factor(user.id);
    if user.second_factor {
        attempts::clear(cx, &password_count).await?;
        let code = shown.code.ok_or(Error::CodeRequired)?;
        attempts::count(cx, &code_count).await?;
        if !codes::verify(cx, user.id, &code).await? {
            note_refusal(cx, device, Some(&user), "second_factor").await?;
            return Err(Error::WrongCode);
        }
    }

    let news = news(cx, &user, device, cx.clock.now()).await?;
    let counts = [password_count, code_count];
    cx.write(|| open(cx, device, &user, hash.as_ref(), &counts, news.as_ref())).await
}

async fn open(
    cx: &Cx,
    device: &Device,
    user: &User,
    hash: Option<&String>,
    counts: &[Count],
    news: Option<&Mail>,
) -> Result<OpenSession> {
    let mut tx = cx.db.begin().await?;
    still_so(&mut tx, user, hash).await?;
    for count in counts {
        tx.system().login_attempts().clear(count.hash()).await?;
    }
    if let Some(mail) = news {
        cx.letters.queue(&mut tx, mail).await?;
    }

    let place = sessions::home(&mut tx, user).await?;
    let opened = sessions::open(cx, &mut tx, user, place, device, Occasion::SignIn).await?;
    tx.commit().await?;
    Ok(opened)
}

/// Does what let them in still hold? Others cannot change the account until the transaction ends: a
/// password that was reset while the old one was looked at opens nothing.
async fn still_so(tx: &mut Tx, user: &User, hash: Option<&String>) -> Result<()> {
    let found = tx.system().users().lock(user.id).await?;
    let same = found.is_some_and(|found| {
        found.blocked_at == user.blocked_at && found.second_factor == user.second_factor
    });
    let same = same && tx.system().users().password_hash(user.id).await?.as_ref() == hash;
    if same { Ok(()) } else { Err(Error::WrongCredentials) }
}

/// Records that somebody was not let in. An address that has no account is not written down: it may
/// be a mistyped password.
async fn note_refusal(
    cx: &Cx,
    device: &Device,
    user: Option<&User>,
    reason: &'static str,
) -> Result<()> {
    let email = user.map(|user| user.email.as_str());
    let actor = device.claiming(email.unwrap_or_default());
    let act = act::SessionRefused { user: user.map(|user| user.id), reason };

    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        tx.apply(Change::platform_act(&actor, &act, cx.clock.now())).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// The letter to the person when somebody signs in from where, or with what, nobody has before.
async fn news(cx: &Cx, user: &User, device: &Device, now: DateTime<Utc>) -> Result<Option<Mail>> {
    let address = device.address.to_string();
    let mut tx = cx.db.read().await?;
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
    Ok(cx.may_tell(&mail).await.then_some(mail))
}
