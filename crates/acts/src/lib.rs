//! What a customer's message is before it is a question: a greeting, thanks, a wish for a human.
//!
//! [`tell`] is the way in for words, in English and Russian: by rules, without a model. Small talk
//! is recognized only when the rules account for *every* word of the message (`small_talk`), so a
//! message that holds a question as well is a question. What concerns a human, a booking or an
//! order is recognized by patterns of a clause (`matters`).
//!
//! [`voice`] is the way in for vectors, in any language: the caller embeds [`voice::EXAMPLES`] once
//! and compares them with the vector of the message.
//!
//! [`calls_off`] is for a customer who waits for a human: it tells whether they still want one.
//!
//! Nothing here reads or stores anything, and nothing depends on who asks.

mod calling_off;
mod language;
mod lexicon;
mod matters;
mod pattern;
mod reading;
mod small_talk;
pub mod voice;

pub use calling_off::calls_off;
pub use language::{LanguageEvidence, tongue};
pub use replyx_core::message::MessageAct;

use lexicon::Sight;
use reading::Reading;

/// What the rules make of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What the message is.
    pub act: MessageAct,
    /// What else it is: a greeting in front of a question, anger beside a request.
    pub beside: Option<MessageAct>,
}

impl Told {
    const fn only(act: MessageAct) -> Self {
        Self { act, beside: None }
    }

    /// Does the message say yes, alone or beside thanks?
    pub fn agrees(self) -> bool {
        self.act == MessageAct::Agreement || self.beside == Some(MessageAct::Agreement)
    }
}

/// Tells what a message is. What no rule accounts for is a question.
///
/// The message is also read as if typed in the wrong keyboard layout, or in Latin letters for
/// Russian ones, when it means nothing as it stands.
pub fn tell(text: &str) -> Told {
    let mut beside = None;
    for reading in Reading::all(text) {
        let sights = Sight::all(&reading);
        let told = of_reading(&reading, &sights);
        if told.act != MessageAct::Question {
            return told;
        }
        beside = beside.or_else(|| sights.iter().find_map(small_talk::leading));
    }

    Told { act: MessageAct::Question, beside }
}

/// Does the message say no? Of messages that answer an offer.
pub fn refuses(text: &str) -> bool {
    const NO: &[&str] = &["no", "nope", "nah", "not", "dont", "нет", "неа", "не"];
    Reading::all(text)
        .iter()
        .any(|reading| reading.words.iter().any(|word| NO.contains(&word.text.as_str())))
}

fn of_reading(reading: &Reading, sights: &[Sight<'_>]) -> Told {
    if let Some(told) = small_talk::whole(reading, sights) {
        return told;
    }
    let Some(act) = matters::of(reading, sights) else {
        return Told::only(MessageAct::Question);
    };

    let angry = act != MessageAct::Complaint && matters::is_angry(reading, sights);
    Told { act, beside: angry.then_some(MessageAct::Complaint) }
}
