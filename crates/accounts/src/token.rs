//! Access tokens: JWT, HS256 and nothing else, signed with a key derived from `SECRET_KEY`. The
//! key's name (`kid`) stands in the token, so that tokens signed before a change of `SECRET_KEY`
//! are good until they expire.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use replyx_core::{
    clock::Clock,
    ids::{SessionId, UserId, WorkspaceId},
    role::Role,
    secret::{Keys, sha256_hex},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How long a token opens the API.
pub const LIFETIME: Duration = Duration::from_hours(1);
const ISSUER: &str = "replyx";
const AUDIENCE: &str = "replyx-api";
/// The type of a token (RFC 9068): nothing else that is signed with the same key passes for one.
const TYPE: &str = "at+jwt";
/// How far another process's clock may be ahead, seconds.
const AHEAD: i64 = 60;

/// Whom a token speaks of. What they may do is read again, not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSubject {
    /// The person.
    pub user: UserId,
    /// Their session.
    pub session: SessionId,
    /// Where they act unless they say otherwise, and as what.
    pub place: Option<(WorkspaceId, Role)>,
}

/// What stands in a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// The person.
    pub sub: UserId,
    /// Their session.
    pub sid: SessionId,
    /// Where they act unless they say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wid: Option<WorkspaceId>,
    /// Their role there when the token was made; for clients, not for us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    iat: i64,
    exp: i64,
}

impl Claims {
    /// When the token ends.
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.exp, 0)
    }
}

/// Issues and checks access tokens.
pub struct Tokens {
    encoding: EncodingKey,
    /// By name, newest first; the first is the one that signs.
    decoding: Vec<(String, DecodingKey)>,
    validation: Validation,
    clock: Clock,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    /// Derives the signing keys.
    pub fn new(keys: &Keys, clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Expiry is checked against our own clock below.
        validation.validate_exp = false;
        let named = keys.keys("access-token").into_iter().map(|key| {
            let name = sha256_hex(key.as_slice())[..16].to_owned();
            (name, DecodingKey::from_secret(key.as_slice()))
        });
        Self {
            encoding: EncodingKey::from_secret(keys.key("access-token").as_slice()),
            decoding: named.collect(),
            validation,
            clock,
        }
    }

    /// Creates a token.
    pub fn issue(&self, subject: &TokenSubject) -> Result<String> {
        let now = self.clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.user,
            sid: subject.session,
            wid: subject.place.map(|(workspace, _)| workspace),
            role: subject.place.map(|(_, role)| role),
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = self.decoding.first().map(|(name, _)| name.clone());
        encode(&header, &claims, &self.encoding).map_err(|error| Error::Internal(error.into()))
    }

    /// Reads a token.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] for any token we did not issue, and for an expired one.
    pub fn check(&self, token: &str) -> Result<Claims> {
        let header = decode_header(token).map_err(|_| Error::Unauthenticated)?;
        if header.typ.as_deref() != Some(TYPE) || header.alg != Algorithm::HS256 {
            return Err(Error::Unauthenticated);
        }
        let named = |(name, _): &&(String, DecodingKey)| header.kid.as_ref() == Some(name);
        let (_, key) = self.decoding.iter().find(named).ok_or(Error::Unauthenticated)?;
        let claims = decode::<Claims>(token, key, &self.validation)
            .map_err(|_| Error::Unauthenticated)?
            .claims;
        let now = self.clock.now().timestamp();
        if claims.exp <= now || claims.iat > now + AHEAD {
            return Err(Error::Unauthenticated);
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use secrecy::SecretString;

    use super::*;

    fn tokens(secret: &str, clock: &Clock) -> Tokens {
        Tokens::new(&Keys::derive(&SecretString::from(secret)).unwrap(), clock.clone())
    }

    fn subject(clock: &Clock) -> TokenSubject {
        let place = Some((clock.id(), Role::Owner));
        TokenSubject { user: clock.id(), session: clock.id(), place }
    }

    #[test]
    fn a_token_opens_for_an_hour_and_only_with_our_key() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        let ours = tokens("0123456789abcdef0123456789abcdef", &clock);
        let theirs = tokens("fedcba9876543210fedcba9876543210", &clock);
        let subject = subject(&clock);
        let token = ours.issue(&subject).unwrap();

        assert_eq!(ours.check(&token).unwrap().sub, subject.user);
        assert!(theirs.check(&token).is_err());
        clock.advance(LIFETIME);
        assert!(ours.check(&token).is_err(), "expired");
    }

    #[test]
    fn what_an_earlier_key_signed_is_good_until_it_expires() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        let [old, new] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
        let ring = Keys::ring(&SecretString::from(new), &[SecretString::from(old)]).unwrap();
        let rotated = Tokens::new(&ring, clock.clone());
        let token = tokens(old, &clock).issue(&subject(&clock)).unwrap();

        assert!(rotated.check(&token).is_ok());
        assert!(tokens(new, &clock).check(&token).is_err());
        let fresh = rotated.issue(&subject(&clock)).unwrap();
        assert!(
            tokens(new, &clock).check(&fresh).is_ok() && tokens(old, &clock).check(&fresh).is_err()
        );
    }

    #[test]
    fn the_algorithm_and_the_claims_cannot_be_changed() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let tokens = tokens("0123456789abcdef0123456789abcdef", &clock);
        let token = tokens.issue(&subject(&clock)).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let hs512 = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS512","typ":"JWT"}"#);
        let claims = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let later = BASE64_URL_SAFE_NO_PAD.encode(claims.replace("3600", "9999999"));

        for forged in [
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{hs512}.{}.{}", parts[1], parts[2]),
            format!("{}.{later}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            String::new(),
            "a.b.c".to_owned(),
        ] {
            assert!(tokens.check(&forged).is_err(), "{forged}");
        }
    }
}
