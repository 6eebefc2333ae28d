//! `POST /api/v1/workspaces`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    role::Role,
    workspace::{Membership, Workspace},
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{MOST_JOINED, MOST_OWNED, MembershipView, too_many};
use crate::{
    caller::Account,
    error::{ApiResult, Problem},
    input::{Body, plain_name},
    location::Location,
    state::AppState,
};

/// A new workspace.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateWorkspace)]
pub struct Request {
    /// What its members will call it.
    #[garde(length(chars, min = 1, max = 100), custom(plain_name))]
    #[schema(example = "Green Lantern Shop", min_length = 1, max_length = 100)]
    name: String,
}

/// Makes another workspace, with you as its owner. You go on acting where you do: name it in `X-Workspace` to act there.
#[utoipa::path(
    post, path = "/workspaces", operation_id = "create_workspace", tag = "workspaces",
    security(("bearer" = [])), request_body = Request,
    responses(
        (status = 201, description = "the workspace", body = MembershipView),
        (status = 409, description = "`too_many_workspaces`: you own 20, or belong to 100", body = Problem),
    )
)]
#[tracing::instrument(name = "api.workspaces.create", skip_all)]
pub async fn create(
    state: State<AppState>,
    account: Account,
    body: Body<Request>,
) -> ApiResult<(StatusCode, Location, Json<MembershipView>)> {
    let (State(state), Body(request)) = (state, body);
    let (user, now) = (account.user().id, state.clock().now());
    let workspace = Workspace {
        id: state.clock().id(),
        name: request.name,
        suspended_at: None,
        created_at: now,
    };
    let mut tx = state.db().begin().await?;
    // Locked, so that two who make the twentieth at once see each other's.
    tx.system().users().lock(user).await?;
    let mine = tx.system().users().memberships(user).await?;
    let owned = mine.iter().filter(|membership| membership.role == Role::Owner).count();
    if owned >= MOST_OWNED || mine.len() >= MOST_JOINED {
        return Err(too_many("a person owns at most 20 workspaces, and belongs to at most 100"));
    }
    tx.system().workspaces().insert(&workspace).await?;
    tx.workspace(workspace.id).members().insert(user, Role::Owner, now).await?;
    let details = json!({"name": workspace.name});
    let act = account.act(now, "workspace.created", ("workspace", workspace.id), details);
    tx.workspace(workspace.id).audit().append(&act).await?;
    tx.commit().await?;
    let membership = Membership { workspace, role: Role::Owner, suspended_at: None };
    // Which one, says `X-Workspace`.
    let location = Location("/api/v1/workspace".to_owned());
    Ok((StatusCode::CREATED, location, Json(membership.into())))
}
