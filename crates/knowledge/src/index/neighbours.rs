//! The job that copies a large assistant's vectors into the database's own index, where the
//! database has one.
//!
//! The index is a copy of `passage_vectors`, and those deleted or replaced leave it by themselves;
//! this job brings what is new. An assistant is searched by a set of vectors once it was complete.
//! Two processes may copy the same at once: what is there stays. See
//! `docs/adr/0015-hnsw-for-large-assistants.md`.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use replyx_core::{
    clock::Clock,
    ids::{AssistantId, WorkspaceId},
    job::Kind,
};
use replyx_storage::{
    StorageError, Tx,
    neighbours::{LargeAssistant, VectorIndex},
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::IndexContext;

/// How long one assistant keeps a worker before others have their turn.
const SLICE: Duration = Duration::from_secs(30);
/// How many vectors are copied in one transaction.
const BATCH: u32 = 500;
/// How many vectors that nobody is searched by are taken out with one statement.
const TIDY: u32 = 5_000;

/// The job, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexNeighbours {
    /// Whose assistant.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub assistant_id: AssistantId,
}

impl IndexNeighbours {
    /// What the queue calls this job.
    pub const KIND: Kind = Kind::heavy("index_neighbours");
}

/// Queues the job, unless it waits already.
async fn enqueue(tx: &mut Tx, clock: &Clock, job: IndexNeighbours) -> Result<(), StorageError> {
    let payload = serde_json::json!({
        "workspace_id": job.workspace_id, "assistant_id": job.assistant_id,
    });
    let jobs = tx.workspace(job.workspace_id).jobs();
    jobs.enqueue_once(clock.id(), IndexNeighbours::KIND, &payload, clock.now()).await
}

/// Queues the job for those of these assistants that are searched by sets already: a document of
/// theirs has new vectors.
pub(super) async fn follow(
    tx: &mut Tx,
    clock: &Clock,
    workspace_id: WorkspaceId,
    assistants: &[AssistantId],
) -> Result<(), StorageError> {
    for assistant_id in assistants {
        let sets = tx.workspace(workspace_id).neighbours().sets(*assistant_id).await?;
        if !sets.is_empty() {
            enqueue(tx, clock, IndexNeighbours { workspace_id, assistant_id: *assistant_id })
                .await?;
        }
    }
    Ok(())
}

/// Copies the vectors of every model that the assistant's documents are embedded with. It works for
/// half a minute and queues itself again. An assistant that is gone is a success.
///
/// # Errors
///
/// Fails when the database does; what was copied stays.
#[tracing::instrument(name = "knowledge.neighbours.run", skip_all, fields(assistant.id = %job.assistant_id))]
pub async fn run(tools: IndexContext<'_>, job: IndexNeighbours) -> Result<(), StorageError> {
    if !matches!(tools.db.create_vector_index().await?, VectorIndex::Ready(_)) {
        return Ok(());
    }

    let begun = Instant::now();
    let mut tx = tools.db.read().await?;
    let head = tx.workspace(job.workspace_id).knowledge().head(job.assistant_id).await?;
    let Some(head) = head else { return Ok(()) };
    let models = models(&mut tx, tools, job).await?;
    drop(tx);

    for model in models {
        if !copy(tools, job, &model, begun).await? {
            let mut tx = tools.db.begin().await?;
            enqueue(&mut tx, tools.clock, job).await?;
            tx.commit().await?;
            return Ok(());
        }

        let mut tx = tools.db.begin().await?;
        let neighbours = tx.workspace(job.workspace_id).neighbours();
        let first = neighbours.complete(job.assistant_id, &model, head.revision).await?;
        tx.commit().await?;

        if first {
            tracing::info!(
                model,
                passages = head.passages,
                "nearest-vector search runs in the database"
            );
        }
    }

    Ok(())
}

/// The models that an assistant's passages are embedded with and questions can be.
async fn models(
    tx: &mut Tx,
    tools: IndexContext<'_>,
    job: IndexNeighbours,
) -> Result<BTreeSet<String>, StorageError> {
    let passages = tx.workspace(job.workspace_id).passages();
    let embedded = passages.embedded_with(job.assistant_id).await?;
    Ok(embedded.into_keys().filter(|model| tools.embeddings.knows(model)).collect())
}

/// Copies the vectors of one model. `false`: the time was too short.
async fn copy(
    tools: IndexContext<'_>,
    job: IndexNeighbours,
    model: &str,
    begun: Instant,
) -> Result<bool, StorageError> {
    let workspace = job.workspace_id;
    let assistant = job.assistant_id;
    let mut tx = tools.db.begin().await?;
    let width = tx.workspace(workspace).neighbours().width(assistant, model).await?;
    let Some(width) = width else { return Ok(true) };
    if !tx.system().neighbours().prepare(width).await? {
        return Ok(true);
    }
    // A new table locks those it refers to; looking at these in the same transaction could wait in
    // a circle.
    tx.commit().await?;
    let mut tx = tools.db.begin().await?;
    tx.workspace(workspace).neighbours().begin(assistant, model, width).await?;
    tx.commit().await?;
    loop {
        let mut tx = tools.db.read().await?;
        let neighbours = tx.workspace(workspace).neighbours();
        let behind = neighbours.behind(assistant, model, width, BATCH).await?;
        drop(tx);
        if behind.is_empty() {
            return Ok(true);
        }
        loop {
            if begun.elapsed() > SLICE {
                return Ok(false);
            }
            let mut tx = tools.db.begin().await?;
            let neighbours = tx.workspace(workspace).neighbours();
            let vectors = neighbours.uncopied(&behind, model, width, BATCH).await?;
            if vectors.is_empty() {
                break;
            }
            tx.workspace(workspace).neighbours().copy(model, width, &vectors).await?;
            tx.commit().await?;
        }
    }
}

/// Queues what brings the sets of assistants with more than `least` passages up to date, forgets
/// those of assistants with less than half of that and of models that are no longer used, and
/// tidies up. Housekeeping calls it.
pub async fn refresh(tools: IndexContext<'_>, least: i64) -> Result<usize, StorageError> {
    if !matches!(tools.db.vector_index().await?, VectorIndex::Creatable(_) | VectorIndex::Ready(_))
    {
        return Ok(0);
    }
    let mut tx = tools.db.read().await?;
    // Kept until half of the threshold: an assistant at the threshold would come and go.
    let large = tx.system().neighbours().large(least / 2).await?;
    let sets = tx.system().neighbours().sets().await?;
    drop(tx);
    let mut used: HashSet<(AssistantId, String)> = HashSet::new();
    let mut queued = 0;
    for one in large {
        let LargeAssistant { workspace, assistant, passages, revision } = one;
        let job = IndexNeighbours { workspace_id: workspace, assistant_id: assistant };
        let mut tx = tools.db.begin().await?;
        let models = models(&mut tx, tools, job).await?;
        let of = |model: &String| {
            let mut own = sets.iter().filter(|(_, other, _)| *other == assistant);
            own.find_map(|(_, _, set)| (set.model == *model).then_some(set.revision))
        };
        let behind = |model| match of(model) {
            Some(complete) => complete < revision,
            None => passages > least,
        };
        if models.iter().any(behind) {
            enqueue(&mut tx, tools.clock, job).await?;
            tx.commit().await?;
            queued += 1;
        }
        used.extend(models.into_iter().map(|model| (assistant, model)));
    }
    for (workspace, assistant, set) in sets {
        if !used.contains(&(assistant, set.model.clone())) {
            let mut tx = tools.db.begin().await?;
            tx.workspace(workspace).neighbours().forget(assistant, &set.model).await?;
            tx.commit().await?;
        }
    }
    tidy(tools).await?;
    Ok(queued)
}

/// Takes vectors out of the index that nobody is searched by.
async fn tidy(tools: IndexContext<'_>) -> Result<(), StorageError> {
    let mut tx = tools.db.read().await?;
    let widths = tx.system().neighbours().widths().await?;
    drop(tx);
    for width in widths {
        loop {
            let mut tx = tools.db.begin().await?;
            let gone = tx.system().neighbours().tidy(width, TIDY).await?;
            tx.commit().await?;
            if gone < u64::from(TIDY) {
                break;
            }
        }
    }
    Ok(())
}
