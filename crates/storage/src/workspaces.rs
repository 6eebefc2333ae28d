//! Tenants: the `workspaces` table.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::WorkspaceId,
    page::{Page, PageRequest},
    rules::workspace::AllowedModels,
    setting,
    workspace::Workspace,
};
use uuid::Uuid;

use crate::{StorageError, Tx, documents::STEP, query::containing};

/// The columns of [`Row`], from a table or a join in which `workspaces` is `w`.
macro_rules! workspace_columns {
    () => {
        "w.id AS workspace_id, w.name AS workspace_name, w.suspended_at AS workspace_suspended_at,
         w.created_at AS workspace_created_at"
    };
}
pub(crate) use workspace_columns;

/// A workspace as stored.
#[derive(crate::FromRow)]
#[expect(clippy::struct_field_names, reason = "columns that are told from a user's in a join")]
pub(crate) struct Row {
    pub workspace_id: Uuid,
    pub workspace_name: String,
    pub workspace_suspended_at: Option<DateTime<Utc>>,
    pub workspace_created_at: DateTime<Utc>,
}

/// What a workspace's assistants may spend money on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelPolicy {
    /// Is the workspace suspended? Then no model is asked for it.
    pub suspended: bool,
    /// The only models it may use; all that the installation allows unless set.
    pub allowed: Option<Vec<String>>,
}

/// All tenants.
pub struct Workspaces<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Workspaces<'_> {
    /// Stores a new workspace with an empty log.
    pub(crate) async fn insert(self, workspace: &Workspace) -> Result<(), StorageError> {
        const SQL: &str =
            "INSERT INTO workspaces (id, name, suspended_at, created_at) VALUES ($1, $2, $3, $4)";
        const HEAD: &str = "INSERT INTO event_heads (workspace_id, seq) VALUES ($1, 0)";
        run!(self.tx, SQL;
            workspace.id.into_uuid(), &workspace.name, workspace.suspended_at, workspace.created_at);
        run!(self.tx, HEAD; workspace.id.into_uuid());
        Ok(())
    }

    /// Finds a workspace.
    pub async fn find(self, id: WorkspaceId) -> Result<Option<Workspace>, StorageError> {
        const SQL: &str =
            concat!("SELECT ", workspace_columns!(), " FROM workspaces w WHERE w.id = $1");
        Ok(row!(self.tx, Row, SQL; id.into_uuid()).map(read))
    }

    /// Finds a workspace and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: WorkspaceId) -> Result<Option<Workspace>, StorageError> {
        const SQL: &str =
            concat!("SELECT ", workspace_columns!(), " FROM workspaces w WHERE w.id = $1");
        const LOCK: &str = concat!(
            "SELECT ",
            workspace_columns!(),
            " FROM workspaces w WHERE w.id = $1 FOR NO KEY UPDATE"
        );
        let sql = self.tx.sql(LOCK, SQL);
        Ok(row!(self.tx, Row, sql; id.into_uuid()).map(read))
    }

    /// Stores its name, and whether it is suspended. Who calls holds it ([`Self::lock`]). Tells
    /// `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is no such workspace.
    pub(crate) async fn save(self, workspace: &Workspace) -> Result<(), StorageError> {
        const SQL: &str = "UPDATE workspaces SET name = $2, suspended_at = $3 WHERE id = $1";
        let changed = run!(self.tx, SQL;
            workspace.id.into_uuid(), &workspace.name, workspace.suspended_at);
        tell(self.tx, workspace.id, changed)
    }

    /// As [`Self::save`]; its turns and jobs are taken on again.
    pub(crate) async fn resume(self, workspace: &Workspace) -> Result<(), StorageError> {
        self.tx.done.any_turns();
        self.tx.done.jobs = true;
        self.save(workspace).await
    }

    /// What a workspace's assistants may spend money on; `None`: there is no such workspace.
    pub async fn model_policy(self, id: WorkspaceId) -> Result<Option<ModelPolicy>, StorageError> {
        const SQL: &str =
            "SELECT suspended_at IS NOT NULL, allowed_models FROM workspaces WHERE id = $1";
        let row = row!(self.tx, (bool, Option<String>), SQL; id.into_uuid());
        Ok(row.map(|(suspended, allowed)| {
            let allowed = allowed.as_deref().map(names);
            ModelPolicy { suspended, allowed }
        }))
    }

    /// The workspaces of these that may use only some models, with the models.
    pub async fn restricted(
        self,
        of: &[WorkspaceId],
    ) -> Result<Vec<(WorkspaceId, Vec<String>)>, StorageError> {
        const SQL: &str = "
            SELECT id, allowed_models FROM workspaces
             WHERE id >= $1 AND id <= $2 AND allowed_models IS NOT NULL";
        let ids = || of.iter().map(|id| id.into_uuid());
        let Some((first, last)) = ids().min().zip(ids().max()) else { return Ok(Vec::new()) };
        let rows = rows!(self.tx, (Uuid, String), SQL; first, last);
        Ok(rows.into_iter().map(|(id, allowed)| (id.into(), names(&allowed))).collect())
    }

    /// Restricts a workspace to these models, or all that the installation allows.
    ///
    /// # Errors
    ///
    /// Fails when there is no such workspace.
    pub(crate) async fn restrict(self, allowed: &AllowedModels) -> Result<(), StorageError> {
        const SQL: &str = "UPDATE workspaces SET allowed_models = $2 WHERE id = $1";
        let names = allowed.names.as_ref().map(|names| names.join(","));
        let changed = run!(self.tx, SQL; allowed.workspace_id.into_uuid(), names.as_deref());
        tell(self.tx, allowed.workspace_id, changed)
    }

    /// All workspaces by id, newest first: those whose name contains the text, whatever its case,
    /// or all.
    pub async fn list(
        self,
        matching: Option<&str>,
        page: PageRequest<WorkspaceId>,
    ) -> Result<Page<Workspace, WorkspaceId>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            workspace_columns!(),
            r" FROM workspaces w
              WHERE w.id < $1 AND ($2 IS NULL OR LOWER(w.name) LIKE LOWER($2) ESCAPE '\')
              ORDER BY w.id DESC LIMIT $3"
        );
        let before = page.after.map_or(Uuid::max(), WorkspaceId::into_uuid);
        let name = matching.map(containing);
        let found = rows!(self.tx, Row, SQL; before, &name, i64::from(page.limit) + 1);
        let workspaces = found.into_iter().map(read).collect();
        Ok(Page::of(workspaces, page.limit, |workspace: &Workspace| workspace.id))
    }

    /// Deletes a step of what a workspace has most of, so that others can write in between: some of
    /// its passages, then of its replies, of the files of its messages, of its messages, and of its
    /// events. How many rows went; with none left, `delete` does not take long.
    pub async fn empty(self, id: WorkspaceId) -> Result<u64, StorageError> {
        const PASSAGES: &str = "
            DELETE FROM passages
             WHERE workspace_id = $1
               AND id IN (SELECT id FROM passages WHERE workspace_id = $1 LIMIT $2)";
        const REPLIES: [&str; 2] = batch!("outbox", "workspace_id = $1");
        const ATTACHMENTS: [&str; 2] = batch!("attachments", "workspace_id = $1");
        const MESSAGES: [&str; 2] = batch!("messages", "workspace_id = $1");
        const EVENTS: [&str; 2] = batch!("events", "workspace_id = $1");
        let workspace = id.into_uuid();

        let passages = run!(self.tx, PASSAGES; workspace, i64::from(STEP));
        if passages > 0 {
            return Ok(passages);
        }
        let replies = delete_batch!(self.tx, REPLIES; workspace);
        if replies > 0 {
            return Ok(replies);
        }
        let attachments = delete_batch!(self.tx, ATTACHMENTS; workspace);
        if attachments > 0 {
            return Ok(attachments);
        }
        let messages = delete_batch!(self.tx, MESSAGES; workspace);
        if messages > 0 {
            return Ok(messages);
        }
        Ok(delete_batch!(self.tx, EVENTS; workspace))
    }

    /// Deletes a workspace with everything in it. Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is no such workspace.
    pub(crate) async fn delete(self, id: WorkspaceId) -> Result<(), StorageError> {
        let deleted = run!(self.tx, "DELETE FROM workspaces WHERE id = $1"; id.into_uuid());
        tell(self.tx, id, deleted)
    }
}

/// One workspace has changed, and what its members have access to.
fn tell(tx: &mut Tx, id: WorkspaceId, changed: u64) -> Result<(), StorageError> {
    StorageError::expect_one_row("workspaces", changed)?;
    tx.done.access.push(id.into_uuid());
    Ok(())
}

/// The models of a stored list.
pub(crate) fn names(list: &str) -> Vec<String> {
    setting::model_names(list).map(str::to_owned).collect()
}

pub(crate) fn read(row: Row) -> Workspace {
    Workspace {
        id: row.workspace_id.into(),
        name: row.workspace_name,
        suspended_at: row.workspace_suspended_at,
        created_at: row.workspace_created_at,
    }
}
