//! Changing a password, and setting a new one with a link that was mailed.

use replyx_core::{
    actor::Account,
    clock::random_hex,
    mail::{Letter, Mail},
    secret::sha256_hex,
    setting,
    user::{User, check_password, normal_email},
};
use tokio::time::Instant;

use crate::{
    Cx, Device, Error, RESET_PAGE, Result, attempts::Count, even_out, letters::mailbox_key, proof,
};

/// For how long a link is good, minutes.
const MINUTES: u32 = 60;

/// The field that holds the new password.
const NEW_PASSWORD: &str = "new_password";

fn acceptable(password: &str) -> Result<()> {
    check_password(password).map_err(|weak| Error::field(NEW_PASSWORD, weak.to_string()))
}

fn notice(user: &User) -> Mail {
    let letter = Letter::PasswordChanged;
    Mail { to: user.email.clone(), language: user.language, letter }
}

/// Changes the password and ends all other sessions.
///
/// # Errors
///
/// [`Error::Field`] for a password that is not acceptable, and [`Error::WrongPassword`].
pub async fn change(cx: &Cx, account: &Account, current: String, new: String) -> Result<()> {
    acceptable(&new)?;
    if new == current {
        return Err(Error::field(NEW_PASSWORD, "is the password that you have already"));
    }
    proof::by_password(cx, account, current).await?;
    let hash = cx.passwords.hash(new).await?;
    let user = account.user();
    let mail = notice(user);
    let tells = cx.may_tell(&mail).await;

    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        proof::still_signed_in(&mut tx, account, now).await?;
        let by = account.actor();
        tx.apply(user.change_password(hash.clone(), account.session, &by, now)).await?;
        if tells {
            cx.letters.queue(&mut tx, &mail).await?;
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Mails a link to set a new password; it can be used once, within an hour. Earlier links become
/// invalid.
///
/// What it does, and how long it takes, is the same whether or not there is such an account, and
/// when it has had too many such mails already.
pub async fn forgot(cx: &Cx, device: &Device, email: &str) -> Result<()> {
    let begun = Instant::now();
    let email = normal_email(email);
    let key = format!("reset:{}", mailbox_key(&email));
    match cx.charge(&[(setting::RATE_RESET_MAIL, &key)]).await {
        Ok(()) => cx.write(|| send_link(cx, device, &email)).await?,
        // To say so would tell whom somebody else has asked for.
        Err(Error::TooMany(_)) => {}
        Err(error) => return Err(error),
    }
    even_out(begun).await;
    Ok(())
}

async fn send_link(cx: &Cx, device: &Device, email: &str) -> Result<()> {
    let now = cx.clock.now();
    let token = random_hex::<32>();
    let hash = sha256_hex(token.as_bytes());
    let link = cx.link(RESET_PAGE, &token);
    let mut tx = cx.db.begin().await?;
    let found = tx.system().users().find_by_email(email).await?;
    let Some((user, _)) = found else { return Ok(()) };

    let end = now + chrono::Duration::minutes(MINUTES.into());
    // Nobody has proved to be that person yet.
    let by = device.claiming(&user.email);
    let Ok(change) = user.request_password_reset(hash, end, &by, now) else { return Ok(()) };
    tx.apply(change).await?;
    let letter = Letter::Reset { link, minutes: MINUTES };
    let mail = Mail { to: user.email.clone(), language: user.language, letter };
    cx.letters.queue(&mut tx, &mail).await?;
    tx.commit().await?;
    Ok(())
}

/// Sets a new password with the mailed link, and ends all sessions. A second factor is kept.
///
/// # Errors
///
/// [`Error::Field`] for a password that is not acceptable; [`Error::WrongLink`], whatever is wrong
/// with the link.
pub async fn reset(cx: &Cx, device: &Device, token: &str, new: String) -> Result<()> {
    acceptable(&new)?;
    // What is no token of ours does not get a hash computed.
    let is_ours = token.len() == 64 && token.bytes().all(|c| c.is_ascii_hexdigit());
    if !is_ours {
        return Err(Error::WrongLink);
    }
    let hash = cx.passwords.hash(new).await?;
    let token = sha256_hex(token.as_bytes());

    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let owner = tx.system().password_resets().take(&token, now).await?;
        let owner = owner.ok_or(Error::WrongLink)?;
        let user = tx.system().users().lock(owner).await?.ok_or(Error::WrongLink)?;
        tx.apply(user.reset_password(hash.clone(), &device.of(&user), now)).await?;
        for count in [Count::sign_in(&user.email), Count::password(user.id)] {
            tx.system().login_attempts().clear(count.hash()).await?;
        }

        cx.letters.queue(&mut tx, &notice(&user)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
