//! What is stored now.

use replyx_core::{
    dialog::Dialog,
    event::Event,
    ids::MessageId,
    message::{Author, Delivery, Message},
    page::PageRequest,
};
use replyx_storage::testing;

use super::{World, eventually};

impl World<'_> {
    /// All dialogs, the oldest first.
    pub(crate) async fn dialogs(&self) -> Vec<Dialog> {
        let mut tx = self.db.db.read().await.unwrap();
        let page = PageRequest { after: None, limit: 100 };
        let mut dialogs = tx.workspace(self.workspace).dialogs().list(page).await.unwrap().items;
        dialogs.reverse();
        dialogs
    }

    /// The only dialog.
    pub(crate) async fn dialog(&self) -> Dialog {
        let dialogs = self.dialogs().await;
        assert_eq!(dialogs.len(), 1, "{dialogs:?}");
        dialogs.into_iter().next().unwrap()
    }

    pub(crate) async fn messages_of(&self, dialog: &Dialog) -> Vec<Message> {
        let mut tx = self.db.db.read().await.unwrap();
        let page = PageRequest { after: None, limit: 1000 };
        tx.workspace(self.workspace).messages().list(dialog.id, page).await.unwrap().items
    }

    /// What people and the assistant have said in the only dialog: what the program says of changes
    /// of control is left out.
    pub(crate) async fn messages(&self) -> Vec<Message> {
        let mut messages = self.messages_of(&self.dialog().await).await;
        messages.retain(|message| message.author != Author::System);
        messages
    }

    /// What was said in the only dialog: `customer: a`, `assistant: b`.
    pub(crate) async fn said(&self) -> Vec<String> {
        self.messages().await.iter().map(|m| format!("{}: {}", m.author, m.text)).collect()
    }

    pub(crate) async fn delivery(&self, id: MessageId) -> Delivery {
        for dialog in self.dialogs().await {
            for message in self.messages_of(&dialog).await {
                if message.id == id {
                    return message.delivery;
                }
            }
        }
        panic!("there is no message {id}");
    }

    /// Waits until a reply was delivered or failed.
    pub(crate) async fn delivered(&self, id: MessageId) -> Delivery {
        eventually("a reply to be delivered", async || {
            Some(self.delivery(id).await).filter(|delivery| *delivery != Delivery::Queued)
        })
        .await
    }

    /// The log.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let mut tx = self.db.db.read().await.unwrap();
        let log = tx.workspace(self.workspace).events().after(0, 10_000).await.unwrap();
        log.into_iter().map(|recorded| recorded.event).collect()
    }

    /// How many events of this kind there are.
    pub(crate) async fn count(&self, name: &str) -> usize {
        self.events().await.iter().filter(|event| event.name() == name).count()
    }

    /// How many turns wait or run.
    pub(crate) async fn turns(&self) -> i64 {
        let mut tx = self.db.db.read().await.unwrap();
        tx.workspace(self.workspace).turns().count().await.unwrap()
    }

    /// Waits until so many transactions are held up by locks of others. On `SQLite` nothing can be
    /// seen of that: its one writer is waited for before a transaction begins.
    pub(crate) async fn held_up(&self, least: u64) {
        if !self.db.db.is_shared() {
            return;
        }
        eventually("a transaction to be held up", async || {
            (testing::lock_waiters(&self.db.url).await >= least).then_some(())
        })
        .await;
    }

    /// Waits until so many parts were sent in vain and wait for their next attempt.
    pub(crate) async fn postponed(&self, least: u64) {
        // Both databases count the rows of a change, also of one to the same value.
        const TRIED: &str =
            "UPDATE outbox SET attempts = attempts WHERE status = 'queued' AND attempts > 0";
        eventually("parts to be postponed", async || {
            (testing::tamper(&self.db.url, TRIED).await >= least).then_some(())
        })
        .await;
    }

    /// How many parts may be sent now.
    pub(crate) async fn sendable(&self) -> usize {
        let mut tx = self.db.db.read().await.unwrap();
        tx.system().outbox().sendable(self.clock.now(), 100).await.unwrap().len()
    }

    /// How many parts wait to be sent.
    pub(crate) async fn waiting(&self) -> i64 {
        let mut tx = self.db.db.read().await.unwrap();
        tx.system().outbox().waiting().await.unwrap()
    }
}
