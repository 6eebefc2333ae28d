//! Files that belong to messages: shown with their messages, downloaded one by one, and uploaded
//! before they are sent.

use replyx_core::attachment::{AttachmentStatus, MessageFile};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub mod read;
pub mod upload;

/// A file that belongs to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentView {
    id: Uuid,
    /// What it is: `photo`, `document`, `voice`, `audio`, `video`, `video_note` or `animation`.
    #[schema(example = "photo")]
    what: String,
    /// Its name, if it has one.
    #[schema(example = "receipt.pdf")]
    name: Option<String>,
    /// Its media type: detected from its content once it is stored, before that as its sender says.
    #[schema(example = "image/jpeg")]
    media_type: Option<String>,
    /// How many bytes it has, if that is known.
    #[schema(example = 48_210)]
    size: Option<i64>,
    /// `waiting` (is being fetched), `stored` (can be downloaded), `too_large`, `no_room` (the
    /// workspace has used up its storage) or `lost` (the channel did not give it).
    #[schema(example = "stored")]
    status: AttachmentStatus,
}

impl From<MessageFile> for AttachmentView {
    fn from(file: MessageFile) -> Self {
        Self {
            id: file.id.into_uuid(),
            what: file.what,
            name: file.name,
            media_type: file.media_type,
            size: file.size,
            status: file.status,
        }
    }
}
