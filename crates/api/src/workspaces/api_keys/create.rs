//! `POST /api/v1/api-keys`

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, SubsecRound, Utc};
use garde::Validate;
use replyx_core::{
    clock::random_hex,
    page::PageRequest,
    permission::{Permission, Permissions},
    role::Role,
    secret::sha256_hex,
    workspace::{ApiKey, KeyOwner},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::ApiKeyView;
use crate::{
    caller::{KeysWrite, May},
    error::{ApiError, ApiResult, Problem},
    identity::KEY_PREFIX,
    input::Body,
    location::Location,
    state::AppState,
    workspaces::{ScopeWord, standing},
};

/// The most keys of one workspace.
const MOST: usize = 100;
/// How much of a key is kept for people to tell keys apart.
const SHOWN: usize = 12;

/// A new key.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateApiKey)]
pub struct Request {
    /// What its makers call it.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(example = "Nightly upload", min_length = 1, max_length = 100)]
    name: String,
    /// What it may do: at most what you may do. It loses a permission when you lose it.
    #[garde(length(min = 1, max = 100))]
    #[schema(
        value_type = Vec<ScopeWord>, min_items = 1, max_items = 100,
        example = json!(["documents:read", "documents:write"])
    )]
    scopes: Vec<Permission>,
    /// Whether it belongs to the workspace instead of to you: it then keeps working when you leave or lose permissions. Only
    /// an owner may make such a key.
    #[garde(skip)]
    #[serde(default)]
    #[schema(example = false)]
    service: bool,
    /// When it ends; never unless given.
    #[garde(skip)]
    #[schema(example = "2099-01-01T00:00:00Z")]
    expires_at: Option<DateTime<Utc>>,
}

/// A new key, this once with the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub struct Response {
    #[serde(flatten)]
    about: ApiKeyView,
    /// Goes into `Authorization: Bearer ...` or `X-API-Key`. It is never shown again.
    #[schema(example = "rx_live_1f0b7d3e4a5f6b7c8d9e0f1a2b3c4d5e6f708192")]
    key: String,
}

/// Makes a key for a program. The answer is the only place where it is shown.
///
/// The key follows you: it may do what is among its scopes and what you may do at the time, and nothing once you are
/// removed, suspended or blocked. A service key (`service`, for owners) belongs to the workspace instead.
#[utoipa::path(
    post, path = "/api-keys", operation_id = "create_api_key", tag = "workspaces",
    security(("bearer" = ["keys:write"])), request_body = Request,
    responses(
        (status = 201, description = "the key", body = Response),
        (status = 422, description = "`invalid`: also a scope that needs a person", body = Problem),
        (status = 409, description = "`too_many_keys`: the workspace has 100", body = Problem),
    )
)]
#[tracing::instrument(name = "api.api_keys.create", skip_all)]
pub async fn create(
    state: State<AppState>,
    caller: May<KeysWrite>,
    body: Body<Request>,
) -> ApiResult<(StatusCode, Location, Json<Response>)> {
    let (State(state), Body(request)) = (state, body);
    let (workspace, now) = (caller.workspace_id, state.clock().now());
    let expires_at = request.expires_at.map(|end| end.trunc_subsecs(6));
    if expires_at.is_some_and(|end| end <= now) {
        return Err(ApiError::field("expires_at", "must be in the future"));
    }
    let scopes: Permissions = request.scopes.into_iter().collect();
    refuse_what_needs_a_person(scopes)?;
    let secret = format!("{KEY_PREFIX}{}", random_hex::<20>());
    let mut tx = state.db().begin().await?;
    // The owners stand for the workspace: two who make the hundredth key at once must see each other's.
    tx.workspace(workspace).members().lock_owners().await?;
    let standing = standing::of(&mut tx, &caller, Permission::KeysWrite).await?;
    if !standing.permissions.cover(scopes) || (request.service && standing.ceiling < Role::Owner) {
        return Err(ApiError::Forbidden);
    }
    let page = PageRequest::new(Some(PageRequest::<()>::MAX), None);
    if tx.workspace(workspace).api_keys().list(page).await?.items.len() >= MOST {
        let detail = "a workspace has at most 100 keys; delete one first".to_owned();
        return Err(ApiError::Conflict { code: "too_many_keys", detail });
    }
    let key = ApiKey {
        id: state.clock().id(),
        workspace_id: workspace,
        name: request.name,
        prefix: secret[..SHOWN].to_owned(),
        scopes,
        owner: if request.service { KeyOwner::Workspace } else { KeyOwner::Maker },
        created_by: standing.person,
        expires_at,
        last_used_at: None,
        created_at: now,
    };
    tx.workspace(workspace).api_keys().insert(&key, &sha256_hex(secret.as_bytes())).await?;
    let words: Vec<&str> = scopes.iter().map(Permission::as_str).collect();
    let details = json!({
        "name": key.name, "scopes": words, "service": request.service, "expires_at": key.expires_at,
    });
    let act = caller.act(now, "api_key.created", ("api_key", key.id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    let location = Location(format!("/api/v1/api-keys/{}", key.id));
    Ok((StatusCode::CREATED, location, Json(Response { about: key.into(), key: secret })))
}

/// No key decides who works here, or makes further keys.
fn refuse_what_needs_a_person(scopes: Permissions) -> ApiResult<()> {
    match scopes.iter().find(|scope| scope.needs_person()) {
        None => Ok(()),
        Some(scope) => {
            let message = format!("`{}` needs a person: no key may have it", scope.as_str());
            Err(ApiError::field("scopes", message))
        }
    }
}
