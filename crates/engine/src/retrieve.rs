//! Step 3: the passages of the assistant's documents that bear on the question.

use replyx_knowledge::search::{Hit, search};
use replyx_storage::StorageError;

use crate::{Engine, context::Context};

/// Finds them, best first.
///
/// # Errors
///
/// Fails when the database does.
pub async fn passages(engine: &Engine, context: &Context) -> Result<Vec<Hit>, StorageError> {
    let dialog = &context.dialog;
    search(
        &engine.db,
        dialog.workspace_id,
        dialog.assistant_id,
        &context.question(),
        engine.settings.passages,
    )
    .await
}
