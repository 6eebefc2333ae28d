//! What models were asked on the way to an answer, and what it cost.

use std::time::Duration;

use replyx_core::{
    clock::Clock,
    ids::{MessageId, ModelKeyId},
    money::Money,
    usage::{ModelCall, Purpose},
};
use replyx_llm::Spent;

use crate::context::Ask;

/// The calls of models for one reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    calls: Vec<ModelCall>,
}

impl Ledger {
    /// Notes what was spent for a purpose.
    pub fn note(&mut self, clock: &Clock, ask: &Ask, purpose: Purpose, spent: &[Spent]) {
        let purpose = ask.purpose(purpose);
        self.calls.extend(spent.iter().map(|spent| ModelCall {
            id: clock.id(),
            assistant_id: ask.assistant,
            dialog_id: ask.dialog,
            message_id: None,
            purpose,
            provider: spent.provider.clone(),
            model: spent.model.clone(),
            key_id: spent.key.map(ModelKeyId::into_uuid),
            prompt_tokens: spent.usage.prompt_tokens,
            completion_tokens: spent.usage.completion_tokens,
            estimated: spent.usage.estimated,
            cost: spent.cost,
            first_token_ms: spent.first_token.map(millis),
            duration_ms: millis(spent.duration),
            outcome: spent.outcome.to_owned(),
            created_at: clock.now(),
        }));
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
