//! The chats of a bot: what people do in them, and what the bot has sent there.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{
    bot::{Bot, BotCore, lock},
    buttons,
    dialog::{ChatAction, ChatCore, ChatState, Sent},
    standing::Standing,
    stored::Press,
    unix_time,
};

impl Bot {
    /// The private chat of a customer who has started the bot; the same one for the same id.
    ///
    /// # Panics
    ///
    /// When the id is not positive, as people's are.
    pub fn customer(&self, id: i64) -> Chat {
        self.person(id, &format!("Customer {id}"), "en")
    }

    /// As [`Self::customer`], with a name and the language of the customer's app.
    pub fn person(&self, id: i64, name: &str, language: &str) -> Chat {
        assert!(id > 0, "a person's chat has a positive id");
        self.enter(id, name, language)
    }

    /// A group that the bot is a member of; the same one for the same id. From
    /// -1,000,000,000,000 downwards it is a supergroup.
    ///
    /// # Panics
    ///
    /// When the id is not negative, as groups' are.
    pub fn group(&self, id: i64, title: &str) -> Chat {
        assert!(id < 0, "a group has a negative id");
        self.enter(id, title, "en")
    }

    fn enter(&self, id: i64, name: &str, language: &str) -> Chat {
        Chat { bot: Arc::clone(&self.0), core: self.0.enter(id, name, language) }
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
        let number = self.bot.next_message_id();
        self.core.note(self.bot.shared.history, number);
        let message = self.message(number, fields);
        self.bot.tell("message", &message)
    }

    /// Changes the text of an earlier message; returns the id of the update.
    pub fn edit(&self, message_id: i64, text: &str) -> i64 {
        let fields = json!({"text": text, "edit_date": unix_time()});
        self.bot.tell("edited_message", &self.message(message_id, fields))
    }

    /// Presses the button with this label below one of the bot's messages; returns the id of the
    /// press. In a group its first member does.
    ///
    /// # Panics
    ///
    /// When the message has no such button.
    pub fn press(&self, sent: &Sent, label: &str) -> String {
        let button = sent.buttons.iter().flatten().find(|button| button.label == label);
        let button = button.unwrap_or_else(|| panic!("no button `{label}`"));
        let id = format!("press-{}", self.bot.press_ids.fetch_add(1, Ordering::Relaxed) + 1);
        {
            let mut presses = lock(&self.bot.presses);
            presses.push_back(Press { id: id.clone(), answers: 0 });
            while presses.len() > self.bot.shared.history {
                presses.pop_front();
            }
        }

        let mut message = json!({
            "message_id": sent.message_id,
            "from": self.bot.user(),
            "chat": self.core.describe(),
            "date": unix_time(),
            "text": sent.plain,
            "reply_markup": buttons::describe(&sent.buttons),
        });
        Standing { topic: sent.topic, reply_to: None }.describe(&mut message);
        let query = json!({
            "id": id,
            "from": self.person(),
            "message": message,
            "chat_instance": self.core.id.to_string(),
            "data": button.data,
        });
        self.bot.tell("callback_query", &query);
        id
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
        let bot = Bot(Arc::clone(&self.bot));
        let supergroup = bot.group(to, &self.core.name);
        supergroup.core.lock().member = Some(self.member());
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
            user(self.member(), "Member", &self.core.language)
        } else {
            user(self.core.id, &self.core.name, &self.core.language)
        }
    }

    fn member(&self) -> i64 {
        self.core.lock().member.unwrap_or(-self.core.id % 1_000_000_000)
    }

    pub(crate) fn message(&self, message_id: i64, fields: Value) -> Value {
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

pub(crate) fn user(id: i64, name: &str, language: &str) -> Value {
    json!({"id": id, "is_bot": false, "first_name": name, "language_code": language})
}

/// Marks the command that a text begins with, as Telegram's apps do.
pub(crate) fn with_command(mut message: Value, text: &str) -> Value {
    if text.starts_with('/') {
        let command = text.split_whitespace().next().unwrap_or_default();
        let length = command.encode_utf16().count();
        message["entities"] = json!([{"type": "bot_command", "offset": 0, "length": length}]);
    }
    message
}
