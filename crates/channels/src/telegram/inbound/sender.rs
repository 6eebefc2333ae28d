//! Who says something.

use serde_json::Value;

use super::object;

const NAME_CHARS: usize = 128;
const LANGUAGE_BYTES: usize = 35;

/// Who says something.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sender<'v> {
    /// A `User`.
    Person(&'v Value),
    /// A `Chat` in whose name somebody speaks in a group: the group itself, for an anonymous admin,
    /// or a channel.
    Chat(&'v Value),
}

impl<'v> Sender<'v> {
    /// Who says a message; the reason to ignore it when that is nobody to answer.
    pub(super) fn of_message(message: &'v Value) -> Result<Self, &'static str> {
        let is_group = matches!(message["chat"]["type"].as_str(), Some("group" | "supergroup"));
        // Posts of a linked channel come by themselves; nobody asks us.
        let is_forwarded = message["is_automatic_forward"].as_bool() == Some(true);
        if let Some(chat) = message.get("sender_chat") {
            let speaks = is_group && !is_forwarded && chat["id"].as_i64().is_some();
            return if speaks { Ok(Self::Chat(chat)) } else { Err("from_chat") };
        }

        let person = object(message, "from").ok_or("no_sender")?;
        if person["is_bot"].as_bool() == Some(true) {
            return Err("from_bot");
        }
        Ok(Self::Person(person))
    }

    /// Telegram's number of them.
    pub(super) fn id(self) -> Option<i64> {
        let (Self::Person(who) | Self::Chat(who)) = self;
        who["id"].as_i64()
    }

    /// What they call themselves.
    pub(super) fn display_name(self) -> String {
        let (Self::Person(who) | Self::Chat(who)) = self;
        let part = |name: &str| who[name].as_str().unwrap_or_default();
        let full = match self {
            Self::Person(_) => format!("{} {}", part("first_name"), part("last_name")),
            Self::Chat(_) => part("title").to_owned(),
        };
        match clean(full.trim()) {
            name if name.is_empty() => clean(part("username")),
            name => name,
        }
    }

    /// The language of their app.
    pub(super) fn language_code(self) -> Option<String> {
        let Self::Person(who) = self else { return None };
        who["language_code"]
            .as_str()
            .filter(|code| (1..=LANGUAGE_BYTES).contains(&code.len()))
            .filter(|code| code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
            .map(str::to_owned)
    }
}

fn clean(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    name.trim().to_owned()
}
