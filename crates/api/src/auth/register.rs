//! `POST /api/v1/auth/register`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{
    role::Role,
    user::{User, check_password, normal_email},
    workspace::Workspace,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AccessToken;
use crate::{
    caller::Caller,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    state::AppState,
    users::{UserView, WorkspaceView},
};

/// A new account.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RegisterUser)]
pub struct Request {
    /// The e-mail address, unique in the installation.
    #[garde(email, length(max = 254))]
    #[schema(example = "owner@example.org")]
    email: String,
    /// 8 to 128 characters with a letter and a digit, not a common one.
    #[garde(custom(acceptable))]
    #[schema(example = "green lantern 7")]
    password: String,
    /// What the person is called.
    #[garde(length(chars, min = 1, max = 100))]
    name: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn acceptable(password: &str, (): &()) -> garde::Result {
    check_password(password).map_err(garde::Error::new)
}

/// The account, its workspace, and a token to begin with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredUser)]
pub struct Response {
    user: UserView,
    workspace: WorkspaceView,
    #[serde(flatten)]
    token: AccessToken,
}

/// Makes an account with a workspace of its own.
#[utoipa::path(
    post, path = "/auth/register", operation_id = "register_user", tag = "auth",
    request_body = Request,
    responses(
        (status = 201, description = "the account was made", body = Response),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 409, description = "`email_taken`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.register", skip_all)]
pub async fn register(
    state: State<AppState>,
    body: Body<Request>,
) -> ApiResult<(StatusCode, Json<Response>)> {
    let (State(state), Body(request)) = (state, body);
    let password_hash = state.passwords.hash(request.password).await?;
    let now = state.clock().now();
    let user = User {
        id: state.clock().id(),
        email: normal_email(&request.email),
        name: request.name,
        created_at: now,
    };
    let name = user.name.clone().unwrap_or_else(|| user.email.clone());
    let workspace = Workspace { id: state.clock().id(), name, created_at: now };

    let mut tx = state.db().begin().await?;
    tx.system().users().insert(&user, &password_hash).await.map_err(|error| {
        if error.is_duplicate() {
            let detail = "there is an account with this e-mail address".to_owned();
            ApiError::Conflict { code: "email_taken", detail }
        } else {
            error.into()
        }
    })?;
    tx.system().workspaces().insert(&workspace).await?;
    tx.workspace(workspace.id).members().insert(user.id, Role::Owner, now).await?;
    tx.commit().await?;

    let caller = Caller { user_id: user.id, workspace_id: workspace.id, role: Role::Owner };
    let token = state.tokens.issue(&caller)?;
    let response = Response { user: user.into(), workspace: workspace.into(), token };
    Ok((StatusCode::CREATED, Json(response)))
}
