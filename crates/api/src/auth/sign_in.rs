//! Opens a session for somebody who has proved who they are, and hands its tokens out: in the answer's body, or as
//! cookies that scripts cannot read.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use replyx_core::{
    audit::{Act, ActorKind, Outcome},
    clock::Clock,
    ids::{SessionId, WorkspaceId},
    role::Role,
    secret::{Keys, keyed_bytes, sha256_hex},
    session::Session,
    setting,
    user::User,
};
use replyx_storage::{StorageError, Tx};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::token::{LIFETIME, Subject};
use crate::{
    address::ClientAddress,
    caller::UserAgent,
    cookies::{self, SetCookies},
    csrf,
    error::{ApiError, ApiResult},
    state::AppState,
};

/// What a refresh token begins with.
const PREFIX: &str = "rx_refresh_";

/// A new refresh token: what its owner gets, and what is stored of it.
fn refresh_token() -> (String, String) {
    refresh_token_of(Clock::bytes())
}

/// The refresh token that another is exchanged for. It follows from the old one and a key of ours, so that an exchange
/// whose answer was lost can be repeated without a second token coming into the world, and without keeping this one in
/// clear.
pub(super) fn successor(keys: &Keys, old: &str) -> (String, String) {
    refresh_token_of(keyed_bytes(&keys.key("refresh-successor"), old))
}

fn refresh_token_of(secret: [u8; 32]) -> (String, String) {
    let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
    let hash = sha256_hex(token.as_bytes());
    (token, hash)
}

/// From where, and with what, somebody signs in.
#[derive(Clone, Debug)]
pub struct Device {
    /// The client's address.
    pub address: ClientAddress,
    /// The client's words on itself.
    pub user_agent: String,
    headers: HeaderMap,
}

impl FromRequestParts<AppState> for Device {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let address = parts.extensions.get::<ClientAddress>().copied().unwrap_or_default();
        let Ok(UserAgent(user_agent)) = UserAgent::from_request_parts(parts, state).await;
        Ok(Self { address, user_agent, headers: parts.headers.clone() })
    }
}

impl Device {
    /// The headers of the request.
    pub(super) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// May cookies be set for whoever asks?
    ///
    /// # Errors
    ///
    /// [`ApiError::Csrf`] when they are wanted by a page that is not ours.
    pub(super) fn check_cookies(&self, state: &AppState, wanted: bool) -> ApiResult<()> {
        if wanted { csrf::check_origin(state, &self.headers) } else { Ok(()) }
    }

    /// Something that was tried from here, for the platform's log. `who` may not be known.
    pub(super) fn act(
        &self,
        now: DateTime<Utc>,
        action: &str,
        who: Option<&User>,
        outcome: Outcome,
        details: Value,
    ) -> Act {
        let proved = matches!(outcome, Outcome::Done);
        let actor = if proved { ActorKind::User } else { ActorKind::Nobody };
        let id = who.map(|user| user.id.into_uuid());
        Act {
            at: now,
            actor,
            actor_id: id.filter(|_| proved),
            actor_name: who.map(|user| user.email.clone()).unwrap_or_default(),
            action: action.to_owned(),
            target: "user".to_owned(),
            target_id: id.map(|id| id.to_string()),
            address: self.address.to_string(),
            outcome,
            details,
        }
    }
}

/// A session with what its owner needs to use it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) session: SessionId,
    subject: Subject,
    refresh: String,
    lifetime: Duration,
}

/// Opens a session. The place is where its first access token acts.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn open(
    state: &AppState,
    tx: &mut Tx,
    user: &User,
    place: Option<(WorkspaceId, Role)>,
    device: &Device,
) -> ApiResult<Opened> {
    let now = state.clock().now();
    let lifetime = state.tuning.days(setting::SESSION_DAYS);
    let (refresh, hash) = refresh_token();
    let session = Session {
        id: state.clock().id(),
        user_id: user.id,
        address: device.address.to_string(),
        user_agent: device.user_agent.clone(),
        created_at: now,
        last_used_at: now,
        expires_at: now + lifetime,
    };
    tx.system().sessions().insert(&session, &hash).await?;
    Ok(Opened::of(&session, place, refresh, lifetime))
}

/// Where somebody acts who does not say where: in the oldest of their workspaces that lets them.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn home(
    tx: &mut Tx,
    user: &User,
) -> Result<Option<(WorkspaceId, Role)>, StorageError> {
    let memberships = tx.system().users().memberships(user.id).await?;
    let active = memberships.iter().find(|membership| {
        membership.suspended_at.is_none() && membership.workspace.suspended_at.is_none()
    });
    let first = active.or_else(|| memberships.first());
    Ok(first.map(|membership| (membership.workspace.id, membership.role)))
}

impl Opened {
    /// A session that was opened or renewed, with its newest refresh token.
    pub(super) fn of(
        session: &Session,
        place: Option<(WorkspaceId, Role)>,
        refresh: String,
        lifetime: Duration,
    ) -> Self {
        let subject = Subject { user: session.user_id, session: session.id, place };
        Self { session: session.id, subject, refresh, lifetime }
    }

    /// Hands the tokens out. A CSRF token that the client has already may be kept.
    ///
    /// # Errors
    ///
    /// Fails when the access token cannot be signed.
    pub(crate) fn hand_out(
        self,
        state: &AppState,
        as_cookies: bool,
        csrf: Option<String>,
    ) -> ApiResult<(SetCookies, Tokens)> {
        let access = state.tokens.issue(&self.subject)?;
        let expires_in = LIFETIME.as_secs();
        let tokens = Tokens { token_type: "Bearer", expires_in, ..Tokens::default() };
        if !as_cookies {
            let (access, refresh) = (Some(access), Some(self.refresh));
            let tokens = Tokens { access_token: access, refresh_token: refresh, ..tokens };
            return Ok((SetCookies::default(), tokens));
        }
        let csrf = csrf.unwrap_or_else(|| csrf::token(state, self.session));
        let set = SetCookies::default()
            .with(cookies::ACCESS, &access, LIFETIME)
            .with(cookies::REFRESH, &self.refresh, self.lifetime)
            .with(cookies::CSRF, &csrf, self.lifetime);
        Ok((set, Tokens { csrf_token: Some(csrf), ..tokens }))
    }
}

/// The tokens of a session, unless they are set as cookies.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Tokens)]
pub struct Tokens {
    /// Goes into `Authorization: Bearer ...`. Not given when cookies are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    pub(super) access_token: Option<String>,
    /// Exchanged for new tokens, once. Not given when cookies are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "rx_refresh_2FfYbE0mD3wq1qJ9rT5uW7xZ8aB4cD6eF0gH2iJ4kL8")]
    pub(super) refresh_token: Option<String>,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub(super) token_type: &'static str,
    /// How long the access token is good, seconds.
    #[schema(example = 3600)]
    pub(super) expires_in: u64,
    /// Goes into `X-CSRF-Token` with every change that is authorised by cookies. Given when cookies are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0f1e2d3c4b5a69788796a5b4c3d2e1f0.5d41402abc4b2a76b9719d911017c592")]
    pub(super) csrf_token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_long_chance_and_only_its_hash_is_stored() {
        let (token, hash) = refresh_token();
        let (other, _) = refresh_token();
        assert_ne!(token, other);
        assert_eq!(token.strip_prefix(PREFIX).unwrap().len(), 43);
        assert_eq!(hash, sha256_hex(token.as_bytes()));
    }

    #[test]
    fn a_token_has_one_successor_that_only_we_can_tell() {
        let keys = Keys::derive(&"0123456789abcdef0123456789abcdef".into()).unwrap();
        let others = Keys::derive(&"another-master-key-of-32-characters!".into()).unwrap();
        let (token, _) = refresh_token();

        let (next, hash) = successor(&keys, &token);
        assert_eq!(successor(&keys, &token), (next.clone(), hash.clone()));
        assert_eq!(next.strip_prefix(PREFIX).unwrap().len(), 43);
        assert_eq!(hash, sha256_hex(next.as_bytes()));
        for other in [successor(&others, &token), successor(&keys, &next), refresh_token()] {
            assert_ne!(other.0, next);
        }
    }
}
