//! `GET` and `PUT /api/v1/assistants/{id}/sla`

use std::time::Duration;

use axum::{Json, extract::State};
use garde::Validate;
use replyx_assistants::assistants;
use replyx_core::{ids::AssistantId, sla::SlaPolicy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::{AssistantsRead, AssistantsWrite, Authorized},
    error::{ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
};

/// Within which time a person replies, in business hours. What is `null` is not promised.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AssistantSla)]
pub struct SlaView {
    /// The first reply to a customer who waits for a person, minutes.
    #[garde(range(min = 1, max = SlaPolicy::MOST_MINUTES))]
    #[schema(minimum = 1, maximum = 43_200, example = 15)]
    first_reply_minutes: Option<u32>,
    /// Every later reply, minutes.
    #[garde(range(min = 1, max = SlaPolicy::MOST_MINUTES))]
    #[schema(minimum = 1, maximum = 43_200, example = 60)]
    next_reply_minutes: Option<u32>,
}

impl SlaView {
    fn of(policy: SlaPolicy) -> Self {
        let minutes =
            |time: Duration| u32::try_from(time.as_secs() / 60).unwrap_or(SlaPolicy::MOST_MINUTES);
        Self {
            first_reply_minutes: policy.first_reply.map(minutes),
            next_reply_minutes: policy.next_reply.map(minutes),
        }
    }

    fn into_policy(self) -> SlaPolicy {
        let time = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
        SlaPolicy {
            first_reply: self.first_reply_minutes.map(time),
            next_reply: self.next_reply_minutes.map(time),
        }
    }
}

/// Shows within which time customers are promised a reply of a person.
#[utoipa::path(
    get, path = "/assistants/{id}/sla", operation_id = "read_assistant_sla", tag = "assistants",
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "what is promised", body = SlaView),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.read_sla", skip_all, fields(assistant.id = %id))]
pub async fn read(
    State(state): State<AppState>,
    caller: Authorized<AssistantsRead>,
    Id(id): Id<AssistantId>,
) -> ApiResult<Json<SlaView>> {
    let policy = assistants::promised(state.assistants(), &caller, id).await?;
    Ok(Json(SlaView::of(policy)))
}

/// Promises customers a reply of a person within these times. They are counted in the business
/// hours of the assistant, from the customer's oldest words that nobody has answered. The event
/// `dialog.sla` says when half of a time has passed, and when all of it has. Clocks that run keep
/// the time that they began with.
#[utoipa::path(
    put, path = "/assistants/{id}/sla", operation_id = "set_assistant_sla", tag = "assistants",
    params(("id" = uuid::Uuid, Path)), request_body = SlaView,
    responses(
        (status = 200, description = "what is promised", body = SlaView),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "no valid token", body = Problem),
        (status = 403, description = "your role does not allow this", body = Problem),
        (status = 404, description = "no such assistant", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.set_sla", skip_all, fields(assistant.id = %id))]
pub async fn set(
    State(state): State<AppState>,
    caller: Authorized<AssistantsWrite>,
    Id(id): Id<AssistantId>,
    Body(request): Body<SlaView>,
) -> ApiResult<Json<SlaView>> {
    assistants::promise(state.assistants(), &caller, id, request.into_policy()).await?;
    Ok(Json(request))
}
