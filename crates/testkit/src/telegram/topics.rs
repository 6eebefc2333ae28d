//! What people say in topics, in reply to others, and as admins.

use serde_json::{Value, json};

use super::{
    chat::{Chat, user, with_command},
    dialog::Sent,
    standing::GENERAL,
};

impl Chat {
    /// Creates a topic, which makes the supergroup a forum; the bot is told. Returns its number.
    pub fn create_topic(&self, name: &str) -> i64 {
        let created = json!({"name": name, "icon_color": 7_322_096});
        let mut number = self.bot.next_message_id();
        if number == GENERAL {
            number = self.bot.next_message_id();
        }
        self.core.lock().topics.insert(number);
        let fields = json!({
            "message_thread_id": number,
            "is_topic_message": true,
            "forum_topic_created": created,
        });
        let message = self.message(number, fields);
        self.bot.tell("message", &message);
        number
    }

    /// Deletes a topic. What is sent there is refused from now on.
    pub fn delete_topic(&self, topic: i64) {
        self.core.lock().topics.remove(&topic);
    }

    /// Writes a message in a topic as the person with this id; returns the id of its update. As in
    /// Telegram it also is a reply to the message that created the topic.
    pub fn say_in(&self, topic: i64, person: i64, text: &str) -> i64 {
        let mut creation = self.message(
            topic,
            json!({
                "message_thread_id": topic,
                "is_topic_message": true,
                "forum_topic_created": {"name": "topic", "icon_color": 7_322_096},
            }),
        );
        creation["from"] = self.bot.user();
        let fields = json!({
            "text": text,
            "from": user(person, &format!("Member {person}"), "en"),
            "message_thread_id": topic,
            "is_topic_message": true,
            "reply_to_message": creation,
        });
        self.send(with_command(fields, text))
    }

    /// Writes a reply to one of the bot's messages as the person with this id; returns the id of
    /// its update.
    pub fn reply_as(&self, person: i64, to: &Sent, text: &str) -> i64 {
        let mut earlier = self.message(to.message_id, json!({"text": to.plain}));
        earlier["from"] = self.bot.user();
        self.reply(person, &earlier, text)
    }

    /// Writes a reply to what somebody else said, as the person with this id; returns the id of its
    /// update.
    pub fn reply_to_words(&self, person: i64, earlier: &str, text: &str) -> i64 {
        let number = self.bot.next_message_id();
        self.core.lock().messages.insert(number);
        let mut asked = self.message(number, json!({"text": earlier}));
        asked["from"] = user(person + 1, &format!("Member {}", person + 1), "en");
        self.reply(person, &asked, text)
    }

    fn reply(&self, person: i64, earlier: &Value, text: &str) -> i64 {
        let from = user(person, &format!("Member {person}"), "en");
        let fields = json!({"text": text, "from": from, "reply_to_message": earlier});
        self.send(with_command(fields, text))
    }

    /// Writes a message as an anonymous admin of the group; returns the id of its update.
    pub fn say_as_admin(&self, text: &str) -> i64 {
        let from = json!({
            "id": 1_087_968_824, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot",
        });
        let fields = json!({"text": text, "from": from, "sender_chat": self.core.describe()});
        self.send(with_command(fields, text))
    }

    /// Deletes a message of a person.
    pub fn delete(&self, message_id: i64) {
        self.core.lock().messages.remove(&message_id);
    }

    /// The number of the last message that somebody wrote here.
    pub fn last_message(&self) -> Option<i64> {
        self.core.lock().messages.last().copied()
    }
}
