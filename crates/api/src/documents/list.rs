//! `GET /api/v1/documents`

use axum::extract::State;
use replyx_storage::documents::DocumentFilter;
use serde::Deserialize;
use uuid::Uuid;

use super::DocumentView;
use crate::{
    caller::{Authorized, DocumentsRead},
    error::{ApiResult, Problem},
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// Which documents.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only this assistant's; all assistants by default.
    assistant_id: Option<Uuid>,
    /// Only what was fetched for this source; all unless given.
    source_id: Option<Uuid>,
    /// Only documents with this tag.
    #[param(max_length = 50, example = "prices")]
    tag: Option<String>,
    // Not a flattened `PageQuery`: its numbers could not be read from a query.
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Lists the documents, oldest first.
#[utoipa::path(
    get, path = "/documents", operation_id = "list_documents", tag = "documents",
    params(Query),
    responses(
        (status = 200, description = "a page of documents", body = List<DocumentView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.documents.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<DocumentsRead>,
    Params(query): Params<Query>,
) -> ApiResult<List<DocumentView>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let filter = DocumentFilter {
        assistant: query.assistant_id.map(Into::into),
        source: query.source_id.map(Into::into),
        tag: query.tag.map(|tag| tag.trim().to_lowercase()),
        answers: false,
    };
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).documents().list(filter, page).await?;
    Ok(List::of(page, DocumentView::from))
}
