//! The embedding job: passages get their vectors.
//!
//! A long document takes hours, and others must not wait for it: [`run`] works for `SLICE` and
//! queues itself again, behind those who came in the meantime. Vectors that are made are kept, so
//! nothing is done twice.

use std::{collections::HashMap, time::Duration};

use replyx_core::{clock::Clock, ids::AssistantId, job::Kind, retry::Retry, usage::Purpose};
use replyx_llm::{Caller, Embedded, ModelError};
use replyx_storage::{StorageError, Tx, passages::Unembedded};
use tokio::time::Instant;

use crate::runs;

use super::{IndexContext, IndexDocument, IndexError, count, cut::embedded_text, neighbours};

/// What the queue calls this job; its payload is that of [`IndexDocument`].
pub const KIND: Kind = Kind::heavy("embed_document");

/// How long one document keeps a worker before others have their turn.
const SLICE: Duration = Duration::from_secs(30);
/// How many passages are embedded and stored together.
const BATCH: u32 = 32;
/// Of how many passages the runs are embedded and stored together: each has up to some dozen.
const PARTS: u32 = 8;
/// How many vectors of an earlier model are forgotten in one transaction.
const OUTLIVED: u32 = 1_000;

/// Queues the job, unless it waits already.
pub async fn enqueue(tx: &mut Tx, clock: &Clock, job: IndexDocument) -> Result<(), StorageError> {
    let payload = serde_json::json!({
        "workspace_id": job.workspace_id, "document_id": job.document_id,
    });
    let jobs = tx.workspace(job.workspace_id).jobs();
    jobs.enqueue_once(clock.id(), KIND, &payload, clock.now()).await
}

/// Gives passages of a document their vectors. Those of another model stay, and serve until the new
/// ones of all that an assistant knows are there; [`refresh`] forgets them then. A document that is
/// gone is a success. `attempt` counts from 1; on the last one the document is ready without the
/// missing vectors, and housekeeping tries again later.
///
/// # Errors
///
/// Fails when the database or the model does; [`IndexError::retry`] says when to try again.
#[tracing::instrument(name = "knowledge.embed.run", skip_all, fields(document.id = %job.document_id))]
pub async fn run(
    tools: IndexContext<'_>,
    job: IndexDocument,
    attempt: i64,
) -> Result<(), IndexError> {
    let Some(model) = tools.embeddings.model() else {
        return finish(tools, job, None).await;
    };
    let begun = Instant::now();
    loop {
        let mut tx = tools.db.read().await?;
        let passages = tx.workspace(job.workspace_id).passages();
        let missing = passages.unembedded(job.document_id, model, BATCH).await?;
        let passages = tx.workspace(job.workspace_id).passages();
        let parts = passages.without_runs(job.document_id, model, PARTS).await?;
        let document = tx.workspace(job.workspace_id).documents().find(job.document_id).await?;
        let policy = tx.system().workspaces().model_policy(job.workspace_id).await?;
        drop(tx);
        if policy.is_some_and(|policy| policy.suspended) {
            // Nothing is taken on for a suspended workspace: it waits until it is resumed.
            let mut tx = tools.db.begin().await?;
            enqueue(&mut tx, tools.clock, job).await?;
            tx.commit().await?;
            return Ok(());
        }
        // What is left of one that was deleted is found no more.
        let Some(document) = document else { return Ok(()) };
        let assistant = document.assistants.first().copied();
        let is_complete = missing.is_empty();
        if is_complete && parts.is_empty() {
            return finish(tools, job, Some(model)).await;
        }
        if begun.elapsed() > SLICE {
            let mut tx = tools.db.begin().await?;
            enqueue(&mut tx, tools.clock, job).await?;
            tx.commit().await?;
            return Ok(());
        }
        let made = if is_complete {
            runs(tools, job, assistant, model, &parts).await
        } else {
            batch(tools, job, assistant, model, &missing).await
        };
        if let Err(error) = made {
            // Money may be there tomorrow: until then words find it, and housekeeping tries again.
            let is_spent = matches!(error, IndexError::Embed(ModelError::LimitReached { .. }));
            let is_last = error.retry(attempt) == Retry::Never;
            if is_spent || is_last && matches!(error, IndexError::Embed(_)) {
                tracing::warn!(error = &error as &dyn std::error::Error, "document has no vectors");
                return finish(tools, job, None).await;
            }
            return Err(error);
        }
    }
}

/// Ends the job of a document whose embedding was cut short in all attempts: it is ready with the
/// vectors it has, and words find the rest.
pub async fn give_up(tools: IndexContext<'_>, job: IndexDocument) -> Result<(), IndexError> {
    tracing::error!(document.id = %job.document_id, "document embedding was interrupted too often");
    finish(tools, job, None).await
}

/// Embeds some passages and stores their vectors, with what it cost.
async fn batch(
    tools: IndexContext<'_>,
    job: IndexDocument,
    assistant: Option<AssistantId>,
    model: &str,
    missing: &[Unembedded],
) -> Result<(), IndexError> {
    let caller = Caller {
        workspace: Some(job.workspace_id),
        assistant,
        dialog: None,
        purpose: Purpose::Embedding,
    };

    let texts: Vec<String> =
        missing.iter().map(|passage| embedded_text(&passage.headings, &passage.text)).collect();
    let embedded = tools.embeddings.passages(caller, model, &texts).await;
    let embedded = embedded.map_err(IndexError::Embed)?;

    let vectors: Vec<_> = missing
        .iter()
        .zip(&embedded.vectors)
        .map(|(passage, vector)| (passage.id, bytes(vector)))
        .collect();

    let mut tx = tools.db.begin().await?;
    let locked = tx.workspace(job.workspace_id).documents().lock(job.document_id).await?;
    let Some(document) = locked else { return Ok(()) };
    tx.workspace(job.workspace_id).passages().add_vectors(model, &vectors).await?;

    let now = tools.clock.now();
    if let Some(change) = document.add_vectors(model, count(vectors.len()), now) {
        tx.apply(change).await?;
    }

    let calls: Vec<_> = embedded.spent.iter().map(|spent| spent.call(caller, now)).collect();
    tx.workspace(job.workspace_id).model_calls().insert(&calls).await?;
    tx.commit().await?;

    Ok(())
}

/// Embeds the runs of some passages and stores their vectors, with what it cost. A text that occurs
/// more than once is embedded once.
async fn runs(
    tools: IndexContext<'_>,
    job: IndexDocument,
    assistant: Option<AssistantId>,
    model: &str,
    parts: &[Unembedded],
) -> Result<(), IndexError> {
    let caller = Caller {
        workspace: Some(job.workspace_id),
        assistant,
        dialog: None,
        purpose: Purpose::Embedding,
    };

    let texts_of: Vec<Vec<String>> =
        parts.iter().map(|passage| runs::of(&passage.headings, &passage.text)).collect();
    let mut texts: Vec<String> = texts_of.iter().flatten().cloned().collect();
    texts.sort_unstable();
    texts.dedup();
    let embedded = if texts.is_empty() {
        Embedded::default()
    } else {
        tools.embeddings.passages(caller, model, &texts).await.map_err(IndexError::Embed)?
    };

    let known: HashMap<&str, &[f32]> =
        texts.iter().map(String::as_str).zip(embedded.vectors.iter().map(Vec::as_slice)).collect();
    let packed: Vec<_> = parts
        .iter()
        .zip(&texts_of)
        .map(|(passage, texts)| {
            let vectors: Vec<&[f32]> =
                texts.iter().filter_map(|text| known.get(text.as_str()).copied()).collect();
            (passage.id, runs::pack(&vectors))
        })
        .collect();

    let mut tx = tools.db.begin().await?;
    tx.workspace(job.workspace_id).passages().add_runs(model, &packed).await?;
    let now = tools.clock.now();
    let calls: Vec<_> = embedded.spent.iter().map(|spent| spent.call(caller, now)).collect();
    tx.workspace(job.workspace_id).model_calls().insert(&calls).await?;
    tx.commit().await?;

    Ok(())
}

/// The document is as ready as it gets: its vectors are of `model`, or it has to do with those it
/// has.
async fn finish(
    tools: IndexContext<'_>,
    job: IndexDocument,
    model: Option<&str>,
) -> Result<(), IndexError> {
    let workspace = job.workspace_id;
    let mut tx = tools.db.begin().await?;
    let locked = tx.workspace(workspace).documents().lock(job.document_id).await?;
    let Some(document) = locked else { return Ok(()) };
    let now = tools.clock.now();

    let Some(model) = model else {
        let lacks_runs = match tools.embeddings.model() {
            Some(model) => {
                let passages = tx.workspace(workspace).passages();
                !passages.without_runs(document.id, model, 1).await?.is_empty()
            }
            None => false,
        };
        let change =
            if lacks_runs { document.give_up_runs(now) } else { document.give_up_vectors(now) };
        if let Some(change) = change {
            tx.apply(change).await?;
            tx.commit().await?;
        }
        return Ok(());
    };
    // Somebody may have changed the passages in the meantime; who did has queued this job again.
    let left = tx.workspace(workspace).passages().unembedded(document.id, model, 1).await?;
    let parts = tx.workspace(workspace).passages().without_runs(document.id, model, 1).await?;
    if !left.is_empty() || !parts.is_empty() {
        return Ok(());
    }
    tx.workspace(workspace).knowledge().changed(document.id).await?;
    neighbours::follow(&mut tx, tools.clock, workspace, &document.assistants).await?;
    tx.apply(document.finish_vectors(model, now)).await?;
    tx.commit().await?;
    Ok(())
}

/// Queues what brings documents up to date whose index or vectors are those of earlier rules or
/// another model, at most `limit` of them, and forgets vectors that are no longer needed.
/// Housekeeping calls it.
pub async fn refresh(tools: IndexContext<'_>, limit: u32) -> Result<usize, StorageError> {
    let mut tx = tools.db.read().await?;
    let model = tools.embeddings.model();
    let outdated = tx.system().documents().outdated(super::INDEX_VERSION, model, limit).await?;
    drop(tx);

    for (workspace_id, document_id, index) in &outdated {
        let job = IndexDocument { workspace_id: *workspace_id, document_id: *document_id };
        let mut tx = tools.db.begin().await?;
        if *index {
            super::queue_once(&mut tx, tools.clock, job).await?;
        } else {
            enqueue(&mut tx, tools.clock, job).await?;
        }

        tx.commit().await?;
    }

    if let Some(model) = model {
        forget_outlived(tools, model).await?;
    }

    Ok(outdated.len())
}

/// Forgets the vectors of earlier models where all that an assistant knows has one of `model`, and
/// the database's index, where it has one, finds by them.
async fn forget_outlived(tools: IndexContext<'_>, model: &str) -> Result<(), StorageError> {
    let mut tx = tools.db.read().await?;
    let sets = tx.system().neighbours().sets().await?;
    drop(tx);
    let found_by = |assistant| {
        sets.iter()
            .any(|(_, other, set)| *other == assistant && set.model == model && set.revision >= 0)
    };
    if sets.iter().any(|(_, assistant, set)| set.model != model && !found_by(*assistant)) {
        return Ok(());
    }
    loop {
        let mut tx = tools.db.begin().await?;
        let gone = tx.system().documents().forget_outlived_vectors(model, OUTLIVED).await?;
        tx.commit().await?;
        if gone < u64::from(OUTLIVED) {
            return Ok(());
        }
    }
}

/// A vector as it is stored: `f32`, little-endian.
fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}
