//! Tags: the words by which operators sort dialogs.

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use garde::Validate;
use replyx_core::{ids::TagId, tag::Tag};
use replyx_engine::tags;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    caller::{Authorized, DialogsRead, DialogsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id, Params, plain_name},
    location::Location,
    page::{List, PageQuery},
    state::AppState,
    tagged::{Edition, IfMatch, Tagged},
};

/// A tag, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tag)]
pub struct TagView {
    id: Uuid,
    #[schema(example = "refund")]
    name: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Tag> for TagView {
    fn from(tag: Tag) -> Self {
        Self {
            id: tag.id.into_uuid(),
            name: tag.name,
            created_at: tag.created_at,
            updated_at: tag.updated_at,
        }
    }
}

fn edition(tag: &Tag) -> Edition {
    Edition::of(&(&tag.name, tag.updated_at))
}

fn tagged(tag: Tag) -> Tagged<TagView> {
    Tagged::new(edition(&tag), tag.into())
}

/// The name of a tag.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SaveTag)]
pub struct Request {
    /// The name; no other tag differs from it in letter case alone.
    #[garde(length(chars, min = 1, max = 50), custom(plain_name))]
    #[schema(min_length = 1, max_length = 50, example = "refund")]
    name: String,
}

impl Request {
    fn name(&self) -> ApiResult<&str> {
        let name = self.name.trim();
        if name.is_empty() {
            return Err(ApiError::field("name", "must not be blank"));
        }
        Ok(name)
    }
}

/// Creates a tag. A workspace has at most 500.
#[utoipa::path(
    post, path = "/tags", operation_id = "create_tag", tag = "operators", request_body = Request,
    responses(
        (status = 201, description = "the tag", body = TagView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 409, description = "`tag_exists` or `too_many_tags`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.tags.create", skip_all)]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Tagged<TagView>)> {
    let tag = tags::create(&state.engine, &caller, request.name()?).await?;
    let location = Location(format!("/api/v1/tags/{}", tag.id));
    Ok((StatusCode::CREATED, location, tagged(tag)))
}

/// Lists the tags, oldest first.
#[utoipa::path(
    get, path = "/tags", operation_id = "list_tags", tag = "operators", params(PageQuery),
    responses(
        (status = 200, description = "a page of tags", body = List<TagView>),
        (status = 400, description = "the query cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.tags.list", skip_all)]
pub async fn list(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Params(query): Params<PageQuery>,
) -> ApiResult<List<TagView>> {
    let mut tx = state.db().read().await?;
    let page = tx.workspace(caller.workspace_id).tags().list(query.request()?).await?;
    Ok(List::of(page, TagView::from))
}

/// Shows a tag.
#[utoipa::path(
    get, path = "/tags/{id}", operation_id = "read_tag", tag = "operators",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "the tag", body = TagView),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such tag", body = Problem),
    )
)]
#[tracing::instrument(name = "api.tags.read", skip_all, fields(tag.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<DialogsRead>,
    Id(id): Id<TagId>,
) -> ApiResult<Tagged<TagView>> {
    let mut tx = state.db().read().await?;
    let found = tx.workspace(caller.workspace_id).tags().find(id).await?;
    Ok(tagged(found.ok_or(ApiError::NotFound("tag"))?))
}

/// Renames a tag.
#[utoipa::path(
    patch, path = "/tags/{id}", operation_id = "update_tag", tag = "operators",
    params(("id" = Uuid, Path)), request_body = Request,
    responses(
        (status = 200, description = "the tag as it is now", body = TagView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such tag", body = Problem),
        (status = 409, description = "`tag_exists`", body = Problem),
        (status = 412, description = "it was changed in the meantime", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.tags.update", skip_all, fields(tag.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<TagId>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<TagView>> {
    let is_as_read = |found: &Tag| expected.check(&edition(found)).is_ok();
    let tag = tags::rename(&state.engine, &caller, id, request.name()?, is_as_read).await?;
    Ok(tagged(tag))
}

/// Deletes a tag, from its dialogs as well.
#[utoipa::path(
    delete, path = "/tags/{id}", operation_id = "delete_tag", tag = "operators",
    params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "it was deleted"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such tag", body = Problem),
    )
)]
#[tracing::instrument(name = "api.tags.delete", skip_all, fields(tag.id = %id))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<TagId>,
) -> ApiResult<StatusCode> {
    tags::delete(&state.engine, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
