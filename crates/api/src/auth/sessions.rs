//! `/api/v1/auth/sessions`: where somebody is signed in.

use axum::{extract::State, http::StatusCode};
use replyx_accounts::sessions;
use replyx_core::ids::SessionId;

use crate::{
    caller::Account, error::ApiResult, input::Id, page::List, state::AppState, users::SessionView,
};

/// Lists your sessions, newest first: at most a hundred, on one page.
#[utoipa::path(
    get, path = "/auth/sessions", operation_id = "list_sessions", tag = "auth",
    responses((status = 200, description = "the sessions that have not ended", body = List<SessionView>))
)]
#[tracing::instrument(name = "api.auth.sessions.list", skip_all)]
pub async fn list(State(state): State<AppState>, account: Account) -> ApiResult<List<SessionView>> {
    let found = sessions::list(&state.accounts, &account).await?;
    let items = found.into_iter().map(|session| SessionView::of(session, account.session));
    Ok(List { items: items.collect(), next_cursor: None })
}

/// Ends one of your sessions immediately.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", operation_id = "revoke_session", tag = "auth",
    params(("id" = uuid::Uuid, Path, description = "the session")),
    responses((status = 204, description = "the session has ended"))
)]
#[tracing::instrument(name = "api.auth.sessions.delete", skip_all, fields(session.id = %id.0))]
pub async fn delete(
    State(state): State<AppState>,
    account: Account,
    id: Id<SessionId>,
) -> ApiResult<StatusCode> {
    sessions::revoke(&state.accounts, &account, id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all your other sessions immediately.
#[utoipa::path(
    delete, path = "/auth/sessions", operation_id = "revoke_other_sessions", tag = "auth",
    responses((status = 204, description = "only this session is left"))
)]
#[tracing::instrument(name = "api.auth.sessions.delete_others", skip_all)]
pub async fn delete_others(
    State(state): State<AppState>,
    account: Account,
) -> ApiResult<StatusCode> {
    sessions::revoke_others(&state.accounts, &account).await?;
    Ok(StatusCode::NO_CONTENT)
}
