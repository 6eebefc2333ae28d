//! What is quoted without being sure of it: declined, or said as what may help.

use replyx_core::{
    assistant::{FixedText, Language, Unsure},
    message::Outcome,
};
use replyx_engine::check::{self, Reply, Taken};

use crate::prompt::{ask, completion, hit};

const QUOTED: &str = "Delivery takes 5 days.";

/// What is said with a quotation of which the model is not sure.
fn said(policy: Unsure, change: impl FnOnce(&mut replyx_engine::context::AnswerRequest)) -> Reply {
    let mut ask = ask("Do you deliver on Sundays?", &[]);
    ask.settings.unsure = policy;
    change(&mut ask);
    let hits = [hit("delivery.md", "", QUOTED)];
    let mut completion = completion(QUOTED);
    replyx_llm::EXTRACTIVE.clone_into(&mut completion.provider);
    completion.used_sources = vec![0];
    completion.unsure = true;
    check::answer(&ask, &hits, &completion, Taken::default(), &[])
}

#[test]
fn by_default_it_is_declined() {
    let reply = said(Unsure::Decline, |_| {});
    assert_eq!((reply.text.as_str(), reply.meta.outcome), ("I do not know.", Outcome::Unknown));
    assert!(reply.meta.citations.is_empty());
    assert!(!reply.meta.unsure && !reply.meta.offered);
}

#[test]
fn by_policy_it_may_help_and_a_human_is_offered() {
    let reply = said(Unsure::Quote, |_| {});
    let english = Language::English;
    let parts = [FixedText::Unsure.house(english), QUOTED, FixedText::UnsureOffer.house(english)];
    assert_eq!(reply.text, parts.join("\n\n"));
    assert_eq!((reply.meta.outcome, reply.meta.citations.len()), (Outcome::Answered, 1));
    assert!(reply.meta.unsure && reply.meta.offered);

    let russian = said(Unsure::Quote, |ask| ask.language = Language::Russian);
    assert!(russian.text.starts_with(FixedText::Unsure.house(Language::Russian)));
}

#[test]
fn nobody_is_offered_where_nobody_comes() {
    let reply = said(Unsure::Quote, |ask| ask.settings.handoff.on_request = false);
    let english = Language::English;
    assert_eq!(reply.text, [FixedText::Unsure.house(english), QUOTED].join("\n\n"));
    assert!(reply.meta.unsure && !reply.meta.offered);
}
