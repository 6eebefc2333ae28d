//! What models were asked on the way to an answer, and what it cost.

use std::time::Duration;

use replyx_core::{
    clock::Clock,
    ids::MessageId,
    money::Money,
    usage::{ModelCall, Purpose},
};
use replyx_llm::Spent;

use crate::context::AnswerRequest;

/// The calls of models for one reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    calls: Vec<ModelCall>,
}

impl Ledger {
    /// Notes what was spent for a purpose.
    pub fn note(&mut self, clock: &Clock, ask: &AnswerRequest, purpose: Purpose, spent: &[Spent]) {
        let caller = ask.caller(purpose);
        let now = clock.now();
        self.calls.extend(spent.iter().map(|spent| spent.call(caller, now)));
    }

    /// The calls so far, in their order.
    pub fn calls(&self) -> &[ModelCall] {
        &self.calls
    }

    /// The calls, as those of one message.
    pub fn of_message(mut self, message: MessageId) -> Vec<ModelCall> {
        for call in &mut self.calls {
            call.message_id = Some(message);
        }
        self.calls
    }

    /// What every call cost together, in US dollars.
    pub fn cost(&self) -> Money {
        self.calls.iter().fold(Money::ZERO, |sum, call| sum + call.cost)
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
