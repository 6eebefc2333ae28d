//! What assistants know is loaded when they are first asked, and stays in memory while there is
//! room.
//!
//! A snapshot is as fresh as the revision of the assistant's knowledge, which is read for every
//! question, here or by the caller: of a newer one only the documents that changed are loaded. A
//! question that arrives while it is being loaded waits for the same load. Documents that several
//! assistants know are held once, and counted for each of them.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use moka::policy::EvictionPolicy;
use replyx_core::ids::{AssistantId, DocumentId, PassageId, WorkspaceId};
use replyx_llm::Embeddings;
use replyx_storage::{
    Db, StorageError, Tx,
    indexed::IndexedPassage,
    knowledge::{Head, KnownDocument},
    neighbours::NeighbourSet,
};
use tokio::task::spawn_blocking;

use super::{
    LARGE,
    large::Listed,
    segment::{Segment, Words},
    snapshot::Snapshot,
    vectors::Vectors,
};

/// So many passages are fetched with one statement.
const BATCH: i64 = 2_000;
/// What a passage takes beside its words and vector, bytes.
const PASSAGE: u64 = 200;
/// What a term of a passage takes in the lists of texts and of holders, bytes.
const TERM: u64 = 12;

/// How many numbers a vector is taken to have where the model does not say.
const WIDTH: usize = 1_536;

type StoredVector = (DocumentId, PassageId, Vec<u8>);

/// What an assistant knows, as search can use it.
#[derive(Clone, Debug)]
pub(super) enum Loaded {
    /// In memory.
    Whole(Arc<Snapshot>),
    /// More than the memory holds: the database's own indexes are asked, that of vectors if it has
    /// them.
    TooLarge(Arc<Listed>),
}

#[derive(Debug, Default)]
struct Slot {
    held: tokio::sync::Mutex<Option<Loaded>>,
    /// Its weight, KiB.
    weight: AtomicU32,
}

/// Snapshots, by assistant.
#[derive(Debug)]
pub(super) struct Cache {
    bound: u64,
    /// Who knows more passages than this is searched through the database where that finds nearest
    /// vectors.
    pub(super) large: i64,
    slots: moka::sync::Cache<(WorkspaceId, AssistantId), Arc<Slot>>,
    segments: Mutex<HashMap<DocumentId, Weak<Segment>>>,
}

impl Cache {
    pub(super) fn new(bound: u64) -> Self {
        let slots = moka::sync::Cache::builder()
            .max_capacity((bound / 1024).max(1))
            .weigher(|_, slot: &Arc<Slot>| slot.weight.load(Ordering::Relaxed).max(1))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { bound, large: LARGE, slots, segments: Mutex::default() }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.slots.run_pending_tasks();
        self.slots.weighted_size() * 1024
    }

    /// What an assistant knows at this revision, or at a newer one; `None`: there is no such
    /// assistant.
    pub(super) async fn get(
        &self,
        db: &Db,
        embeddings: &Embeddings,
        key: (WorkspaceId, AssistantId),
        revision: Option<i64>,
    ) -> Result<Option<Loaded>, StorageError> {
        let revision = match revision {
            None => revision_now(db, key).await?,
            known => known,
        };
        let Some(revision) = revision else { return Ok(None) };
        let slot = self.slots.get_with(key, Arc::default);
        let mut held = slot.held.lock().await;
        if let Some(known) = held.as_ref().filter(|known| revision_of(known) >= revision) {
            return Ok(Some(known.clone()));
        }
        // What is held stays until then: documents that did not change are taken from it.
        let Some(fresh) = self.load(db, embeddings, key).await? else {
            return Ok(None);
        };
        let bytes = match &fresh {
            Loaded::Whole(snapshot) => snapshot.bytes(),
            Loaded::TooLarge(listed) => listed.bytes(),
        };
        slot.weight.store(u32::try_from(bytes / 1024).unwrap_or(u32::MAX), Ordering::Relaxed);
        *held = Some(fresh.clone());
        drop(held);
        // Put in again to be weighed again.
        self.slots.insert(key, slot);
        metrics::counter!("search_loads_total").increment(1);
        Ok(Some(fresh))
    }

    async fn load(
        &self,
        db: &Db,
        embeddings: &Embeddings,
        (workspace, assistant): (WorkspaceId, AssistantId),
    ) -> Result<Option<Loaded>, StorageError> {
        let mut tx = db.read().await?;
        let Some(head) = tx.workspace(workspace).knowledge().head(assistant).await? else {
            return Ok(None);
        };
        let documents = tx.workspace(workspace).knowledge().documents(assistant).await?;
        let embedded = tx.workspace(workspace).passages().embedded_with(assistant).await?;
        let model = model_of(&embedded, embeddings);

        let set = if head.passages > self.large {
            let sets = tx.workspace(workspace).neighbours().sets(assistant).await?;
            usable(sets, &embedded, embeddings, model.as_deref())
        } else {
            None
        };

        let width =
            model.as_deref().map_or(0, |model| embeddings.dimensions(model).unwrap_or(WIDTH));
        if set.is_some() || estimate(&head, width) > self.bound / 4 * 3 {
            return Ok(Some(Loaded::TooLarge(Arc::new(Listed::new(documents, head, set)))));
        }

        let mut known: HashMap<DocumentId, Arc<Segment>> = HashMap::new();
        for document in &documents {
            let segment = self.shared(document.id);
            let fits = |segment: &Arc<Segment>| {
                segment.revision == document.revision && segment.model == model
            };
            known.extend(segment.filter(fits).map(|segment| (document.id, segment)));
        }

        for range in missing(&documents, &known) {
            let documents = &documents[range];
            let loaded = fetch(&mut tx, workspace, assistant, documents, model.as_deref()).await?;
            for segment in loaded {
                self.share(&segment);
                known.insert(segment.document, segment);
            }
        }

        let held = documents.into_iter().filter_map(|document| {
            let segment = known.remove(&document.id)?;
            Some((document, segment))
        });
        let snapshot = Snapshot::new(head.revision, held.collect(), model);
        Ok(Some(Loaded::Whole(Arc::new(snapshot))))
    }

    fn shared(&self, document: DocumentId) -> Option<Arc<Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner).get(&document)?.upgrade()
    }

    fn share(&self, segment: &Arc<Segment>) {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        if segments.len() == segments.capacity() {
            segments.retain(|_, known| known.strong_count() > 0);
        }
        segments.insert(segment.document, Arc::downgrade(segment));
    }
}

/// The revision of what an assistant knows. The connection is given back before anybody waits for
/// others, who need one to load.
async fn revision_now(
    db: &Db,
    (workspace, assistant): (WorkspaceId, AssistantId),
) -> Result<Option<i64>, StorageError> {
    let mut tx = db.read().await?;
    tx.workspace(workspace).knowledge().revision(assistant).await
}

fn revision_of(held: &Loaded) -> i64 {
    match held {
        Loaded::Whole(snapshot) => snapshot.revision,
        Loaded::TooLarge(listed) => listed.head.revision,
    }
}

/// What a snapshot would take, bytes.
fn estimate(head: &Head, width: usize) -> u64 {
    let positive = |count: i64| u64::try_from(count).unwrap_or_default();
    let vector = u64::try_from(width * size_of::<f32>()).unwrap_or(u64::MAX);
    positive(head.passages) * (PASSAGE + vector) + positive(head.stems) * TERM
}

/// The model whose vectors take part: the one that most passages have vectors of, of equals the one
/// for new passages. An earlier model's are kept until the new one's are complete, so it serves
/// until then.
fn model_of(embedded: &HashMap<String, i64>, embeddings: &Embeddings) -> Option<String> {
    let known = embedded.iter().filter(|(model, _)| embeddings.knows(model));
    let current = |model: &str| embeddings.model() == Some(model);
    known
        .max_by(|(one, a), (other, b)| {
            a.cmp(b).then_with(|| current(one).cmp(&current(other))).then_with(|| one.cmp(other))
        })
        .map(|(model, _)| model.clone())
}

/// The set that an assistant is searched by: of `model`, or while that is being made of the one
/// before.
fn usable(
    sets: Vec<NeighbourSet>,
    embedded: &HashMap<String, i64>,
    embeddings: &Embeddings,
    model: Option<&str>,
) -> Option<NeighbourSet> {
    let serves =
        |set: &NeighbourSet| embeddings.knows(&set.model) && embedded.contains_key(&set.model);
    let complete = |set: &NeighbourSet| set.revision >= 0;
    sets.into_iter()
        .filter(|set| complete(set) && serves(set))
        .max_by_key(|set| Some(set.model.as_str()) == model)
}

/// The documents that have to be loaded, in stretches of neighbours that are not too large for one
/// statement.
fn missing(
    documents: &[KnownDocument],
    known: &HashMap<DocumentId, Arc<Segment>>,
) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut passages = 0;
    for (place, document) in documents.iter().enumerate() {
        if known.contains_key(&document.id) {
            continue;
        }
        match ranges.last_mut() {
            Some(range) if range.end == place && passages + document.passages <= BATCH => {
                range.end = place + 1;
                passages += document.passages;
            }
            _ => {
                ranges.push(place..place + 1);
                passages = document.passages;
            }
        }
    }
    ranges
}

/// Loads neighbouring documents.
async fn fetch(
    tx: &mut Tx,
    workspace: WorkspaceId,
    assistant: AssistantId,
    documents: &[KnownDocument],
    model: Option<&str>,
) -> Result<Vec<Arc<Segment>>, StorageError> {
    let [first, ..] = documents else { return Ok(Vec::new()) };
    let last = &documents[documents.len() - 1];
    let passages = tx.workspace(workspace).passages().indexed(assistant, first.id, last.id).await?;
    let vectors = match model {
        Some(model) => {
            tx.workspace(workspace)
                .passages()
                .indexed_vectors(assistant, first.id, last.id, model)
                .await?
        }
        None => Vec::new(),
    };
    let documents = documents.to_vec();
    let model = model.map(str::to_owned);
    let built =
        spawn_blocking(move || build(documents, &passages, vectors, model.as_deref())).await;
    // It can only fail by a panic, which is resumed here.
    Ok(built.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
}

fn build(
    documents: Vec<KnownDocument>,
    passages: &[IndexedPassage],
    vectors: Vec<StoredVector>,
    model: Option<&str>,
) -> Vec<Arc<Segment>> {
    let mut stored: HashMap<DocumentId, HashMap<PassageId, Vec<u8>>> = HashMap::new();
    for (document, passage, vector) in vectors {
        stored.entry(document).or_default().insert(passage, vector);
    }

    let mut texts: HashMap<DocumentId, &[IndexedPassage]> = passages
        .chunk_by(|one, other| one.document() == other.document())
        .map(|passages| (passages[0].document(), passages))
        .collect();

    documents
        .into_iter()
        .map(|document| {
            let passages = texts.remove(&document.id).unwrap_or_default();
            let words = Words::of(passages, &document.language);
            let mut own = stored.remove(&document.id).unwrap_or_default();
            let rows = words
                .ids
                .iter()
                .zip(0_u32..)
                .filter_map(|(id, place)| Some((place, own.remove(id)?)));
            let vectors = Vectors::of(rows);
            Arc::new(Segment {
                document: document.id,
                revision: document.revision,
                language: document.language,
                model: model.map(str::to_owned),
                words,
                vectors,
            })
        })
        .collect()
}
