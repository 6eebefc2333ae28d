//! `PATCH /api/v1/sources/{id}`

#![allow(clippy::option_option, reason = "a patch tells `null` from an absent field")]

use axum::extract::State;
use chrono::TimeDelta;
use garde::Validate;
use replyx_core::{
    ids::SourceId,
    knowledge::{Source, SourceKind, SourceStatus},
};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use utoipa::ToSchema;

use super::{SourceView, edition, tagged};
use crate::{
    caller::{DocumentsWrite, May},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
    tagged::{IfMatch, Tagged},
};

/// The fields to change. Absent fields stay as they are. It counts from the next time the source is
/// fetched.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateSource)]
pub struct Request {
    /// How many links away from the beginning; only for a `site`.
    #[garde(range(min = 0, max = 3))]
    #[schema(minimum = 0, maximum = 3, example = 1)]
    depth: Option<i64>,
    /// How many pages at most; not for a `page`.
    #[garde(range(min = 1, max = 1_000))]
    #[schema(minimum = 1, maximum = 1_000, example = 100)]
    max_pages: Option<i64>,
    /// How often it is fetched again, hours; `null`: never by itself.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(range(min = 1, max = 8_760))))]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 8_760, example = 24)]
    refresh_hours: Option<Option<i64>>,
}

/// Tells `null` from an absent field.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

impl Request {
    fn apply(self, source: &mut Source) -> ApiResult<()> {
        if let Some(depth) = self.depth {
            if source.kind != SourceKind::Site {
                return Err(ApiError::field("depth", "is only for a `site`"));
            }
            source.depth = depth;
        }
        if let Some(max_pages) = self.max_pages {
            if source.kind == SourceKind::Page {
                return Err(ApiError::field("max_pages", "is not for a `page`"));
            }
            source.max_pages = max_pages;
        }
        if let Some(hours) = self.refresh_hours {
            source.every_hours = hours;
            if matches!(source.status, SourceStatus::Ready | SourceStatus::Failed) {
                let since = source.fetched_at.unwrap_or(source.created_at);
                source.next_at = hours.map(|hours| since + TimeDelta::hours(hours));
            }
        }
        Ok(())
    }
}

/// Changes a source.
#[utoipa::path(
    patch, path = "/sources/{id}", operation_id = "update_source", tag = "sources",
    security(("bearer" = ["documents:write"])), params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the source", body = SourceView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such source", body = Problem),
        (status = 412, description = "somebody else has changed it", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.sources.update", skip_all, fields(source.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: May<DocumentsWrite>,
    Id(id): Id<SourceId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<SourceView>> {
    let workspace = caller.workspace_id;
    let mut tx = state.db().begin().await?;
    let found = tx.workspace(workspace).sources().lock(id).await?;
    let mut source = found.ok_or(ApiError::NotFound("source"))?;
    expected.check(&edition(&source))?;
    request.apply(&mut source)?;
    source.updated_at = state.clock().now();
    tx.workspace(workspace).sources().save(&source).await?;
    let details = json!({"url": source.url, "depth": source.depth, "max_pages": source.max_pages,
        "refresh_hours": source.every_hours});
    let act = caller.act(source.updated_at, "source.updated", ("source", id), details);
    tx.workspace(workspace).audit().append(&act).await?;
    tx.commit().await?;
    Ok(tagged(source))
}
