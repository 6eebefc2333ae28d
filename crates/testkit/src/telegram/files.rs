//! Files: those that customers send, which a bot may fetch, and those that a bot sends.

use axum::body::Bytes;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    bot::{BotCore, lock},
    chat::Chat,
    dialog::{Sent, SentFile},
    reach::{keep_limits, reachable_chat, text},
    standing::Standing,
    stored::{DOWNLOAD_LIMIT, StoredFile, UPLOAD_LIMIT},
    unix_time,
    wire::{Refusal, Upload},
};

/// The longest caption, UTF-16 units.
const CAPTION_LIMIT: usize = 1_024;

/// Whether the bot will hear of what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    Heard,
    Lost,
}

impl Chat {
    /// Sends a file of this kind (`photo`, `document`, `voice`, `video`, `audio`, `video_note`,
    /// `animation`) with these bytes, and fields (`caption`) beside it; returns the id of the
    /// update.
    ///
    /// # Panics
    ///
    /// When the kind is another one, or the fields do not make a `Message`.
    pub fn send_file(&self, kind: &str, name: &str, bytes: impl Into<Bytes>, fields: Value) -> i64 {
        let bytes = bytes.into();
        let size = bytes.len() as u64;
        self.send_stored(kind, name, (bytes, size), fields)
    }

    /// As [`Self::send_file`]: a file of so many bytes that no bot may fetch it.
    ///
    /// # Panics
    ///
    /// As [`Self::send_file`].
    pub fn send_huge_file(&self, kind: &str, name: &str, size: u64) -> i64 {
        self.send_stored(kind, name, (Bytes::new(), size), json!({}))
    }

    fn send_stored(
        &self,
        kind: &str,
        name: &str,
        (bytes, size): (Bytes, u64),
        mut fields: Value,
    ) -> i64 {
        let number = self.bot.next_message_id();
        let id = format!("file-{number}");
        let path = format!("{kind}s/file_{number}");
        lock(&self.bot.files).insert(id.clone(), StoredFile { path, size, bytes });

        let file = |more: Value| {
            let mut file =
                json!({"file_id": id, "file_unique_id": format!("u{number}"), "file_size": size});
            if let (Value::Object(file), Value::Object(more)) = (&mut file, more) {
                file.extend(more);
            }
            file
        };
        let picture = json!({"width": 800, "height": 600});
        fields[kind] = match kind {
            "photo" => {
                let small = json!({
                    "file_id": format!("{id}-small"), "file_unique_id": format!("s{number}"),
                    "width": 90, "height": 67, "file_size": 900,
                });
                json!([small, file(picture)])
            }
            "document" => file(json!({"file_name": name, "mime_type": "application/octet-stream"})),
            "voice" => file(json!({"duration": 3, "mime_type": "audio/ogg"})),
            "audio" => file(json!({"duration": 3, "file_name": name, "mime_type": "audio/mpeg"})),
            "video" | "animation" => file(json!({
                "width": 640, "height": 480, "duration": 3, "file_name": name, "mime_type": "video/mp4",
            })),
            "video_note" => file(json!({"length": 240, "duration": 3})),
            other => panic!("`{other}` is not a kind of file"),
        };
        self.send(fields)
    }
}

/// `getFile`.
pub(crate) fn get_file(bot: &BotCore, parameters: &Map<String, Value>) -> Result<Value, Refusal> {
    let id = text(parameters, "file_id").unwrap_or_default();
    let files = lock(&bot.files);
    let unknown = "wrong file_id or the file is temporarily unavailable";
    let file = files.get(id).ok_or_else(|| Refusal::bad_request(unknown))?;
    if file.size > DOWNLOAD_LIMIT {
        return Err(Refusal::bad_request("file is too big"));
    }
    Ok(json!({
        "file_id": id, "file_unique_id": format!("u-{id}"), "file_size": file.size, "file_path": file.path,
    }))
}

/// The bytes at a path that [`get_file`] gave.
pub(crate) fn download(bot: &BotCore, path: &str) -> Option<Bytes> {
    let files = lock(&bot.files);
    files.values().find(|file| file.path == path).map(|file| file.bytes.clone())
}

/// `sendDocument`, with a new file or the id of one that Telegram has.
pub(crate) fn send_document(
    bot: &BotCore,
    parameters: &Map<String, Value>,
    uploads: &[Upload],
    hearing: Hearing,
) -> Result<Value, Refusal> {
    let caption = text(parameters, "caption").unwrap_or_default();
    if caption.encode_utf16().count() > CAPTION_LIMIT {
        return Err(Refusal::bad_request("message caption is too long"));
    }
    let upload = uploads.iter().find(|upload| upload.field == "document");
    let upload =
        upload.ok_or_else(|| Refusal::bad_request("there is no document in the request"))?;
    if upload.bytes.is_empty() {
        return Err(Refusal::bad_request("file must be non-empty"));
    }
    if upload.bytes.len() > UPLOAD_LIMIT {
        return Err(Refusal::new(413, "Request Entity Too Large"));
    }
    let chat = reachable_chat(bot, parameters)?;
    let standing = Standing::read(&chat, parameters)?;
    keep_limits(bot, &chat)?;

    let message_id = bot.next_message_id();
    let mut document = json!({
        "file_id": format!("sent-{message_id}"), "file_unique_id": format!("v{message_id}"),
        "file_name": upload.name, "file_size": upload.bytes.len(),
    });
    if let Some(media_type) = &upload.media_type {
        document["mime_type"] = media_type.as_str().into();
    }
    let mut message = json!({
        "message_id": message_id,
        "from": bot.user(),
        "chat": chat.describe(),
        "date": unix_time(),
        "document": document,
    });
    if !caption.is_empty() {
        message["caption"] = caption.into();
    }

    standing.describe(&mut message);

    let file = SentFile {
        name: upload.name.clone(),
        media_type: upload.media_type.clone(),
        bytes: upload.bytes.clone(),
    };
    chat.keep(bot.shared.history, |seq| Sent {
        seq,
        chat_id: chat.id,
        message_id,
        at: Instant::now(),
        text: caption.to_owned(),
        plain: caption.to_owned(),
        parse_mode: None,
        reply_to: standing.reply_to,
        topic: standing.topic,
        buttons: Vec::new(),
        file: Some(file),
        answered: hearing == Hearing::Heard,
    });
    bot.count_sent();
    chat.announce();
    Ok(message)
}
