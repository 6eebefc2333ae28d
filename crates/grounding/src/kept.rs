//! What was read of texts that come again: taking a passage apart costs more than all else that is
//! done with it, and the same passages answer question after question.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use super::known::Text;

/// No more bytes of text than this are kept of a generation; there are two.
const GENERATION: usize = 2 * 1024 * 1024;
/// A longer text is read again each time.
const LONGEST: usize = 64 * 1024;

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// Texts in two generations: what is asked for stays, what is not is gone when the younger one is
/// full for the second time.
#[derive(Default)]
struct Kept {
    young: HashMap<Box<str>, Arc<Text>>,
    old: HashMap<Box<str>, Arc<Text>>,
    size: usize,
}

impl Kept {
    fn get(&mut self, text: &str) -> Option<Arc<Text>> {
        if let Some(read) = self.young.get(text) {
            return Some(Arc::clone(read));
        }
        let (text, read) = self.old.remove_entry(text)?;
        self.put(text, Arc::clone(&read), GENERATION);
        Some(read)
    }

    fn put(&mut self, text: Box<str>, read: Arc<Text>, most: usize) {
        if self.size + text.len() > most {
            self.old = std::mem::take(&mut self.young);
            self.size = 0;
        }
        self.size += text.len();
        self.young.insert(text, read);
    }
}

/// The text, taken apart now or before.
pub(super) fn text(text: &str) -> Arc<Text> {
    let lock = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(read) = lock().get(text) {
        return read;
    }
    // Nobody waits for a text that is being read.
    let read = Arc::new(Text::read(text));
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
        let read = |text: &str| Arc::new(Text::read(text));
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
        let once = text("A tooth is filled for 65 euros: the text of a test.");
        assert!(Arc::ptr_eq(&once, &text("A tooth is filled for 65 euros: the text of a test.")));
    }
}
