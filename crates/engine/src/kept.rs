//! Answers kept: the first question of a dialog may get the answer that another customer got.
//!
//! Only what a model wrote and the check found founded is kept, and only for a question that says
//! nothing of who asks and whose answer does not depend on the time of day. It serves the same
//! question in the same language, to the same version and knowledge of the assistant, for
//! `answer_cache_hours`.

use chrono::TimeDelta;
use replyx_core::{
    assistant::{FixedText, Language},
    message::{CheckOutcome, Outcome},
    money::Money,
    secret::sha256_hex,
    setting::ANSWER_CACHE_HOURS,
    usage::Purpose,
};
use replyx_knowledge::search::Hit;
use replyx_llm::EXTRACTIVE;
use replyx_storage::{
    StorageError,
    kept_answers::{KeptAnswer, KeptKey},
};

use crate::{
    Engine,
    check::{self, Reply, Taken},
    context::AnswerRequest,
};

/// A longer question is not one that is asked again, characters.
const LONGEST: usize = 300;
/// So many digits in a row may be a telephone number, an order or a date of birth.
const DIGITS: usize = 4;

/// Words by which an answer depends on when it is given.
const TIMES: [&str; 26] = [
    "now",
    "today",
    "tonight",
    "tomorrow",
    "yesterday",
    "currently",
    "moment",
    "open",
    "opened",
    "closed",
    "soon",
    "still",
    "сейчас",
    "сегодня",
    "завтра",
    "вчера",
    "вечером",
    "утром",
    "открыты",
    "открыто",
    "открыт",
    "закрыты",
    "закрыто",
    "закрыт",
    "пока",
    "скоро",
];

/// A question whose answer may be kept, before it is known what is searched for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeatable {
    version: i64,
    revision: i64,
}

/// Whether the question may be answered with what is kept. Read before the search: an answer is
/// never older than the revision it is kept under.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn repeatable(
    engine: &Engine,
    ask: &AnswerRequest,
) -> Result<Option<Repeatable>, StorageError> {
    let is_off = engine.tuning.int(ANSWER_CACHE_HOURS) == 0;
    let is_measured = ask.instead == Some(Purpose::Evaluation);
    let is_checked = ask.settings.check_answers && ask.model != EXTRACTIVE;
    let Some(version) = ask.version else { return Ok(None) };
    if is_off || is_measured || !is_checked || !is_first(ask) || !is_common(&ask.question) {
        return Ok(None);
    }

    if let Some(revision) = ask.knowledge {
        return Ok(Some(Repeatable { version, revision }));
    }
    let mut tx = engine.db.read().await?;
    let revision = tx.workspace(ask.workspace).knowledge().revision(ask.assistant).await?;
    Ok(revision.map(|revision| Repeatable { version, revision }))
}

/// Whether nothing but our greeting was said before.
fn is_first(ask: &AnswerRequest) -> bool {
    let greets = |text: &str| {
        [Language::English, Language::Russian]
            .into_iter()
            .any(|language| text == ask.settings.say(FixedText::Start, language))
    };
    ask.summary.is_none() && ask.history.iter().all(|said| said.ours && greets(&said.text))
}

/// Whether anybody might ask this: it has no address, no long number, and nothing that depends on
/// the time of day.
fn is_common(question: &str) -> bool {
    let mut digits = 0;
    let has_number = question.chars().any(|c| {
        match c {
            c if c.is_numeric() => digits += 1,
            ' ' | '-' | '(' | ')' | '.' | '/' => {}
            _ => digits = 0,
        }
        digits >= DIGITS
    });
    let is_address = question.contains('@') || question.contains("://");
    let is_short = question.chars().count() <= LONGEST;
    is_short && !has_number && !is_address && !depends_on_time(question)
}

fn depends_on_time(text: &str) -> bool {
    words(text).any(|word| TIMES.contains(&word.as_str()))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// Whether the question names somebody: a word with a capital within a sentence that none of the
/// passages has.
fn names_somebody(question: &str, hits: &[Hit]) -> bool {
    let mut begins = true;
    question.split_whitespace().any(|word| {
        let within = !std::mem::replace(&mut begins, word.ends_with(['.', '!', '?', ':', ',']));
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_name = within && bare.chars().count() > 1 && bare.starts_with(char::is_uppercase);
        let bare = bare.to_lowercase();
        is_name && !hits.iter().any(|hit| hit.passage.text.to_lowercase().contains(&bare))
    })
}

impl Repeatable {
    /// Under what the answer to the question as it was understood is kept.
    pub(crate) fn key(
        self,
        ask: &AnswerRequest,
        understood: &str,
        hits: &[Hit],
    ) -> Option<KeptKey> {
        if names_somebody(&ask.question, hits) {
            return None;
        }
        let asked = words(understood).collect::<Vec<_>>().join(" ");
        let what = [ask.language.as_str(), &ask.model, &asked].join("\n");
        Some(KeptKey {
            assistant_id: ask.assistant,
            question: sha256_hex(what.as_bytes()),
            version: self.version,
            revision: self.revision,
        })
    }
}

/// The kept answer, as a reply that costs nothing.
///
/// # Errors
///
/// Fails when the database does.
pub(crate) async fn find(
    engine: &Engine,
    ask: &AnswerRequest,
    key: &KeptKey,
) -> Result<Option<Reply>, StorageError> {
    let mut tx = engine.db.read().await?;
    let kept = tx.workspace(ask.workspace).kept_answers().find(key, ask.now).await?;
    let outcome = if kept.is_some() { "hit" } else { "miss" };
    metrics::counter!("kept_answers_total", "outcome" => outcome).increment(1);

    Ok(kept.map(|KeptAnswer { text, meta }| {
        let mut reply = check::said(ask, text, Outcome::Answered, Taken::default());
        reply.meta.model = meta.model;
        reply.meta.provider = meta.provider;
        reply.meta.check = meta.check;
        reply.meta.citations = meta.citations;
        reply.meta.cost = Money::default();
        reply.meta.kept = true;
        reply
    }))
}

/// Marks a reply to be kept, if it is a checked answer that anybody may get.
pub(crate) fn mark(reply: &mut Reply, key: KeptKey) {
    let is_checked = matches!(reply.meta.check, CheckOutcome::Passed | CheckOutcome::Regenerated);
    let is_answer = reply.meta.outcome == Outcome::Answered && reply.hand_off.is_none();
    if is_checked && is_answer && !reply.meta.offered && !depends_on_time(&reply.text) {
        reply.keep = Some(key);
    }
}

/// An answer to be kept, in the transaction that stores the reply.
#[derive(Clone, Debug)]
pub(crate) struct AnswerToKeep {
    pub(crate) key: KeptKey,
    pub(crate) answer: KeptAnswer,
    /// How long it serves.
    pub(crate) lasts: TimeDelta,
}

/// What is to be kept of a reply, if anything is.
pub(crate) fn keep(engine: &Engine, reply: &Reply) -> Option<AnswerToKeep> {
    let lasts = TimeDelta::hours(engine.tuning.int(ANSWER_CACHE_HOURS));
    let key = reply.keep.clone().filter(|_| lasts > TimeDelta::zero())?;
    let answer = KeptAnswer { text: reply.text.clone(), meta: reply.meta.clone() };
    Some(AnswerToKeep { key, answer, lasts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_who_asks_or_when_is_not_common() {
        for common in [
            "How much is delivery to Helsinki?",
            "Сколько стоит доставка?",
            "Is there a discount for 3 or more?",
            "Article RX-200: is it waterproof?",
        ] {
            assert!(is_common(common), "{common}");
        }
        for own in [
            "My number is 8 (912) 345-67-89, call me",
            "Where is order 10482?",
            "write to anna@example.org",
            "https://shop.example/cart",
            "Are you open today?",
            "Вы сейчас работаете?",
            &"a ".repeat(200),
        ] {
            assert!(!is_common(own), "{own}");
        }
    }

    #[test]
    fn a_capital_within_a_sentence_is_a_name() {
        assert!(names_somebody("I am Anna, do you deliver?", &[]));
        assert!(names_somebody("Это Иван Петров, вы доставляете?", &[]));
        assert!(!names_somebody("Do you deliver? How much is it?", &[]));
        assert!(!names_somebody("May I ask?", &[]));
    }
}
