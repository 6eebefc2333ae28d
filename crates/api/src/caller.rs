//! Who calls. An extractor per level of access: naming it in a handler's signature is the check.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use replyx_core::{
    ids::{UserId, WorkspaceId},
    role::Role,
};

use crate::{error::ApiError, state::AppState};

/// A member of a workspace, whatever their role.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The person.
    pub user_id: UserId,
    /// The workspace they act in.
    pub workspace_id: WorkspaceId,
    /// Their role there.
    pub role: Role,
}

/// A member who may change assistants, documents and bots.
#[derive(Clone, Copy, Debug)]
pub struct Manager(pub Caller);

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let header = parts.headers.get(header::AUTHORIZATION).ok_or(ApiError::Unauthenticated)?;
        let (scheme, token) = header
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .ok_or(ApiError::Unauthenticated)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::Unauthenticated);
        }
        state.tokens.check(token.trim())
    }
}

impl FromRequestParts<AppState> for Manager {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.role.may_manage() { Ok(Self(caller)) } else { Err(ApiError::Forbidden) }
    }
}
