//! One question, from its text to the passages that fit it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use replyx_core::{
    ids::{AssistantId, DocumentId, PassageId, WorkspaceId},
    usage::Purpose,
};
use replyx_llm::{Caller, EmbeddedQuestion, ModelError, Spent};
use replyx_storage::{Db, StorageError};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, timeout},
};

use super::{
    Hit, LONGEST_QUESTION, MAX_HITS, Mode, Parts, Query, Search, SearchOutcome, SearchPath, asked,
    cache::Loaded,
    fuse::{self, Ranked, Shingles},
    large::{self, DEPTH, LargeSearch, Listed},
    meaning::{Scripts, meaning_of, scale},
    rerank::{READ, rerank},
    segment::Segment,
    snapshot::{PassageAt, Snapshot},
    vectors::unit,
};

/// So many more are found than asked for: some may be gone when they are loaded.
const SPARE: usize = 5;
/// So often a question is asked again whose passages were replaced before they were read; what is
/// still there then is what it finds.
const AGAIN: usize = 2;
/// How many passages show how a word is spelt.
const SPELLING: usize = 8;
/// With more passages than this the work is done where it holds up nobody else.
const HEAVY: usize = 4_000;
/// A customer does not wait longer than this for the vector of a question: words find much without
/// it.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn find(
    search: &Search,
    db: &Db,
    workspace: WorkspaceId,
    assistant: AssistantId,
    query: &Query<'_>,
) -> Result<SearchOutcome, StorageError> {
    let start = Instant::now();
    let end =
        query.text.char_indices().nth(LONGEST_QUESTION).map_or(query.text.len(), |(at, _)| at);
    let wanted = query.limit.min(MAX_HITS);
    let reranker = search.reranker.as_ref().filter(|_| query.mode == Mode::Fused);
    let limit = if reranker.is_some() { wanted.max(READ) } else { wanted };

    let query = Query { text: &query.text[..end], limit, ..*query };
    if wanted == 0 || !query.text.contains(char::is_alphanumeric) {
        return Ok(SearchOutcome::default());
    }
    let caller = Caller {
        workspace: Some(workspace),
        assistant: Some(assistant),
        dialog: query.dialog,
        purpose: query.purpose,
    };
    let whose = (caller, workspace, assistant);
    let (mut found, mut vector, mut read) = attempt(search, db, whose, &query).await?;
    for _ in 0..AGAIN {
        if read == Read::Whole {
            break;
        }
        // Its meaning is known by now, or was waited for long enough.
        let mode = if vector.is_some() { query.mode } else { Mode::FullText };
        let vector_known = vector.as_deref().or(query.vector);
        let again = Query { vector: vector_known, mode, revision: None, ..query };
        let spent = found.spent.take();
        (found, vector, read) = attempt(search, db, whose, &again).await?;
        found.spent = spent;
    }

    if let Some(reranker) = reranker {
        let caller = Caller { purpose: Purpose::Rerank, ..caller };
        rerank(reranker, caller, query.text, &mut found.hits).await;
        found.hits.truncate(wanted);
    }
    let took = start.elapsed();
    metrics::histogram!(
        "search_duration_seconds",
        "vectors" => if found.vectors.is_some() { "yes" } else { "no" },
        "way" => found.way.name()
    )
    .record(took.as_secs_f64());
    Ok(SearchOutcome { took, ..found })
}

/// Were all passages still there that were found?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// All of them.
    Whole,
    /// Some were deleted or replaced between the moment they were found and that they were read.
    Outdated,
}

/// What is found, by which vector of the question, and how it was read.
type Attempt = (SearchOutcome, Option<Vec<f32>>, Read);

/// Finds passages in what the assistant knows at this moment.
async fn attempt(
    search: &Search,
    db: &Db,
    whose: (Caller, WorkspaceId, AssistantId),
    query: &Query<'_>,
) -> Result<Attempt, StorageError> {
    let (caller, workspace, assistant) = whose;
    let held = search.cache.get(db, &search.embeddings, (workspace, assistant), query.revision);
    let held = held.await?;
    let snapshot = match held {
        None => return Ok((SearchOutcome::default(), None, Read::Whole)),
        Some(Loaded::TooLarge(listed)) => {
            return in_database(search, db, whose, &listed, query).await;
        }
        Some(Loaded::Whole(snapshot)) => snapshot,
    };

    let in_its_letters = asked::understood(query.text, &snapshot);
    let query = &Query { text: in_its_letters.as_deref().unwrap_or(query.text), ..*query };
    let spelt = spelt(db, workspace, &snapshot, query).await?;
    // Of words the index itself knows what they may have been meant to be, and what that counts.
    let meant = Query { text: spelt.as_deref().unwrap_or(query.text), ..*query };
    let (vector, spent) = embed(search, caller, snapshot.model.as_deref(), &meant).await;
    let understood = spelt.or_else(|| in_its_letters.clone());
    let vectors = vector.as_ref().and(snapshot.model.clone());
    let ranked = rank(Arc::clone(&snapshot), query, vector.clone()).await;
    let ranked = ranked.into_iter().map(|one| one.at(snapshot.id(one.place))).collect();
    let meant = snapshot.model.as_deref().map(|model| (model, vector.as_deref()));
    let (hits, read) = load(db, workspace, meant, ranked, query).await?;
    Ok((
        SearchOutcome { hits, vectors, understood, spent, ..SearchOutcome::default() },
        vector,
        read,
    ))
}

/// The question with its misspelt words spelt as the passages spell what they were meant to be.
async fn spelt(
    db: &Db,
    workspace: WorkspaceId,
    snapshot: &Arc<Snapshot>,
    query: &Query<'_>,
) -> Result<Option<String>, StorageError> {
    let misspelt = if snapshot.passages <= HEAVY {
        asked::misspelt(query.text, snapshot)
    } else {
        let text = query.text.to_owned();
        let snapshot = Arc::clone(snapshot);
        done(spawn_blocking(move || asked::misspelt(&text, &snapshot))).await
    };
    if misspelt.is_empty() {
        return Ok(None);
    }

    let words = Query { mode: Mode::FullText, limit: SPELLING, parts: Parts::Ignored, ..*query };
    let ranked = rank(Arc::clone(snapshot), &words, None).await;
    let ranked = ranked.into_iter().map(|one| one.at(snapshot.id(one.place))).collect();
    let (hits, _) = load(db, workspace, None, ranked, &words).await?;
    Ok(asked::corrected(query.text, &misspelt, snapshot, &hits))
}

/// Asks the database's own indexes.
async fn in_database(
    search: &Search,
    db: &Db,
    (caller, workspace, assistant): (Caller, WorkspaceId, AssistantId),
    listed: &Listed,
    query: &Query<'_>,
) -> Result<Attempt, StorageError> {
    let whose = (workspace, assistant);
    let (vector, spent) = if let Some(set) = &listed.set {
        embed(search, caller, Some(&set.model), query).await
    } else {
        without("too_large", query.mode);
        (None, None)
    };
    let vectors = listed.set.as_ref().zip(vector.as_deref());
    let asked = LargeSearch { whose, listed, vectors };
    let ranked = large::find(db, asked, query, query.limit + SPARE).await?;
    let model = vectors.map(|(set, _)| set.model.clone());
    let meant = model.as_deref().map(|model| (model, vector.as_deref()));
    let (hits, read) = load(db, whose.0, meant, ranked, query).await?;
    let way = if model.is_some() { SearchPath::Hnsw } else { SearchPath::Words };
    Ok((
        SearchOutcome { hits, vectors: model, way, spent, ..SearchOutcome::default() },
        vector,
        read,
    ))
}

/// The question's vector by the model of the passages, if there are vectors to compare it with, and
/// what it cost.
async fn embed(
    search: &Search,
    caller: Caller,
    model: Option<&str>,
    query: &Query<'_>,
) -> (Option<Vec<f32>>, Option<Spent>) {
    if query.mode == Mode::FullText {
        return (None, None);
    }

    let Some(model) = model else {
        without("no_vectors", query.mode);
        return (None, None);
    };

    if let Some(vector) = query.vector {
        return (unit(vector), None);
    }

    match timeout(PATIENCE, search.embeddings.query(caller, model, query.text)).await {
        Ok(Ok(EmbeddedQuestion { vector, spent })) => (unit(&vector), spent),
        // Counted, not logged: when one question waits too long, many do.
        Ok(Err(ModelError::Busy)) => {
            without("busy", query.mode);
            (None, None)
        }
        Ok(Err(error)) => {
            without("failed", query.mode);
            tracing::warn!(error = &error as &dyn std::error::Error, "search uses words only");
            (None, None)
        }
        Err(_) => {
            without("late", query.mode);
            tracing::warn!(model, "embedding the question took too long; search uses words only");
            (None, None)
        }
    }
}

fn without(reason: &'static str, mode: Mode) {
    if mode != Mode::FullText {
        metrics::counter!("search_without_vectors_total", "reason" => reason).increment(1);
    }
}

/// Which documents.
struct Only {
    documents: HashSet<DocumentId>,
    /// Those with the tags that are wanted, if any are.
    tagged: Option<HashSet<DocumentId>>,
    language: Option<String>,
}

impl Only {
    fn holds(&self, segment: &Segment) -> bool {
        (self.documents.is_empty() || self.documents.contains(&segment.document))
            && self.tagged.as_ref().is_none_or(|tagged| tagged.contains(&segment.document))
            && self.language.as_ref().is_none_or(|language| *language == segment.language)
    }
}

/// The passages that fit best, best first, a few more than asked for.
async fn rank(
    snapshot: Arc<Snapshot>,
    query: &Query<'_>,
    vector: Option<Vec<f32>>,
) -> Vec<Ranked<PassageAt>> {
    let only = Only {
        documents: query.documents.iter().copied().collect(),
        tagged: (!query.tags.is_empty()).then(|| snapshot.tagged(query.tags)),
        language: query.language.map(str::to_owned),
    };

    let most = query.limit + SPARE;

    let asked = Arc::new(MemoryQuery {
        words: query.mode != Mode::Vectors || vector.is_none(),
        text: query.text.to_owned(),
        vector,
        depth: DEPTH.max(most),
        only,
        snapshot,
    });

    if asked.snapshot.passages <= HEAVY {
        return asked.joined(&asked.by_words(), &asked.nearest(), most);
    }

    let one = Arc::clone(&asked);
    let other = Arc::clone(&asked);
    let words = spawn_blocking(move || one.by_words());
    let nearest = spawn_blocking(move || other.nearest());
    let words = done(words).await;
    let nearest = done(nearest).await;
    asked.joined(&words, &nearest, most)
}

/// Work that can only fail by a panic, which is resumed here.
async fn done<T>(work: JoinHandle<T>) -> T {
    work.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// A question put to what is in memory, as what can be sent to other threads.
struct MemoryQuery {
    snapshot: Arc<Snapshot>,
    text: String,
    /// Are its words looked for?
    words: bool,
    vector: Option<Vec<f32>>,
    only: Only,
    depth: usize,
}

impl MemoryQuery {
    fn by_words(&self) -> Vec<(PassageAt, f64)> {
        if !self.words {
            return Vec::new();
        }
        let asked = asked::of(&self.text, &self.snapshot);
        self.snapshot.by_words(&asked, &|segment| self.only.holds(segment), self.depth)
    }

    fn nearest(&self) -> Vec<(PassageAt, f32)> {
        let Some(vector) = &self.vector else { return Vec::new() };
        self.snapshot.nearest(vector, &|segment| self.only.holds(segment), self.depth)
    }

    fn joined(
        &self,
        words: &[(PassageAt, f64)],
        nearest: &[(PassageAt, f32)],
        most: usize,
    ) -> Vec<Ranked<PassageAt>> {
        let sayings = |place| Shingles::of(self.snapshot.terms(place));
        let mut likeness = nearest.to_vec();
        if let Some(vector) = self.vector.as_deref() {
            let near: HashSet<PassageAt> = nearest.iter().map(|(place, _)| *place).collect();
            let far = words.iter().map(|(place, _)| *place).filter(|place| !near.contains(place));
            likeness.extend(
                far.filter_map(|place| Some((place, self.snapshot.likeness(vector, place)?))),
            );
        }
        let scale = scale(self.snapshot.model.as_deref());
        fuse::distinct(fuse::join(words, &likeness, scale), sayings, most)
    }
}

async fn load(
    db: &Db,
    workspace: WorkspaceId,
    meant: Option<(&str, Option<&[f32]>)>,
    ranked: Vec<Ranked<PassageId>>,
    query: &Query<'_>,
) -> Result<(Vec<Hit>, Read), StorageError> {
    if ranked.is_empty() {
        return Ok((Vec::new(), Read::Whole));
    }

    let mut tx = db.read().await?;
    let mut hits: Vec<Hit> = Vec::new();
    let mut read = Read::Whole;
    let mut rest = ranked.as_slice();
    while hits.len() < query.limit && !rest.is_empty() {
        let (some, others) = rest.split_at(rest.len().min(query.limit - hits.len()));
        rest = others;
        let ids: Vec<_> = some.iter().map(|one| one.place).collect();
        let passages = tx.workspace(workspace).passages().load(&ids).await?;
        if passages.len() < ids.len() {
            read = Read::Outdated;
        }
        let mut runs = HashMap::new();
        if query.parts == Parts::Compared
            && let Some((model, Some(question))) = meant
        {
            let stored = tx.workspace(workspace).passages().runs(&ids, model).await?;
            let compared =
                |(id, packed): (PassageId, Vec<u8>)| (id, crate::runs::likeness(&packed, question));
            runs.extend(stored.into_iter().map(compared));
        }
        for passage in passages {
            let Some(place) = ids.iter().position(|id| *id == passage.id) else { continue };
            let Ranked { words, likeness, .. } = some[place];
            let least = hits.last().map_or(1.0, |hit| hit.score);
            let likeness = likeness.map(f64::from);
            let scripts = Scripts::of(query.text, &passage.text);
            let meaning_of = |cosine: f64| Some(meaning_of(meant?.0, cosine, scripts));
            let meaning = likeness.and_then(meaning_of);
            let runs = runs.remove(&passage.id).unwrap_or_default();
            let runs = runs.into_iter().filter_map(|cosine| meaning_of(f64::from(cosine)));
            let runs = runs.collect();
            let score = confidence(words, meaning).min(least);
            hits.push(Hit { passage, score, words, likeness, meaning, runs });
        }
    }

    Ok((hits, read))
}

/// How relevant a passage is to the question, 0 to 1: either kind of evidence is enough.
fn confidence(words: Option<f64>, meaning: Option<f64>) -> f64 {
    1.0 - (1.0 - words.unwrap_or(0.0)) * (1.0 - meaning.unwrap_or(0.0))
}
