//! Tags and the dialogs that have them: the `tags` and `dialog_tags` tables of one workspace.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{DialogId, TagId, WorkspaceId},
    page::{Page, PageRequest},
    tag::{DialogTags, Tag},
};
use uuid::Uuid;

use crate::{StorageError, Tx, query::listed};

macro_rules! tags {
    () => {
        "SELECT workspace_id, id, name, created_at, updated_at FROM tags"
    };
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    name: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Tag {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            workspace_id: row.workspace_id.into(),
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// One workspace's tags.
pub struct Tags<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Tags<'_> {
    /// Stores a new tag.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when another one has its name.
    pub(crate) async fn insert(self, tag: &Tag) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO tags (workspace_id, id, name, name_key, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), tag.id.into_uuid(), &tag.name, tag.key(), tag.created_at,
            tag.updated_at);
        Ok(())
    }

    /// Finds a tag.
    pub async fn find(self, id: TagId) -> Result<Option<Tag>, StorageError> {
        const SQL: &str = concat!(tags!(), " WHERE workspace_id = $1 AND id = $2");
        let row = row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(row.map(Tag::from))
    }

    /// Finds a tag and keeps others from changing it until the transaction ends.
    pub async fn lock(self, id: TagId) -> Result<Option<Tag>, StorageError> {
        const SQL: &str = concat!(tags!(), " WHERE workspace_id = $1 AND id = $2");
        const LOCK: &str = concat!(tags!(), " WHERE workspace_id = $1 AND id = $2 FOR UPDATE");
        let sql = self.tx.sql(LOCK, SQL);
        let row = row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid());
        Ok(row.map(Tag::from))
    }

    /// A page of the tags, oldest first.
    pub async fn list(self, page: PageRequest<TagId>) -> Result<Page<Tag, TagId>, StorageError> {
        const SQL: &str =
            concat!(tags!(), " WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3");
        let after = page.after.map_or(Uuid::nil(), TagId::into_uuid);
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), after, i64::from(page.limit) + 1);
        let found = rows.into_iter().map(Tag::from).collect();
        Ok(Page::of(found, page.limit, |tag: &Tag| tag.id))
    }

    /// How many tags there are.
    pub async fn count(self) -> Result<i64, StorageError> {
        const SQL: &str = "SELECT COUNT(*) FROM tags WHERE workspace_id = $1";
        let count = value!(self.tx, i64, SQL; self.workspace.into_uuid());
        Ok(count.unwrap_or_default())
    }

    /// Writes a changed tag.
    ///
    /// # Errors
    ///
    /// [`StorageError::is_duplicate`] when another one has its name; fails when it is not there.
    pub(crate) async fn save(self, tag: &Tag) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE tags SET name = $3, name_key = $4, updated_at = $5
             WHERE workspace_id = $1 AND id = $2";
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), tag.id.into_uuid(), &tag.name, tag.key(), tag.updated_at);
        StorageError::expect_one_row("tags", changed)
    }

    /// Deletes a tag, from its dialogs as well.
    ///
    /// # Errors
    ///
    /// Fails when it is not there.
    pub(crate) async fn delete(self, id: TagId) -> Result<(), StorageError> {
        const USES: &str = "DELETE FROM dialog_tags WHERE workspace_id = $1 AND tag_id = $2";
        const SQL: &str = "DELETE FROM tags WHERE workspace_id = $1 AND id = $2";
        let workspace = self.workspace.into_uuid();
        run!(self.tx, USES; workspace, id.into_uuid());
        let deleted = run!(self.tx, SQL; workspace, id.into_uuid());
        StorageError::expect_one_row("tags", deleted)
    }

    /// The tags of dialogs, by their names.
    pub async fn of_dialogs(
        self,
        dialogs: &[DialogId],
    ) -> Result<Vec<(DialogId, Tag)>, StorageError> {
        macro_rules! of_dialogs {
            ($wanted:literal) => {
                concat!(
                    "SELECT g.dialog_id, t.workspace_id, t.id, t.name, t.created_at, t.updated_at
                       FROM dialog_tags g
                       JOIN tags t ON t.workspace_id = g.workspace_id AND t.id = g.tag_id
                      WHERE g.workspace_id = $1 AND g.dialog_id ",
                    $wanted,
                    " ORDER BY t.name_key, t.id"
                )
            };
        }
        if dialogs.is_empty() {
            return Ok(Vec::new());
        }

        let sql = self.tx.sql(
            of_dialogs!("= ANY(CAST(string_to_array($2, ',') AS UUID[]))"),
            of_dialogs!(r#"IN (SELECT unhex(value) FROM json_each('["' || replace($2, ',', '","') || '"]'))"#),
        );

        type Found = (Uuid, Uuid, Uuid, String, DateTime<Utc>, DateTime<Utc>);
        let rows = rows!(self.tx, Found, sql;
            self.workspace.into_uuid(), listed(dialogs.iter().map(|id| id.into_uuid())));
        let tag = |(dialog, workspace_id, id, name, created_at, updated_at): Found| {
            (dialog.into(), Row { workspace_id, id, name, created_at, updated_at }.into())
        };
        Ok(rows.into_iter().map(tag).collect())
    }

    /// Writes the tags of a dialog in place of those that it has.
    ///
    /// # Errors
    ///
    /// Fails when the dialog or one of the tags is not there.
    pub(crate) async fn set(self, wanted: &DialogTags) -> Result<(), StorageError> {
        const CLEAR: &str = "DELETE FROM dialog_tags WHERE workspace_id = $1 AND dialog_id = $2";
        const SET: &str = "
            INSERT INTO dialog_tags (workspace_id, dialog_id, tag_id) VALUES ($1, $2, $3)";
        let workspace = self.workspace.into_uuid();
        let dialog = wanted.dialog_id.into_uuid();
        run!(self.tx, CLEAR; workspace, dialog);
        for tag in &wanted.tags {
            run!(self.tx, SET; workspace, dialog, tag.into_uuid());
        }
        Ok(())
    }
}
