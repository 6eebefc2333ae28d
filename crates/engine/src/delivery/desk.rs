//! Hands a reply that is being settled to the delivery of the same process.
//!
//! Where the limits of its chat and channel allow it and nothing else is on its way to the chat,
//! the first part of a reply is stored as `sending`, claimed by this process, and is begun after
//! the commit. Whatever waits, fails or is taken over goes through the outbox, as everything does
//! while no delivery is at work here.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use replyx_core::channel::{Channel, ChannelStatus};
use replyx_live::Permit;
use replyx_storage::{outbox::Sendable, until_stored};

use super::{CLAIM_LOST, Sends, limits};
use crate::{
    Engine,
    claims::{Place, Room},
    context::Context,
};

/// Where replies are handed to delivery, while it is at work in this process.
#[derive(Default)]
pub struct Desk(Mutex<Option<Room<Sends>>>);

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    pub(super) fn open(&self, room: Option<Room<Sends>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = room;
    }

    fn place(&self) -> Option<Place<Sends>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.place()
    }
}

/// Takes a place for the first part of a reply, if the limits of its chat and channel let it
/// through. The limits may be in another process: no transaction is open.
pub(crate) async fn reserve(engine: &Engine, context: &Context) -> Option<Place<Sends>> {
    if !speaks(&context.channel) {
        return None;
    }
    let place = engine.desk.place()?;
    let contact = &context.contact;
    let channel = engine.channels.of(context.channel.kind);
    let paces = channel.paces(contact.chat_kind);
    let limits = limits(paces, contact.channel_id, &channel.chat(&contact.address));
    if limits.is_empty() || engine.live.take(&limits).await == Permit::Granted {
        return Some(place);
    }
    None
}

/// Whether replies leave through a channel.
pub(crate) fn speaks(channel: &Channel) -> bool {
    channel.status == ChannelStatus::Running
}

/// Queues a part that was handed over in a transaction of which nobody knows whether it was
/// committed. It has not been begun.
pub(crate) async fn take_back(engine: &Engine, part: &Sendable) {
    until_stored("queue a reply whose commit failed", || async {
        let now = engine.clock.now();
        let mut tx = engine.db.begin().await?;
        let outbox = tx.workspace(part.workspace_id).outbox();
        outbox.put_back(part, engine.process, now, CLAIM_LOST, false).await?;
        tx.commit().await.map(drop)
    })
    .await;
}
