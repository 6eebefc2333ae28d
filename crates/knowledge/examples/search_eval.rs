//! How often search finds the right paragraph: `search_eval FILE...`, each file in the form of `SQuAD`.
//!
//! Every article is a document and every paragraph a passage of it; every question has one right paragraph.

use std::{
    env, fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use replyx_core::{
    assistant::{Assistant, Language, Settings},
    clock::Clock,
    ids::{AssistantId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus},
    terms,
    workspace::Workspace,
};
use replyx_knowledge::search::search;
use replyx_storage::{Db, passages::NewPassage, testing};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    for file in env::args().skip(1) {
        measure(&file).await.with_context(|| format!("`{file}`"))?;
    }
    Ok(())
}

async fn measure(file: &str) -> Result<()> {
    let test = if env::var_os("REPLYX_TEST_POSTGRES").is_some() {
        testing::postgres().await
    } else {
        testing::sqlite().await
    };
    let db = &test.db;
    let squad: Value = serde_json::from_slice(&fs::read(file)?)?;
    let (workspace, assistant, questions) = fill(db, &squad).await?;

    let (mut first, mut fifth, mut times) = (0.0, 0.0, Vec::new());
    let total = f64::from(u32::try_from(questions.len())?);
    for (question, right) in &questions {
        let start = Instant::now();
        let hits = search(db, workspace, assistant, question, 5).await?;
        times.push(start.elapsed());
        let place = hits.iter().position(|hit| hit.passage.text == *right);
        first += if place == Some(0) { 1.0 } else { 0.0 };
        fifth += if place.is_some() { 1.0 } else { 0.0 };
        if place != Some(0) && env::var_os("VERBOSE").is_some() {
            let stems = terms::query_terms(question).join(" ");
            println!(
                "{place:?} {question}\n    {stems}\n    {}",
                right.chars().take(200).collect::<String>()
            );
        }
    }
    times.sort_unstable();
    println!(
        "{file}: {} questions, recall@1 {:.3}, recall@5 {:.3}, p50 {:?}, p99 {:?}",
        questions.len(),
        first / total,
        fifth / total,
        times.get(times.len() / 2).unwrap_or(&Duration::ZERO),
        times.get(times.len() * 99 / 100).unwrap_or(&Duration::ZERO),
    );
    Ok(())
}

type Questions = Vec<(String, String)>;

async fn fill(db: &Db, squad: &Value) -> Result<(WorkspaceId, AssistantId, Questions)> {
    let clock = Clock::system();
    let (workspace_id, assistant_id) = (clock.id(), clock.id());
    let mut tx = db.begin().await?;
    let workspace = Workspace {
        id: workspace_id,
        name: "eval".to_owned(),
        suspended_at: None,
        created_at: clock.now(),
    };
    tx.system().workspaces().insert(&workspace).await?;
    let assistant = Assistant {
        id: assistant_id,
        workspace_id,
        settings: Settings {
            name: "eval".to_owned(),
            model: None,
            system_prompt: String::new(),
            temperature: Settings::TEMPERATURE,
            language: Language::English,
            greeting: None,
            unknown_text: None,
            fallback_text: None,
        },
        version: 1,
        created_at: clock.now(),
        updated_at: clock.now(),
    };
    tx.workspace(workspace_id).assistants().insert(&assistant).await?;

    let mut questions = Vec::new();
    // Copies of the corpus show how speed goes with size; recall means nothing then.
    let copies: usize = env::var("COPIES").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for copy in 0..copies {
        for article in squad["data"].as_array().context("no `data`")? {
            let document = Document {
                id: clock.id(),
                workspace_id,
                assistant_id,
                name: article["title"].as_str().unwrap_or("untitled").to_owned(),
                kind: DocumentKind::Text,
                size: 0,
                content_hash: String::new(),
                status: DocumentStatus::Ready,
                error: None,
                passages: 0,
                created_at: clock.now(),
                updated_at: clock.now(),
            };
            tx.workspace(workspace_id).documents().insert(&document, b"").await?;
            let mut passages = Vec::new();
            for paragraph in article["paragraphs"].as_array().context("no `paragraphs`")? {
                let text = paragraph["context"].as_str().context("no `context`")?.to_owned();
                if copy == 0 {
                    for qa in paragraph["qas"].as_array().context("no `qas`")? {
                        let question = qa["question"].as_str().context("no `question`")?;
                        questions.push((question.to_owned(), text.clone()));
                    }
                }
                let terms = terms::index_text(&text);
                passages.push(NewPassage {
                    id: clock.id(),
                    headings: String::new(),
                    length: i64::try_from(terms.split(' ').count())?,
                    terms,
                    start: 0,
                    end: i64::try_from(text.len())?,
                    page: None,
                    text: if copy == 0 { text } else { format!("copy {copy}") },
                });
            }
            tx.workspace(workspace_id)
                .passages()
                .replace(assistant_id, document.id, &passages)
                .await?;
        }
    }
    tx.commit().await?;
    Ok((workspace_id, assistant_id, questions))
}
