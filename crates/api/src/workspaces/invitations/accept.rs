//! `POST /api/v1/invitations/accept`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{
    secret::sha256_hex,
    workspace::{Invitation, Membership},
};
use replyx_storage::Tx;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    caller::Account,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    state::AppState,
    workspaces::{MOST_JOINED, MembershipView, too_many},
};

/// The token of the link.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcceptInvitation)]
pub struct Request {
    /// What stands after `#token=` in the link that was mailed.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(
        example = "8c1d1f0b7d3e4a5f6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c",
        min_length = 1,
        max_length = 200
    )]
    token: String,
}

/// Takes an invitation up: you are a member from now on. It must have been sent to your e-mail address.
#[utoipa::path(
    post, path = "/invitations/accept", operation_id = "accept_invitation", tag = "workspaces",
    security(("bearer" = [])), request_body = Request,
    responses(
        (status = 200, description = "the workspace that you belong to now", body = MembershipView),
        (status = 403, description = "`not_for_you`: it was sent to another address; `workspace_suspended`",
            body = Problem),
        (status = 409, description = "`invitation_void`: who invited you may no longer do so; `already_member`; \
            `too_many_workspaces`: you belong to 100", body = Problem),
        (status = 422, description = "`invalid`; `wrong_token`: there is no such invitation any more", body = Problem),
    )
)]
#[tracing::instrument(name = "api.invitations.accept", skip_all)]
pub async fn accept(
    state: State<AppState>,
    account: Account,
    body: Body<Request>,
) -> ApiResult<Json<MembershipView>> {
    let (State(state), Body(request)) = (state, body);
    let (user, now) = (account.user(), state.clock().now());
    let mut tx = state.db().begin().await?;
    // Undone, with whatever is refused below.
    let taken = tx.system().invitations().take(&sha256_hex(request.token.as_bytes())).await?;
    let open = taken.filter(|invitation| now < invitation.expires_at);
    let invitation = open.ok_or(ApiError::Unacceptable {
        code: "wrong_token",
        detail: "there is no such invitation any more",
    })?;
    if invitation.email != user.email {
        return Err(ApiError::Refused {
            code: "not_for_you",
            detail: "this invitation was sent to another e-mail address",
        });
    }
    super::stands(&mut tx, &invitation).await?;
    let membership = join(&mut tx, &account, &invitation, now).await?;
    let details = json!({
        "email": user.email, "role": invitation.role, "invited_by": invitation.invited_by,
    });
    let act = account.act(now, "member.joined", ("member", user.id), details);
    tx.workspace(invitation.workspace_id).audit().append(&act).await?;
    tx.commit().await?;
    Ok(Json(membership.into()))
}

async fn join(
    tx: &mut Tx,
    account: &Account,
    invitation: &Invitation,
    now: chrono::DateTime<chrono::Utc>,
) -> ApiResult<Membership> {
    let (user, id) = (account.user().id, invitation.workspace_id);
    let already = || {
        let detail = "you are a member already".to_owned();
        ApiError::Conflict { code: "already_member", detail }
    };
    let mine = tx.system().users().memberships(user).await?;
    if mine.iter().any(|membership| membership.workspace.id == id) {
        return Err(already());
    }
    if mine.len() >= MOST_JOINED {
        return Err(too_many("a person belongs to at most 100 workspaces"));
    }
    match tx.workspace(id).members().insert(user, invitation.role, now).await {
        Ok(()) => {}
        Err(error) if error.is_duplicate() => return Err(already()),
        Err(error) => return Err(error.into()),
    }
    let workspace = tx.system().workspaces().find(id).await?;
    let workspace = workspace.ok_or(ApiError::NotFound("workspace"))?;
    Ok(Membership { workspace, role: invitation.role, suspended_at: None })
}
