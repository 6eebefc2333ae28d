//! `make bench`: how long a search takes among 1,000, 10,000 and 100,000 passages of one assistant.
//!
//! The passages are made: 200 words each, drawn from a vocabulary of 30,000 in which rank `n` is
//! `n` times rarer than the first (Zipf's law, as in natural texts), and vectors of 384 numbers
//! about 400 topics. A question is six words of one passage and a vector near its own. Embedding a
//! question is not part of it: it takes the same time whatever is searched (the bench `embed` of
//! `replyx-llm` measures it). 100,000 passages take minutes to be stored and are measured with
//! `BENCH_LONG=1` only. The last rows then are of a PostgreSQL with pgvector, whose index of
//! vectors is filled first, as the job `index_neighbours` does.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use replyx_core::{
    assistant::Assistant,
    change::New,
    clock::Clock,
    fixtures,
    ids::{AssistantId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus},
};
use replyx_knowledge::{
    index::{
        IndexContext,
        neighbours::{self, IndexNeighbours},
    },
    search::{Mode, Query, Search, SearchPath},
};
use replyx_llm::{Embeddings, EmbeddingsConfig, OFFLINE};
use replyx_storage::{
    Db,
    passages::{NewPassage, PassageChanges, Span},
    testing::{self, TestDb},
};
use replyx_text::terms;

/// A model that can be chosen without being asked. Its vectors here are made up.
const MODEL: &str = OFFLINE;
/// PostgreSQL that finds nearest vectors itself.
const HNSW: &str = "postgres, HNSW";
const WIDTH: usize = 384;
const TOPICS: u64 = 400;
const VOCABULARY: f64 = 30_000.0;
const WORDS: usize = 200;
const PER_DOCUMENT: usize = 20;
const QUESTIONS: usize = 500;
/// Enough to hold the largest assistant here.
const CACHE_BYTES: u64 = 2 << 30;

#[tokio::main]
async fn main() {
    // `cargo test --benches` asks for a list of tests: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    println!(
        "| database | passages | by | p50 ms | p99 ms | max ms | first ms | cache MB | resident MB |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|---:|---:|");
    let is_long = std::env::var_os("BENCH_LONG").is_some();
    let sizes: &[usize] = if is_long { &[1_000, 10_000, 100_000] } else { &[1_000, 10_000] };
    for passages in sizes {
        measure(&testing::sqlite().await, *passages, "sqlite").await;
        measure(&testing::postgres().await, *passages, "postgres").await;
    }
    if is_long {
        measure(&testing::pgvector().await, 100_000, HNSW).await;
    }
}

async fn measure(test: &TestDb, passages: usize, name: &str) {
    let mut chance = Chance(passages as u64);
    let corpus: Vec<(String, Vec<f32>)> = (0..passages)
        .map(|_| {
            let words: Vec<String> = (0..WORDS).map(|_| chance.word()).collect();
            (words.join(" "), chance.vector())
        })
        .collect();
    let (workspace, assistant) = fill(&test.db, &corpus).await;
    let questions: Vec<(String, Vec<f32>)> =
        (0..QUESTIONS).map(|_| chance.question(&corpus)).collect();
    drop(corpus);

    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let embeddings = Arc::new(never_asked(folder.path()));
    if name == HNSW {
        copy(&test.db, &embeddings, workspace, assistant).await;
    }
    settle(test).await;
    let before = resident_kb();
    let search = Search::new(embeddings, CACHE_BYTES);
    let begun = Instant::now();
    let ask = async |(text, vector): &(String, Vec<f32>), mode| {
        let query = Query { mode, vector: Some(vector), ..Query::new(text, 6) };
        let found = search.find(&test.db, workspace, assistant, &query).await.expect("it searches");
        assert!(!found.hits.is_empty(), "a question is made of a passage");
        let indexed = name == HNSW && mode != Mode::FullText;
        assert_eq!(found.way == SearchPath::Hnsw, indexed, "{name} is searched as it says");
        found.took
    };
    ask(&questions[0], Mode::Fused).await;
    let first = begun.elapsed();
    let resident = resident_kb().saturating_sub(before);
    for (mode, by) in [(Mode::Fused, "both"), (Mode::FullText, "words"), (Mode::Vectors, "meaning")]
    {
        let mut took = Vec::new();
        for question in &questions {
            took.push(ask(question, mode).await);
        }
        took.sort_unstable();
        println!(
            "| {name} | {passages} | {by} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |",
            at(&took, 0.50),
            at(&took, 0.99),
            at(&took, 1.0),
            first.as_secs_f64() * 1000.0,
            search.cached_bytes() as f64 / f64::from(1 << 20),
            resident as f64 / 1024.0,
        );
    }
}

/// What PostgreSQL does by itself in the minutes after so much was written, it does now.
async fn settle(test: &TestDb) {
    if test.url.starts_with("postgres") {
        testing::tamper(&test.url, "VACUUM (ANALYZE)").await;
        testing::tamper(&test.url, "CHECKPOINT").await;
    }
}

/// The offline model, whose file is empty: an assistant can be searched by it, and nothing can be
/// embedded.
fn never_asked(folder: &Path) -> Embeddings {
    let file = File::create(folder.join("e5-small-q4.bin")).expect("the folder is ours");
    file.set_len(71_622_400).expect("an empty file takes no room");
    let config = EmbeddingsConfig {
        model: Some(MODEL.to_owned()),
        model_dir: folder.to_owned(),
        ..EmbeddingsConfig::default()
    };
    Embeddings::new(config).expect("the file is there")
}

/// Fills the database's index of vectors.
async fn copy(
    db: &Db,
    embeddings: &Arc<Embeddings>,
    workspace_id: WorkspaceId,
    assistant_id: AssistantId,
) {
    let begun = Instant::now();
    let clock = Clock::system();
    let program = Path::new("never asked");
    let tools = IndexContext { db, clock: &clock, program, embeddings };
    let job = IndexNeighbours { workspace_id, assistant_id };
    loop {
        neighbours::run(tools, job).await.expect("vectors are copied");
        let mut tx = db.read().await.expect("the database is there");
        let sets = tx.workspace(workspace_id).neighbours().sets(assistant_id).await;
        if sets.expect("sets are known").iter().any(|set| set.revision >= 0) {
            break;
        }
    }
    eprintln!("the index was filled in {:.0} s", begun.elapsed().as_secs_f64());
}

fn at(sorted: &[Duration], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index].as_secs_f64() * 1000.0
}

/// Resident memory of this process, kB.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

async fn fill(db: &Db, corpus: &[(String, Vec<f32>)]) -> (WorkspaceId, AssistantId) {
    let clock = Clock::system();
    let workspace = fixtures::workspace(&clock);
    let assistant = fixtures::assistant(&clock, workspace.id);

    let mut tx = db.begin().await.expect("the database is there");
    tx.apply(fixtures::unexplained(New(workspace.clone()))).await.expect("it is new");
    tx.apply(fixtures::unexplained(New(assistant.clone()))).await.expect("it is new");
    tx.commit().await.expect("it is stored");
    for (passages, number) in corpus.chunks(PER_DOCUMENT).zip(0..) {
        let document = document(&clock, &assistant, number, passages.len());
        store(db, &clock, document, passages).await;
    }
    (workspace.id, assistant.id)
}

fn document(clock: &Clock, assistant: &Assistant, number: usize, passages: usize) -> Document {
    let passages = i64::try_from(passages).expect("documents are short");
    Document {
        name: format!("{number}.txt"),
        kind: DocumentKind::Text,
        size: 0,
        content_hash: String::new(),
        status: DocumentStatus::Ready,
        passages,
        embedded: passages,
        embedded_with: Some(MODEL.to_owned()),
        revision: 1,
        ..fixtures::document(clock, assistant.workspace_id, assistant.id)
    }
}

async fn store(db: &Db, clock: &Clock, document: Document, texts: &[(String, Vec<f32>)]) {
    let mut changes = PassageChanges::default();
    let mut vectors = Vec::new();
    for ((text, vector), position) in texts.iter().zip(0_i64..) {
        let terms = terms::index_terms(text, "en");
        let end = i64::try_from(text.len()).expect("texts are short");
        let passage = NewPassage {
            id: clock.id(),
            headings: String::new(),
            text: text.clone(),
            hash: String::new(),
            length: i64::try_from(terms.split(' ').count()).expect("texts are short"),
            terms,
            place: Span { position, start: 0, end, page: None },
        };
        vectors.push((passage.id, vector.iter().flat_map(|x| x.to_le_bytes()).collect()));
        changes.new.push(passage);
    }
    let workspace = document.workspace_id;
    let id = document.id;
    let mut tx = db.begin().await.expect("the database is there");
    tx.apply(document.clone().store(b"")).await.expect("it is new");
    tx.workspace(workspace).passages().change(id, &changes).await.expect("they are new");
    tx.workspace(workspace).passages().add_vectors(MODEL, &vectors).await.expect("they fit");
    let saved = Document { revision: 2, ..document };
    tx.apply(fixtures::unexplained(saved.clone())).await.expect("it is there");
    tx.workspace(workspace).knowledge().changed(id).await.expect("it is known");
    tx.commit().await.expect("it is stored");
}

/// The same numbers in every run (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.next() as f64 / u64::MAX as f64
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A word whose rank in the vocabulary follows Zipf's law.
    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 20] = [
            "ba", "ko", "mi", "tu", "re", "lan", "dor", "ves", "pi", "gra", "sho", "ne", "fal",
            "ku", "ton", "zi", "mar", "blo", "ut", "ser",
        ];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
        let mut rank = VOCABULARY.powf(self.share()) as usize + 20;
        let mut word = String::new();
        while rank > 0 {
            word += SYLLABLES[rank % SYLLABLES.len()];
            rank /= SYLLABLES.len();
        }
        word
    }

    /// A unit vector about one of the topics.
    fn vector(&mut self) -> Vec<f32> {
        let mut topic = Chance(self.below(TOPICS).wrapping_mul(0x1234_5678_9ABC_DEF1));
        let vector: Vec<f64> =
            (0..WIDTH).map(|_| topic.share() - 0.5 + 0.6 * (self.share() - 0.5)).collect();
        unit(&vector)
    }

    fn question(&mut self, corpus: &[(String, Vec<f32>)]) -> (String, Vec<f32>) {
        let place = self.below(corpus.len() as u64);
        let (text, vector) = &corpus[usize::try_from(place).expect("an index")];
        let words: Vec<&str> = text.split(' ').collect();
        let begin = usize::try_from(self.below(WORDS as u64 - 6)).expect("an index");
        let near: Vec<f64> =
            vector.iter().map(|x| f64::from(*x) + 0.02 * (self.share() - 0.5)).collect();
        (words[begin..begin + 6].join(" "), unit(&near))
    }
}

fn unit(vector: &[f64]) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "single precision is what is stored")]
    vector.iter().map(|x| (x / length) as f32).collect()
}
