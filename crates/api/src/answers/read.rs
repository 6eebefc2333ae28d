//! `GET /api/v1/assistants/{id}/answers/{answer_id}`

use axum::extract::State;
use replyx_assistants::answers;
use replyx_core::ids::{AssistantId, DocumentId};

use super::{PairView, tagged};
use crate::{
    caller::{DocumentsRead, May},
    error::{ApiResult, Problem},
    input::Ids,
    state::AppState,
    tagged::Tagged,
};

/// Shows a question with its answer.
#[utoipa::path(
    get, path = "/assistants/{id}/answers/{answer_id}", operation_id = "read_answer", tag = "answers",
    params(("id" = uuid::Uuid, Path), ("answer_id" = uuid::Uuid, Path)),
    responses(
        (status = 200, description = "the pair", body = PairView),
        (status = 304, description = "not modified"),
        (status = 401, description = "no valid token", body = Problem),
        (status = 404, description = "no such assistant or answer", body = Problem),
    )
)]
#[tracing::instrument(name = "api.answers.read", skip_all)]
pub async fn read(
    State(state): State<AppState>,
    caller: May<DocumentsRead>,
    Ids(id, answer_id): Ids<AssistantId, DocumentId>,
) -> ApiResult<Tagged<PairView>> {
    let (document, pair) = answers::read(state.assistants(), &caller, id, answer_id).await?;
    Ok(tagged(document, pair))
}
