//! Access tokens: JWT, HS256 and nothing else, signed with a key derived from `SECRET_KEY`.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use replyx_core::{
    clock::Clock,
    ids::{UserId, WorkspaceId},
    role::Role,
    secret::Keys,
};
use serde::{Deserialize, Serialize};

use super::AccessToken;
use crate::{
    caller::Caller,
    error::{ApiError, ApiResult},
};

/// How long a token opens the API.
pub const LIFETIME: Duration = Duration::from_hours(1);
const ISSUER: &str = "replyx";
const AUDIENCE: &str = "replyx-api";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    wid: WorkspaceId,
    role: Role,
    iat: i64,
    exp: i64,
}

/// Issues and checks access tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    clock: Clock,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    /// Derives the signing key.
    pub fn new(keys: &Keys, clock: Clock) -> Self {
        let key = keys.key("access-token");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Expiry is checked against our own clock below.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(key.as_slice()),
            decoding: DecodingKey::from_secret(key.as_slice()),
            validation,
            clock,
        }
    }

    /// Makes a token.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be signed.
    pub fn issue(&self, caller: &Caller) -> ApiResult<AccessToken> {
        let now = self.clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: caller.user_id,
            wid: caller.workspace_id,
            role: caller.role,
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
        };
        Ok(AccessToken {
            access_token: encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)?,
            token_type: "Bearer",
            expires_in: LIFETIME.as_secs(),
        })
    }

    /// Reads a token.
    ///
    /// # Errors
    ///
    /// [`ApiError::Unauthenticated`] for any token we did not issue, and for an expired one.
    pub fn check(&self, token: &str) -> ApiResult<Caller> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| ApiError::Unauthenticated)?
            .claims;
        let now = self.clock.now().timestamp();
        if claims.exp <= now || claims.iat > now + 60 {
            return Err(ApiError::Unauthenticated);
        }
        Ok(Caller { user_id: claims.sub, workspace_id: claims.wid, role: claims.role })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use chrono::DateTime;
    use secrecy::SecretString;

    use super::*;

    fn tokens(secret: &str, clock: &Clock) -> Tokens {
        Tokens::new(&Keys::derive(&SecretString::from(secret)).unwrap(), clock.clone())
    }

    fn caller(clock: &Clock) -> Caller {
        Caller { user_id: clock.id(), workspace_id: clock.id(), role: Role::Owner }
    }

    #[test]
    fn a_token_opens_for_an_hour_and_only_with_our_key() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        let ours = tokens("0123456789abcdef0123456789abcdef", &clock);
        let theirs = tokens("fedcba9876543210fedcba9876543210", &clock);
        let caller = caller(&clock);
        let token = ours.issue(&caller).unwrap().access_token;

        assert_eq!(ours.check(&token).unwrap().user_id, caller.user_id);
        assert!(theirs.check(&token).is_err());
        clock.advance(LIFETIME);
        assert!(ours.check(&token).is_err(), "expired");
    }

    #[test]
    fn the_algorithm_and_the_claims_cannot_be_changed() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let tokens = tokens("0123456789abcdef0123456789abcdef", &clock);
        let token = tokens.issue(&caller(&clock)).unwrap().access_token;
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
