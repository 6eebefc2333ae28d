//! Setting the second factor up, and taking it away.

use replyx_core::{act, actor::Account, change::Change};
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
        if !tx.system().second_factors().begin(user.id, &sealed).await? {
            return Err(Error::SecondFactorExists);
        }
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
        if !tx.system().second_factors().confirm(user, step, &hashes, now).await? {
            return Err(Error::SecondFactorExists);
        }
        let act = act::SecondFactorEnabled { user };
        tx.apply(Change::platform_act(&account.actor(), &act, now)).await?;
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
        if found.is_none_or(|found| found.confirmed_at.is_none()) {
            return Err(Error::NoSecondFactor);
        }
        tx.system().second_factors().replace_recovery_codes(user, &hashes).await?;
        let act = act::RecoveryCodesReplaced { user };
        tx.apply(Change::platform_act(&account.actor(), &act, now)).await?;
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
        if !tx.system().second_factors().remove(user).await? {
            return Err(Error::NoSecondFactor);
        }
        let act = act::SecondFactorRemoved { user };
        tx.apply(Change::platform_act(&account.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
