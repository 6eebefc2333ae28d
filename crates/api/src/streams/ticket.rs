//! Tickets: what a browser's `EventSource`, which can set no headers, shows in the address to open
//! one stream.
//!
//! A ticket holds who made it and until when, sealed, so that nothing of it is stored and nobody
//! else can read or make one. It is good for [`LIFETIME`] and for one stream. The stream then
//! follows the session or key that made the ticket.

use std::{sync::Arc, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use replyx_core::{clock::random_hex, session::Access};
use replyx_live::{Entry, Gate};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    access::Credential,
    caller::{self, Authorized, Caller, Needs},
    error::{ApiError, ApiResult},
    identity::Pass,
    state::AppState,
};

/// How long a ticket may be used.
pub(crate) const LIFETIME: Duration = Duration::from_mins(1);
/// How long a used ticket is remembered: longer than it is good, also by a clock that is behind.
const REMEMBERED: Duration = Duration::from_mins(5);
/// The longest ticket that is looked at, characters.
const LONGEST: usize = 1_000;
/// The query parameter.
pub(crate) const PARAMETER: &str = "ticket";

/// What stands in a ticket.
#[derive(Serialize, Deserialize)]
struct Ticket {
    id: String,
    credential: Credential,
    /// When the access token ends that it was made with.
    until: Option<DateTime<Utc>>,
    /// When the ticket ends.
    expires_at: DateTime<Utc>,
}

/// Creates a ticket with the access of the caller in the current workspace; returns it with its
/// expiry.
pub(crate) fn make(state: &AppState, caller: &Caller, pass: &Pass) -> (String, DateTime<Utc>) {
    let expires_at = state.clock().now() + LIFETIME;
    let credential = match &pass.credential {
        Credential::Session(session, _) => Credential::Session(*session, Some(caller.workspace_id)),
        key @ Credential::Key(_) => key.clone(),
    };
    let until = pass.until;
    let ticket = Ticket { id: random_hex::<16>(), credential, until, expires_at };
    let text = serde_json::to_string(&ticket).expect("a ticket is made of texts and times");
    let sealed = state.keys().seal(&SecretString::from(text), state.tickets.row());
    (BASE64_URL_SAFE_NO_PAD.encode(sealed), expires_at)
}

/// Uses a ticket up.
///
/// # Errors
///
/// 401 when it is unknown, expired or used, or when who made it has no access any more.
async fn redeem(state: &AppState, text: &str) -> ApiResult<(Arc<Access>, Pass)> {
    let ticket = read(state, text).ok_or(ApiError::Unauthenticated)?;
    let now = state.clock().now();
    if ticket.expires_at <= now {
        return Err(ApiError::Unauthenticated);
    }
    // One place that is never given back: the second request finds it taken.
    let used = [Gate::Place { key: format!("ticket:{}", ticket.id), most: 1 }];
    let entry = state.engine.live.enter(&random_hex::<16>(), REMEMBERED, &used).await;
    if !matches!(entry, Entry::Granted { .. }) {
        return Err(ApiError::Unauthenticated);
    }
    let access = state.accesses.of(state.db(), ticket.credential.clone(), now).await?;
    let access = access.ok_or(ApiError::Unauthenticated)?;
    Ok((access, Pass { credential: ticket.credential, until: ticket.until }))
}

fn read(state: &AppState, text: &str) -> Option<Ticket> {
    if text.len() > LONGEST {
        return None;
    }
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let opened = state.keys().open(&sealed, state.tickets.row()).ok()?;
    serde_json::from_str(opened.expose_secret()).ok()
}

/// Somebody who may open a stream: as [`Authorized`], or with a ticket. A ticket in the address
/// goes before whatever a browser adds by itself.
#[derive(Clone, Debug)]
pub struct AuthorizedByTicket<P>(pub(crate) Authorized<P>);

impl<P: Needs> FromRequestParts<AppState> for AuthorizedByTicket<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let shown = url::form_urlencoded::parse(query.as_bytes())
            .find_map(|(name, value)| (name == PARAMETER).then(|| value.into_owned()));
        let Some(ticket) = shown else {
            return Authorized::from_request_parts(parts, state).await.map(Self);
        };
        let (access, pass) = redeem(state, &ticket).await?;
        Authorized::admit(access, pass, caller::address(parts)).map(Self)
    }
}
