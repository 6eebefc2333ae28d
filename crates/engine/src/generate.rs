//! Step 5: the model's answer.

use replyx_llm::{ChatRequest, Completion, ModelError};

use crate::Engine;

/// Asks the model, within its bounds of time and attempts.
///
/// # Errors
///
/// Fails when the provider could not be made to answer.
pub async fn answer(engine: &Engine, request: &ChatRequest) -> Result<Completion, ModelError> {
    engine.models.complete(request, |_| {}).await
}
