//! Setting the second factor up, and taking it away.

use replyx_core::{actor::Account, user::SecondFactor};
use secrecy::SecretString;

use crate::{Cx, Error, Result, codes, proof};

/// Whether a second factor is asked for.
#[derive(Clone, Copy, Debug)]
pub struct SecondFactorState {
    /// Whether a code is required at sign-in.
    pub enabled: bool,
    /// How many recovery codes have not been used.
    pub recovery_codes_left: i64,
}

/// What an app needs to show codes.
#[derive(Debug)]
pub struct NewSecret {
    /// The secret in base 32.
    pub secret: SecretString,
    /// The same as a URI, for a QR code.
    pub uri: String,
}

/// Shows whether a second factor is enabled, and how many recovery codes are left.
pub async fn read(cx: &Cx, account: &Account) -> Result<SecondFactorState> {
    let user = account.user();
    let mut tx = cx.db.read().await?;
    let recovery_codes_left = tx.system().second_factors().recovery_codes_left(user.id).await?;
    Ok(SecondFactorState { enabled: user.second_factor, recovery_codes_left })
}

/// Starts setting up a second factor: creates a secret, to be confirmed with its first code.
///
/// # Errors
///
/// [`Error::WrongPassword`], [`Error::SecondFactorExists`].
pub async fn begin(cx: &Cx, account: &Account, password: String) -> Result<NewSecret> {
    proof::by_password(cx, account, password).await?;
    let user = account.user();
    let secret = codes::new_secret();
    let uri = codes::uri(&secret, &user.email)?;
    let sealed = cx.keys.seal(&secret, user.id.into_uuid().as_bytes());

    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        proof::still_signed_in(&mut tx, account, cx.clock.now()).await?;
        let before = tx.system().second_factors().find(user.id).await?;
        let new =
            SecondFactor { user_id: user.id, secret_sealed: sealed.clone(), confirmed_at: None };
        tx.apply(new.begin(before.as_ref())?).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    Ok(NewSecret { secret, uri })
}

/// Confirms a second factor with its first code; returns the recovery codes.
///
/// # Errors
///
/// [`Error::NoSecondFactor`] when none was begun, [`Error::SecondFactorExists`],
/// [`Error::WrongFirstCode`].
pub async fn confirm(cx: &Cx, account: &Account, code: &str) -> Result<Vec<String>> {
    let user = account.user().id;
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let (recovery_codes, hashes) = codes::recovery_codes(&cx.keys, user);

    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        proof::still_signed_in(&mut tx, account, now).await?;
        let begun = tx.system().second_factors().find(user).await?.ok_or(Error::NoSecondFactor)?;
        if begun.confirmed_at.is_some() {
            return Err(Error::SecondFactorExists);
        }

        let secret = codes::open(&cx.keys, user, &begun.secret_sealed)?;
        let step = codes::step_of(&secret, &digits, now).ok_or(Error::WrongFirstCode)?;
        let change = begun.confirm(step, hashes.clone(), &account.actor(), now)?;
        tx.apply(change).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    Ok(recovery_codes)
}

/// Creates new recovery codes. Earlier codes become invalid.
///
/// # Errors
///
/// [`Error::WrongPassword`], [`Error::NoSecondFactor`].
pub async fn replace_recovery_codes(
    cx: &Cx,
    account: &Account,
    password: String,
) -> Result<Vec<String>> {
    proof::by_password(cx, account, password).await?;
    let user = account.user().id;
    let (recovery_codes, hashes) = codes::recovery_codes(&cx.keys, user);

    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        proof::still_signed_in(&mut tx, account, now).await?;
        let found = tx.system().second_factors().find(user).await?;
        let found = found.ok_or(Error::NoSecondFactor)?;
        tx.apply(found.replace_recovery_codes(hashes.clone(), &account.actor(), now)?).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    Ok(recovery_codes)
}

/// Removes the second factor and its recovery codes.
///
/// # Errors
///
/// [`Error::WrongPassword`], [`Error::WrongProof`], [`Error::NoSecondFactor`].
pub async fn remove(cx: &Cx, account: &Account, password: String, code: &str) -> Result<()> {
    proof::by_password(cx, account, password).await?;
    if !account.user().second_factor {
        return Err(Error::NoSecondFactor);
    }
    proof::by_code(cx, account, Some(code)).await?;

    cx.write(|| async {
        let now = cx.clock.now();
        let user = account.user().id;
        let mut tx = cx.db.begin().await?;
        proof::still_signed_in(&mut tx, account, now).await?;
        let found = tx.system().second_factors().find(user).await?.ok_or(Error::NoSecondFactor)?;
        tx.apply(found.remove(&account.actor(), now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
