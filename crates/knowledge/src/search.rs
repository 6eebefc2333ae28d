//! Passages are found by the words of a question.
//!
//! The database only says which passages hold which words; what is best is computed in `score`, so that
//! both databases give one order. To keep that true and quick, candidates are those passages that hold the
//! question's rarest words: common ones decide nothing, and would bring half the index along.

use replyx_core::{
    ids::{AssistantId, WorkspaceId},
    knowledge::Passage,
    terms,
};
use replyx_storage::{Db, StorageError};

mod score;

use score::Asked;

/// A longer question is judged by its first words.
pub const MAX_TERMS: usize = 32;
/// No more passages than this are compared for one question.
const CANDIDATES: u32 = 400;
/// No question brings more passages than this back.
pub const MAX_HITS: usize = 50;

/// A passage that bears on a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The passage.
    pub passage: Passage,
    /// How well it fits, 0 to 1: the share of the weight of the question's words that it holds, with words that
    /// repeat counting more. About 0.45 is a passage that holds every word of the question once.
    pub score: f64,
}

/// The passages of an assistant that fit a question best, best first; none when no word of it occurs.
///
/// # Errors
///
/// Fails when the database does.
#[tracing::instrument(name = "knowledge.search", skip_all, fields(assistant.id = %assistant))]
pub async fn search(
    db: &Db,
    workspace: WorkspaceId,
    assistant: AssistantId,
    query: &str,
    limit: usize,
) -> Result<Vec<Hit>, StorageError> {
    let mut terms = terms::query_terms(query);
    terms.truncate(MAX_TERMS);
    if terms.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let mut tx = db.read().await?;
    let (count, mean) = tx.workspace(workspace).passages().stats(assistant).await?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let frequencies = tx.workspace(workspace).passages().frequencies(assistant, &terms).await?;
    let asked = Asked::new(&terms, &frequencies, count, mean);
    let rare = asked.rare_terms(i64::from(CANDIDATES));
    let candidates =
        tx.workspace(workspace).passages().candidates(assistant, &rare, CANDIDATES).await?;

    let mut ranked = score::rank(&asked, candidates);
    ranked.truncate(limit.min(MAX_HITS));
    let ids: Vec<_> = ranked.iter().map(|(id, _)| *id).collect();
    let passages = tx.workspace(workspace).passages().load(&ids).await?;
    // Loaded in the snapshot that ranked them, so none is missing.
    let hits = passages.into_iter().zip(ranked);
    Ok(hits.map(|(passage, (_, score))| Hit { passage, score }).collect())
}
