//! What an update means for us.
//!
//! [`read`] is pure and takes anything: what it does not understand is ignored under a reason from
//! a short, fixed list, so that it can be acknowledged and counted.

mod address;
mod content;
mod sender;

use chrono::{DateTime, Utc};
use replyx_core::channel::{Address, ChatKind, Inbound, InboundContent, MessageRef};
use serde_json::Value;

use self::sender::Sender;
use super::{place::Place, types::RawUpdate};

/// Telegram's names of presses are shorter.
const PRESS_BYTES: usize = 128;

/// Who we are in Telegram: needed to tell in a group what is meant for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BotIdentity<'a> {
    /// Telegram's number of the bot.
    pub id: i64,
    /// Its name, without the `@`.
    pub username: &'a str,
}

/// An update, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all updates are the large one, and none is kept"
)]
pub enum Read {
    /// Something that concerns us.
    Inbound(Inbound),
    /// Nothing to act on: to be acknowledged and counted.
    Ignored {
        /// The number of the update.
        update_id: i64,
        /// Why, as a word fit for a metric's label.
        reason: &'static str,
    },
}

/// Says what an update means.
pub fn read(update: &RawUpdate, us: BotIdentity<'_>) -> Read {
    let raw = &update.raw;
    let found = if let Some(message) = object(raw, "message") {
        read_message(update.update_id, message, us)
    } else if let Some(message) = object(raw, "edited_message") {
        read_edit(update.update_id, message, us)
    } else if let Some(change) = object(raw, "my_chat_member") {
        read_membership(update.update_id, change)
    } else if let Some(query) = object(raw, "callback_query") {
        read_press(update.update_id, query)
    } else {
        Err(other_kind(raw))
    };
    match found {
        Ok(inbound) => Read::Inbound(inbound),
        Err(reason) => Read::Ignored { update_id: update.update_id, reason },
    }
}

/// The press of a button in an update, whatever it means: the app of the person who pressed waits
/// until it is answered.
pub fn press(update: &RawUpdate) -> Option<&str> {
    let id = update.raw.get("callback_query")?["id"].as_str()?;
    Some(id).filter(|id| !id.is_empty() && id.len() <= PRESS_BYTES)
}

/// The reason to ignore an update that is none of those.
fn other_kind(raw: &Value) -> &'static str {
    const KINDS: [(&str, &str); 8] = [
        ("edited_message", "malformed"),
        ("channel_post", "channel_post"),
        ("edited_channel_post", "channel_post"),
        ("business_message", "business"),
        ("message_reaction", "reaction"),
        ("message", "malformed"),
        ("my_chat_member", "malformed"),
        ("callback_query", "malformed"),
    ];
    if !raw.is_object() {
        return "malformed";
    }
    KINDS
        .iter()
        .find(|(kind, _)| raw.get(kind).is_some())
        .map_or("unknown_kind", |(_, reason)| reason)
}

fn read_message(
    update_id: i64,
    message: &Value,
    us: BotIdentity<'_>,
) -> Result<Inbound, &'static str> {
    if let Some(moved) = read_move(update_id, message)? {
        return Ok(moved);
    }
    let header = Header::read(message, message, Sender::of_message(message)?)?;
    let message_id = MessageRef::from(message["message_id"].as_i64().ok_or("malformed")?);
    let quoted = content::quoted(message, us);
    let said = content::read(message, message_id, header.chat_kind, quoted, us)?;
    Ok(Inbound { quoted: said.quoted, ..header.with(update_id, said.content) })
}

/// A message says something else from now on. Where it has no words (a place on the map that moves)
/// there is nothing new to answer.
fn read_edit(
    update_id: i64,
    message: &Value,
    us: BotIdentity<'_>,
) -> Result<Inbound, &'static str> {
    let inbound = read_message(update_id, message, us)?;
    let content = match inbound.content {
        InboundContent::Text { text, message_id }
        | InboundContent::Attachment { caption: Some(text), message_id, .. } => {
            InboundContent::Edit { text, message_id }
        }
        InboundContent::Command { name, arguments, message_id } => {
            let text = format!("/{name} {arguments}").trim_end().to_owned();
            InboundContent::Edit { text, message_id }
        }
        _ => return Err("edited_message"),
    };
    Ok(Inbound { content, ..inbound })
}

/// A group became a supergroup. Both chats are told: the old one where it went, the new one where
/// it came from. It does not matter who did it, nor whether they did it anonymously.
fn read_move(update_id: i64, message: &Value) -> Result<Option<Inbound>, &'static str> {
    let here = message["chat"]["id"].as_i64();
    let to = message["migrate_to_chat_id"].as_i64();
    let from = message["migrate_from_chat_id"].as_i64();
    let (Some(old), Some(new)) = (from.or(here), to.or(here)) else { return Ok(None) };
    if old == new {
        return Ok(None);
    }
    let nobody = Value::Null;
    let sender = Sender::Person(object(message, "from").unwrap_or(&nobody));
    let mut header = Header::read(message, message, sender)?;
    if header.chat_kind != ChatKind::Group {
        return Err("malformed");
    }
    header.address = Address::from(old);
    Ok(Some(header.with(update_id, InboundContent::Moved { to: Address::from(new) })))
}

/// What a customer says by pressing a button below one of our messages. A press has no time of its
/// own: that of the message stands for it.
fn read_press(update_id: i64, query: &Value) -> Result<Inbound, &'static str> {
    let sender = object(query, "from").ok_or("no_sender")?;
    // Below a message that was sent through us into some other chat, or a game.
    let message = object(query, "message").ok_or("callback_query")?;
    let data = query["data"].as_str().ok_or("callback_query")?;

    let header = Header::read(message, message, Sender::Person(sender))?;
    let message_id = MessageRef::from(message["message_id"].as_i64().ok_or("malformed")?);
    let data = content::clean(data);
    if data.is_empty() {
        return Err("empty");
    }
    Ok(header.with(update_id, InboundContent::Button { data, message_id }))
}

fn read_membership(update_id: i64, change: &Value) -> Result<Inbound, &'static str> {
    let sender = object(change, "from").ok_or("no_sender")?;
    let header = Header::read(change, &Value::Null, Sender::Person(sender))?;
    if header.chat_kind != ChatKind::Private {
        return Err("group_membership");
    }
    let content = match change["new_chat_member"]["status"].as_str() {
        Some("kicked") => InboundContent::Blocked,
        Some("member") => InboundContent::Unblocked,
        _ => return Err("membership"),
    };
    Ok(header.with(update_id, content))
}

/// What a message and a change of membership have in common.
struct Header {
    address: Address,
    chat_kind: ChatKind,
    display_name: String,
    language_code: Option<String>,
    sent_at: DateTime<Utc>,
}

impl Header {
    /// `threaded` is the message that may be in a topic.
    fn read(from: &Value, threaded: &Value, sender: Sender<'_>) -> Result<Self, &'static str> {
        let chat = &from["chat"];
        let chat_kind = match chat["type"].as_str() {
            Some("private") => ChatKind::Private,
            Some("group" | "supergroup") => ChatKind::Group,
            Some("channel") => return Err("channel_post"),
            _ => return Err("malformed"),
        };
        let place = Place {
            chat: chat["id"].as_i64().ok_or("malformed")?,
            topic: topic(threaded),
            person: if chat_kind == ChatKind::Group { sender.id() } else { None },
        };
        let sent_at = from["date"].as_i64().and_then(|date| DateTime::from_timestamp(date, 0));
        Ok(Self {
            address: place.address(),
            chat_kind,
            display_name: sender.display_name(),
            language_code: sender.language_code(),
            sent_at: sent_at.ok_or("malformed")?,
        })
    }

    fn with(self, update_id: i64, content: InboundContent) -> Inbound {
        Inbound {
            key: update_id.into(),
            order: update_id,
            address: self.address,
            chat_kind: self.chat_kind,
            display_name: self.display_name,
            language_code: self.language_code,
            sent_at: self.sent_at,
            content,
            quoted: None,
        }
    }
}

/// The topic of a message. A number alone is that of a thread of replies, which is no topic; the
/// topic "General" has none, and takes none.
fn topic(message: &Value) -> Option<i64> {
    let is_in_topic = message["is_topic_message"].as_bool() == Some(true);
    message["message_thread_id"].as_i64().filter(|_| is_in_topic)
}

fn object<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|found| found.is_object())
}

#[cfg(test)]
mod tests;
