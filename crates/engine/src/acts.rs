//! What the customer's message is, before anything is looked up for it: what needs no search is
//! answered here, and what only a human can do goes to one.
//!
//! Where the assistant quotes ([`EXTRACTIVE`]), small talk is answered with fixed texts. A chat
//! model knows the same acts from its prompt and finds its own words; that a human is asked for is
//! decided here for both.

use std::sync::Arc;

use replyx_acts::{LanguageEvidence, MessageAct, tell, tongue, voice};
use replyx_core::{
    assistant::{FixedText, Language},
    channel::Button,
    dialog::HandoffReason,
    message::Outcome,
    usage::Purpose,
};
use replyx_llm::{EXTRACTIVE, OFFLINE};
use tokio::sync::OnceCell;

use crate::{
    Engine,
    check::{self, Reply},
    context::AnswerRequest,
    usage::Ledger,
};

/// How near a message must be to an example of a topic, cosine of the offline model.
const TOPIC: f32 = 0.92;
/// The same for models of providers, whose cosines spread wider.
const TOPIC_ELSEWHERE: f32 = 0.6;

/// The vectors of the examples by the offline model, made when they are first needed.
static EXAMPLES: OnceCell<Vec<Arc<[f32]>>> = OnceCell::const_new();

/// What the message is, and why it goes to a human, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ActDecision {
    act: MessageAct,
    goes: Option<HandoffReason>,
}

impl ActDecision {
    /// Whether the documents are to answer, and nothing else.
    pub(crate) fn is_question(self) -> bool {
        self.act == MessageAct::Question && self.goes.is_none()
    }
}

/// Tells what the message is.
pub(crate) async fn hear(engine: &Engine, ask: &AnswerRequest, ledger: &mut Ledger) -> ActDecision {
    let told = tell(&ask.question);
    let act = if presses(ask) { MessageAct::WantsHuman } else { told.act };
    let insists = ask.offered && matches!(act, MessageAct::Booking | MessageAct::OrderStatus);
    let accepts = ask.offered && told.agrees() && !replyx_acts::refuses(&ask.question);
    let is_question = act == MessageAct::Question;
    let is_matter = matches!(
        act,
        MessageAct::Question
            | MessageAct::Complaint
            | MessageAct::Booking
            | MessageAct::OrderStatus
    );
    if is_matter && is_topic(engine, ask, ledger).await {
        return ActDecision { act, goes: Some(HandoffReason::Topic) };
    }

    let told = if is_question { by_meaning(engine, ask).await } else { None };
    let act = told.unwrap_or(act);
    let asks = act == MessageAct::WantsHuman || insists || accepts;
    let goes = asks && ask.settings.handoff.on_request;
    ActDecision { act, goes: goes.then_some(HandoffReason::Asked) }
}

/// Did the customer press the button that brings in a human? It says what is written on it.
fn presses(ask: &AnswerRequest) -> bool {
    let says = |language: &Language| {
        let label = ask.settings.say(FixedText::HumanButton, *language);
        ask.question.lines().any(|line| line == Button::said(label))
    };
    Language::ALL.iter().any(says)
}

/// By the vectors of examples, for messages in other languages than those of the rules.
async fn by_meaning(engine: &Engine, ask: &AnswerRequest) -> Option<MessageAct> {
    let known = matches!(tongue(&ask.question), LanguageEvidence::Sure(_));
    let long = ask.question.split_whitespace().count() > voice::LONGEST;
    let offline = engine.embeddings.model() == Some(OFFLINE);
    if known || long || !offline || !ask.question.chars().any(char::is_alphabetic) {
        return None;
    }

    let caller = || ask.caller(Purpose::Embedding);
    let examples = EXAMPLES.get_or_try_init(|| async {
        let mut vectors = Vec::with_capacity(voice::EXAMPLES.len());
        for example in voice::EXAMPLES {
            let embedded = engine.embeddings.query(caller(), OFFLINE, example.text).await?;
            vectors.push(embedded.vector);
        }
        Ok::<_, replyx_llm::ModelError>(vectors)
    });
    let examples = examples.await.ok()?;
    let asked = engine.embeddings.query(caller(), OFFLINE, &ask.question).await.ok()?;
    let likeness: Vec<f32> = examples.iter().map(|one| cosine(one, &asked.vector)).collect();
    voice::by_meaning(&ask.question, &likeness)
}

/// Does the message mean the same as an example of a topic that goes to a human?
async fn is_topic(engine: &Engine, ask: &AnswerRequest, ledger: &mut Ledger) -> bool {
    let topics = &ask.settings.handoff.topics;
    let Some(model) = engine.embeddings.model().filter(|_| !topics.is_empty()) else {
        return false;
    };
    let near = if model == OFFLINE { TOPIC } else { TOPIC_ELSEWHERE };

    let mut asked: Option<Arc<[f32]>> = None;
    for text in std::iter::once(&ask.question).chain(topics) {
        let caller = ask.caller(Purpose::Embedding);
        let Ok(embedded) = engine.embeddings.query(caller, model, text).await else {
            return false;
        };
        ledger.note(&engine.clock, ask, Purpose::Embedding, embedded.spent.as_slice());
        match &asked {
            None => asked = Some(embedded.vector),
            Some(asked) if cosine(asked, &embedded.vector) >= near => return true,
            Some(_) => {}
        }
    }
    false
}

/// Of vectors of unit length.
fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The reply to what needs no search; `None`: the documents are searched.
pub(crate) fn reply(ask: &AnswerRequest, heard: ActDecision) -> Option<Reply> {
    let act = heard.act;
    if let Some(reason) = heard.goes {
        return Some(hand_off(ask, act, reason));
    }

    let quotes = ask.model == EXTRACTIVE;
    let asked_for = ask.settings.handoff.on_request;
    let text = match act {
        MessageAct::Greeting if quotes => FixedText::Greeting,
        MessageAct::Thanks if quotes => FixedText::Thanks,
        MessageAct::Agreement if quotes => FixedText::Agreement,
        MessageAct::Farewell if quotes => FixedText::Farewell,
        MessageAct::Emoji if quotes => FixedText::Emoji,
        MessageAct::WhoAreYou if quotes => FixedText::WhoAreYou,
        MessageAct::WhatCanYouDo if quotes => FixedText::WhatCanYouDo,
        MessageAct::Abuse if quotes => FixedText::Abuse,
        MessageAct::Booking if quotes && asked_for => FixedText::Booking,
        MessageAct::OrderStatus if quotes && asked_for => FixedText::OrderStatus,
        _ => return None,
    };

    let mut reply = check::fixed(ask, ask.say(text).to_owned(), Outcome::Fixed);
    reply.meta.act = Some(act);
    reply.meta.offered = matches!(act, MessageAct::Booking | MessageAct::OrderStatus);
    Some(reply)
}

/// The reply to a customer who asks for a human by a command.
pub(crate) fn asked(ask: &AnswerRequest) -> Reply {
    hand_off(ask, MessageAct::WantsHuman, HandoffReason::Asked)
}

fn hand_off(ask: &AnswerRequest, act: MessageAct, reason: HandoffReason) -> Reply {
    let mut reply = check::fixed(ask, ask.handoff_text(), Outcome::Fixed);
    reply.meta.act = Some(act);
    reply.hand_off = Some(reason);
    reply
}

/// What follows from the act, and from the policy, once there is a reply: a human is brought in or
/// offered. An apology for a model that failed brings in nobody.
pub(crate) fn follow(ask: &AnswerRequest, heard: ActDecision, reply: &mut Reply) {
    let act = heard.act;
    reply.meta.act = Some(act);
    if reply.hand_off.is_some() {
        return;
    }
    let policy = &ask.settings.handoff;
    let complains = act == MessageAct::Complaint && policy.on_request;

    match reply.meta.outcome {
        Outcome::Unknown => {
            let too_often =
                policy.on_unknown > 0 && ask.declined.saturating_add(1) >= policy.on_unknown;
            if complains || too_often {
                reply.text = ask.handoff_text();
                let reason = if complains { HandoffReason::Angry } else { HandoffReason::Unknown };
                reply.hand_off = Some(reason);
            }
        }
        // A chat model offers a colleague in its own words.
        Outcome::Answered
            if policy.on_request
                && matches!(act, MessageAct::Booking | MessageAct::OrderStatus) =>
        {
            reply.meta.offered = true;
        }
        Outcome::Answered if complains && !reply.meta.offered => {
            reply.text.push_str("\n\n");
            reply.text.push_str(ask.say(FixedText::Offer));
            reply.meta.offered = true;
        }
        Outcome::Answered | Outcome::Fallback | Outcome::Fixed | Outcome::Limited => {}
    }
}
