//! The words by which dialogs are found: what people and the assistant said in them, and the names
//! of their contacts.
//!
//! [`step`] is run by the clock, by one process at a time, until it finds nothing to do. It follows
//! the log of each workspace, so that whatever stores a message need not know of the index, and
//! gathers the words of marked dialogs again ([`replyx_storage::dialog_terms`]). A step that is
//! taken twice changes nothing.

use std::collections::BTreeMap;

use replyx_core::{
    event::{Event, Recorded},
    ids::{DialogId, WorkspaceId},
};
use replyx_storage::{
    StorageError,
    dialog_terms::{DialogTerm, Finders, FollowedLog, UnindexedDialog},
    inbox::SearchWords,
    retried,
};
use replyx_text::terms::{self, VERSION};

use crate::Engine;

/// How many workspaces are looked at in one step.
const WORKSPACES: i64 = 50;
/// How many events are followed in one step.
const EVENTS: u32 = 100;
/// How many dialogs are marked in one step.
const MARKED: i64 = 1_000;
/// How many marked dialogs are gathered in one step.
const GATHERED: i64 = 20;
/// How many messages are read at once.
const MESSAGES: u32 = 500;
/// How much of a word counts, characters: what is longer is no word that people type.
const LONGEST: usize = 64;

/// Words of a dialog with those who find it by them.
type Words = BTreeMap<String, Finders>;

/// Follows the logs of some workspaces on, and gathers the words of some marked dialogs. Returns
/// for how many; `None` when nothing was to be done.
///
/// # Errors
///
/// Fails when the database does; what was done before stays.
pub async fn step(engine: &Engine) -> Result<Option<u64>, StorageError> {
    let mut tx = engine.db.read().await?;
    let behind = tx.system().dialog_terms().behind(VERSION, WORKSPACES).await?;
    let unindexed = tx.system().dialog_terms().unindexed(GATHERED).await?;
    drop(tx);

    for workspace in &behind {
        follow(engine, *workspace).await?;
    }
    for unindexed in &unindexed {
        gather(engine, unindexed).await?;
    }
    let done = u64::try_from(behind.len() + unindexed.len()).unwrap_or(u64::MAX);
    Ok(Some(done).filter(|done| *done > 0))
}

/// The words of a search, as the index has them; `None` when there are none, or more than
/// [`replyx_storage::inbox::MOST_WORDS`].
#[must_use]
pub fn asked(text: &str, finders: Finders) -> Option<SearchWords> {
    let mut words: Vec<String> = Vec::new();
    for term in terms::query_terms(text) {
        let word = shortened(&term);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    SearchWords::of(words, finders)
}

/// Follows the log of a workspace by a step.
async fn follow(engine: &Engine, workspace: WorkspaceId) -> Result<(), StorageError> {
    let mut tx = engine.db.read().await?;
    let followed = tx.workspace(workspace).dialog_terms().followed().await?;
    let Some(log) = followed.filter(|log| log.version == VERSION) else {
        drop(tx);
        return begin(engine, workspace).await;
    };
    if log.is_marking {
        drop(tx);
        return mark(engine, workspace).await;
    }

    let events = tx.workspace(workspace).events().after(log.seq, EVENTS).await?;
    let Some(last) = events.last().filter(|_| events[0].seq == log.seq + 1) else {
        // What was said in between is no longer in the log.
        drop(tx);
        return begin(engine, workspace).await;
    };
    let last = last.seq;
    let mut found = Vec::new();
    for (dialog, said) in said(&events) {
        let mut words = Words::new();
        if let Some(name) = tx.workspace(workspace).dialog_terms().name(dialog).await? {
            add(&mut words, &name, Finders::Everybody);
        }
        let texts = tx.workspace(workspace).dialog_terms();
        for text in texts.texts(dialog, said.after, said.upto, EVENTS).await? {
            add(&mut words, &text.text, text.finders);
        }
        found.extend(of(dialog, words));
    }
    drop(tx);

    store(engine, workspace, &log, last, &found).await
}

/// A stretch of a dialog.
struct Stretch {
    /// The number before its first message.
    after: i64,
    /// The number of its last message.
    upto: i64,
}

/// Where events say that something was said.
fn said(events: &[Recorded]) -> BTreeMap<DialogId, Stretch> {
    let mut said: BTreeMap<DialogId, Stretch> = BTreeMap::new();
    for recorded in events {
        let (Event::MessageStored { dialog_id, seq, .. }
        | Event::NoteStored { dialog_id, seq, .. }
        | Event::ReplySettled { dialog_id, seq, .. }) = &recorded.event
        else {
            continue;
        };
        let stretch = said.entry(*dialog_id).or_insert(Stretch { after: seq - 1, upto: *seq });
        stretch.after = stretch.after.min(seq - 1);
        stretch.upto = stretch.upto.max(*seq);
    }
    said
}

async fn store(
    engine: &Engine,
    workspace: WorkspaceId,
    log: &FollowedLog,
    upto: i64,
    found: &[DialogTerm],
) -> Result<(), StorageError> {
    retried(|| async {
        let mut tx = engine.db.begin().await?;
        if tx.workspace(workspace).dialog_terms().follow(log, upto).await? {
            tx.workspace(workspace).dialog_terms().add(found).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// Begins with a workspace: all its dialogs are to be marked.
async fn begin(engine: &Engine, workspace: WorkspaceId) -> Result<(), StorageError> {
    retried(|| async {
        let mut tx = engine.db.begin().await?;
        tx.workspace(workspace).dialog_terms().begin(VERSION).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

async fn mark(engine: &Engine, workspace: WorkspaceId) -> Result<(), StorageError> {
    retried(|| async {
        let mut tx = engine.db.begin().await?;
        tx.workspace(workspace).dialog_terms().mark(MARKED).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Gathers the words of a marked dialog from everything that was said in it.
async fn gather(engine: &Engine, unindexed: &UnindexedDialog) -> Result<(), StorageError> {
    let UnindexedDialog { workspace, dialog, .. } = *unindexed;
    let mut words = Words::new();
    let mut tx = engine.db.read().await?;
    if let Some(name) = tx.workspace(workspace).dialog_terms().name(dialog).await? {
        add(&mut words, &name, Finders::Everybody);
    }
    drop(tx);

    // A long dialog is read in pages, so that no snapshot is held for long.
    let mut after = 0;
    loop {
        let mut tx = engine.db.read().await?;
        let terms = tx.workspace(workspace).dialog_terms();
        let texts = terms.texts(dialog, after, i64::MAX, MESSAGES).await?;
        for text in &texts {
            add(&mut words, &text.text, text.finders);
        }
        match texts.last() {
            Some(last) if texts.len() == MESSAGES as usize => after = last.seq,
            _ => break,
        }
    }

    let found: Vec<DialogTerm> = of(dialog, words).collect();
    retried(|| async {
        let mut tx = engine.db.begin().await?;
        tx.workspace(workspace).dialog_terms().replace(unindexed, &found).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

fn add(words: &mut Words, text: &str, finders: Finders) {
    for term in terms::terms(text) {
        let known = words.entry(shortened(&term.stem)).or_insert(finders);
        *known = finders.max(*known);
    }
}

fn of(dialog: DialogId, words: Words) -> impl Iterator<Item = DialogTerm> {
    words.into_iter().map(move |(term, finders)| DialogTerm { dialog, term, finders })
}

fn shortened(word: &str) -> String {
    word.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_has_its_words_once_and_at_most_so_many() {
        let asked = |text: &str| asked(text, Finders::Everybody);
        assert_eq!(asked("Returns, return returned"), asked("return"));
        assert!(asked("?!… 🙂").is_none());
        assert!(asked("one two three four five six seven eight nine ten").is_none());
        let long = "я".repeat(300);
        assert_eq!(asked(&long), asked(&long[..400]));
    }

    #[test]
    fn a_word_that_customers_read_is_found_by_everybody() {
        let mut words = Words::new();
        add(&mut words, "refund approved", Finders::Colleagues);
        add(&mut words, "Refunds", Finders::Everybody);
        add(&mut words, "refund", Finders::Colleagues);
        let found: Vec<_> = words.into_iter().collect();
        let expected =
            [("approv".to_owned(), Finders::Colleagues), ("refund".to_owned(), Finders::Everybody)];
        assert_eq!(found, expected);
    }
}
