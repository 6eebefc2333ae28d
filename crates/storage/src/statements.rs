//! What tests learn of the statements that a database was sent.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The statements that one transaction has sent, and the texts of all that its database was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    count: usize,
    texts: Arc<Mutex<BTreeSet<String>>>,
}

impl Statements {
    /// For another transaction of the same database.
    pub(crate) fn again(&self) -> Self {
        Self { count: 0, texts: Arc::clone(&self.texts) }
    }

    pub(crate) fn note(&mut self, sql: &str) {
        self.count += 1;
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if !texts.contains(sql) {
            texts.insert(sql.to_owned());
        }
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// The texts of all that the database was sent.
    pub(crate) fn texts(&self) -> BTreeSet<String> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
