//! What a message says.

use replyx_core::channel::{ChatKind, InboundContent, MessageRef};
use serde_json::Value;

use super::{
    Us,
    address::{self, Addressed},
};
use crate::telegram::{TEXT_LIMIT, split::cut_units};

/// What a message can hold beside text, and what we call it. A message can have two of them for the
/// sake of old clients; the first one here is meant.
const MEDIA: [(&str, &str); 19] = [
    ("animation", "animation"),
    ("venue", "location"),
    ("location", "location"),
    ("live_photo", "photo"),
    ("photo", "photo"),
    ("voice", "voice"),
    ("audio", "audio"),
    ("video", "video"),
    ("video_note", "video_note"),
    ("document", "document"),
    ("sticker", "sticker"),
    ("contact", "contact"),
    ("poll", "poll"),
    ("dice", "dice"),
    ("game", "game"),
    ("story", "story"),
    ("paid_media", "paid_media"),
    ("checklist", "checklist"),
    ("rich_message", "rich_message"),
];

pub(super) fn read(
    message: &Value,
    message_id: MessageRef,
    chat: ChatKind,
    us: Us<'_>,
) -> Result<InboundContent, &'static str> {
    let text = ["text", "caption"].iter().find_map(|field| message[*field].as_str());
    let what = MEDIA.iter().find(|(field, _)| message.get(field).is_some()).map(|(_, what)| what);
    if text.is_none() && what.is_none() {
        return Err("service_message");
    }
    let text = clean(text.unwrap_or_default());
    let said = match chat {
        ChatKind::Private => address::in_private(&text, us),
        ChatKind::Group => address::in_group(&text, message, us).ok_or("not_addressed")?,
    };
    match (said, what) {
        (Addressed::Start, _) => Ok(InboundContent::Start { message_id }),
        (Addressed::Text(text), _) if !text.is_empty() => {
            Ok(InboundContent::Text { text, message_id })
        }
        (Addressed::Text(_), Some(&what)) => {
            Ok(InboundContent::Unsupported { what: what.to_owned(), message_id })
        }
        // Called by name without a word.
        (Addressed::Text(_), None) if chat == ChatKind::Group => {
            Ok(InboundContent::Start { message_id })
        }
        (Addressed::Text(_), None) => Err("empty"),
    }
}

/// Takes control characters out, cuts at Telegram's own limit, trims.
fn clean(text: &str) -> String {
    let kept = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    let text: String = text.chars().filter(|&c| kept(c)).collect();
    cut_units(text.trim(), TEXT_LIMIT).trim_end().to_owned()
}
