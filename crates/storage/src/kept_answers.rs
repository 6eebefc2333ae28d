//! Answers that serve the same question again: the `kept_answers` table of one workspace.
//!
//! An assistant keeps at most one answer to a question, and it serves only the version and the
//! knowledge from which it was made.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{AssistantId, WorkspaceId},
    message::AnswerMeta,
};
use sqlx::types::Json;

use crate::{StorageError, Tx};

/// What an answer was made for, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKey {
    /// The assistant.
    pub assistant_id: AssistantId,
    /// A hash of the question and of what else decides how it is answered, such as the language.
    pub question: String,
    /// The version of the assistant.
    pub version: i64,
    /// The revision of its knowledge.
    pub revision: i64,
}

/// An answer that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAnswer {
    /// What was said; Markdown.
    pub text: String,
    /// How it came about.
    pub meta: AnswerMeta,
}

#[derive(crate::FromRow)]
struct Row {
    text: String,
    answer: Json<AnswerMeta>,
}

/// One workspace's kept answers.
pub struct KeptAnswers<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl KeptAnswers<'_> {
    /// The answer for exactly this that is still good.
    pub async fn find(
        self,
        key: &KeptKey,
        now: DateTime<Utc>,
    ) -> Result<Option<KeptAnswer>, StorageError> {
        const SQL: &str = "
            SELECT text, answer FROM kept_answers
             WHERE workspace_id = $1 AND assistant_id = $2 AND question = $3 AND version = $4
               AND revision = $5 AND expires_at > $6";
        let found = row!(self.tx, Row, SQL;
            self.workspace.into_uuid(), key.assistant_id.into_uuid(), &key.question, key.version,
            key.revision, now);
        Ok(found.map(|row| KeptAnswer { text: row.text, meta: row.answer.0 }))
    }

    /// Keeps an answer until `expires`, in place of an earlier one to the same question. One that
    /// was made from later knowledge stays.
    pub async fn keep(
        self,
        key: &KeptKey,
        answer: &KeptAnswer,
        expires: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO kept_answers (workspace_id, assistant_id, question, version, revision, text,
                                      answer, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (workspace_id, assistant_id, question) DO UPDATE
               SET version = excluded.version, revision = excluded.revision, text = excluded.text,
                   answer = excluded.answer, expires_at = excluded.expires_at
             WHERE kept_answers.revision <= excluded.revision";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), key.assistant_id.into_uuid(), &key.question, key.version,
            key.revision, &answer.text, Json(&answer.meta), expires);
        Ok(())
    }
}

/// All kept answers.
pub struct SystemKeptAnswers<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemKeptAnswers<'_> {
    /// Forgets answers that ended before this moment, a batch at a time ([`crate::sweep::BATCH`]).
    /// Returns how many.
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("kept_answers", "expires_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}
