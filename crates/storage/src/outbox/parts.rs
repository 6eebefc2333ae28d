//! What is queued of a reply.

use replyx_core::{
    channel::{ChannelKind, Outbound},
    dialog::{Contact, Dialog},
    ids::{MessageId, OutboxId},
};

use super::Sendable;

/// A reply on its way out.
#[derive(Clone, Copy, Debug)]
pub struct NewParts<'a> {
    /// Where it was said.
    pub dialog: &'a Dialog,
    /// To whom.
    pub contact: &'a Contact,
    /// The reply.
    pub message: MessageId,
    /// Its parts, in their order.
    pub parts: &'a [(OutboxId, Outbound)],
}

impl NewParts<'_> {
    /// The first part, as it is when it is claimed for the first time.
    pub fn first(&self, kind: ChannelKind, secret_sealed: Option<Vec<u8>>) -> Option<Sendable> {
        let (id, content) = self.parts.first()?;
        Some(Sendable {
            id: *id,
            workspace_id: self.dialog.workspace_id,
            channel_id: self.contact.channel_id,
            channel_kind: kind,
            contact_id: self.contact.id,
            address: self.contact.address.clone(),
            chat_kind: self.contact.chat_kind,
            dialog_id: self.dialog.id,
            message_id: self.message,
            part: 1,
            parts: i64::try_from(self.parts.len()).unwrap_or(i64::MAX),
            content: content.clone(),
            attempts: 0,
            uncertain: 0,
            revoked: false,
            secret_sealed,
        })
    }
}
