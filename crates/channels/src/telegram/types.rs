//! The few objects of the Bot API that we read. Unknown fields are none of our business.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// No bot has so many updates: a number beyond it would confirm all that are still to come.
const MOST_UPDATES: i64 = 1 << 52;

/// A bot, as it sees itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BotProfile {
    /// Telegram's number of the bot.
    pub id: i64,
    /// Its name, without the `@`.
    pub username: String,
    /// What people see as its name.
    pub first_name: String,
}

/// An update as it came: only its number has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct RawUpdate {
    /// The number of the update, unique for one bot.
    pub update_id: i64,
    /// The whole update; null when it has a number and cannot be read beyond that.
    pub raw: Value,
}

impl RawUpdate {
    /// Reads an update; nothing when it has no number.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Number {
            update_id: i64,
        }
        // Skips what it does not need, also what `Value` refuses: half of a surrogate pair, deep
        // nesting.
        let Number { update_id } = serde_json::from_str(json).ok()?;
        if !(0..MOST_UPDATES).contains(&update_id) {
            return None;
        }
        Some(Self { update_id, raw: serde_json::from_str(json).unwrap_or_default() })
    }
}

/// What `getUpdates` returns: the updates that have a number, and how many there were.
pub(crate) fn updates(result: &RawValue) -> Option<(Vec<RawUpdate>, usize)> {
    let all: Vec<&RawValue> = serde_json::from_str(result.get()).ok()?;
    Some((all.iter().filter_map(|json| RawUpdate::parse(json.get())).collect(), all.len()))
}

/// A file at Telegram.
#[derive(Deserialize)]
pub(crate) struct FileInfo {
    #[serde(default)]
    pub(crate) file_size: Option<u64>,
    #[serde(default)]
    pub(crate) file_path: Option<String>,
}

/// A file that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingFile {
    /// What it is called.
    pub name: String,
    /// Its media type, when it is known.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The words of a message that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words<'a> {
    /// As they are.
    Plain(&'a str),
    /// In Telegram's HTML.
    Html(&'a str),
}

/// A message that was sent.
#[derive(Deserialize)]
pub(crate) struct SentMessage {
    pub(crate) message_id: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_update_neither_fails_its_batch_nor_blocks_the_offset() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let batch = format!(
            r#"[{{"update_id":1,"message":{{}}}}, 7, {{"update_id":"2"}}, {{"no":1}},
               {{"update_id":3,"deep":{deep}}}, {{"update_id":4,"half":"\ud83d"}}, {{"update_id":5}}]"#
        );
        let (read, total) = updates(&RawValue::from_string(batch).unwrap()).unwrap();
        assert_eq!(total, 7);
        assert_eq!(read.iter().map(|update| update.update_id).collect::<Vec<_>>(), [1, 3, 4, 5]);
        assert_eq!(read[1].raw, Value::Null);
        assert_eq!(read[2].raw, Value::Null);
        assert_eq!(read[3].raw["update_id"], 5);
    }
}
