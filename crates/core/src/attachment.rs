//! Files that belong to what was said in a dialog.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    channel::{Attachment, Outbound},
    ids::{AttachmentId, DialogId, MessageId, WorkspaceId},
    knowledge::Fingerprint,
    words::words,
};

/// The largest file that is taken from a customer, bytes. Telegram gives bots no larger one.
pub const MOST_BYTES: u64 = 20_000_000;
/// The largest file that is sent to a customer, bytes. Telegram takes no larger one from bots.
pub const MOST_SENT_BYTES: usize = 50_000_000;
/// How many files go with one message at most.
pub const MOST_FILES: usize = 10;
/// How long an uploaded file waits to be sent.
pub const UPLOAD_LIFE: TimeDelta = TimeDelta::hours(24);

words! {
    /// The state of a file that a customer sent.
    AttachmentStatus, example "stored" {
        /// It is about to be fetched from its channel.
        Waiting = "waiting",
        /// It can be downloaded.
        Stored = "stored",
        /// It is larger than is taken.
        TooLarge = "too_large",
        /// The workspace keeps as much as it may.
        NoRoom = "no_room",
        /// The channel no longer has it, or did not give it.
        Lost = "lost",
    }
}

/// A file that belongs to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFile {
    /// Identity.
    pub id: AttachmentId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// Where it was said.
    pub dialog_id: DialogId,
    /// The message.
    pub message_id: MessageId,
    /// What it is for people: `photo`, `voice`, `document`, ...
    pub what: String,
    /// Its name, when it has one.
    pub name: Option<String>,
    /// Its media type: as its content was recognized once it is stored, before that as it was said
    /// to be.
    pub media_type: Option<String>,
    /// How many bytes it has, when that is known.
    pub size: Option<i64>,
    /// Whether it can be downloaded.
    pub status: AttachmentStatus,
    /// Under which name the channel gives it out.
    pub reference: String,
    /// When it was received, or sent.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl MessageFile {
    /// What is queued of it: its bytes are read by its id when it is sent.
    pub fn outbound(&self) -> Outbound {
        let file = Attachment {
            what: self.what.clone(),
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            size: self.size.and_then(|size| u64::try_from(size).ok()),
            reference: self.id.to_string(),
        };
        Outbound::File { file, caption: None, reply_to: None }
    }
}

/// A file that an operator has uploaded and not sent yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Identity, also of the file of a message that it becomes.
    pub id: AttachmentId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// What it is called.
    pub name: String,
    /// Its media type, as its content was recognized.
    pub media_type: String,
    /// How many bytes it has.
    pub size: i64,
    /// Its SHA-256, lower-case hexadecimal.
    pub content_hash: String,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
}

impl Upload {
    /// A file of these bytes.
    pub fn of(
        id: AttachmentId,
        workspace_id: WorkspaceId,
        name: &str,
        bytes: &[u8],
        now: DateTime<Utc>,
    ) -> Self {
        let fingerprint = Fingerprint::of(bytes);
        Self {
            id,
            workspace_id,
            name: name.to_owned(),
            media_type: media_type(bytes).to_owned(),
            size: fingerprint.size(),
            content_hash: fingerprint.content_hash().to_owned(),
            created_at: now,
        }
    }

    /// When it is forgotten, unless it was sent.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.created_at + UPLOAD_LIFE
    }
}

/// The media type of a file, detected from its first bytes alone: a name or a sender may say
/// anything. What is not recognized and is text is `text/plain`.
pub fn media_type(bytes: &[u8]) -> &'static str {
    const MARKS: [(usize, &[u8], &str); 16] = [
        (0, b"\x89PNG\r\n\x1a\n", "image/png"),
        (0, b"\xff\xd8\xff", "image/jpeg"),
        (0, b"GIF8", "image/gif"),
        (8, b"WEBP", "image/webp"),
        (0, b"%PDF-", "application/pdf"),
        (0, b"OggS", "audio/ogg"),
        (0, b"ID3", "audio/mpeg"),
        (0, b"\xff\xfb", "audio/mpeg"),
        (0, b"\xff\xf3", "audio/mpeg"),
        (0, b"fLaC", "audio/flac"),
        (8, b"WAVE", "audio/wav"),
        (4, b"ftypM4A", "audio/mp4"),
        (4, b"ftypqt", "video/quicktime"),
        (4, b"ftyp", "video/mp4"),
        (0, b"\x1aE\xdf\xa3", "video/webm"),
        (0, b"PK\x03\x04", "application/zip"),
    ];
    let marked = MARKS
        .iter()
        .find(|(at, mark, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(mark)));
    if let Some((_, _, media_type)) = marked {
        return media_type;
    }

    let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(is_shown) => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_by_the_content_and_never_one_that_a_browser_runs() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], "image/png"),
            (b"\xff\xd8\xff\xe0....", "image/jpeg"),
            (b"RIFF....WEBPVP8 ", "image/webp"),
            (b"RIFF....WAVEfmt ", "audio/wav"),
            (b"OggS\0\x02", "audio/ogg"),
            (b"\0\0\0\x18ftypmp42", "video/mp4"),
            (b"%PDF-1.7", "application/pdf"),
            (b"PK\x03\x04....", "application/zip"),
            (
                b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
                "text/plain",
            ),
            (b"<!DOCTYPE html><script>alert(1)</script>", "text/plain"),
            ("Прайс\r\n".as_bytes(), "text/plain"),
            (b"MZ\x90\0", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(media_type(bytes), expected, "{bytes:?}");
        }
    }
}
