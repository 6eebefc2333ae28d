//! `GET /api/v1/balance/entries`

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use replyx_billing::account;
use replyx_core::{ledger::EntryKind, page::PageRequest};
use replyx_storage::ledger::EntryFilter;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{entry::EntryView, table};
use crate::{
    caller::{Authorized, BillingRead},
    error::{ApiError, ApiResult},
    input::Params,
    page::{List, PageQuery},
    state::AppState,
};

/// At most so many entries are downloaded as CSV.
const DOWNLOAD: usize = 20_000;
/// How many of them are read at once.
const TOGETHER: u32 = 2_000;

/// Which entries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Query {
    /// Only entries of this kind.
    kind: Option<EntryKind>,
    /// Only entries made at this moment or later.
    from: Option<DateTime<Utc>>,
    /// Only entries made before this moment.
    to: Option<DateTime<Utc>>,
    /// Only entries for this message.
    message_id: Option<Uuid>,
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// The same entries as a table: a line with the names of the columns, then a line for each entry.
#[derive(Debug, ToSchema)]
#[schema(
    as = EntryTable, value_type = String,
    example = "seq,created_at,kind,source,target,amount\r\n1,2026-03-14T09:26:53Z,credit,bank,paid,10.00\r\n",
)]
pub struct Table(#[expect(dead_code, reason = "describes the answer")] String);

/// Lists what moved in the ledger of the workspace, newest first. With `Accept: text/csv` all
/// entries that match are downloaded as a table, at most 20,000; `limit` and `cursor` are ignored
/// then.
#[utoipa::path(
    get, path = "/balance/entries", operation_id = "list_balance_entries", tag = "billing",
    params(Query),
    responses((
        status = 200, description = "the entries",
        content((List<EntryView> = "application/json"), (Table = "text/csv")),
    ))
)]
#[tracing::instrument(name = "api.billing.entries", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<BillingRead>,
    headers: HeaderMap,
    Params(query): Params<Query>,
) -> ApiResult<Response> {
    let filter = EntryFilter {
        kind: query.kind,
        message_id: query.message_id.map(Into::into),
        from: query.from,
        to: query.to,
    };
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request()?;
    let workspace = caller.workspace_id;
    if !wants_table(&headers) {
        let entries = account::entries(&state.billing, workspace, &filter, page).await?;
        return Ok(List::of(entries, EntryView::from).into_response());
    }

    let mut lines = Vec::new();
    let mut page = PageRequest { limit: TOGETHER, after: None };
    loop {
        let entries = account::entries(&state.billing, workspace, &filter, page).await?;
        lines.extend(entries.items.into_iter().map(EntryView::from));
        if lines.len() > DOWNLOAD {
            let detail = "more than 20000 entries match: narrow `from` and `to`";
            return Err(ApiError::field("from", detail));
        }
        let Some(next) = entries.next else { break };
        page.after = Some(next);
    }
    Ok(download(&lines))
}

/// Does the client ask for a table rather than for JSON?
fn wants_table(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let first = accepted.unwrap_or_default().split(',').next().unwrap_or_default();
    let kind = first.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("text/csv")
}

fn download(lines: &[EntryView]) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"entries.csv\""),
        ),
    ];
    (headers, table::of(lines)).into_response()
}
