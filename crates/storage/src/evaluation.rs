//! Question sets and how assistants did on them: the `question_sets` and `evaluation_runs` tables
//! of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    evaluation::{Metrics, Question, QuestionResult, QuestionSet, Run},
    ids::{AssistantId, QuestionSetId, RunId, WorkspaceId},
    page::{Page, PageRequest},
    rules::assistant::QuestionSetContent,
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! sets {
    () => {
        "SELECT workspace_id, id, assistant_id, name, size, created_at, updated_at FROM question_sets"
    };
}

macro_rules! runs {
    () => {
        "SELECT workspace_id, id, set_id, assistant_id, version, settings_hash, answers, status, done, total,
                metrics, error, created_at, finished_at
           FROM evaluation_runs"
    };
}

#[derive(crate::FromRow)]
struct SetRow {
    workspace_id: Uuid,
    id: Uuid,
    assistant_id: Uuid,
    name: String,
    size: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(crate::FromRow)]
struct RunRow {
    workspace_id: Uuid,
    id: Uuid,
    set_id: Uuid,
    assistant_id: Uuid,
    version: Option<i64>,
    settings_hash: String,
    answers: bool,
    status: String,
    done: i64,
    total: i64,
    metrics: Option<Json<Metrics>>,
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

/// One workspace's question sets.
pub struct QuestionSets<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl QuestionSets<'_> {
    /// Stores a new set; its `size` is the number of questions.
    pub(crate) async fn insert(self, content: &QuestionSetContent<'_>) -> Result<(), StorageError> {
        let QuestionSetContent { set, questions } = content;
        let questions = questions.unwrap_or_default();
        const SQL: &str = "
            INSERT INTO question_sets (workspace_id, id, assistant_id, name, questions, size, created_at,
                                       updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), set.id.into_uuid(), set.assistant_id.into_uuid(), &set.name,
            Json(questions), set.size, set.created_at, set.updated_at);
        Ok(())
    }

    /// Finds a set.
    pub async fn find(self, id: QuestionSetId) -> Result<Option<QuestionSet>, StorageError> {
        const SQL: &str = concat!(sets!(), " WHERE workspace_id = $1 AND id = $2");
        let row = row!(self.tx, SetRow, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(row.map(read_set))
    }

    /// Finds a set and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: QuestionSetId) -> Result<Option<QuestionSet>, StorageError> {
        const SQL: &str = concat!(sets!(), " WHERE workspace_id = $1 AND id = $2");
        const LOCK: &str =
            concat!(sets!(), " WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE");
        let sql = self.tx.sql(LOCK, SQL);
        let row = row!(self.tx, SetRow, sql; self.workspace.into_uuid(), id.into_uuid());
        Ok(row.map(read_set))
    }

    /// The questions of a set, in order; none when there is no such set.
    pub async fn questions(self, id: QuestionSetId) -> Result<Vec<Question>, StorageError> {
        const SQL: &str = "SELECT questions FROM question_sets WHERE workspace_id = $1 AND id = $2";
        let found = value!(self.tx, Json<Vec<Question>>, SQL;
            self.workspace.into_uuid(), id.into_uuid());
        Ok(found.map(|Json(questions)| questions).unwrap_or_default())
    }

    /// A page of an assistant's sets, oldest first.
    pub async fn list(
        self,
        assistant: AssistantId,
        page: PageRequest<QuestionSetId>,
    ) -> Result<Page<QuestionSet, QuestionSetId>, StorageError> {
        const SQL: &str = concat!(
            sets!(),
            " WHERE workspace_id = $1 AND assistant_id = $2 AND id > $3 ORDER BY id LIMIT $4"
        );
        let after = page.after.map_or(Uuid::nil(), QuestionSetId::into_uuid);
        let rows = rows!(self.tx, SetRow, SQL;
            self.workspace.into_uuid(), assistant.into_uuid(), after, i64::from(page.limit) + 1);
        let found = rows.into_iter().map(read_set).collect();
        Ok(Page::of(found, page.limit, |set: &QuestionSet| set.id))
    }

    /// Writes a changed set.
    ///
    /// # Errors
    ///
    /// Fails when the set is not there.
    pub(crate) async fn save(self, content: &QuestionSetContent<'_>) -> Result<(), StorageError> {
        let QuestionSetContent { set, questions } = content;
        const NAME: &str = "
            UPDATE question_sets SET name = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2";
        const ALL: &str = "
            UPDATE question_sets SET name = $3, updated_at = $4, questions = $5, size = $6
             WHERE workspace_id = $1 AND id = $2";
        let workspace = self.workspace.into_uuid();
        let id = set.id.into_uuid();
        let changed = if let Some(questions) = questions {
            run!(self.tx, ALL;
                workspace, id, &set.name, set.updated_at, Json(questions), set.size)
        } else {
            run!(self.tx, NAME; workspace, id, &set.name, set.updated_at)
        };
        StorageError::expect_one_row("question_sets", changed)
    }

    /// Deletes a set with its runs.
    ///
    /// # Errors
    ///
    /// Fails when the set is not there.
    pub(crate) async fn delete(self, id: QuestionSetId) -> Result<(), StorageError> {
        const RUNS: &str = "DELETE FROM evaluation_runs WHERE workspace_id = $1 AND set_id = $2";
        const SQL: &str = "DELETE FROM question_sets WHERE workspace_id = $1 AND id = $2";
        let workspace = self.workspace.into_uuid();
        let id = id.into_uuid();
        run!(self.tx, RUNS; workspace, id);
        let deleted = run!(self.tx, SQL; workspace, id);
        StorageError::expect_one_row("question_sets", deleted)
    }
}

/// One workspace's runs.
pub struct Runs<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Runs<'_> {
    /// Stores a new run.
    ///
    /// # Errors
    ///
    /// Fails when the set is not there.
    pub(crate) async fn insert(self, run: &Run) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO evaluation_runs (workspace_id, id, set_id, assistant_id, version, settings_hash,
                                         answers, status, done, total, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), run.id.into_uuid(), run.set_id.into_uuid(),
            run.assistant_id.into_uuid(), run.version, &run.settings_hash, run.answers,
            run.status.as_str(), run.done, run.total, run.created_at);
        Ok(())
    }

    /// Finds a run.
    pub async fn find(self, id: RunId) -> Result<Option<Run>, StorageError> {
        const SQL: &str = concat!(runs!(), " WHERE workspace_id = $1 AND id = $2");
        row!(self.tx, RunRow, SQL; self.workspace.into_uuid(), id.into_uuid())
            .map(read_run)
            .transpose()
    }

    /// Finds a run and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: RunId) -> Result<Option<Run>, StorageError> {
        const SQLITE: &str = concat!(runs!(), " WHERE workspace_id = $1 AND id = $2");
        const POSTGRES: &str =
            concat!(runs!(), " WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE");
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(POSTGRES, SQLITE);
        row!(self.tx, RunRow, sql; self.workspace.into_uuid(), id.into_uuid())
            .map(read_run)
            .transpose()
    }

    /// A page of a set's runs, newest first.
    pub async fn list(
        self,
        set: QuestionSetId,
        page: PageRequest<RunId>,
    ) -> Result<Page<Run, RunId>, StorageError> {
        const SQL: &str = concat!(
            runs!(),
            " WHERE workspace_id = $1 AND set_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
        );
        let before = page.after.map_or(Uuid::max(), RunId::into_uuid);
        let rows = rows!(self.tx, RunRow, SQL;
            self.workspace.into_uuid(), set.into_uuid(), before, i64::from(page.limit) + 1);
        let found = rows.into_iter().map(read_run).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |run: &Run| run.id))
    }

    /// The newest run of a set that is done and measured these settings with answers.
    pub async fn newest_with_answers(
        self,
        set: QuestionSetId,
        settings_hash: &str,
    ) -> Result<Option<Run>, StorageError> {
        const SQL: &str = concat!(
            runs!(),
            " WHERE workspace_id = $1 AND set_id = $2 AND settings_hash = $3 AND status = 'done'
                AND answers = $4
              ORDER BY id DESC LIMIT 1"
        );
        row!(self.tx, RunRow, SQL;
            self.workspace.into_uuid(), set.into_uuid(), settings_hash, true)
        .map(read_run)
        .transpose()
    }

    /// How many runs of a set wait or ask.
    pub async fn unfinished(self, set: QuestionSetId) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT COUNT(*) FROM evaluation_runs
             WHERE workspace_id = $1 AND set_id = $2 AND status IN ('queued', 'running')";
        let found = value!(self.tx, i64, SQL; self.workspace.into_uuid(), set.into_uuid());
        Ok(found.unwrap_or_default())
    }

    /// Deletes the oldest runs of a set that have ended, so that `keep` runs are left, or those
    /// that have not ended. Returns how many.
    pub async fn prune(self, set: QuestionSetId, keep: u32) -> Result<u64, StorageError> {
        const SQL: &str = "
            DELETE FROM evaluation_runs
             WHERE workspace_id = $1 AND set_id = $2 AND id IN (
                   SELECT id FROM evaluation_runs
                    WHERE workspace_id = $1 AND set_id = $2 AND status IN ('done', 'failed')
                    ORDER BY id
                    LIMIT (SELECT CASE WHEN COUNT(*) > $3 THEN COUNT(*) - $3 ELSE 0 END
                             FROM evaluation_runs WHERE workspace_id = $1 AND set_id = $2))";
        Ok(run!(self.tx, SQL; self.workspace.into_uuid(), set.into_uuid(), i64::from(keep)))
    }

    /// How the run did on each question, in order; `None` before it is done.
    pub async fn results(self, id: RunId) -> Result<Option<Vec<QuestionResult>>, StorageError> {
        const SQL: &str = "SELECT results FROM evaluation_runs WHERE workspace_id = $1 AND id = $2";
        let found = value!(self.tx, Option<Json<Vec<QuestionResult>>>, SQL;
            self.workspace.into_uuid(), id.into_uuid());
        Ok(found.flatten().map(|Json(results)| results))
    }

    /// Writes what became of a run.
    ///
    /// # Errors
    ///
    /// Fails when the run is not there, or has ended.
    pub(crate) async fn save(
        self,
        run: &Run,
        results: Option<&[QuestionResult]>,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE evaluation_runs
               SET status = $3, done = $4, total = $5, metrics = $6, error = $7, finished_at = $8,
                   results = COALESCE($9, results)
             WHERE workspace_id = $1 AND id = $2 AND status IN ('queued', 'running')";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), run.id.into_uuid(), run.status.as_str(), run.done, run.total,
            run.metrics.as_ref().map(Json), &run.error, run.finished_at, results.map(Json));
        StorageError::expect_one_row("evaluation_runs", changed)
    }
}

fn read_set(row: SetRow) -> QuestionSet {
    QuestionSet {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        assistant_id: row.assistant_id.into(),
        name: row.name,
        size: row.size,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn read_run(row: RunRow) -> Result<Run, StorageError> {
    Ok(Run {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        set_id: row.set_id.into(),
        assistant_id: row.assistant_id.into(),
        version: row.version,
        settings_hash: row.settings_hash,
        answers: row.answers,
        status: row.status.parse().map_err(StorageError::corrupt("evaluation_runs"))?,
        done: row.done,
        total: row.total,
        metrics: row.metrics.map(|Json(metrics)| metrics),
        error: row.error,
        created_at: row.created_at,
        finished_at: row.finished_at,
    })
}
