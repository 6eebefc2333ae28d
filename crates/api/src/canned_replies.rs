//! Replies that operators keep ready.

pub mod save;
pub mod text;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use replyx_core::{assistant::Language, canned::CannedReply, ids::CannedReplyId};
use replyx_engine::canned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, DialogsRead, DialogsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Id, Params},
    page::{List, PageQuery},
    state::AppState,
    tagged::{Edition, Tagged},
};

/// A canned reply, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CannedReply)]
pub struct CannedReplyView {
    id: Uuid,
    /// What an operator types to find it.
    #[schema(example = "refund")]
    shortcut: String,
    /// The language it is written in; `null`: any.
    language: Option<Language>,
    #[schema(example = "How to get money back")]
    title: String,
    /// The words, with placeholders.
    #[schema(example = "Hello {customer}, the money is on its way. {operator}")]
    text: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<CannedReply> for CannedReplyView {
    fn from(reply: CannedReply) -> Self {
        Self {
            id: reply.id.into_uuid(),
            shortcut: reply.shortcut,
            language: reply.language,
            title: reply.title,
            text: reply.text,
            created_at: reply.created_at,
            updated_at: reply.updated_at,
        }
    }
}

fn edition(reply: &CannedReply) -> Edition {
    Edition::number(reply.updated_at.timestamp_micros())
}

fn tagged(reply: CannedReply) -> Tagged<CannedReplyView> {
    Tagged::new(edition(&reply), reply.into())
}

/// Which canned replies.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only those with this shortcut, in any language.
    #[param(example = "refund")]
    shortcut: Option<String>,
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Lists the canned replies, oldest first.
#[utoipa::path(
    get, path = "/canned-replies", operation_id = "list_canned_replies", tag = "operators",
    params(Query),
    responses(
        (status = 200, description = "a page of canned replies", body = List<CannedReplyView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.canned_replies.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Params(query): Params<Query>,
) -> ApiResult<List<CannedReplyView>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let mut tx = state.db().read().await?;
    let replies = tx.workspace(caller.workspace_id).canned_replies();
    let page = replies.list(query.shortcut.as_deref(), page).await?;
    Ok(List::of(page, CannedReplyView::from))
}

/// Shows a canned reply.
#[utoipa::path(
    get, path = "/canned-replies/{id}", operation_id = "read_canned_reply", tag = "operators",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "the canned reply", body = CannedReplyView),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such canned reply", body = Problem),
    )
)]
#[tracing::instrument(name = "api.canned_replies.read", skip_all, fields(canned_reply.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Id(id): Id<CannedReplyId>,
) -> ApiResult<Tagged<CannedReplyView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).canned_replies().find(id).await?;
    Ok(tagged(found.ok_or(ApiError::NotFound("canned reply"))?))
}

/// Deletes a canned reply.
#[utoipa::path(
    delete, path = "/canned-replies/{id}", operation_id = "delete_canned_reply", tag = "operators",
    params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such canned reply", body = Problem),
    )
)]
#[tracing::instrument(name = "api.canned_replies.delete", skip_all, fields(canned_reply.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<CannedReplyId>,
) -> ApiResult<StatusCode> {
    canned::delete(&state.engine, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
