//! Whom the updates of a transaction are from, read with one statement for all of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use replyx_core::{
    channel::{Address, ChatKind, Inbound, InboundContent},
    dialog::{Contact, Control, Dialog},
    ids::{ChannelId, ContactId, DialogId, WorkspaceId},
};
use replyx_storage::{StorageError, Tx, contacts::Sender};

use super::Door;
use crate::Engine;

/// The customers of private chats who write, locked, with their open dialogs. Groups, which may
/// move, are looked up one by one.
pub(super) struct Known {
    contacts: HashMap<(ChannelId, Address), Contact>,
    dialogs: HashMap<ContactId, Dialog>,
    /// The dialogs that turns are asked for, each once, in the order of their contacts.
    asked: Vec<(WorkspaceId, DialogId)>,
}

impl Known {
    /// Reads and locks them, in the order of the updates.
    pub(super) async fn load(
        engine: &Engine,
        tx: &mut Tx,
        updates: &[&(Door, Inbound)],
        now: DateTime<Utc>,
    ) -> Result<Self, StorageError> {
        let mut senders: Vec<Sender<'_>> = Vec::new();
        for (door, inbound) in updates {
            let is_from_customer = inbound.chat_kind == ChatKind::Private
                && !matches!(inbound.content, InboundContent::Moved { .. });
            if !is_from_customer {
                continue;
            }
            let is_same = |sender: &&mut Sender<'_>| {
                sender.channel_id == door.channel_id && sender.inbound.address == inbound.address
            };
            // Updates of a chat stand together. The last one has the newest name.
            if let Some(sender) = senders.last_mut().filter(is_same) {
                sender.inbound = inbound;
                continue;
            }
            senders.push(Sender {
                workspace_id: door.workspace_id,
                channel_id: door.channel_id,
                new_id: engine.clock.id(),
                inbound,
            });
        }

        let contacts = tx.system().contacts().meet_each(&senders, now).await?;
        let whose: Vec<_> =
            contacts.iter().map(|contact| (contact.workspace_id, contact.id)).collect();
        let dialogs = tx.system().dialogs().lock_open_each(&whose).await?;
        let place = |contact: Contact| ((contact.channel_id, contact.address.clone()), contact);
        Ok(Self {
            contacts: contacts.into_iter().map(place).collect(),
            dialogs: dialogs.into_iter().map(|dialog| (dialog.contact_id, dialog)).collect(),
            asked: Vec::new(),
        })
    }

    /// Who an update is from.
    pub(super) fn contact(&self, door: &Door, inbound: &Inbound) -> Option<Contact> {
        self.contacts.get(&(door.channel_id, inbound.address.clone())).cloned()
    }

    /// The contact is about to be changed.
    pub(super) fn forget(&mut self, contact: &Contact) {
        self.contacts.remove(&(contact.channel_id, contact.address.clone()));
    }

    /// The open dialog of a contact, as it is now.
    pub(super) fn dialog(&self, contact: &Contact) -> Option<Dialog> {
        self.dialogs.get(&contact.id).cloned()
    }

    /// Something was said in a dialog, which is this one from now on. The assistant answers, if it
    /// has the word.
    pub(super) fn heard(&mut self, contact: &Contact, dialog: Dialog) {
        let which = (dialog.workspace_id, dialog.id);
        if dialog.control == Control::Ai && !self.asked.contains(&which) {
            self.asked.push(which);
        }
        if dialog.control == Control::Closed {
            self.dialogs.remove(&contact.id);
        } else {
            self.dialogs.insert(contact.id, dialog);
        }
    }

    /// The dialogs that turns are asked for.
    pub(super) fn asked(&self) -> &[(WorkspaceId, DialogId)] {
        &self.asked
    }
}
