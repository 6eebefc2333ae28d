//! Events that are shown with the words of their message.

use super::Event;
use crate::ids::MessageId;

impl Event {
    /// The message whose words are shown with it when it is read.
    pub const fn quotes(&self) -> Option<MessageId> {
        match self {
            Self::MessageStored { message_id, .. }
            | Self::MessageEdited { message_id, .. }
            | Self::ReplySettled { message_id, .. } => Some(*message_id),
            _ => None,
        }
    }

    /// The same event with these words of its message, or without any. Events that quote no
    /// message have no words.
    #[must_use]
    pub fn quoting(mut self, words: Option<String>) -> Self {
        if let Self::MessageStored { text, .. }
        | Self::MessageEdited { text, .. }
        | Self::ReplySettled { text, .. } = &mut self
        {
            *text = words;
        }
        self
    }
}
