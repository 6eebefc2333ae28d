//! Step 5: the model's answer.

use replyx_llm::{ChatRequest, Completion, Failure, Progress};

use crate::Engine;

/// Asks the model, within its bounds of time and attempts. `show` sees the answer as it grows.
///
/// # Errors
///
/// Fails when no model of the chain could be made to answer.
pub async fn answer(
    engine: &Engine,
    request: &ChatRequest,
    show: impl FnMut(Progress<'_>) + Send,
) -> Result<Completion, Failure> {
    engine.models.complete(request, show).await
}
