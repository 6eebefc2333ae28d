//! Step 6: is there an answer, on what does it rest, and does it state what its sources hold? What
//! is not an answer becomes the text the assistant's owner chose for the case.

use replyx_channels::is_blank;
use replyx_core::{
    assistant::{FixedText, Unsure, Unverified},
    dialog::HandoffReason,
    event::LimitBound,
    message::{AnswerMeta, CheckOutcome, Citation, Outcome},
    money::Money,
};
use replyx_grounding::{Grounds, Objection};
use replyx_knowledge::search::Hit;
use replyx_llm::{Completion, EXTRACTIVE, declines, without_no_answer};
use replyx_storage::kept_answers::KeptKey;

use crate::{context::AnswerRequest, prompt, usage::millis};

/// What will be said, and how it came about. `duration_ms` is filled in when it is settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What will be said; Markdown.
    pub text: String,
    /// How it came about.
    pub meta: AnswerMeta,
    /// Why the dialog waits for a human from now on, if it does.
    pub hand_off: Option<HandoffReason>,
    /// Which bound of the customer it tells of, if that is what it does: their words stay
    /// unanswered.
    pub limited: Option<LimitBound>,
    /// Whether it stands for an answer that a model may still give.
    pub may_come_late: bool,
    /// Under what it is kept for others, if it is.
    pub keep: Option<KeptKey>,
}

/// What is wrong with a model's answer; nothing if it may be said.
pub fn objections(ask: &AnswerRequest, hits: &[Hit], completion: &Completion) -> Vec<Objection> {
    if declines(&completion.text) {
        return Vec::new();
    }
    // A quotation states what it quotes.
    if !ask.settings.check_answers || is_quotation(completion) {
        return replyx_grounding::unsafe_links(&completion.text);
    }
    let settings = &ask.settings;
    let time = prompt::time(ask.now, &settings.time_zone);
    let said = |ours: bool| {
        let said = ask.history.iter().filter(move |said| said.ours == ours);
        said.map(|said| said.text.as_str())
    };
    let fixed = [settings.greeting(), settings.unknown_text(), settings.handoff_text()];
    // Facts stand in instructions to be told, unless they say that they are not.
    let told: Vec<&str> = settings.system_prompt.split_inclusive(['\n', '!', '?', ';']).collect();
    let told = told.into_iter().flat_map(|line| line.split_inclusive(". "));
    let (confidential, open): (Vec<&str>, Vec<&str>) =
        told.partition(|sentence| replyx_grounding::is_confidential(sentence));
    let instructions = open.concat();
    let mut ours = vec![instructions.as_str(), settings.name.as_str()];
    ours.extend(fixed);
    ours.extend(settings.texts.all());
    ours.extend(said(true));
    let mut customer = vec![ask.question.as_str()];
    customer.extend(ask.summary.as_deref());
    customer.extend(said(false));
    let facts = open.iter().copied().filter(|sentence| replyx_grounding::states(sentence));
    let quotable = facts.chain(fixed).collect();
    let passages =
        hits.iter().map(|hit| format!("{}\n{}", prompt::place(hit), hit.passage.text)).collect();
    let secrets = prompt::secrets(ask).to_vec();
    let now = time.as_str();
    let grounds = Grounds { passages, ours, now, customer, secrets, quotable, confidential };
    replyx_grounding::objections(&completion.text, &grounds)
}

/// Was the answer quoted word for word rather than written?
pub fn is_quotation(completion: &Completion) -> bool {
    completion.provider == EXTRACTIVE
}

/// What asking for an answer has taken so far.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    provider: String,
    model: String,
    prompt_tokens: u64,
    completion_tokens: u64,
    cost: Money,
    attempts: u32,
    first_token_ms: Option<u64>,
}

impl Taken {
    /// Adds a call that was answered.
    pub fn add(&mut self, completion: &Completion) {
        self.provider.clone_from(&completion.provider);
        self.model.clone_from(&completion.model);
        let usage = completion.usage;
        self.prompt_tokens = self.prompt_tokens.saturating_add(usage.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(usage.completion_tokens);
        self.cost = self.cost + completion.cost;
        self.attempts += completion.attempts;
        self.first_token_ms.get_or_insert(millis(completion.first_token));
    }

    /// Adds calls that were not.
    pub fn fail(&mut self, attempts: usize) {
        self.attempts += u32::try_from(attempts).unwrap_or(u32::MAX);
    }
}

/// A model's answer that may be said. `refused` is what was wrong with the one before it, if there
/// was one.
pub fn answer(
    ask: &AnswerRequest,
    hits: &[Hit],
    completion: &Completion,
    taken: Taken,
    refused: &[Objection],
) -> Reply {
    let text = printable(without_marks(&completion.text));
    let is_refused = completion.unsure && ask.settings.unsure == Unsure::Decline;
    let unknown = declines(&completion.text) || is_blank(&text) || is_refused;
    if unknown && !refused.is_empty() {
        return unverified(ask, taken, refused);
    }

    let check = if !refused.is_empty() {
        CheckOutcome::Regenerated
    } else if unknown || !ask.settings.check_answers || is_quotation(completion) {
        CheckOutcome::Skipped
    } else {
        CheckOutcome::Passed
    };

    let text = if unknown {
        ask.say(FixedText::Unknown).to_owned()
    } else if completion.unsure {
        helpful(ask, &text)
    } else {
        text
    };
    let outcome = if unknown { Outcome::Unknown } else { Outcome::Answered };
    let mut reply = reply(ask, text, outcome, taken, check, refused);
    if !unknown {
        reply.meta.citations = cited(hits, &completion.used_sources);
        reply.meta.unsure = completion.unsure;
        reply.meta.offered = completion.unsure && ask.settings.handoff.on_request;
    }

    reply
}

/// What may help, with the way to a human.
fn helpful(ask: &AnswerRequest, quoted: &str) -> String {
    let mut text = format!("{}\n\n{quoted}", ask.say(FixedText::Unsure));
    if ask.settings.handoff.on_request {
        text.push_str("\n\n");
        text.push_str(ask.say(FixedText::UnsureOffer));
    }
    text
}

/// What is said instead of an answer that stayed unfounded: by the assistant's policy.
pub fn unverified(ask: &AnswerRequest, taken: Taken, refused: &[Objection]) -> Reply {
    let hand_off = ask.settings.unverified == Unverified::HandOff;
    let text = if hand_off { ask.handoff_text() } else { ask.say(FixedText::Unknown).to_owned() };
    let check = CheckOutcome::Failed;
    let reply = reply(ask, text, Outcome::Unknown, taken, check, refused);
    Reply { hand_off: hand_off.then_some(HandoffReason::Unverified), ..reply }
}

/// What is said when no model could be reached.
pub fn apology(ask: &AnswerRequest, taken: Taken) -> Reply {
    let text = ask.say(FixedText::Fallback).to_owned();
    reply(ask, text, Outcome::Fallback, taken, CheckOutcome::Skipped, &[])
}

/// What was said to another customer.
pub fn said(ask: &AnswerRequest, text: String, outcome: Outcome, taken: Taken) -> Reply {
    reply(ask, text, outcome, taken, CheckOutcome::Skipped, &[])
}

/// A text that no model wrote.
pub fn fixed(ask: &AnswerRequest, text: String, outcome: Outcome) -> Reply {
    reply(ask, text, outcome, Taken::default(), CheckOutcome::Skipped, &[])
}

fn reply(
    ask: &AnswerRequest,
    text: String,
    outcome: Outcome,
    taken: Taken,
    check: CheckOutcome,
    refused: &[Objection],
) -> Reply {
    let model = if taken.model.is_empty() { ask.model.clone() } else { taken.model };

    let meta = AnswerMeta {
        outcome,
        model,
        prompt_tokens: taken.prompt_tokens,
        completion_tokens: taken.completion_tokens,
        cost: taken.cost,
        duration_ms: 0,
        first_token_ms: taken.first_token_ms,
        citations: Vec::new(),
        provider: taken.provider,
        attempts: taken.attempts,
        check,
        objections: refused.iter().map(ToString::to_string).collect(),
        searched: None,
        version: ask.version,
        act: None,
        offered: false,
        late: false,
        kept: false,
        unsure: false,
    };

    Reply { text, meta, hand_off: None, limited: None, may_come_late: false, keep: None }
}

fn cited(hits: &[Hit], used: &[usize]) -> Vec<Citation> {
    used.iter()
        .filter_map(|index| hits.get(*index))
        .map(|hit| {
            let passage = &hit.passage;
            Citation {
                document_id: passage.document_id,
                passage_id: passage.id,
                title: prompt::place(hit),
                page: passage.page,
                start: passage.start,
                end: passage.end,
            }
        })
        .collect()
}

/// The text without control characters: they say nothing, and not every database takes them.
fn printable(text: String) -> String {
    let kept = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    if text.chars().all(kept) { text } else { text.chars().filter(|c| kept(*c)).collect() }
}

/// The answer without the marks (`[1]`) by which the model named its passages, shown or not, and
/// without that of no answer where there is one: they say nothing to the customer.
fn without_marks(text: &str) -> String {
    let text = &without_no_answer(text);
    let mut clean = String::with_capacity(text.len());
    let mut end = 0;
    for mark in replyx_grounding::citations(text) {
        clean.push_str(&text[end..mark.start]);
        clean.truncate(clean.trim_end_matches([' ', '\u{a0}']).len());
        end = mark.end;
    }
    clean.push_str(&text[end..]);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_passages_are_taken_out_and_nothing_else() {
        for (text, clean) in [
            ("It takes 3 days [1]. Free over 50 [2, 3].", "It takes 3 days. Free over 50."),
            ("See [1](https://example.org) and [9].", "See [1](https://example.org) and."),
            ("a [ b ] [x] [", "a [ b ] [x] ["),
            ("[1]", ""),
            ("Срок — 14 дней\u{a0}[2].", "Срок — 14 дней."),
        ] {
            assert_eq!(without_marks(text), clean);
        }
    }
}
