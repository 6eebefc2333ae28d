//! Asks as the customer, and looks the answer up as the owner.

use std::time::{Duration, Instant};

use anyhow::Context;
use replyx_testkit::{api::Api, telegram::Chat};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// What the customer reads.
    pub(super) text: String,
    /// How the turn ended: `answered`, `unknown`, ...
    pub(super) outcome: String,
    /// From the customer's message to the reply in the chat, the reply window included.
    pub(super) latency: Duration,
    /// What the model charged, in decimal.
    pub(super) cost: String,
    /// The model that answered.
    pub(super) model: String,
    /// The passages the answer rests on.
    pub(super) sources: Vec<Source>,
}

/// A passage.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) title: String,
    pub(super) text: String,
}

/// Asks and waits for the reply.
pub(super) async fn ask(owner: &Api, customer: &Chat, question: &str) -> anyhow::Result<Answer> {
    let begun = Instant::now();
    let reply = customer.ask(question, PATIENCE).await.context("the customer got no reply")?;
    let latency = begun.elapsed();
    let message = last_reply(owner).await?;
    let meta = &message["answer"];
    let mut sources = Vec::new();
    for citation in meta["citations"].as_array().into_iter().flatten() {
        sources.push(source(owner, citation).await);
    }
    let word = |field: &str| meta[field].as_str().unwrap_or_default().to_owned();
    Ok(Answer {
        text: reply.plain.clone(),
        outcome: word("outcome"),
        latency,
        cost: word("cost"),
        model: word("model"),
        sources,
    })
}

/// The newest reply in the newest dialog.
async fn last_reply(owner: &Api) -> anyhow::Result<Value> {
    let dialogs = owner.get("/api/v1/dialogs?limit=1").await.expect(200).body;
    let dialog = dialogs["items"][0]["id"].as_str().context("there is a dialog")?.to_owned();
    let mut cursor = String::new();
    let mut last = None;
    loop {
        let path = format!("/api/v1/dialogs/{dialog}/messages?limit=200{cursor}");
        let page = owner.get(&path).await.expect(200).body;
        let mut replies = page["items"].as_array().into_iter().flatten();
        last = replies.rfind(|message| message["author"] == "assistant").cloned().or(last);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return last.context("there is a reply"),
        }
    }
}

async fn source(owner: &Api, citation: &Value) -> Source {
    let document = citation["document_id"].as_str().unwrap_or_default();
    let text = owner.get(&format!("/api/v1/documents/{document}/text")).await.body;
    let place = |field: &str| citation[field].as_u64().and_then(|at| usize::try_from(at).ok());
    let passage = text["text"]
        .as_str()
        .zip(place("start").zip(place("end")))
        .and_then(|(text, (start, end))| text.get(start..end));
    Source {
        title: citation["title"].as_str().unwrap_or_default().to_owned(),
        text: passage.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
    }
}
