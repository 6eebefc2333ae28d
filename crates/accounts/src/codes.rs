//! The second factor: six digits that change every half minute (RFC 6238), or one of ten recovery
//! codes for a person who has lost the device that shows them. Each code works once, even when
//! several requests use it at the same time.

use chrono::{DateTime, Utc};
use replyx_core::{
    act::{self, Actor},
    change::Change,
    clock::Clock,
    ids::UserId,
    secret::{Keys, keyed_hash},
    user::SecondFactor,
};
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::{Cx, Error, Result};

/// Whose codes they are, as the app that shows them says.
const ISSUER: &str = "ReplyX";
/// How long a code is shown, seconds.
const STEP: u64 = 30;
/// How many recovery codes there are at a time.
const RECOVERY_CODES: usize = 10;
/// What recovery codes are made of: Crockford's 32 digits, none of which is easily taken for
/// another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many of them make a code.
const LENGTH: usize = 12;

/// Is it a code of the user's second factor? It is used up.
pub(crate) async fn verify(cx: &Cx, user: UserId, code: &str) -> Result<bool> {
    match Shown::read(code) {
        Some(Shown::Digits(digits)) => spend_digits(cx, user, &digits).await,
        Some(Shown::Recovery(code)) => spend_recovery_code(cx, user, &code).await,
        None => Ok(false),
    }
}

/// What somebody may show.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    Digits(String),
    Recovery(String),
}

impl Shown {
    /// Reads what people type: in any case, with spaces and dashes, with letters for the digits
    /// they look like.
    fn read(text: &str) -> Option<Self> {
        let bare = |c: &char| !c.is_whitespace() && *c != '-';
        let text: String = text.chars().filter(bare).collect();
        if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Digits(text));
        }
        let code: String = text.chars().map(|c| digit_meant(c.to_ascii_lowercase())).collect();
        let known = code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
        known.then_some(Self::Recovery(code))
    }
}

const fn digit_meant(c: char) -> char {
    match c {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    }
}

async fn spend_digits(cx: &Cx, user: UserId, digits: &str) -> Result<bool> {
    let found = cx.db.read().await?.system().second_factors().find(user).await?;
    let confirmed = found.filter(|found| found.confirmed_at.is_some());
    let Some(SecondFactor { secret_sealed, .. }) = confirmed else { return Ok(false) };
    let secret = open(&cx.keys, user, &secret_sealed)?;
    let Some(step) = step_of(&secret, digits, cx.clock.now()) else { return Ok(false) };

    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let spent = tx.system().second_factors().spend_step(user, step).await?;
        tx.commit().await?;
        Ok(spent)
    })
    .await
}

async fn spend_recovery_code(cx: &Cx, user: UserId, code: &str) -> Result<bool> {
    cx.write(|| spend_recovery_code_once(cx, user, code)).await
}

async fn spend_recovery_code_once(cx: &Cx, user: UserId, code: &str) -> Result<bool> {
    let now = cx.clock.now();
    let mut tx = cx.db.begin().await?;
    let mut spent = false;
    // Codes that were made under an earlier key are good, too.
    for key in cx.keys.keys("recovery-code") {
        let hash = recovery_hash(&key, user, code);
        spent = tx.system().second_factors().spend_recovery_code(user, &hash, now).await?;
        if spent {
            break;
        }
    }
    if !spent {
        return Ok(false);
    }

    let left = tx.system().second_factors().recovery_codes_left(user).await?;
    let person = tx.system().users().find(user).await?;
    // What the code was used for is the next entry, and says from where.
    let email = person.map(|person| person.email).unwrap_or_default();
    let actor = Actor::user(user, &email, "");
    tx.apply(Change::platform_act(&actor, &act::RecoveryCodeUsed { user, left }, now)).await?;
    tx.commit().await?;
    Ok(true)
}

/// A new secret of 160 bits, in base 32.
pub(crate) fn new_secret() -> SecretString {
    SecretString::from(Secret::from(Clock::bytes::<20>()).to_base32())
}

/// What an app that shows codes reads from a picture.
///
/// # Errors
///
/// Fails for an account's name that cannot stand there.
pub(crate) fn uri(secret: &SecretString, email: &str) -> Result<String> {
    let totp = totp(secret, email).ok_or_else(unusable)?;
    totp.to_url().map_err(|error| Error::Internal(error.to_string().into()))
}

/// Opens a stored secret.
///
/// # Errors
///
/// Fails when it was sealed with a key that is not known any more.
pub(crate) fn open(keys: &Keys, user: UserId, sealed: &[u8]) -> Result<SecretString> {
    keys.open(sealed, user.into_uuid().as_bytes()).map_err(|error| Error::Internal(Box::new(error)))
}

/// The time step whose code this is: the present one, the one before, or the one after.
pub(crate) fn step_of(secret: &SecretString, digits: &str, now: DateTime<Utc>) -> Option<i64> {
    let now = u64::try_from(now.timestamp()).ok()?;
    let step = totp(secret, "")?.check(digits, now)?;
    i64::try_from(step).ok()
}

fn totp(secret: &SecretString, email: &str) -> Option<Totp> {
    let secret = Secret::try_from_base32(secret.expose_secret()).ok()?;
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(STEP)
        .with_secret(secret)
        .with_issuer(Some(ISSUER))
        .with_account_name(email)
        .build()
        .ok()
}

fn unusable() -> Error {
    Error::Internal("no second factor can be made of this secret and address".into())
}

/// New recovery codes, as they are shown, and what is stored of them.
pub(crate) fn recovery_codes(keys: &Keys, user: UserId) -> (Vec<String>, Vec<String>) {
    let key = keys.key("recovery-code");
    (0..RECOVERY_CODES)
        .map(|_| {
            // 32 divides 256: each digit is as likely as any other.
            let digit = |byte: u8| char::from(ALPHABET[usize::from(byte % 32)]);
            let code: String = Clock::bytes::<LENGTH>().into_iter().map(digit).collect();
            let hash = recovery_hash(&key, user, &code);
            (format!("{}-{}-{}", &code[..4], &code[4..8], &code[8..]), hash)
        })
        .unzip()
}

fn recovery_hash(key: &[u8; 32], user: UserId, code: &str) -> String {
    keyed_hash(key, &format!("{user}:{code}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The secret of RFC 6238, appendix B.
    const RFC: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = SecretString::from(RFC);
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = DateTime::from_timestamp(time, 0).unwrap();
            assert_eq!(step_of(&secret, code, now), Some(time / 30), "{time}");
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_not_two() {
        let secret = new_secret();
        let start = DateTime::from_timestamp(1_700_000_010, 0).unwrap();
        let clock = Clock::manual(start);
        let shown = totp(&secret, "").unwrap().generate(1_700_000_010).to_string();
        let step = Some(1_700_000_010 / 30);
        for (seconds, accepted) in [
            (-60, false),
            (-31, false),
            (-30, true),
            (0, true),
            (29, true),
            (59, true),
            (60, false),
        ] {
            let now = start + chrono::Duration::seconds(seconds);
            // Chance makes two neighbouring codes alike once in a million times.
            assert_eq!(step_of(&secret, &shown, now), step.filter(|_| accepted), "{seconds}");
        }
        clock.advance(Duration::from_secs(59));
        assert_eq!(step_of(&secret, &shown, clock.now()), step);
        clock.advance(Duration::from_secs(1));
        assert_eq!(step_of(&secret, &shown, clock.now()), None);
    }

    #[test]
    fn what_is_no_code_is_none() {
        let secret = SecretString::from(RFC);
        let now = DateTime::from_timestamp(59, 0).unwrap();
        for bad in ["", "28708", "2870822", "+87082", " 87082", "287O82", "２８７０８２"] {
            assert_eq!(step_of(&secret, bad, now), None, "{bad}");
        }
        assert_eq!(step_of(&SecretString::from("not base 32!"), "287082", now), None);
    }

    #[test]
    fn what_people_type_is_read_with_patience() {
        let recovery = |text: &str| Some(Shown::Recovery(text.to_owned()));
        assert_eq!(Shown::read(" 287 082 "), Some(Shown::Digits("287082".to_owned())));
        assert_eq!(Shown::read("ABCD-EFGH-1JKM"), recovery("abcdefgh1jkm"));
        assert_eq!(Shown::read("abcd efgh ojkl"), recovery("abcdefgh0jk1"));
        assert_eq!(Shown::read("123456123456"), recovery("123456123456"));
        for bad in ["", "12345", "1234567", "abcd-efgh-1jk", "abcd-efgh-1jkm-n", "abcd-efgh-ujkm"] {
            assert_eq!(Shown::read(bad), None, "{bad}");
        }
        assert_eq!(Shown::read("ａbcd-efgh-1jk"), None, "three bytes are not three letters");
    }

    #[test]
    fn recovery_codes_are_readable_as_shown_and_belong_to_one_user() {
        let keys = Keys::derive(&SecretString::from("0123456789abcdef0123456789abcdef")).unwrap();
        let user: UserId = Clock::system().id();
        let other: UserId = Clock::system().id();
        let (codes, hashes) = recovery_codes(&keys, user);
        assert_eq!((codes.len(), hashes.len()), (10, 10));
        let key = keys.key("recovery-code");
        for (code, hash) in codes.iter().zip(&hashes) {
            let Some(Shown::Recovery(read)) = Shown::read(code) else { panic!("{code}") };
            assert_eq!(&recovery_hash(&key, user, &read), hash);
            assert_ne!(&recovery_hash(&key, other, &read), hash);
        }
        let distinct: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), 10);
    }

    #[test]
    fn an_app_is_told_all_that_it_needs() {
        let uri = uri(&SecretString::from(RFC), "ann+x@example.org").unwrap();
        assert!(uri.starts_with("otpauth://totp/ReplyX:ann"), "{uri}");
        assert!(uri.contains(&format!("secret={RFC}")) && uri.contains("issuer=ReplyX"), "{uri}");
        assert!(!uri.contains("algorithm=") && !uri.contains("digits="), "the defaults: {uri}");
    }
}
