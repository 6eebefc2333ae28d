//! What was read of texts that come again: taking a passage apart costs more than all else that is
//! done with it, and the same passages answer question after question.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// No more bytes of text than this are kept of a generation; there are two.
const GENERATION: usize = 2 * 1024 * 1024;
/// A longer text is read again each time.
const LONGEST: usize = 64 * 1024;

/// Texts in two generations: what is asked for stays, what is not is gone when the younger one is
/// full for the second time.
pub(super) struct Kept<T> {
    young: HashMap<Box<str>, Arc<T>>,
    old: HashMap<Box<str>, Arc<T>>,
    size: usize,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), size: 0 }
    }
}

impl<T> Kept<T> {
    fn get(&mut self, text: &str) -> Option<Arc<T>> {
        if let Some(read) = self.young.get(text) {
            return Some(Arc::clone(read));
        }
        let (text, read) = self.old.remove_entry(text)?;
        self.put(text, Arc::clone(&read), GENERATION);
        Some(read)
    }

    fn put(&mut self, text: Box<str>, read: Arc<T>, most: usize) {
        if self.size + text.len() > most {
            self.old = std::mem::take(&mut self.young);
            self.size = 0;
        }
        self.size += text.len();
        self.young.insert(text, read);
    }
}

/// The text, taken apart now or before.
pub(super) fn read<T>(kept: &Mutex<Kept<T>>, text: &str, read: impl Fn(&str) -> T) -> Arc<T> {
    let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(read) = lock().get(text) {
        return read;
    }
    // Nobody waits for a text that is being read.
    let read = Arc::new(read(text));
    if text.len() <= LONGEST {
        lock().put(text.into(), Arc::clone(&read), GENERATION);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut kept = Kept::default();
        let read = |text: &str| Arc::new(text.len());
        for text in ["a 1", "b 2", "c 3", "d 4", "e 5"] {
            kept.put(text.into(), read(text), 7);
            kept.get("a 1");
        }

        assert!(kept.get("a 1").is_some());
        assert!(kept.get("b 2").is_none());
        assert!(kept.young.len() + kept.old.len() <= 4);
    }

    #[test]
    fn a_text_is_read_once() {
        let kept = Mutex::default();
        let once = read(&kept, "A tooth", str::len);
        assert!(Arc::ptr_eq(&once, &read(&kept, "A tooth", str::len)));
    }
}
