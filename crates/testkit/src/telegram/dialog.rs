//! What a chat remembers: what the bot has sent and done there.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::{sync::Notify, time::Instant};

use super::limits::Window;

/// A message that the bot has sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Counts the bot's messages in this chat, from 1.
    pub seq: u64,
    /// The chat.
    pub chat_id: i64,
    /// Telegram's number of the message.
    pub message_id: i64,
    /// When it was accepted.
    pub at: Instant,
    /// The text as it came, with its markup.
    pub text: String,
    /// The text as people see it.
    pub plain: String,
    /// How the markup was to be read.
    pub parse_mode: Option<String>,
    /// The message that it replies to; none where that is no longer there.
    pub reply_to: Option<i64>,
    /// The topic that it is in.
    pub topic: Option<i64>,
    /// The buttons below it, row by row.
    pub buttons: Vec<Vec<SentButton>>,
    /// The file that it is, with the text as its caption.
    pub file: Option<SentFile>,
    /// False when the answer to the bot was held back on order: the bot cannot know that it was
    /// sent.
    pub answered: bool,
}

/// A button below a message of the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentButton {
    /// What is written on it.
    pub label: String,
    /// What the bot is told when it is pressed.
    pub data: String,
}

/// A file that the bot has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentFile {
    /// What it is called.
    pub name: String,
    /// The media type that the bot gave it.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Something that the bot was seen doing, such as `typing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatAction {
    /// When it happened.
    pub at: Instant,
    /// What.
    pub action: String,
    /// In which topic.
    pub topic: Option<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct ChatState {
    pub(crate) sent: VecDeque<Arc<Sent>>,
    pub(crate) sent_total: u64,
    pub(crate) actions: VecDeque<ChatAction>,
    pub(crate) blocked: bool,
    pub(crate) upgraded_to: Option<i64>,
    /// The first member of a group, who stays the same when it becomes a supergroup.
    pub(crate) member: Option<i64>,
    /// The numbers of its topics: with any it is a forum.
    pub(crate) topics: BTreeSet<i64>,
    /// The numbers of the messages of its people.
    pub(crate) messages: BTreeSet<i64>,
    pub(crate) window: Window,
}

#[derive(Debug)]
pub(crate) struct ChatCore {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) language: String,
    state: Mutex<ChatState>,
    pub(crate) changed: Notify,
}

impl ChatCore {
    pub(crate) fn new(id: i64, name: &str, language: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            language: language.to_owned(),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, ChatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_group(&self) -> bool {
        self.id < 0
    }

    /// Remembers a message, which is given its number.
    pub(crate) fn keep(&self, history: usize, message: impl FnOnce(u64) -> Sent) {
        let mut state = self.lock();
        state.sent_total += 1;
        let sent = message(state.sent_total);
        state.sent.push_back(Arc::new(sent));
        while state.sent.len() > history {
            state.sent.pop_front();
        }
    }

    /// Remembers that a person wrote a message.
    pub(crate) fn note(&self, history: usize, message_id: i64) {
        let messages = &mut self.lock().messages;
        messages.insert(message_id);
        while messages.len() > history {
            messages.pop_first();
        }
    }

    /// Wakes those who wait for a message.
    pub(crate) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// The `Chat` object.
    pub(crate) fn describe(&self) -> Value {
        match self.id {
            0.. => json!({"id": self.id, "type": "private", "first_name": self.name}),
            ..=-1_000_000_000_000 => {
                let mut chat = json!({"id": self.id, "type": "supergroup", "title": self.name});
                if !self.lock().topics.is_empty() {
                    chat["is_forum"] = true.into();
                }
                chat
            }
            _ => json!({"id": self.id, "type": "group", "title": self.name}),
        }
    }
}
