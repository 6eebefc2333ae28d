//! What a message says.

use replyx_core::{
    channel::{Attachment, ChatKind, InboundContent, MessageRef, Quoted},
    command,
};
use serde_json::Value;

use super::{
    BotIdentity,
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

/// The longest name of a file that is kept, characters.
const NAME_CHARS: usize = 200;
const MEDIA_TYPE_CHARS: usize = 100;
/// Telegram's names of files are shorter.
const REFERENCE_BYTES: usize = 512;

/// What is said, and about which earlier words.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) content: InboundContent,
    pub(super) quoted: Option<Quoted>,
}

pub(super) fn read(
    message: &Value,
    message_id: MessageRef,
    chat: ChatKind,
    quoted: Option<Quoted>,
    us: BotIdentity<'_>,
) -> Result<Said, &'static str> {
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
    let said = match said {
        // What is written below a picture is about the picture.
        Addressed::Command { name, arguments } if what.is_some() => {
            Addressed::Text(format!("/{name} {arguments}").trim_end().to_owned())
        }
        said => said,
    };
    let content = match said {
        Addressed::Start(arguments) => {
            let payload = command::source(&arguments).map(str::to_owned);
            Ok(InboundContent::Start { payload, message_id })
        }
        Addressed::Command { name, arguments } => {
            Ok(InboundContent::Command { name, arguments, message_id })
        }
        Addressed::Text(text) => {
            let caption = Some(text).filter(|text| !text.is_empty());
            let file = what.and_then(|what| file(message, what));
            match (file, caption, what) {
                (Some(file), caption, _) => {
                    Ok(InboundContent::Attachment { file, caption, message_id })
                }
                (None, Some(text), _) => Ok(InboundContent::Text { text, message_id }),
                (None, None, Some(&what)) => {
                    Ok(InboundContent::Unsupported { what: what.to_owned(), message_id })
                }
                // Called by name without a word, to something that somebody asked: that is the
                // question.
                (None, None, None) if chat == ChatKind::Group => match quoted {
                    Some(Quoted { text, ours: false }) => {
                        let content = InboundContent::Text { text, message_id };
                        return Ok(Said { content, quoted: None });
                    }
                    _ => Ok(InboundContent::Start { payload: None, message_id }),
                },
                (None, None, None) => Err("empty"),
            }
        }
    };
    Ok(Said { content: content?, quoted })
}

/// The earlier words that a message is about: what it replies to, or the part of that which its
/// sender chose.
pub(super) fn quoted(message: &Value, us: BotIdentity<'_>) -> Option<Quoted> {
    let earlier = &message["reply_to_message"];
    let chosen = message["quote"]["text"].as_str();
    let whole = || ["text", "caption"].iter().find_map(|field| earlier[*field].as_str());
    let text = clean(chosen.or_else(whole)?);
    let ours = address::is_ours(earlier, us);
    (!text.is_empty()).then_some(Quoted { text, ours })
}

/// The file in a message, if what it holds is one that a bot may fetch.
fn file(message: &Value, what: &str) -> Option<Attachment> {
    const FILES: [&str; 7] =
        ["animation", "photo", "voice", "audio", "video", "video_note", "document"];
    let field = FILES.iter().find(|field| **field == what)?;
    let found = &message[*field];
    // A photo comes in several sizes, the largest last.
    let found = found.as_array().map_or(Some(found), |sizes| sizes.last())?;
    let text = |name: &str, most: usize| {
        let text: String =
            found[name].as_str()?.chars().filter(|c| !c.is_control()).take(most).collect();
        Some(text).filter(|text| !text.is_empty())
    };
    let name = text("file_name", NAME_CHARS).map(|name| name.replace(['/', '\\'], "_"));

    Some(Attachment {
        what: what.to_owned(),
        name,
        media_type: text("mime_type", MEDIA_TYPE_CHARS),
        size: found["file_size"].as_u64(),
        reference: found["file_id"].as_str().filter(|id| id.len() <= REFERENCE_BYTES)?.to_owned(),
    })
}

/// Takes control characters out, cuts at Telegram's own limit, trims.
pub(super) fn clean(text: &str) -> String {
    let kept = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    let text: String = text.chars().filter(|&c| kept(c)).collect();
    cut_units(text.trim(), TEXT_LIMIT).trim_end().to_owned()
}
