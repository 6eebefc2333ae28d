//! Small tools for state in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Locks `mutex`, also after a panic: what it guards here is whole between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A map that forgets entries of no more use, in constant amortised time: it looks through them
/// all when it has become twice as large as after the last look.
#[derive(Debug)]
pub(crate) struct ForgetfulMap<V> {
    entries: HashMap<String, V>,
    sweep_at: usize,
}

const SMALL: usize = 1024;

impl<V> Default for ForgetfulMap<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), sweep_at: SMALL }
    }
}

impl<V> ForgetfulMap<V> {
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.entries.remove(key);
    }

    /// Inserts an entry, after dropping those not `in_use` if it is time to.
    pub(crate) fn insert(&mut self, key: &str, value: V, in_use: impl Fn(&V) -> bool) {
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|_, value| in_use(value));
            self.sweep_at = SMALL.max(2 * self.entries.len());
            self.entries.shrink_to(self.sweep_at);
        }
        self.entries.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_no_use_do_not_pile_up() {
        let mut map = ForgetfulMap::default();
        for number in 0..100_000_u32 {
            map.insert(&number.to_string(), number, |kept| kept % 100 == 0);
            assert!(map.entries.len() <= SMALL.max(2 * (number as usize / 100 + 1)) + SMALL);
        }
        assert_eq!(map.get("99900"), Some(&99_900));
        assert_eq!(map.get("0"), Some(&0));
    }
}
