//! How often search finds the right paragraph: `search_eval VECTORS FILE...`, each file in the form
//! of `SQuAD`.
//!
//! Every article is a document and every paragraph a passage of it; every question has one right
//! paragraph. Each file is measured alone, all files in one assistant, and the questions of each
//! file on the paragraphs of each other one (they must be translations of each other, in one
//! order). `VECTORS` keeps the vectors that were made, so that the next run need not make them
//! again: one JSON array `[kind, text, vector]` a line, `kind` being `p` or `q`. `MODEL_DIR` is
//! where the offline model is; `REPLYX_TEST_POSTGRES` chooses the database; with `HALF=0` or
//! `HALF=1` only every second question is asked.

use std::{collections::HashMap, env, fs, io::Write, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use replyx_core::{
    assistant::{Assistant, AssistantSettings, Language},
    change::New,
    clock::Clock,
    fixtures,
    ids::{AssistantId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus},
    workspace::Workspace,
};
use replyx_knowledge::{
    language,
    search::{Mode, Query, Search},
};
use replyx_llm::{Caller, Embeddings, EmbeddingsConfig};
use replyx_storage::{
    Db,
    passages::{NewPassage, PassageChanges, Span},
    testing,
};
use replyx_text::terms;
use serde_json::Value;

const MODEL: &str = "multilingual-e5-small";
const CACHE_BYTES: u64 = 1 << 30;

/// An article: its title and its paragraphs.
type Article = (String, Vec<String>);

/// A file: its articles, and its questions with the paragraph that answers them, by number.
struct Corpus {
    name: String,
    articles: Vec<Article>,
    paragraphs: Vec<String>,
    questions: Vec<(String, usize)>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let kept = arguments.next().context("which file keeps the vectors?")?;
    let corpora: Vec<Corpus> = arguments.map(|file| read(&file)).collect::<Result<_>>()?;
    let mut vectors = Vectors::open(&kept)?;
    for corpus in &corpora {
        for paragraph in &corpus.paragraphs {
            vectors.make('p', paragraph).await?;
        }
        for (question, _) in &corpus.questions {
            vectors.make('q', question).await?;
        }
    }
    println!(
        "{:<24} {:<9} {:>9} {:>6} {:>6} {:>6}  p50, p99",
        "", "", "questions", "R@1", "R@5", "MRR"
    );
    for corpus in &corpora {
        measure(&corpus.name, &[corpus], &[(corpus, corpus)], &vectors).await?;
    }
    if corpora.len() > 1 {
        let all: Vec<&Corpus> = corpora.iter().collect();
        let own: Vec<(&Corpus, &Corpus)> = corpora.iter().map(|corpus| (corpus, corpus)).collect();
        measure("all in one", &all, &own, &vectors).await?;
        for asked in &corpora {
            for other in corpora.iter().filter(|other| other.name != asked.name) {
                let name = format!("{} -> {}", asked.name, other.name);
                measure(&name, &[other], &[(asked, other)], &vectors).await?;
            }
        }
    }
    Ok(())
}

fn read(file: &str) -> Result<Corpus> {
    let squad: Value =
        serde_json::from_slice(&fs::read(file).with_context(|| format!("`{file}`"))?)?;
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".json").to_owned();
    let mut corpus =
        Corpus { name, articles: Vec::new(), paragraphs: Vec::new(), questions: Vec::new() };
    for article in squad["data"].as_array().context("no `data`")? {
        let title = article["title"].as_str().unwrap_or("untitled").to_owned();
        let mut paragraphs = Vec::new();
        for paragraph in article["paragraphs"].as_array().context("no `paragraphs`")? {
            let text = paragraph["context"].as_str().context("no `context`")?.to_owned();
            for qa in paragraph["qas"].as_array().context("no `qas`")? {
                let question = qa["question"].as_str().context("no `question`")?.to_owned();
                corpus.questions.push((question, corpus.paragraphs.len()));
            }
            corpus.paragraphs.push(text.clone());
            paragraphs.push(text);
        }
        corpus.articles.push((title, paragraphs));
    }
    Ok(corpus)
}

async fn measure(
    name: &str,
    known: &[&Corpus],
    asked: &[(&Corpus, &Corpus)],
    vectors: &Vectors,
) -> Result<()> {
    let test = if env::var_os("REPLYX_TEST_POSTGRES").is_some() {
        testing::postgres().await
    } else {
        testing::sqlite().await
    };
    let (workspace, assistant) = fill(&test.db, known, vectors).await?;
    let search = Search::new(Arc::clone(&vectors.embeddings), CACHE_BYTES);
    let half: Option<usize> = env::var("HALF").ok().and_then(|half| half.parse().ok());
    for mode in [Mode::FullText, Mode::Vectors, Mode::Fused] {
        let mut places: Vec<Option<usize>> = Vec::new();
        let mut times: Vec<Duration> = Vec::new();
        for (from, to) in asked {
            for (number, (question, right)) in from.questions.iter().enumerate() {
                if half.is_some_and(|half| number % 2 != half) {
                    continue;
                }
                let vector = vectors.known[&('q', question.clone())].as_slice();
                let query = Query { mode, vector: Some(vector), ..Query::new(question, 10) };
                let found = search.find(&test.db, workspace, assistant, &query).await?;
                let right = to.paragraphs[*right].as_str();
                let place = found.hits.iter().position(|hit| hit.passage.text == right);
                if env::var_os("VERBOSE").is_some() && place != Some(0) {
                    println!("{mode:?} {place:?} {question}");
                }
                places.push(place);
                times.push(found.took);
            }
        }
        report(name, mode, &places, times)?;
    }
    Ok(())
}

fn report(
    name: &str,
    mode: Mode,
    places: &[Option<usize>],
    mut times: Vec<Duration>,
) -> Result<()> {
    let total = f64::from(u32::try_from(places.len())?);
    let within = |most: usize| {
        let found = places.iter().flatten().filter(|place| **place < most).count();
        f64::from(u32::try_from(found).unwrap_or(u32::MAX)) / total
    };
    let reciprocal = |place: &usize| 1.0 / f64::from(u32::try_from(place + 1).unwrap_or(u32::MAX));
    let mrr = places.iter().flatten().map(reciprocal).sum::<f64>() / total;
    times.sort_unstable();
    let mode = format!("{mode:?}");
    println!(
        "{name:<24} {mode:<9} {:>9} {:>6.3} {:>6.3} {mrr:>6.3}  {:?}, {:?}",
        places.len(),
        within(1),
        within(5),
        times[times.len() / 2],
        times[times.len() * 99 / 100],
    );
    Ok(())
}

/// Vectors that were made before, and the model that makes those that were not.
struct Vectors {
    known: HashMap<(char, String), Vec<f32>>,
    file: fs::File,
    embeddings: Arc<Embeddings>,
}

impl Vectors {
    fn open(path: &str) -> Result<Self> {
        let mut known = HashMap::new();
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            let (kind, text, vector): (char, String, Vec<f32>) = serde_json::from_str(line)?;
            known.insert((kind, text), vector);
        }
        let file = fs::OpenOptions::new().create(true).append(true).open(path)?;
        let model_dir =
            env::var_os("MODEL_DIR").map_or_else(|| PathBuf::from("data/models"), PathBuf::from);
        let config = EmbeddingsConfig {
            model: Some(MODEL.to_owned()),
            model_dir,
            ..EmbeddingsConfig::default()
        };
        Ok(Self { known, file, embeddings: Arc::new(Embeddings::new(config)?) })
    }

    async fn make(&mut self, kind: char, text: &str) -> Result<()> {
        let key = (kind, text.to_owned());
        if self.known.contains_key(&key) {
            return Ok(());
        }
        let vector = if kind == 'p' {
            let made =
                self.embeddings.passages(Caller::default(), MODEL, &[text.to_owned()]).await?;
            made.vectors.into_iter().next().context("no vector")?
        } else {
            self.embeddings.query(Caller::default(), MODEL, text).await?.vector.to_vec()
        };
        writeln!(self.file, "{}", serde_json::to_string(&(kind, text, &vector))?)?;
        self.known.insert(key, vector);
        Ok(())
    }
}

async fn fill(db: &Db, known: &[&Corpus], vectors: &Vectors) -> Result<(WorkspaceId, AssistantId)> {
    let clock = Clock::system();
    let workspace_id = clock.id();
    let assistant_id = clock.id();
    let mut tx = db.begin().await?;
    let workspace = Workspace {
        id: workspace_id,
        name: "eval".to_owned(),
        suspended_at: None,
        created_at: clock.now(),
    };
    tx.apply(fixtures::unexplained(New(workspace.clone()))).await?;
    let assistant = Assistant {
        id: assistant_id,
        workspace_id,
        settings: AssistantSettings::new("eval".to_owned(), Language::English),
        version: 1,
        published: 1,
        gate: None,
        created_at: clock.now(),
        updated_at: clock.now(),
    };
    tx.apply(fixtures::unexplained(New(assistant.clone()))).await?;
    for (title, paragraphs) in known.iter().flat_map(|corpus| &corpus.articles) {
        let language = language::detect(&paragraphs.join("\n"));
        let mut document = Document {
            id: clock.id(),
            workspace_id,
            assistants: vec![assistant_id],
            name: title.clone(),
            title: None,
            kind: DocumentKind::Text,
            size: 0,
            content_hash: String::new(),
            status: DocumentStatus::Ready,
            error: None,
            warnings: Vec::new(),
            language: language.to_owned(),
            passages: i64::try_from(paragraphs.len())?,
            embedded: i64::try_from(paragraphs.len())?,
            embedded_with: Some(MODEL.to_owned()),
            revision: 1,
            tags: Vec::new(),
            page: None,
            created_at: clock.now(),
            updated_at: clock.now(),
        };
        tx.apply(document.clone().store(b"")).await?;
        let mut changes = PassageChanges::default();
        let mut stored = Vec::new();
        for (paragraph, position) in paragraphs.iter().zip(0_i64..) {
            let terms = terms::index_terms(paragraph, language);
            let place =
                Span { position, start: 0, end: i64::try_from(paragraph.len())?, page: None };
            let passage = NewPassage {
                id: clock.id(),
                headings: String::new(),
                text: paragraph.clone(),
                hash: String::new(),
                length: i64::try_from(terms.split(' ').count())?,
                terms,
                place,
            };
            let vector = &vectors.known[&('p', paragraph.clone())];
            let bytes = vector.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
            stored.push((passage.id, bytes));
            changes.new.push(passage);
        }
        tx.workspace(workspace_id).passages().change(document.id, &changes).await?;
        tx.workspace(workspace_id).passages().add_vectors(MODEL, &stored).await?;
        document.revision += 1;
        tx.apply(fixtures::unexplained(document.clone())).await?;
        tx.workspace(workspace_id).knowledge().changed(document.id).await?;
    }
    tx.commit().await?;
    Ok((workspace_id, assistant_id))
}
