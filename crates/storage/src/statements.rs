//! What tests learn of the statements that a database was sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

/// How often each statement was sent.
type Sent = Arc<Mutex<BTreeMap<String, u64>>>;

/// The statements that one transaction has sent, and those of its handle and of its database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    count: usize,
    /// The texts of all that the database was sent, by every handle.
    texts: Arc<Mutex<BTreeSet<String>>>,
    /// What this handle and its clones have sent, and how often.
    sent: Sent,
}

impl Statements {
    /// For another transaction of the same handle.
    pub(crate) fn again(&self) -> Self {
        Self { count: 0, ..self.clone() }
    }

    /// For another handle of the same database.
    pub(crate) fn of_another_handle(&self) -> Self {
        Self { count: 0, texts: Arc::clone(&self.texts), sent: Sent::default() }
    }

    pub(crate) fn note(&mut self, sql: &str) {
        self.count += 1;
        self.note_sent(sql);
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if !texts.contains(sql) {
            texts.insert(sql.to_owned());
        }
    }

    /// Counts a statement of the handle that is not one of a transaction.
    pub(crate) fn note_sent(&self, sql: &str) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = sent.get_mut(sql) {
            *count += 1;
        } else {
            sent.insert(sql.to_owned(), 1);
        }
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// The texts of all that the database was sent.
    pub(crate) fn texts(&self) -> BTreeSet<String> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What this handle and its clones have sent since the last call, and how often.
    pub(crate) fn take_sent(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
