//! What is said through a channel, in both directions.
//!
//! Both enums hold more than the channels of today send: what is stored or travels between
//! processes has a form that a new channel need not change. A test holds that form.

use serde::{Deserialize, Serialize};

use super::{Address, MessageRef};

/// What a customer said or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InboundContent {
    /// Words to be answered.
    Text {
        /// The words, trimmed, not empty.
        text: String,
        /// The message.
        message_id: MessageRef,
    },
    /// The conversation was opened (`/start`).
    Start {
        /// What the link carried by which it was opened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<String>,
        /// The message.
        message_id: MessageRef,
    },
    /// Something that cannot be read (a sticker, a poll): kept as a note of its kind, and answered
    /// so.
    Unsupported {
        /// What it was: `sticker`, `poll`, ...
        what: String,
        /// The message.
        message_id: MessageRef,
    },
    /// A file.
    Attachment {
        /// The file.
        file: Attachment,
        /// What was said with it.
        caption: Option<String>,
        /// The message.
        message_id: MessageRef,
    },
    /// A button below one of our messages was pressed.
    Button {
        /// What the button stands for ([`Button::data`]).
        data: String,
        /// The message that has the button.
        message_id: MessageRef,
    },
    /// A command of the channel other than the one that opens the conversation.
    Command {
        /// Its name, without a slash.
        name: String,
        /// What follows the name.
        arguments: String,
        /// The message.
        message_id: MessageRef,
    },
    /// A place on the map.
    Location {
        /// Millionths of a degree, north is positive.
        latitude: i64,
        /// Millionths of a degree, east is positive.
        longitude: i64,
        /// The message.
        message_id: MessageRef,
    },
    /// A card with somebody's name and telephone number.
    Contact {
        /// The name.
        name: String,
        /// The number, as it was written.
        phone: String,
        /// The message.
        message_id: MessageRef,
    },
    /// The customer changed an earlier message.
    Edit {
        /// What it says now.
        text: String,
        /// The message.
        message_id: MessageRef,
    },
    /// The customer reacted to a message.
    Reaction {
        /// The emoji that are there now; none when the reaction was taken back.
        emoji: Vec<String>,
        /// The message.
        message_id: MessageRef,
    },
    /// The customer blocked the channel.
    Blocked,
    /// The customer unblocked the channel.
    Unblocked,
    /// The chat has another address from now on.
    Moved {
        /// The new address.
        to: Address,
    },
}

/// A file that was sent, or is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// What it is for people: `photo`, `voice`, `document`, ...
    pub what: String,
    /// Its name, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its media type, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// How many bytes it has, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Under which name the channel, or the file store, gives it out.
    pub reference: String,
}

/// What is sent to a customer in one piece, ready for its channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outbound {
    /// Words.
    Text(OutboundText),
    /// A file.
    File {
        /// The file.
        file: Attachment,
        /// What is said with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<OutboundText>,
        /// The customer's message that it answers, where the channel is to show that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageRef>,
    },
    /// Words that are not final: shown while the answer is written, and replaced by it.
    Draft(OutboundText),
    /// One of our earlier messages is edited.
    Edit {
        /// The message.
        message_id: MessageRef,
        /// What it says.
        text: OutboundText,
    },
    /// One of our earlier messages is deleted.
    Delete {
        /// The message.
        message_id: MessageRef,
    },
}

/// Words with what belongs to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundText {
    /// The words: sent when there is no markup, or when the channel refuses it.
    pub plain: String,
    /// The same words in the channel's own markup (Telegram's HTML), when they have any formatting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markup: Option<String>,
    /// Formatting of the plain words, for channels without a markup of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity>,
    /// Buttons below the words, row by row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Vec<Button>>,
    /// The customer's message that they answer, where the channel is to show that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageRef>,
}

/// A stretch of a text that looks different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Where it begins, bytes.
    pub start: usize,
    /// Where it ends, bytes, exclusive.
    pub end: usize,
    /// How it looks.
    pub style: Style,
}

/// How a stretch of a text looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Bold.
    Bold,
    /// Italic.
    Italic,
    /// Struck through.
    Strikethrough,
    /// Code within a line.
    Code,
    /// Lines of code.
    Pre,
    /// Somebody's words.
    Quote,
    /// A link to this address.
    Link(String),
}

/// A button below a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What is written on it.
    pub label: String,
    /// What comes back when it is pressed.
    pub data: String,
}

impl Button {
    /// The most bytes that come back when a button is pressed: Telegram's limit.
    pub const DATA_BYTES: usize = 64;

    /// A button whose label is what the customer says by pressing it.
    pub fn saying(label: &str) -> Self {
        Self { label: label.to_owned(), data: Self::said(label).to_owned() }
    }

    /// What comes back of a label: as much of it as a button can carry.
    pub fn said(label: &str) -> &str {
        label[..label.floor_char_boundary(Self::DATA_BYTES)].trim()
    }
}

impl Outbound {
    /// Words without buttons, with their markup when they have any formatting.
    pub fn text(plain: impl Into<String>, markup: Option<String>) -> Self {
        Self::Text(OutboundText { plain: plain.into(), markup, ..OutboundText::default() })
    }

    /// The same with a row of buttons below it, where it is words.
    #[must_use]
    pub fn with_buttons(self, row: Vec<Button>) -> Self {
        match self {
            Self::Text(mut text) => {
                text.buttons.push(row);
                Self::Text(text)
            }
            other => other,
        }
    }

    /// The same, shown as the answer to a message of the customer.
    #[must_use]
    pub fn answering(mut self, message: &MessageRef) -> Self {
        if let Self::Text(OutboundText { reply_to, .. }) | Self::File { reply_to, .. } = &mut self {
            *reply_to = Some(message.clone());
        }
        self
    }

    /// The customer's message that it is shown to answer.
    pub const fn reply_to(&self) -> Option<&MessageRef> {
        match self {
            Self::Text(OutboundText { reply_to, .. }) | Self::File { reply_to, .. } => {
                reply_to.as_ref()
            }
            Self::Draft(_) | Self::Edit { .. } | Self::Delete { .. } => None,
        }
    }

    /// The words of it, if it has any.
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Draft(text) | Self::Edit { text, .. } => Some(&text.plain),
            Self::File { caption, .. } => caption.as_ref().map(|text| text.plain.as_str()),
            Self::Delete { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The JSON of a value is this, and reading it gives the value.
    fn assert_form<T>(value: &T, form: &Value)
    where
        T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
    {
        assert_eq!(&serde_json::to_value(value).unwrap(), form);
        assert_eq!(&serde_json::from_value::<T>(form.clone()).unwrap(), value);
    }

    fn photo() -> Attachment {
        Attachment {
            what: "photo".to_owned(),
            name: None,
            media_type: Some("image/jpeg".to_owned()),
            size: Some(7),
            reference: "AgAC".to_owned(),
        }
    }

    #[test]
    fn the_stored_form_of_what_is_sent_is_stable() {
        let plain = Outbound::text("a", None);
        assert_form(&plain, &json!({"kind": "text", "plain": "a"}));
        let text = OutboundText {
            plain: "a b".to_owned(),
            markup: Some("<b>a</b> b".to_owned()),
            entities: vec![
                Entity { start: 0, end: 1, style: Style::Bold },
                Entity { start: 2, end: 3, style: Style::Link("https://a.example".to_owned()) },
            ],
            buttons: vec![vec![Button { label: "Yes".to_owned(), data: "yes".to_owned() }]],
            reply_to: None,
        };
        let words = json!({
            "plain": "a b", "markup": "<b>a</b> b",
            "entities": [
                {"start": 0, "end": 1, "style": "bold"},
                {"start": 2, "end": 3, "style": {"link": "https://a.example"}},
            ],
            "buttons": [[{"label": "Yes", "data": "yes"}]],
        });
        let mut tagged = words.clone();
        tagged["kind"] = "text".into();
        assert_form(&Outbound::Text(text.clone()), &tagged);
        tagged["kind"] = "draft".into();
        assert_form(&Outbound::Draft(text.clone()), &tagged);
        assert_form(
            &Outbound::Edit { message_id: "7".into(), text: text.clone() },
            &json!({"kind": "edit", "message_id": "7", "text": words}),
        );
        assert_form(
            &Outbound::Delete { message_id: "7".into() },
            &json!({"kind": "delete", "message_id": "7"}),
        );
        assert_form(
            &Outbound::File { file: photo(), caption: None, reply_to: None },
            &json!({"kind": "file", "file": {
                "what": "photo", "media_type": "image/jpeg", "size": 7, "reference": "AgAC"}}),
        );
        let answer = Outbound::text("a", None).answering(&"9".into());
        assert_form(&answer, &json!({"kind": "text", "plain": "a", "reply_to": "9"}));
        assert_eq!(answer.reply_to(), Some(&"9".into()));
        let file = Outbound::File { file: photo(), caption: None, reply_to: None };
        assert_eq!(file.answering(&"9".into()).reply_to(), Some(&"9".into()));
    }

    #[test]
    fn a_button_says_as_much_of_its_label_as_it_can_carry() {
        assert_eq!(Button::saying("Talk to a person").data, "Talk to a person");
        let long = "Позвать сотрудника, который ответит на вопрос";
        let button = Button::saying(long);
        assert_eq!(button.label, long);
        assert!(long.starts_with(&button.data) && button.data.len() <= 64, "{}", button.data);
        assert!(button.data.chars().count() > 30, "{}", button.data);
    }

    #[test]
    fn what_was_queued_before_there_were_other_contents_is_read() {
        let stored = json!({"kind": "text", "plain": "a", "markup": null});
        assert_eq!(serde_json::from_value::<Outbound>(stored).unwrap(), Outbound::text("a", None));
    }

    #[test]
    fn the_form_of_what_comes_in_is_stable() {
        let message_id = || MessageRef::from(5);
        let text = InboundContent::Text { text: "a".to_owned(), message_id: message_id() };
        assert_form(&text, &json!({"kind": "text", "text": "a", "message_id": "5"}));
        let start = InboundContent::Start { payload: None, message_id: message_id() };
        assert_form(&start, &json!({"kind": "start", "message_id": "5"}));
        let payload = Some("ad-1".to_owned());
        let start = InboundContent::Start { payload, message_id: message_id() };
        assert_form(&start, &json!({"kind": "start", "payload": "ad-1", "message_id": "5"}));
        let what =
            InboundContent::Unsupported { what: "poll".to_owned(), message_id: message_id() };
        assert_form(&what, &json!({"kind": "unsupported", "what": "poll", "message_id": "5"}));
        let file = InboundContent::Attachment {
            file: photo(),
            caption: Some("see".to_owned()),
            message_id: message_id(),
        };
        assert_form(
            &file,
            &json!({"kind": "attachment", "caption": "see", "message_id": "5", "file": {
                "what": "photo", "media_type": "image/jpeg", "size": 7, "reference": "AgAC"}}),
        );
        let button = InboundContent::Button { data: "yes".to_owned(), message_id: message_id() };
        assert_form(&button, &json!({"kind": "button", "data": "yes", "message_id": "5"}));
        let command = InboundContent::Command {
            name: "help".to_owned(),
            arguments: "me".to_owned(),
            message_id: message_id(),
        };
        assert_form(
            &command,
            &json!({"kind": "command", "name": "help", "arguments": "me", "message_id": "5"}),
        );
        let place = InboundContent::Location {
            latitude: 60_170_000,
            longitude: -24_940_000,
            message_id: message_id(),
        };
        assert_form(
            &place,
            &json!({"kind": "location", "latitude": 60_170_000, "longitude": -24_940_000, "message_id": "5"}),
        );
        let card = InboundContent::Contact {
            name: "Ann".to_owned(),
            phone: "+358".to_owned(),
            message_id: message_id(),
        };
        assert_form(
            &card,
            &json!({"kind": "contact", "name": "Ann", "phone": "+358", "message_id": "5"}),
        );
        let edit = InboundContent::Edit { text: "b".to_owned(), message_id: message_id() };
        assert_form(&edit, &json!({"kind": "edit", "text": "b", "message_id": "5"}));
        let reaction =
            InboundContent::Reaction { emoji: vec!["👍".to_owned()], message_id: message_id() };
        assert_form(&reaction, &json!({"kind": "reaction", "emoji": ["👍"], "message_id": "5"}));
        assert_form(&InboundContent::Blocked, &json!({"kind": "blocked"}));
        assert_form(&InboundContent::Unblocked, &json!({"kind": "unblocked"}));
        let moved = InboundContent::Moved { to: Address::from(-100) };
        assert_form(&moved, &json!({"kind": "moved", "to": "-100"}));
    }
}
