//! How often search finds and `extractive` says what is right, on sets of different kinds side by
//! side: `answer_eval VECTORS BUSINESS SET...`.
//!
//! `BUSINESS` is a folder with `docs/` and `questions.json`: what customers of some businesses
//! write, each fact that the answer must hold, and what should be declined. A `SET` is a file that
//! `replyx knowledge eval` reads. Every set is asked as it is, and once more with the document of
//! each question hidden: then everything should be declined. What is only said to be what may help
//! counts as declined, and is counted once more beside it. `VECTORS` keeps the vectors that were
//! made, one JSON array `[kind, text, vector]` a line, so that the next run takes seconds.
//! `MODEL_DIR` is where the offline model is; `VERBOSE=1` prints every answer that is not right.

use std::{collections::HashMap, env, fs, io::Write, path::Path, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use replyx_core::{
    assistant::{Assistant, AssistantSettings, Language},
    change::New,
    clock::Clock,
    fixtures,
    ids::{AssistantId, DocumentId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus},
    workspace::Workspace,
};
use replyx_extractive::{Fit, Quotation, Source, quote};
use replyx_knowledge::{
    chunk::{Chunking, chunk},
    evaluate::{QuestionFile, holds},
    language, runs,
    search::{Hit, Mode, Query, Scripts, Search, SearchOutcome, carry, meaning_of},
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
/// How many passages the engine shows a model.
const PASSAGES: usize = 8;
/// A longer quotation holds an expected string too easily, characters.
const LONGEST: usize = 300;

/// A document: its name, its text and the kind of it.
#[derive(Clone)]
struct Text {
    name: String,
    words: String,
    kind: DocumentKind,
}

/// A question with what its answer must hold: one string of each list. None: it should be declined.
#[derive(Clone, Default)]
struct Asked {
    text: String,
    earlier: Vec<String>,
    facts: Vec<Vec<String>>,
    documents: Vec<String>,
}

/// What one assistant knows, and what it is asked.
struct Set {
    name: String,
    documents: Vec<Text>,
    questions: Vec<Asked>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let kept = arguments.next().context("which file keeps the vectors?")?;
    let business = arguments.next().context("which folder holds the businesses?")?;
    let mut sets = businesses(Path::new(&business))?;
    for file in arguments {
        sets.push(read(&file)?);
    }
    let all: Vec<(String, String)> =
        sets.iter().map(|set| (set.name.clone(), languages(set))).collect();
    // The same questions in the other language, on the documents of this one.
    for (one, other) in [("xquad-dev.ru", "xquad-dev.en"), ("xquad-dev.en", "xquad-dev.ru")] {
        let place = |name: &str| all.iter().position(|(known, _)| known == name);
        if let (Some(asked), Some(known)) = (place(one), place(other)) {
            let questions = sets[asked].questions.iter().zip(&sets[known].questions);
            let questions =
                questions.map(|(asked, known)| Asked { text: asked.text.clone(), ..known.clone() });
            let questions = questions.collect();
            let documents = sets[known].documents.clone();
            sets.push(Set { name: format!("{one} -> {other}"), documents, questions });
        }
    }

    let mut vectors = Vectors::open(&kept)?;
    println!(
        "{:<32} {:>5} {:>6} {:>6} | {:>6} {:>8} | {:>8} | {:>8} | {:>6} {:>6} {:>8}",
        "",
        "asked",
        "R@1",
        "R@3",
        "right",
        "declined",
        "d. right",
        "hidden d.",
        "unsure",
        "helped",
        "hidden u."
    );
    for set in &sets {
        if env::var("ONLY").is_ok_and(|only| !set.name.contains(&only)) {
            continue;
        }
        measure(set, &mut vectors).await?;
    }
    Ok(())
}

fn languages(set: &Set) -> String {
    set.documents.first().map(|text| language::detect(&text.words).to_owned()).unwrap_or_default()
}

/// The businesses of a folder: a document belongs to the one that its name begins with.
fn businesses(folder: &Path) -> Result<Vec<Set>> {
    let questions: Value = serde_json::from_slice(&fs::read(folder.join("questions.json"))?)?;
    let mut sets: Vec<Set> = Vec::new();
    for question in questions.as_array().context("no list of questions")? {
        let wanted = question["want"].as_str().unwrap_or_default();
        if !matches!(wanted, "answer" | "decline") {
            continue;
        }
        let name = question["business"].as_str().context("no business")?.to_owned();
        if !sets.iter().any(|set| set.name == name) {
            let documents = texts(folder, &name)?;
            sets.push(Set { name: name.clone(), documents, questions: Vec::new() });
        }
        let list = |value: &Value| -> Vec<String> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let said = question["history"].as_array().into_iter().flatten();
        let own = said.filter(|said| said[0] == "customer");
        let set = sets.iter_mut().find(|set| set.name == name).context("no set")?;
        set.questions.push(Asked {
            text: question["question"].as_str().context("no question")?.to_owned(),
            earlier: own.filter_map(|said| said[1].as_str()).map(str::to_owned).collect(),
            facts: question["facts"].as_array().into_iter().flatten().map(list).collect(),
            documents: question["document"].as_str().map(str::to_owned).into_iter().collect(),
        });
    }
    Ok(sets)
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn texts(folder: &Path, business: &str) -> Result<Vec<Text>> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder.join("docs"))? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a name")?.to_owned();
        if name.starts_with(&format!("{business}-")) {
            let is_plain = has_ending(&name, "txt");
            let kind = if is_plain { DocumentKind::Text } else { DocumentKind::Markdown };
            found.push(Text { name, words: fs::read_to_string(&path)?, kind });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn read(file: &str) -> Result<Set> {
    let parsed =
        QuestionFile::parse(&fs::read_to_string(file).with_context(|| format!("`{file}`"))?)?;
    let documents = parsed.documents.into_iter().map(|document| {
        let is_markdown = has_ending(&document.name, "md");
        let kind = if is_markdown { DocumentKind::Markdown } else { DocumentKind::Text };
        Ok(Text { name: document.name, words: document.text.context("a text")?, kind })
    });
    let questions = parsed.questions.into_iter().map(|question| Asked {
        text: question.question,
        facts: if question.answers.is_empty() { Vec::new() } else { vec![question.answers] },
        documents: question.document_names,
        ..Asked::default()
    });
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".json").to_owned();
    Ok(Set { name, documents: documents.collect::<Result<_>>()?, questions: questions.collect() })
}

/// What is counted over the questions of a set.
#[derive(Default)]
struct Counted {
    answerable: usize,
    named: usize,
    first: usize,
    three: usize,
    right: usize,
    declined: usize,
    beyond: usize,
    beyond_declined: usize,
    hidden: usize,
    hidden_declined: usize,
    /// What may help: of the answerable ones with every fact, and all.
    helped: usize,
    unsure: usize,
    /// The same of those whose document is hidden.
    hidden_unsure: usize,
}

async fn measure(set: &Set, vectors: &mut Vectors) -> Result<()> {
    let test = testing::sqlite().await;
    let home = Home::fill(&test.db, set, vectors).await?;
    let search = Search::new(Arc::clone(&vectors.embeddings), CACHE_BYTES);
    let verbose = env::var_os("VERBOSE").is_some();
    let mut counted = Counted::default();
    for asked in &set.questions {
        let earlier: Vec<&str> = asked.earlier.iter().map(String::as_str).collect();
        let searched = carry(&asked.text, &earlier);
        let vector = vectors.make('q', &searched).await?;
        let found = home.find(&test.db, &search, &searched, &vector, &[]).await?;
        let searched = found.understood.clone().unwrap_or(searched);
        let vector = vectors.make('q', &searched).await?;
        let found = home.find(&test.db, &search, &searched, &vector, &[]).await?;
        let hits = found.hits;
        let quoted = answer(&searched, &hits, &vector, vectors).await?;
        let holds_all = |said: &String| {
            let holds_one = |any: &Vec<String>| any.iter().any(|string| holds(said, string));
            (said.lines().count() > 1 && said.chars().count() <= 2 * LONGEST
                || said.chars().count() <= LONGEST)
                && asked.facts.iter().all(holds_one)
        };
        let (said, unsure) = parted(quoted);
        let is_right = said.as_ref().is_some_and(holds_all);
        if asked.facts.is_empty() {
            counted.beyond += 1;
            counted.beyond_declined += usize::from(said.is_none());
        } else {
            counted.answerable += 1;
            counted.declined += usize::from(said.is_none());
            counted.right += usize::from(is_right);
            counted.unsure += usize::from(unsure.is_some());
            counted.helped += usize::from(unsure.as_ref().is_some_and(holds_all));
        }
        if verbose && asked.facts.is_empty() == is_right {
            println!("? {searched}\n  {:?}\n  {said:?}", asked.facts);
        }
        if asked.documents.is_empty() {
            continue;
        }
        let place = hits.iter().position(|hit| asked.documents.contains(&hit.passage.title));
        counted.named += 1;
        counted.first += usize::from(place == Some(0));
        counted.three += usize::from(place.is_some_and(|place| place < 3));

        let hidden = home.find(&test.db, &search, &searched, &vector, &asked.documents).await?.hits;
        let (said, unsure) = parted(answer(&searched, &hidden, &vector, vectors).await?);
        counted.hidden += 1;
        counted.hidden_unsure += usize::from(unsure.is_some());
        counted.hidden_declined += usize::from(said.is_none());
        if verbose && said.is_some() && env::var_os("HIDDEN").is_some() {
            println!("H {searched}\n  {said:?}");
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "sets are short")]
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    println!(
        "{:<32} {:>5} {:>6.3} {:>6.3} | {:>6.3} {:>8.3} | {:>8.3} | {:>8.3} | {:>6.3} {:>6.3} {:>8.3}",
        set.name,
        set.questions.len(),
        share(counted.first, counted.named),
        share(counted.three, counted.named),
        share(counted.right, counted.answerable),
        share(counted.declined, counted.answerable),
        share(counted.beyond_declined, counted.beyond),
        share(counted.hidden_declined, counted.hidden),
        share(counted.unsure, counted.answerable),
        share(counted.helped, counted.answerable),
        share(counted.hidden_unsure, counted.hidden),
    );
    Ok(())
}

async fn answer(
    question: &str,
    hits: &[Hit],
    vector: &[f32],
    vectors: &mut Vectors,
) -> Result<Option<Quotation>> {
    let mut sources: Vec<Source> = hits.iter().map(source).collect();
    if env::var_os("WHOLE").is_none() {
        for source in &mut sources {
            for run in runs::of(&source.headings.join(" > "), &source.text) {
                let own = vectors.make('p', &run).await?;
                let cosine: f32 = own.iter().zip(vector).map(|(a, b)| a * b).sum();
                let scripts = Scripts::of(question, &run);
                source.runs.push(meaning_of(MODEL, f64::from(cosine), scripts));
            }
        }
    }
    Ok(quote(question, &sources))
}

/// What is said as the answer, and what is said as what may help: at most one of the two.
fn parted(quoted: Option<Quotation>) -> (Option<String>, Option<String>) {
    match quoted {
        Some(sure) if sure.is_sure() => (Some(sure.text), None),
        Some(unsure) => (None, Some(unsure.text)),
        None => (None, None),
    }
}

fn source(hit: &Hit) -> Source {
    let headings = hit.passage.headings.split(" > ").filter(|heading| !heading.is_empty());
    Source {
        title: hit.passage.title.clone(),
        headings: headings.map(str::to_owned).collect(),
        text: hit.passage.text.clone(),
        fit: hit.meaning.map(|meaning| Fit { score: hit.score, meaning }),
        runs: Vec::new(),
    }
}

/// An assistant that knows the documents of a set.
struct Home {
    workspace: WorkspaceId,
    assistant: AssistantId,
    documents: Vec<(String, DocumentId)>,
}

impl Home {
    async fn fill(db: &Db, set: &Set, vectors: &mut Vectors) -> Result<Self> {
        let clock = Clock::system();
        let mut home = Self { workspace: clock.id(), assistant: clock.id(), documents: Vec::new() };
        let mut tx = db.begin().await?;
        let workspace = Workspace {
            id: home.workspace,
            name: "eval".to_owned(),
            suspended_at: None,
            created_at: clock.now(),
        };
        tx.apply(fixtures::unexplained(New(workspace.clone()))).await?;
        let assistant = Assistant {
            id: home.assistant,
            workspace_id: home.workspace,
            settings: AssistantSettings::new("eval".to_owned(), Language::English),
            version: 1,
            published: 1,
            gate: None,
            created_at: clock.now(),
            updated_at: clock.now(),
        };
        tx.apply(fixtures::unexplained(New(assistant))).await?;
        tx.commit().await?;
        for text in &set.documents {
            home.learn(db, &clock, text, vectors).await?;
        }
        Ok(home)
    }

    async fn learn(
        &mut self,
        db: &Db,
        clock: &Clock,
        text: &Text,
        vectors: &mut Vectors,
    ) -> Result<()> {
        let read = replyx_extract::parse(text.kind, text.words.as_bytes())
            .map_err(|why| anyhow::anyhow!("{why}"))?;
        let chunks = chunk(&read, &Chunking::default());
        let language = language::detect(&read.text);
        let stem = Path::new(&text.name).file_stem().and_then(|stem| stem.to_str());
        let title = terms::index_terms(stem.unwrap_or(&text.name), language);
        let count = i64::try_from(chunks.len())?;
        let mut document = Document {
            id: clock.id(),
            workspace_id: self.workspace,
            assistants: vec![self.assistant],
            name: text.name.clone(),
            title: None,
            kind: text.kind,
            size: 0,
            content_hash: String::new(),
            status: DocumentStatus::Ready,
            error: None,
            warnings: Vec::new(),
            language: language.to_owned(),
            passages: count,
            embedded: count,
            embedded_with: Some(MODEL.to_owned()),
            revision: 1,
            tags: Vec::new(),
            page: None,
            created_at: clock.now(),
            updated_at: clock.now(),
        };

        let mut changes = PassageChanges::default();
        let mut stored = Vec::new();
        for (chunk, position) in chunks.into_iter().zip(0_i64..) {
            let headings = terms::index_terms(&chunk.headings, language);
            let words = terms::index_terms(&chunk.text, language);
            let parts = [title.as_str(), &headings, &words];
            let terms: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let terms = terms.join(" ");
            let embedded = match chunk.headings.as_str() {
                "" => chunk.text.clone(),
                headings => format!("{headings}\n{}", chunk.text),
            };
            let id = clock.id();
            let vector = vectors.make('p', &embedded).await?;
            stored.push((id, vector.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()));
            changes.new.push(NewPassage {
                id,
                headings: chunk.headings,
                text: chunk.text,
                hash: String::new(),
                length: i64::try_from(terms.split(' ').count())?,
                terms,
                place: Span {
                    position,
                    start: i64::try_from(chunk.start)?,
                    end: i64::try_from(chunk.end)?,
                    page: None,
                },
            });
        }

        let mut tx = db.begin().await?;
        tx.apply(document.clone().store(b"")).await?;
        tx.workspace(self.workspace).passages().change(document.id, &changes).await?;
        tx.workspace(self.workspace).passages().add_vectors(MODEL, &stored).await?;
        document.revision += 1;
        self.documents.push((document.name.clone(), document.id));
        let id = document.id;
        tx.apply(fixtures::unexplained(document)).await?;
        tx.workspace(self.workspace).knowledge().changed(id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What is found without the hidden documents.
    async fn find(
        &self,
        db: &Db,
        search: &Search,
        question: &str,
        vector: &[f32],
        hidden: &[String],
    ) -> Result<SearchOutcome> {
        let shown = self.documents.iter().filter(|(name, _)| !hidden.contains(name));
        let shown: Vec<DocumentId> = shown.map(|(_, id)| *id).collect();
        let mode = match env::var("MODE").as_deref() {
            Ok("words") => Mode::FullText,
            Ok("meaning") => Mode::Vectors,
            _ => Mode::Fused,
        };
        let query = Query {
            mode,
            vector: Some(vector),
            documents: if hidden.is_empty() { &[] } else { &shown },
            ..Query::new(question, PASSAGES)
        };
        Ok(search.find(db, self.workspace, self.assistant, &query).await?)
    }
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

    async fn make(&mut self, kind: char, text: &str) -> Result<Vec<f32>> {
        let key = (kind, text.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let vector = if kind == 'p' {
            let made =
                self.embeddings.passages(Caller::default(), MODEL, &[text.to_owned()]).await?;
            made.vectors.into_iter().next().context("no vector")?
        } else {
            self.embeddings.query(Caller::default(), MODEL, text).await?.vector.to_vec()
        };
        writeln!(self.file, "{}", serde_json::to_string(&(kind, text, &vector))?)?;
        self.known.insert(key, vector.clone());
        Ok(vector)
    }
}
