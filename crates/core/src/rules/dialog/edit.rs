//! What a customer edits.

use std::mem;

use chrono::{DateTime, Utc};

use crate::{
    change::Change,
    dialog::Dialog,
    event::Event,
    message::{Author, Message, MessageKind, Revision},
};

/// How many earlier revisions of a message are kept: the first one, and the last ones.
const MOST_REVISIONS: usize = 10;

/// A message that its customer edited, with the dialog as it is from then on.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    /// The dialog.
    pub dialog: Dialog,
    /// The message, as it is now.
    pub message: Message,
}

impl Dialog {
    /// The customer edited a message of theirs. A turn that answers it is to begin again.
    /// `None`: nothing of it changed, or it is no message of words.
    pub fn edit(
        mut self,
        mut message: Message,
        text: String,
        now: DateTime<Utc>,
    ) -> Option<Change<Edited>> {
        if message.author != Author::Customer || message.text == text {
            return None;
        }
        match message.kind {
            MessageKind::Text | MessageKind::Command => {
                let text = mem::take(&mut message.text);
                message.revisions.push(Revision { text, until: now });
                if message.revisions.len() > MOST_REVISIONS {
                    message.revisions.remove(1);
                }
                message.kind = MessageKind::Text;
            }
            // A file that has words from now on.
            MessageKind::Unsupported => message.kind = MessageKind::Text,
            MessageKind::Start | MessageKind::Control | MessageKind::Note => return None,
        }
        message.text = text;
        if message.seq > self.answered_seq {
            self.edits += 1;
        }

        let event = Event::MessageEdited {
            dialog_id: self.id,
            message_id: message.id,
            seq: message.seq,
            text: None,
        };
        let workspace = self.workspace_id;
        Some(Change::of(workspace, Edited { dialog: self, message }).telling(event, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        channel::ChatKind,
        clock::Clock,
        dialog::Contact,
        rules::dialog::{CustomerMessage, Utterance},
    };

    fn after(change: Change<Edited>) -> Edited {
        change.into_parts().state
    }

    /// A dialog in which a customer said one thing.
    fn heard() -> Utterance {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let contact = Contact {
            id: clock.id(),
            workspace_id: clock.id(),
            channel_id: clock.id(),
            address: 7.into(),
            chat_kind: ChatKind::Private,
            display_name: "Ann".to_owned(),
            language_code: None,
            language: None,
            source: None,
            blocked_at: None,
        };
        let said = CustomerMessage {
            id: clock.id(),
            kind: MessageKind::Text,
            text: "first".to_owned(),
            quoted: None,
            channel_message: 1.into(),
        };
        let dialog = Dialog::between(&contact, clock.id(), clock.id(), clock.now());
        dialog.hear(said, clock.now()).into_parts().state
    }

    #[test]
    fn the_first_revision_and_the_last_ones_are_kept() {
        let Utterance { mut dialog, mut message, .. } = heard();
        for number in 0..20 {
            let change = dialog.edit(message, number.to_string(), DateTime::UNIX_EPOCH);
            Edited { dialog, message } = after(change.unwrap());
        }
        assert_eq!((dialog.edits, message.text.as_str()), (20, "19"));
        let texts: Vec<_> = message.revisions.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts.len(), 10);
        assert_eq!((texts[0], texts[1], texts[9]), ("first", "10", "18"));
    }

    #[test]
    fn what_is_answered_changes_its_words_and_nothing_else() {
        let Utterance { dialog, message, .. } = heard();
        let now = DateTime::UNIX_EPOCH;
        let dialog = Dialog { answered_seq: 1, ..dialog };
        let edited = after(dialog.clone().edit(message.clone(), "x".to_owned(), now).unwrap());
        assert_eq!((&edited.dialog, &*edited.message.text), (&dialog, "x"));

        assert!(dialog.clone().edit(message.clone(), "first".to_owned(), now).is_none());
        for other in [
            Message { author: Author::Assistant, ..message.clone() },
            Message { kind: MessageKind::Start, ..message.clone() },
        ] {
            assert!(dialog.clone().edit(other, "x".to_owned(), now).is_none());
        }
        let photo = Message { kind: MessageKind::Unsupported, text: "photo".to_owned(), ..message };
        let edited = after(dialog.edit(photo, "x".to_owned(), now).unwrap());
        assert_eq!(
            (edited.message.kind, edited.message.revisions),
            (MessageKind::Text, Vec::new())
        );
    }
}
