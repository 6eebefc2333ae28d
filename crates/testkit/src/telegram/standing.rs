//! Where in its chat a message of the bot is to stand.

use serde_json::{Map, Value};

use super::{dialog::ChatCore, wire::Refusal};

/// The number by which forums know the topic "General". Messages in it do not carry it, and bots
/// that send to it by number are refused.
pub(crate) const GENERAL: i64 = 1;

/// Where in its chat a message is to stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) topic: Option<i64>,
    pub(crate) reply_to: Option<i64>,
}

impl Standing {
    /// Reads where a call wants its message.
    ///
    /// # Errors
    ///
    /// Refuses topics that are not there, and replies to messages that are not there unless the
    /// bot allows to send without.
    pub(crate) fn read(chat: &ChatCore, parameters: &Map<String, Value>) -> Result<Self, Refusal> {
        let topic = topic(chat, parameters)?;
        let Some(reply) = parameters.get("reply_parameters") else {
            return Ok(Self { topic, reply_to: None });
        };
        let number = reply["message_id"].as_i64().unwrap_or_default();
        let state = chat.lock();
        let is_there = state.messages.contains(&number)
            || state.sent.iter().any(|sent| sent.message_id == number);
        if !is_there && reply["allow_sending_without_reply"].as_bool() != Some(true) {
            return Err(Refusal::bad_request("message to be replied not found"));
        }
        Ok(Self { topic, reply_to: is_there.then_some(number) })
    }

    /// Adds what a message shows of it.
    pub(crate) fn describe(self, message: &mut Value) {
        if let Some(topic) = self.topic {
            message["message_thread_id"] = topic.into();
            message["is_topic_message"] = true.into();
        }
    }
}

/// The topic that a call is about.
///
/// # Errors
///
/// Refuses one that is not there.
pub(crate) fn topic(
    chat: &ChatCore,
    parameters: &Map<String, Value>,
) -> Result<Option<i64>, Refusal> {
    let Some(topic) = parameters.get("message_thread_id").and_then(Value::as_i64) else {
        return Ok(None);
    };
    if topic == GENERAL || !chat.lock().topics.contains(&topic) {
        return Err(Refusal::bad_request("message thread not found"));
    }
    Ok(Some(topic))
}
