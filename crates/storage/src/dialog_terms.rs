//! The words that dialogs are found by: the tables `dialog_terms`, `unindexed_dialogs` and
//! `dialog_term_logs`.
//!
//! They are stems of what was said in a dialog and of its contact's name, written behind what is
//! said. Each workspace's log is followed; a dialog of which the log does not tell everything
//! (words were edited or deleted, the contact has another name, the index is new) is marked, by the
//! database itself where words change, and its words are gathered again. Which words a text has is
//! the caller's matter.

use replyx_core::{
    ids::{DialogId, WorkspaceId},
    message::MessageKind,
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// Who may find a dialog by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finders {
    /// Only those who may read notes.
    Colleagues,
    /// All who may read the dialog.
    Everybody,
}

impl Finders {
    pub(crate) fn shown(self) -> i64 {
        i64::from(self == Self::Everybody)
    }
}

/// A word of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogTerm {
    /// The dialog.
    pub dialog: DialogId,
    /// The stem.
    pub term: String,
    /// Who may find it.
    pub finders: Finders,
}

/// How far a workspace's log has been followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowedLog {
    /// By which version of the rules.
    pub version: i64,
    /// Up to this event.
    pub seq: i64,
    /// Whether there are dialogs that are still to be marked.
    pub is_marking: bool,
}

/// A dialog whose words are to be gathered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnindexedDialog {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The dialog.
    pub dialog: DialogId,
    /// How often that was asked for.
    pub marks: i64,
}

/// What was said or noted, to be found by its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundText {
    /// Its place in the dialog.
    pub seq: i64,
    /// Who may find it.
    pub finders: Finders,
    /// The words.
    pub text: String,
}

/// One workspace's words.
pub struct DialogTerms<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl DialogTerms<'_> {
    /// Adds words to dialogs; those of dialogs that are no longer there are left out.
    pub async fn add(self, terms: &[DialogTerm]) -> Result<(), StorageError> {
        const SQL: [&str; 2] = given!(
            ["workspace_id" "uuid", 2 "dialog_id" "uuid", 3 "term" "text", 4 "shown" "bigint"]
            "INSERT INTO dialog_terms (workspace_id, dialog_id, term, shown)
             SELECT given.workspace_id, given.dialog_id, given.term, given.shown
               FROM given
               JOIN dialogs d ON d.workspace_id = given.workspace_id AND d.id = given.dialog_id
              WHERE given.term <> ''
                 ON CONFLICT (workspace_id, dialog_id, term) DO UPDATE SET shown = excluded.shown
              WHERE dialog_terms.shown < excluded.shown"
        );
        let workspace = self.workspace.into_uuid();
        run_each!(self.tx, SQL, terms; |term|
            workspace, term.dialog.into_uuid(), term.term.as_str(), term.finders.shown());
        Ok(())
    }

    /// Stores the words of a dialog in place of those that it had. The mark stays where the dialog
    /// was marked again in the meantime.
    pub async fn replace(
        self,
        unindexed: &UnindexedDialog,
        terms: &[DialogTerm],
    ) -> Result<(), StorageError> {
        const GONE: &str = "DELETE FROM dialog_terms WHERE workspace_id = $1 AND dialog_id = $2";
        const MARK: &str = "
            DELETE FROM unindexed_dialogs
             WHERE workspace_id = $1 AND dialog_id = $2 AND marks = $3";
        let Self { tx, workspace } = self;
        let dialog = unindexed.dialog.into_uuid();
        run!(tx, GONE; workspace.into_uuid(), dialog);
        run!(tx, MARK; workspace.into_uuid(), dialog, unindexed.marks);
        tx.workspace(workspace).dialog_terms().add(terms).await
    }

    /// The name of a dialog's contact.
    pub async fn name(self, dialog: DialogId) -> Result<Option<String>, StorageError> {
        const SQL: &str = "
            SELECT c.display_name
              FROM dialogs d
              JOIN contacts c ON c.workspace_id = d.workspace_id AND c.id = d.contact_id
             WHERE d.workspace_id = $1 AND d.id = $2";
        Ok(value!(self.tx, String, SQL; self.workspace.into_uuid(), dialog.into_uuid()))
    }

    /// What people and the assistant said in a dialog after number `after`, up to number `upto`: at
    /// most `limit` messages, oldest first. What the program says of control is not searched.
    pub async fn texts(
        self,
        dialog: DialogId,
        after: i64,
        upto: i64,
        limit: u32,
    ) -> Result<Vec<FoundText>, StorageError> {
        const SQL: &str = "
            SELECT seq, kind, text FROM messages
             WHERE workspace_id = $1 AND dialog_id = $2 AND seq > $3 AND seq <= $4
               AND kind <> 'control' AND text <> ''
             ORDER BY seq LIMIT $5";
        let rows = rows!(self.tx, (i64, String, String), SQL;
            self.workspace.into_uuid(), dialog.into_uuid(), after, upto, i64::from(limit));
        let read = |(seq, kind, text): (i64, String, String)| {
            let kind: MessageKind = kind.parse().map_err(StorageError::corrupt("messages"))?;
            let finders = if kind.is_shown() { Finders::Everybody } else { Finders::Colleagues };
            Ok(FoundText { seq, finders, text })
        };
        rows.into_iter().map(read).collect()
    }

    /// How far the log has been followed; `None` where that has not begun.
    pub async fn followed(self) -> Result<Option<FollowedLog>, StorageError> {
        const SQL: &str = "
            SELECT version, seq, marking FROM dialog_term_logs WHERE workspace_id = $1";
        let row = row!(self.tx, (i64, i64, Option<Uuid>), SQL; self.workspace.into_uuid());
        Ok(row.map(|(version, seq, marking)| FollowedLog {
            version,
            seq,
            is_marking: marking.is_some(),
        }))
    }

    /// Begins with the newest event; all dialogs there are will be marked, see [`Self::mark`].
    pub async fn begin(self, version: i64) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO dialog_term_logs (workspace_id, version, seq, marking)
            SELECT workspace_id, $2, seq, $3 FROM event_heads WHERE workspace_id = $1
                ON CONFLICT (workspace_id) DO UPDATE
               SET version = excluded.version, seq = excluded.seq, marking = excluded.marking";
        run!(self.tx, SQL; self.workspace.into_uuid(), version, Uuid::nil());
        Ok(())
    }

    /// Marks the next `limit` dialogs of those that are to be marked.
    pub async fn mark(self, limit: i64) -> Result<(), StorageError> {
        const NEXT: &str = "
            INSERT INTO unindexed_dialogs (workspace_id, dialog_id, marks)
            SELECT d.workspace_id, d.id, 1
              FROM dialogs d
              JOIN dialog_term_logs l ON l.workspace_id = d.workspace_id AND d.id > l.marking
             WHERE d.workspace_id = $1
             ORDER BY d.id LIMIT $2
                ON CONFLICT (workspace_id, dialog_id) DO UPDATE
               SET marks = unindexed_dialogs.marks + 1
            RETURNING dialog_id";
        const MARKED: &str = "
            UPDATE dialog_term_logs SET marking = $2 WHERE workspace_id = $1";
        let workspace = self.workspace.into_uuid();
        let marked = rows!(self.tx, (Uuid,), NEXT; workspace, limit);
        let is_full = i64::try_from(marked.len()).is_ok_and(|marked| marked == limit);
        let last = marked.into_iter().map(|(dialog,)| dialog).max().filter(|_| is_full);
        run!(self.tx, MARKED; workspace, last);
        Ok(())
    }

    /// Notes that the log has been followed to number `upto`. `false`: somebody else has followed
    /// it in the meantime.
    pub async fn follow(self, from: &FollowedLog, upto: i64) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE dialog_term_logs SET seq = $4
             WHERE workspace_id = $1 AND version = $2 AND seq = $3";
        let moved = run!(self.tx, SQL; self.workspace.into_uuid(), from.version, from.seq, upto);
        Ok(moved == 1)
    }

    /// In how many dialogs `finders` find a word; at most `most`.
    pub(crate) async fn count(
        self,
        term: &str,
        finders: Finders,
        most: i64,
    ) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT COUNT(*) FROM (
                SELECT 1 FROM dialog_terms
                 WHERE workspace_id = $1 AND term = $2 AND shown >= $3 LIMIT $4) counted";
        let counted =
            value!(self.tx, i64, SQL; self.workspace.into_uuid(), term, finders.shown(), most);
        Ok(counted.unwrap_or_default())
    }
}

/// All workspaces' words.
pub struct SystemDialogTerms<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemDialogTerms<'_> {
    /// At most `limit` workspaces whose logs are to be followed on by a version of the rules.
    pub async fn behind(self, version: i64, limit: i64) -> Result<Vec<WorkspaceId>, StorageError> {
        const SQL: &str = "
            SELECT h.workspace_id
              FROM event_heads h
              LEFT JOIN dialog_term_logs l ON l.workspace_id = h.workspace_id
             WHERE l.seq IS NULL OR l.seq < h.seq OR l.version <> $1 OR l.marking IS NOT NULL
             LIMIT $2";
        let rows = rows!(self.tx, (Uuid,), SQL; version, limit);
        Ok(rows.into_iter().map(|(workspace,)| workspace.into()).collect())
    }

    /// At most `limit` dialogs that are marked.
    pub async fn unindexed(self, limit: i64) -> Result<Vec<UnindexedDialog>, StorageError> {
        const SQL: &str = "
            SELECT workspace_id, dialog_id, marks FROM unindexed_dialogs LIMIT $1";
        let rows = rows!(self.tx, (Uuid, Uuid, i64), SQL; limit);
        let read = |(workspace, dialog, marks): (Uuid, Uuid, i64)| UnindexedDialog {
            workspace: workspace.into(),
            dialog: dialog.into(),
            marks,
        };
        Ok(rows.into_iter().map(read).collect())
    }
}
