//! `POST /api/v1/assistants/{id}/channels`

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use replyx_core::ids::AssistantId;
use replyx_fleet::channels;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ChannelView;
use crate::{
    caller::{Authorized, BotsWrite},
    error::{ApiResult, Problem},
    input::{Body, Id, plain_name},
    location::Location,
    state::AppState,
};

/// The kinds of channels that this operation creates. A bot is created with its token: `POST
/// assistants/{id}/bots`.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[schema(as = NewChannelKind)]
#[serde(rename_all = "snake_case")]
enum NewKind {
    /// A program of yours, which posts messages from its users and reads the replies.
    Api,
}

/// A new channel.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateChannel)]
pub struct Request {
    /// `api`: a program of yours posts messages from its users and reads the replies.
    #[garde(skip)]
    #[schema(example = "api")]
    kind: NewKind,
    /// Its display name.
    #[garde(length(chars, min = 1, max = 100), custom(plain_name))]
    #[schema(min_length = 1, max_length = 100, example = "Mobile app")]
    name: String,
}

/// Creates a channel of the kind `api`. It runs at once.
///
/// Post messages from the users of your program with `POST channels/{id}/messages`. Read the
/// replies with `GET dialogs/{id}/messages`; the event `reply.settled` announces them.
#[utoipa::path(
    post, path = "/assistants/{id}/channels", operation_id = "create_channel", tag = "channels",
    params(("id" = uuid::Uuid, Path)), request_body = Request,
    responses(
        (status = 201, description = "the channel", body = ChannelView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 409, description = "`too_many_channels`: the workspace has 100 of them", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.channels.create", skip_all, fields(assistant.id = %id))]
pub async fn create(
    State(state): State<AppState>,
    caller: Authorized<BotsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<Request>,
) -> ApiResult<(StatusCode, Location, Json<ChannelView>)> {
    let NewKind::Api = request.kind;
    let channel = channels::create(state.fleet(), &caller, id, &request.name).await?;

    let location = Location(format!("/api/v1/channels/{}", channel.id));
    Ok((StatusCode::CREATED, location, Json(channel.into())))
}
