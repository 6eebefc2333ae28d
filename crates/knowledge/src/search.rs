//! Passages are found by the words of a question and by its meaning.
//!
//! [`Search::find`] is the only way in. What an assistant knows is kept in memory while it is asked
//! for (`cache`): for each document the words of its passages and their vectors (`segment`), loaded
//! once and again only when the document changes. A question goes three ways:
//!
//! 1. `asked` makes its words comparable: stems in the languages of the documents, relatives,
//!    misspellings.
//! 2. `score` ranks by words, `vectors` by meaning, each exactly and over all passages.
//! 3. `fuse` adds up what the two say and drops what says the same again.
//! 4. `rerank` asks a model for the order of the best ones, where one is configured.
//!
//! # What holds
//!
//! - Both databases give one order: they store and load, and rank nothing. Only a large assistant
//!   is searched through the indexes of the database (`large`): one of more than [`LARGE`] passages
//!   where the database finds nearest vectors, and any that the memory does not hold.
//! - Without vectors, or when a question cannot be embedded, words alone decide;
//!   [`SearchOutcome::vectors`] says so.
//! - What was deleted is not returned, however fresh: passages are read from the database at the
//!   end. What was replaced in the meantime is looked for again.

mod asked;
mod cache;
mod carry;
mod find;
mod fuse;
mod large;
mod lexicon;
mod meaning;
mod rerank;
mod score;
mod segment;
mod snapshot;
mod spelling;
mod vectors;

use std::{sync::Arc, time::Duration};

use replyx_core::{
    ids::{AssistantId, DialogId, DocumentId, WorkspaceId},
    knowledge::Passage,
    usage::Purpose,
};
use replyx_llm::{Embeddings, Reranker, Spent};
use replyx_storage::{Db, StorageError};

pub use carry::carry;
pub use meaning::{Scripts, meaning_of};

use cache::Cache;

/// A longer question is judged by its first words that carry meaning.
pub const MAX_TERMS: usize = 32;
/// No question brings more passages than this back.
pub const MAX_HITS: usize = 50;
/// No more of a question than this is looked at, characters.
pub const LONGEST_QUESTION: usize = 4_000;

/// An assistant that knows more passages than this is searched by the database's own index of
/// vectors, where the database has one.
pub const LARGE: i64 = 50_000;

/// The search mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// By words and by meaning.
    #[default]
    Fused,
    /// By words alone.
    FullText,
    /// By meaning alone.
    Vectors,
}

/// Whether what stands in the passages is compared with the question, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parts {
    /// Only whole passages are.
    #[default]
    Ignored,
    /// The [runs](crate::runs) of those that were found are: [`Hit::runs`].
    Compared,
}

/// A question put to an assistant's passages.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The question.
    pub text: &'a str,
    /// How many passages to return at most; see [`MAX_HITS`].
    pub limit: usize,
    /// By what they are found.
    pub mode: Mode,
    /// Only in these documents; empty: in all.
    pub documents: &'a [DocumentId],
    /// Only in documents with one of these tags, and in answers that people wrote; empty: in all.
    pub tags: &'a [String],
    /// Only in documents of this language (ISO 639-1).
    pub language: Option<&'a str>,
    /// The question's vector by the model of the passages, where the caller has it already.
    pub vector: Option<&'a [f32]>,
    /// Whether the parts of each passage are compared: one who quotes needs to know.
    pub parts: Parts,
    /// What it is asked for: what it costs stands under this in the ledger.
    pub purpose: Purpose,
    /// The dialog, if there is one.
    pub dialog: Option<DialogId>,
    /// The revision of what the assistant knows, where the caller has just read it: what is in
    /// memory is at least as new. `None`: it is read now.
    pub revision: Option<i64>,
}

impl<'a> Query<'a> {
    /// A question to all documents, by words and meaning.
    pub const fn new(text: &'a str, limit: usize) -> Self {
        Self {
            text,
            limit,
            mode: Mode::Fused,
            documents: &[],
            tags: &[],
            language: None,
            vector: None,
            parts: Parts::Ignored,
            purpose: Purpose::Search,
            dialog: None,
            revision: None,
        }
    }
}

/// Where passages were looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchPath {
    /// In memory: by words and vectors, all compared.
    #[default]
    Memory,
    /// In the database, by its indexes of words and of vectors.
    Hnsw,
    /// In the database, by words alone.
    Words,
}

impl SearchPath {
    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Hnsw => "hnsw",
            Self::Words => "words",
        }
    }
}

/// What a question found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchOutcome {
    /// The passages, best first.
    pub hits: Vec<Hit>,
    /// The embedding model whose vectors took part; `None`: words alone decided.
    pub vectors: Option<String>,
    /// The question as it was meant, where it was written in other letters (transliterated, in the
    /// other keyboard layout) or misspelt.
    pub understood: Option<String>,
    /// Where they were looked for.
    pub way: SearchPath,
    /// What embedding the question cost, if a provider was asked.
    pub spent: Option<Spent>,
    /// How long it took, embedding the question included.
    pub took: Duration,
}

/// A passage that is relevant to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The passage.
    pub passage: Passage,
    /// How well it fits, 0 to 1, comparable between questions; falls from hit to hit.
    pub score: f64,
    /// How well it fits by words, 0 to 1: the share of the weight of the question's words that it
    /// holds, with words that repeat counting more. About 0.45 is a passage that holds every word
    /// of the question once. `None`: not judged by words, or none of them occurs in it.
    pub words: Option<f64>,
    /// The cosine of its vector with the question's. `None`: not compared.
    pub likeness: Option<f64>,
    /// What that cosine means, 0 to 1, comparable between models and between languages: 0 is what
    /// texts have that have nothing in common.
    pub meaning: Option<f64>,
    /// How near each of the passage's [runs](crate::runs) is, as `meaning`; empty: not compared.
    pub runs: Vec<f64>,
}

/// Finds passages. One per process: what assistants know is kept in memory, up to a bound.
#[derive(Debug)]
pub struct Search {
    embeddings: Arc<Embeddings>,
    cache: Cache,
    reranker: Option<Reranker>,
}

impl Search {
    /// A search that embeds questions with `embeddings` and keeps at most about `cache_bytes` of
    /// passages' words and vectors in memory.
    pub fn new(embeddings: Arc<Embeddings>, cache_bytes: u64) -> Self {
        Self { embeddings, cache: Cache::new(cache_bytes), reranker: None }
    }

    /// The same search, for which an assistant is large that knows more than `passages` passages;
    /// see [`LARGE`].
    #[must_use]
    pub const fn large_above(mut self, passages: i64) -> Self {
        self.cache.large = passages;
        self
    }

    /// The same search, whose best passages are put into order by a model that reads them.
    #[must_use]
    pub fn reranked(mut self, reranker: Option<Reranker>) -> Self {
        self.reranker = reranker;
        self
    }

    /// The passages of an assistant that fit a question best; none when there is no such assistant.
    #[tracing::instrument(name = "knowledge.search.find", skip_all, fields(assistant.id = %assistant))]
    pub async fn find(
        &self,
        db: &Db,
        workspace: WorkspaceId,
        assistant: AssistantId,
        query: &Query<'_>,
    ) -> Result<SearchOutcome, StorageError> {
        find::find(self, db, workspace, assistant, query).await
    }

    /// What is held in memory, bytes, about.
    pub fn cached_bytes(&self) -> u64 {
        self.cache.bytes()
    }
}
