//! `PATCH /api/v1/admin/workspaces/{id}`

#![allow(clippy::option_option, reason = "a patch tells `null` from an absent field")]

use axum::extract::State;
use garde::Validate;
use replyx_core::{
    ids::WorkspaceId,
    setting::{MODELS, is_model_name},
};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use utoipa::ToSchema;

use super::{AdminWorkspaceView, edition, tagged};
use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
    tagged::{IfMatch, Tagged},
};

/// What is to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateAnyWorkspace)]
pub struct Request {
    /// The only models its assistants may use, of those that the installation allows: 1 to 200 names. `null`: all of
    /// those.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(custom(known_names))))]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 200, example = json!(["gpt-4o-mini", "extractive"]))]
    allowed_models: Option<Option<Vec<String>>>,
}

/// Tells `null` from an absent field.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
#[expect(clippy::ptr_arg, reason = "the form that garde asks for")]
fn known_names(names: &Vec<String>, (): &()) -> garde::Result {
    if !(1..=MODELS).contains(&names.len()) {
        return Err(garde::Error::new(format!("must be 1 to {MODELS} names")));
    }
    if names.iter().all(|name| is_model_name(name)) {
        Ok(())
    } else {
        Err(garde::Error::new("each must be 1 to 100 visible ASCII characters without a comma"))
    }
}

/// Says which models the assistants of a workspace may use. It holds for the next answer.
#[utoipa::path(
    patch, path = "/admin/workspaces/{id}", operation_id = "update_any_workspace", tag = "admin",
    security(("bearer" = ["admin"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the workspace as it is now", body = AdminWorkspaceView),
        (status = 412, description = "somebody else has changed it", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.workspaces.update", skip_all, fields(workspace.id = %id.0))]
pub async fn update(
    state: State<AppState>,
    admin: Admin,
    id: Id<WorkspaceId>,
    expected: IfMatch,
    body: Body<Request>,
) -> ApiResult<Tagged<AdminWorkspaceView>> {
    let (State(state), Id(id), Body(request)) = (state, id, body);
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let found = tx.system().workspaces().lock(id).await?;
    let workspace = found.ok_or(ApiError::NotFound("workspace"))?;
    let policy = tx.system().workspaces().model_policy(id).await?.unwrap_or_default();
    expected.check(&edition(policy.allowed.as_deref()))?;

    if let Some(allowed) = &request.allowed_models {
        tx.system().workspaces().set_allowed_models(id, allowed.as_deref()).await?;
        let details = json!({"name": workspace.name, "allowed_models": allowed});
        let act = admin.act(now, "workspace.updated", ("workspace", id), details);
        tx.system().audit().append(&act).await?;
    }
    let policy = tx.system().workspaces().model_policy(id).await?;
    tx.commit().await?;
    Ok(tagged(workspace, policy.unwrap_or_default().allowed))
}
