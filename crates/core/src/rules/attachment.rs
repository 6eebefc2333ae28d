//! What becomes of a file that a customer sent.

use chrono::{DateTime, Utc};

use crate::{
    attachment::{AttachmentStatus, MessageFile, media_type},
    change::{Change, New},
    event::Event,
    file::Content,
    knowledge::Fingerprint,
};

/// A file of a message with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessageFile<'b> {
    /// The file.
    pub file: MessageFile,
    /// Its SHA-256, lower-case hexadecimal.
    pub content_hash: String,
    /// Its bytes.
    pub content: Content<'b>,
}

impl MessageFile {
    /// Was received, and waits to be fetched. Its message tells of it.
    pub fn receive(self) -> Change<New<Self>> {
        Change::of(self.workspace_id, New(self))
    }

    /// Was fetched.
    pub fn store<'b>(
        mut self,
        bytes: &[u8],
        content: Content<'b>,
        now: DateTime<Utc>,
    ) -> Change<StoredMessageFile<'b>> {
        let fingerprint = Fingerprint::of(bytes);
        self.size = Some(fingerprint.size());
        self.media_type = Some(media_type(bytes).to_owned());
        let content_hash = fingerprint.content_hash().to_owned();
        self.turn(AttachmentStatus::Stored, now).with(|file| StoredMessageFile {
            file,
            content_hash,
            content,
        })
    }

    /// Cannot be had.
    pub fn fail(self, status: AttachmentStatus, now: DateTime<Utc>) -> Change<Self> {
        self.turn(status, now)
    }

    fn turn(mut self, status: AttachmentStatus, now: DateTime<Utc>) -> Change<Self> {
        self.status = status;
        self.updated_at = now;
        let event = Event::AttachmentStatus {
            dialog_id: self.dialog_id,
            message_id: self.message_id,
            attachment_id: self.id,
            status,
        };
        Change::of(self.workspace_id, self).telling(event, now)
    }
}
