//! `POST /api/v1/canned-replies` and `PATCH /api/v1/canned-replies/{id}`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::{assistant::Language, canned::CannedReply, ids::CannedReplyId};
use replyx_engine::canned::{self, CannedChange, NewCannedReply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CannedReplyView, edition, tagged};
use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiResult, Problem},
    input::{Body, Id, Patch},
    location::Location,
    state::AppState,
    tagged::{IfMatch, Tagged},
};

/// Letters, digits, `-` and `_`, all of them in lower case.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn plain_shortcut(text: &str, (): &()) -> garde::Result {
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || c == '-' || c == '_';
    if (1..=32).contains(&text.chars().count()) && text.chars().all(fits) {
        return Ok(());
    }
    Err(garde::Error::new("must have 1 to 32 lower-case letters, digits, `-` or `_`"))
}

/// A new canned reply.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateCannedReply)]
pub struct New {
    /// What an operator types to find it: lower-case letters, digits, `-` and `_`. One of a
    /// language has it.
    #[garde(custom(plain_shortcut))]
    #[schema(min_length = 1, max_length = 32, example = "refund")]
    shortcut: String,
    /// The language it is written in; any unless set.
    #[garde(skip)]
    language: Option<Language>,
    /// What it is about.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "How to get money back")]
    title: String,
    /// The words. `{customer}`, `{operator}`, `{assistant}` and `{workspace}` stand for their
    /// names.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(
        min_length = 1,
        max_length = 4_000,
        example = "Hello {customer}, the money is on its way. {operator}"
    )]
    text: String,
}

/// Creates a canned reply. A workspace has at most 1,000.
#[utoipa::path(
    post, path = "/canned-replies", operation_id = "create_canned_reply", tag = "operators",
    request_body = New,
    responses(
        (status = 201, description = "the canned reply", body = CannedReplyView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 409, description = "`shortcut_taken` or `too_many_canned_replies`", body = Problem),
        (status = 422, description = "a field is not acceptable, such as a text with an unknown placeholder", body = Problem),
    )
)]
#[tracing::instrument(name = "api.canned_replies.create", skip_all)]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Body(request): Body<New>,
) -> ApiResult<(StatusCode, Location, Tagged<CannedReplyView>)> {
    let New { shortcut, language, title, text } = request;
    let new = NewCannedReply { shortcut, language, title, text };
    let reply = canned::create(&state.engine, &caller, &new).await?;

    let location = Location(format!("/api/v1/canned-replies/{}", reply.id));
    Ok((StatusCode::CREATED, location, tagged(reply)))
}

/// The fields to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateCannedReply)]
pub struct Change {
    /// What an operator types to find it.
    #[garde(inner(custom(plain_shortcut)))]
    #[schema(min_length = 1, max_length = 32, example = "refund")]
    shortcut: Option<String>,
    /// The language it is written in; `null`: any.
    #[garde(skip)]
    #[serde(default)]
    #[schema(value_type = Option<Language>)]
    language: Patch<Language>,
    /// What it is about.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "How to get money back")]
    title: Option<String>,
    /// The words, with placeholders.
    #[garde(length(chars, min = 1, max = 4_000))]
    #[schema(
        min_length = 1,
        max_length = 4_000,
        example = "Hello {customer}, the money is on its way."
    )]
    text: Option<String>,
}

/// Changes a canned reply.
#[utoipa::path(
    patch, path = "/canned-replies/{id}", operation_id = "update_canned_reply", tag = "operators",
    params(("id" = uuid::Uuid, Path)), request_body = Change,
    responses(
        (status = 200, description = "the canned reply as it is now", body = CannedReplyView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such canned reply", body = Problem),
        (status = 409, description = "`shortcut_taken`", body = Problem),
        (status = 412, description = "it was changed in the meantime", body = Problem),
        (status = 422, description = "a field is not acceptable, such as a text with an unknown placeholder", body = Problem),
    )
)]
#[tracing::instrument(name = "api.canned_replies.update", skip_all, fields(canned_reply.id = %id))]
pub async fn update(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<CannedReplyId>,
    expected: IfMatch,
    Body(request): Body<Change>,
) -> ApiResult<Tagged<CannedReplyView>> {
    let Change { shortcut, language, title, text } = request;
    let change = CannedChange { shortcut, language, title, text };
    let is_as_read = |found: &CannedReply| expected.check(&edition(found)).is_ok();
    let reply = canned::update(&state.engine, &caller, id, &change, is_as_read).await?;
    Ok(tagged(reply))
}
