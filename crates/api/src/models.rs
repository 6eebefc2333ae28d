//! `GET /api/v1/models`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::{AssistantsRead, Authorized},
    error::{ApiResult, Problem},
    page::List,
    state::AppState,
};

/// A model that an assistant may use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Model)]
pub struct ModelView {
    /// Its name, as an assistant names it.
    #[schema(example = "gpt-4o-mini")]
    id: String,
    /// The provider's name; `extractive` for the model that quotes.
    #[schema(example = "openai")]
    provider: String,
    /// The price of a million input tokens, in US dollars, as a decimal number; `null`: unknown.
    #[schema(example = "0.15")]
    input_price: Option<String>,
    /// The price of a million output tokens, in US dollars, as a decimal number; `null`: unknown.
    #[schema(example = "0.60")]
    output_price: Option<String>,
    /// The context length in tokens; `null`: unknown.
    #[schema(example = 128_000)]
    context: Option<u64>,
    /// Whether it is the default model.
    default: bool,
}

/// Lists the models that the assistants of this workspace may use, by name.
#[utoipa::path(
    get, path = "/models", operation_id = "list_models", tag = "assistants",
    responses(
        (status = 200, description = "all of them", body = List<ModelView>),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.models.list", skip_all)]
pub async fn list(
    state: State<AppState>,
    caller: Authorized<AssistantsRead>,
) -> ApiResult<List<ModelView>> {
    let State(state) = state;
    let mut tx = state.db().read().await?;
    let policy = tx.system().workspaces().model_policy(caller.workspace_id).await?;
    let only = policy.unwrap_or_default().allowed;
    let items = state.engine.models.list(only.as_deref()).into_iter().map(|model| ModelView {
        id: model.name,
        provider: model.provider,
        input_price: model.price.map(|price| price.input.to_string()),
        output_price: model.price.map(|price| price.output.to_string()),
        context: model.context,
        default: model.is_default,
    });
    Ok(List { items: items.collect(), next_cursor: None })
}
