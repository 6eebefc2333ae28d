//! `PUT /api/v1/messages/{id}/act`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::{ids::MessageId, message::MessageAct};
use replyx_engine::correct::{self, CorrectError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::messages::{self, MessageView};
use crate::{
    caller::{Authorized, DialogsWrite},
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// What a customer's message is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CorrectAct)]
pub struct Request {
    /// What it is.
    #[garde(skip)]
    #[schema(example = "question")]
    act: MessageAct,
}

impl From<CorrectError> for ApiError {
    fn from(error: CorrectError) -> Self {
        match error {
            CorrectError::Missing => Self::NotFound("message of a customer"),
            CorrectError::Storage(error) => error.into(),
        }
    }
}

/// Corrects what a customer's message was taken for. Answers that were given stay as they are.
#[utoipa::path(
    put, path = "/messages/{id}/act", operation_id = "correct_message_act", tag = "dialogs",
    request_body = Request,
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the message as it is now", body = MessageView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such message of a customer", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.messages.correct_act", skip_all, fields(message.id = %id))]
pub async fn correct(
    State(state): State<AppState>,
    caller: Authorized<DialogsWrite>,
    Id(id): Id<MessageId>,
    Body(request): Body<Request>,
) -> ApiResult<Json<MessageView>> {
    let message = correct::act(&state.engine, &caller, id, request.act).await?;
    Ok(Json(messages::shown(&state, message).await?))
}
