//! `DELETE /api/v1/me`

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_core::{
    ids::{UserId, WorkspaceId},
    mail::{Letter, Mail},
    page::PageRequest,
    role::Role,
    setting,
};
use replyx_storage::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    auth::proof,
    caller::Account,
    cookies::SetCookies,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    post,
    state::AppState,
};

/// Proof that it is the person who asks.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeleteMe)]
pub struct Request {
    /// The password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    password: String,
    /// A code of the second factor, or a recovery code; only for accounts that have one.
    #[garde(length(chars, max = 40))]
    #[schema(example = "123456", max_length = 40)]
    code: Option<String>,
}

/// What will happen, and when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledDeletion)]
pub struct Response {
    /// When the account will be deleted, unless its owner signs in and restores it before.
    delete_at: DateTime<Utc>,
}

/// Deletes your account: you are signed out everywhere at once, and after a time of grace the account goes for good,
/// with the workspaces in which nobody else works.
///
/// Until then you may sign in again and take it back.
#[utoipa::path(
    delete, path = "/me", operation_id = "delete_me", tag = "users",
    security(("bearer" = [])), request_body = Request,
    responses(
        (status = 202, description = "you are signed out, and the account will be deleted", body = Response),
        (status = 403, description = "`wrong_password`; `totp_required`, `wrong_totp`", body = Problem),
        (status = 409, description = "`last_owner`: a workspace with other members would be left without an owner",
            body = Problem),
    )
)]
#[tracing::instrument(name = "api.users.delete", skip_all)]
pub async fn delete(
    state: State<AppState>,
    account: Account,
    body: Body<Request>,
) -> ApiResult<(StatusCode, SetCookies, Json<Response>)> {
    let (State(state), Body(request)) = (state, body);
    proof::by_password(&state, &account, request.password).await?;
    proof::by_code(&state, &account, request.code.as_deref()).await?;
    let (user, now) = (account.user(), state.clock().now());
    let end = now + state.tuning.days(setting::DELETION_GRACE_DAYS);
    // To ask again does not put it off.
    let delete_at = user.delete_at.map_or(end, |earlier| earlier.min(end));
    let letter = Letter::DeletionScheduled { at: delete_at };
    let mail = Mail { to: user.email.clone(), language: user.language, letter };
    let tells = post::may_tell(&state, &mail).await;

    let mut tx = state.db().begin().await?;
    refuse_last_owner(&mut tx, user.id).await?;
    proof::still_signed_in(&mut tx, &account, now).await?;
    tx.system().users().set_delete_at(user.id, Some(delete_at)).await?;
    tx.system().sessions().revoke_all(user.id, None, now).await?;
    if tells {
        post::queue(&state, &mut tx, &mail).await?;
    }
    let details = json!({"delete_at": delete_at});
    let act = account.act(now, "account.deletion_scheduled", ("user", user.id), details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, SetCookies::cleared(), Json(Response { delete_at })))
}

/// Locks the owners of the workspaces that a user owns, and refuses when one of these has other members and no other
/// owner: somebody must stay who can run it.
///
/// # Errors
///
/// 409 `last_owner`.
pub(crate) async fn refuse_last_owner(tx: &mut Tx, user: UserId) -> ApiResult<()> {
    let memberships = tx.system().users().memberships(user).await?;
    let owned = memberships.iter().filter(|membership| membership.role == Role::Owner);
    let mut owned: Vec<WorkspaceId> = owned.map(|membership| membership.workspace.id).collect();
    // In one order for all, so that two owners of the same workspaces do not wait for each other for ever.
    owned.sort_unstable();
    for workspace in owned {
        let owners = tx.workspace(workspace).members().lock_owners().await?;
        if owners.iter().any(|owner| *owner != user) {
            continue;
        }
        let members =
            tx.workspace(workspace).members().list(PageRequest::new(Some(2), None)).await?;
        if members.items.iter().any(|member| member.user_id != user) {
            let detail = "a workspace has other members and no other owner: make one of them an \
                          owner, or remove them"
                .to_owned();
            return Err(ApiError::Conflict { code: "last_owner", detail });
        }
    }
    Ok(())
}
