//! A table of questions with their answers.

use std::{collections::HashSet, ops::AddAssign, path::Path};

use replyx_core::{
    act::AnswersImported, actor::Caller, change::Change, ids::AssistantId, knowledge::Document,
};
use replyx_extract::{ExtractError, isolated_pairs};
use replyx_knowledge::index::{self, IndexDocument};
use replyx_storage::repeated;
use tokio::task::spawn_blocking;

use super::{AnswerError, LONGEST_ANSWER, LONGEST_QUESTION, Pair, is_telling};
use crate::{
    Cx, Missing, Unacceptable,
    documents::{count_upload, may_queue},
    lock_assistant,
};

/// At most so many pairs are taken at once.
const MOST: usize = 5_000;

/// How many pairs are stored in one transaction: others want to write, too.
const BATCH: usize = 250;

/// What became of the pairs of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many are new.
    pub imported: usize,
    /// How many were there already, or twice in the table.
    pub skipped: usize,
}

impl AddAssign for Imported {
    fn add_assign(&mut self, more: Self) {
        self.imported += more.imported;
        self.skipped += more.skipped;
    }
}

/// The pairs of a table, to be stored for one assistant.
#[derive(Debug)]
pub struct Table(Vec<(Document, Vec<u8>)>);

/// Pairs that are stored in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a>(&'a [(Document, Vec<u8>)]);

impl Table {
    /// The pairs in their order. Storing all of them takes a while: the caller should look before
    /// each batch whether the caller still may.
    pub fn batches(&self) -> impl Iterator<Item = Batch<'_>> {
        self.0.chunks(BATCH).map(Batch)
    }
}

/// Reads the questions and answers of a CSV table that an assistant is to know. `program` is this
/// very program: the table is a stranger's, and a confined child reads it.
///
/// # Errors
///
/// [`AnswerError::Unacceptable`] for the whole table when one row cannot be accepted.
pub async fn read_table(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    program: &Path,
    csv: &[u8],
) -> Result<Table, AnswerError> {
    let workspace = caller.workspace_id;
    let known = cx.db.read().await?.workspace(workspace).assistants().find(assistant).await?;
    known.ok_or(Missing("assistant"))?;

    let found = match isolated_pairs(program, csv).await {
        Ok(found) => found,
        Err(ExtractError::Unreadable(why)) => {
            return Err(Unacceptable::new("", why.to_string()).into());
        }
        Err(error @ ExtractError::Program(_)) => return Err(AnswerError::Reader(error)),
    };
    let clock = cx.clock.clone();
    let work = move || {
        let pairs = acceptable(found)?;
        let documents = pairs.iter().map(|pair| pair.document(&clock, workspace, assistant));
        Ok::<_, Unacceptable>(documents.collect::<Vec<_>>())
    };
    let documents = spawn_blocking(work).await??;
    Ok(Table(documents))
}

/// Adds some pairs of a table to what an assistant knows. Pairs that are known are skipped, so a
/// table whose import broke off can be sent again.
///
/// # Errors
///
/// [`AnswerError::DayIsFull`] when the workspace has uploaded all of its day.
pub async fn import(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    batch: Batch<'_>,
) -> Result<Imported, AnswerError> {
    repeated(|| store(cx, caller, assistant, batch)).await
}

async fn store(
    cx: Cx<'_>,
    caller: &Caller,
    assistant: AssistantId,
    Batch(batch): Batch<'_>,
) -> Result<Imported, AnswerError> {
    let workspace = caller.workspace_id;
    let mut tx = cx.db.begin().await?;
    // It may have been deleted while the table was on its way.
    lock_assistant::<AnswerError>(&mut tx, caller, assistant).await?;
    may_queue::<AnswerError>(&mut tx, caller).await?;
    let known = tx.workspace(workspace).knowledge().answer_hashes(assistant).await?;
    let mut known: HashSet<String> = known.into_iter().collect();

    let mut sum = Imported::default();
    let mut bytes = 0;
    for (document, original) in batch {
        if !known.insert(document.content_hash.clone()) {
            sum.skipped += 1;
            continue;
        }
        tx.apply(document.clone().store(original)).await?;
        index::queue(&mut tx, cx.clock, IndexDocument::of(document)).await?;
        sum.imported += 1;
        bytes += document.size;
    }

    if sum.imported > 0 {
        count_upload::<AnswerError>(cx, &mut tx, caller, bytes).await?;
        let now = cx.clock.now();
        let act = AnswersImported { assistant, imported: sum.imported, skipped: sum.skipped };
        tx.apply(Change::act(workspace, &caller.actor(), &act, now)).await?;
        tx.commit().await?;
    }
    Ok(sum)
}

/// The pairs of a table, each within the bounds of one that is written by hand.
fn acceptable(found: Vec<(String, String)>) -> Result<Vec<Pair>, Unacceptable> {
    let refused = |message: String| Err(Unacceptable::new("", message));
    if found.len() > MOST {
        return refused(format!("the table has {} pairs; at most {MOST} are taken", found.len()));
    }

    for ((question, answer), number) in found.iter().zip(1..) {
        for (what, text, most) in
            [("question", question, LONGEST_QUESTION), ("answer", answer, LONGEST_ANSWER)]
        {
            if text.chars().count() > most {
                return refused(format!(
                    "the {what} of pair {number} has more than {most} characters"
                ));
            }
            if !is_telling(text) {
                return refused(format!("the {what} of pair {number} holds no letter or digit"));
            }
        }
    }
    Ok(found.into_iter().map(|(question, answer)| Pair { question, answer }).collect())
}

#[cfg(test)]
mod tests {
    use replyx_extract::pairs;

    use super::*;

    fn table(csv: &[u8]) -> Result<Vec<Pair>, Unacceptable> {
        acceptable(pairs(csv).map_err(|why| Unacceptable::new("", why.to_string()))?)
    }

    fn refused(text: &str) -> String {
        table(text.as_bytes()).unwrap_err().message
    }

    #[test]
    fn a_table_is_taken_whole_or_refused_with_the_place_that_is_wrong() {
        let good = table("question;answer\nOpen?;Yes\nCards?;All\n".as_bytes()).unwrap();
        assert_eq!(good.len(), 2);
        assert_eq!(good[1], Pair { question: "Cards?".to_owned(), answer: "All".to_owned() });
        assert!(refused("question,answer\nOpen?,Yes\nCards?,\n").contains("row 3"));
        assert!(refused("question,answer\nOpen?,...\n").contains("answer of pair 1"));
        let long = format!("question,answer\nOpen?,Yes\n{},Yes\n", "q".repeat(1_001));
        assert!(refused(&long).contains("question of pair 2"), "{}", refused(&long));
        let many =
            (0..=MOST).fold("question,answer\n".to_owned(), |all, n| all + &format!("q{n},a\n"));
        assert!(refused(&many).contains("5001 pairs"), "{}", refused(&many));
    }
}
