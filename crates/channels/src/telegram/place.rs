//! Where a conversation is in Telegram: a chat, a topic in it, a person of a group.
//!
//! People of one group, and topics of one chat, are conversations of their own: each has its
//! address, `CHAT[/TOPIC][@PERSON]`, of which Telegram knows the numbers.

use replyx_core::channel::Address;

/// The place of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The chat.
    pub(super) chat: i64,
    /// The topic, if the message is in one. The topic "General" is none.
    pub(super) topic: Option<i64>,
    /// Who speaks, where several may.
    pub(super) person: Option<i64>,
}

impl Place {
    /// Reads an address; nothing when it is none of Telegram's.
    pub(super) fn read(address: &Address) -> Option<Self> {
        let (rest, person) = after(address.as_str(), '@')?;
        let (chat, topic) = after(rest, '/')?;
        Some(Self { chat: chat.parse().ok()?, topic, person })
    }

    /// Its address.
    pub(super) fn address(self) -> Address {
        let topic = self.topic.map(|topic| format!("/{topic}")).unwrap_or_default();
        let person = self.person.map(|person| format!("@{person}")).unwrap_or_default();
        format!("{}{topic}{person}", self.chat).into()
    }
}

/// Splits the number off that follows a mark, if the mark is there.
fn after(text: &str, mark: char) -> Option<(&str, Option<i64>)> {
    match text.split_once(mark) {
        None => Some((text, None)),
        Some((before, number)) => Some((before, Some(number.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_its_address() {
        for (address, chat, topic, person) in [
            ("7", 7, None, None),
            ("7/3", 7, Some(3), None),
            ("-100@5", -100, None, Some(5)),
            ("-100/3@-1005", -100, Some(3), Some(-1005)),
        ] {
            let place = Place { chat, topic, person };
            assert_eq!(Place::read(&address.into()), Some(place), "{address}");
            assert_eq!(place.address().as_str(), address);
        }
        for wrong in ["", "x", "7/", "7@", "7/x", "7@5/3", "user@shop", "@5", "/3"] {
            assert_eq!(Place::read(&wrong.into()), None, "{wrong}");
        }
    }
}
