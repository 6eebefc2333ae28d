//! Step 3: the passages of the assistant's documents that are relevant to the question.

use replyx_core::usage::Purpose;
use replyx_knowledge::search::{Hit, Parts, Query, SearchOutcome};
use replyx_llm::EXTRACTIVE;
use replyx_storage::StorageError;

use crate::{Engine, context::AnswerRequest, history, usage::Ledger};

/// Finds them, best first, as many as the model is shown, and notes what that cost.
pub async fn passages(
    engine: &Engine,
    ask: &AnswerRequest,
    searched: &str,
    ledger: &mut Ledger,
) -> Result<SearchOutcome, StorageError> {
    let mut models = ask.settings.fallback_models.iter().chain([&ask.model]);
    let quotes = models.any(|model| model == EXTRACTIVE);
    let query = Query {
        parts: if quotes { Parts::Compared } else { Parts::Ignored },
        purpose: ask.purpose(Purpose::Embedding),
        dialog: ask.dialog,
        revision: ask.knowledge,
        tags: &ask.settings.tags,
        ..Query::new(searched, engine.settings.passages)
    };
    let mut found = engine.search.find(&engine.db, ask.workspace, ask.assistant, &query).await?;
    ledger.note(&engine.clock, ask, Purpose::Embedding, found.spent.as_slice());
    if ask.model != EXTRACTIVE {
        fit(&mut found.hits, engine.settings.passage_tokens);
    }
    Ok(found)
}

/// Keeps the best that fit whole: fewer passages rather than cut ones.
fn fit(hits: &mut Vec<Hit>, budget: usize) {
    let mut room = budget;
    hits.retain(|hit| {
        let size = history::size(&hit.passage.text, room);
        let fits = size <= room;
        if fits {
            room -= size;
        }
        fits
    });
}
