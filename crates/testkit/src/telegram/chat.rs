//! The chats of a bot: what people do in them, and what the bot has sent there.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{bot::BotCore, limits::Window, unix_time};

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
    /// The message that it replies to.
    pub reply_to: Option<i64>,
    /// False when the answer to the bot was held back on order: the bot cannot know that it was
    /// sent.
    pub answered: bool,
}

/// Something that the bot was seen doing, such as `typing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatAction {
    /// When it happened.
    pub at: Instant,
    /// What.
    pub action: String,
}

#[derive(Debug, Default)]
pub(crate) struct ChatState {
    pub(crate) sent: VecDeque<Arc<Sent>>,
    pub(crate) sent_total: u64,
    pub(crate) actions: VecDeque<ChatAction>,
    pub(crate) blocked: bool,
    pub(crate) upgraded_to: Option<i64>,
    pub(crate) window: Window,
}

#[derive(Debug)]
pub(crate) struct ChatCore {
    pub(crate) id: i64,
    name: String,
    language: String,
    state: Mutex<ChatState>,
    changed: Notify,
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

    /// Wakes those who wait for a message.
    pub(crate) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// The `Chat` object.
    pub(crate) fn describe(&self) -> Value {
        match self.id {
            0.. => json!({"id": self.id, "type": "private", "first_name": self.name}),
            ..=-1_000_000_000_000 => {
                json!({"id": self.id, "type": "supergroup", "title": self.name})
            }
            _ => json!({"id": self.id, "type": "group", "title": self.name}),
        }
    }
}

/// A chat with a bot, from the side of the people in it.
///
/// Clones are the same chat.
#[derive(Clone, Debug)]
pub struct Chat {
    pub(crate) bot: Arc<BotCore>,
    pub(crate) core: Arc<ChatCore>,
}

impl Chat {
    /// Telegram's number of the chat.
    pub fn id(&self) -> i64 {
        self.core.id
    }

    /// Writes a message; returns the id of its update. In a group its first member speaks.
    pub fn say(&self, text: &str) -> i64 {
        self.send(with_command(json!({"text": text}), text))
    }

    /// Writes a message as the person with this id, in a group.
    pub fn say_as(&self, person: i64, text: &str) -> i64 {
        let from = user(person, &format!("Member {person}"), "en");
        self.send(with_command(json!({"text": text, "from": from}), text))
    }

    /// Sends a message with these fields (`text`, `photo`, `voice`, ...) beside those that every
    /// message has; returns the id of its update.
    ///
    /// # Panics
    ///
    /// When the fields do not make a `Message`.
    pub fn send(&self, fields: Value) -> i64 {
        let message = self.message(self.bot.next_message_id(), fields);
        self.bot.tell("message", &message)
    }

    /// Changes the text of an earlier message; returns the id of the update.
    pub fn edit(&self, message_id: i64, text: &str) -> i64 {
        let fields = json!({"text": text, "edit_date": unix_time()});
        self.bot.tell("edited_message", &self.message(message_id, fields))
    }

    /// Blocks the bot (in a group: throws it out). Its messages are refused from now on; returns
    /// the id of the update that tells the bot.
    pub fn block(&self) -> i64 {
        self.core.lock().blocked = true;
        self.membership("member", "kicked")
    }

    /// Takes a block back; returns the id of the update that tells the bot.
    pub fn unblock(&self) -> i64 {
        self.core.lock().blocked = false;
        self.membership("kicked", "member")
    }

    /// Makes the group a supergroup with this number, and tells the bot in both chats, as Telegram
    /// does. What is sent to the old number is refused from now on. Returns the supergroup.
    ///
    /// # Panics
    ///
    /// When this is no group, or the number is not one of a supergroup.
    #[must_use]
    pub fn upgrade(&self, to: i64) -> Self {
        let supergroup = self.upgrade_unheard(to);
        self.send(json!({"migrate_to_chat_id": to}));
        supergroup.send(json!({"migrate_from_chat_id": self.id()}));
        supergroup
    }

    /// As [`Self::upgrade`], and the bot is not told: it learns of it when it sends something.
    ///
    /// # Panics
    ///
    /// As [`Self::upgrade`].
    #[must_use]
    pub fn upgrade_unheard(&self, to: i64) -> Self {
        assert!(self.core.is_group(), "only a group becomes a supergroup");
        assert!(to <= -1_000_000_000_000, "a supergroup's number is below -1,000,000,000,000");
        let bot = super::Bot(Arc::clone(&self.bot));
        let supergroup = bot.group(to, &self.core.name);
        self.core.lock().upgraded_to = Some(to);
        supergroup
    }

    /// The bot's last messages here, oldest first, as many as the history holds.
    pub fn sent(&self) -> Vec<Arc<Sent>> {
        self.core.lock().sent.iter().cloned().collect()
    }

    /// How many messages the bot has sent here, also those beyond the history.
    pub fn sent_total(&self) -> u64 {
        self.core.lock().sent_total
    }

    /// What the bot was seen doing, oldest first.
    pub fn chat_actions(&self) -> Vec<ChatAction> {
        self.core.lock().actions.iter().cloned().collect()
    }

    /// Waits for the first message with a `seq` above `after`. Nothing when none comes in time.
    pub async fn wait_for_reply(&self, after: u64, timeout: Duration) -> Option<Arc<Sent>> {
        self.wait(timeout, |state| state.sent.iter().find(|sent| sent.seq > after).cloned()).await
    }

    /// Waits until the bot has sent `total` messages. False when it has not in time.
    pub async fn wait_until(&self, total: u64, timeout: Duration) -> bool {
        self.wait(timeout, |state| (state.sent_total >= total).then_some(())).await.is_some()
    }

    /// Writes a message and waits for the next one from the bot.
    pub async fn ask(&self, text: &str, timeout: Duration) -> Option<Arc<Sent>> {
        let before = self.sent_total();
        self.say(text);
        self.wait_for_reply(before, timeout).await
    }

    async fn wait<T>(
        &self,
        timeout: Duration,
        look: impl Fn(&ChatState) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + timeout;
        loop {
            let changed = self.core.changed.notified();
            tokio::pin!(changed);
            // Listens before looking: a message in between is not missed.
            changed.as_mut().enable();
            if let Some(found) = look(&self.core.lock()) {
                return Some(found);
            }
            timeout_at(deadline, changed).await.ok()?;
        }
    }

    fn person(&self) -> Value {
        if self.core.is_group() {
            user(-self.core.id % 1_000_000_000, "Member", &self.core.language)
        } else {
            user(self.core.id, &self.core.name, &self.core.language)
        }
    }

    fn message(&self, message_id: i64, fields: Value) -> Value {
        let mut message = json!({
            "message_id": message_id,
            "date": unix_time(),
            "chat": self.core.describe(),
            "from": self.person(),
        });
        if let (Value::Object(message), Value::Object(fields)) = (&mut message, fields) {
            message.extend(fields);
        }
        message
    }

    fn membership(&self, old: &str, new: &str) -> i64 {
        let member = |status: &str| match status {
            "kicked" => json!({"status": status, "user": self.bot.user(), "until_date": 0}),
            _ => json!({"status": status, "user": self.bot.user()}),
        };
        let change = json!({
            "chat": self.core.describe(),
            "from": self.person(),
            "date": unix_time(),
            "old_chat_member": member(old),
            "new_chat_member": member(new),
        });
        self.bot.tell("my_chat_member", &change)
    }
}

fn user(id: i64, name: &str, language: &str) -> Value {
    json!({"id": id, "is_bot": false, "first_name": name, "language_code": language})
}

/// Marks the command that a text begins with, as Telegram's apps do.
fn with_command(mut message: Value, text: &str) -> Value {
    if text.starts_with('/') {
        let command = text.split_whitespace().next().unwrap_or_default();
        let length = command.encode_utf16().count();
        message["entities"] = json!([{"type": "bot_command", "offset": 0, "length": length}]);
    }
    message
}
