//! Who answers: the `assistants` table of one workspace.
//!
//! Deleted assistants stay in the table, because dialogs tell who answered in them; nothing here finds
//! them any more.

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::{Assistant, Settings},
    ids::{AssistantId, WorkspaceId},
    page::{Page, PageRequest},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! columns {
    () => {
        "workspace_id, id, name, model, system_prompt, temperature, language, greeting, unknown_text,
         fallback_text, version, created_at, updated_at"
    };
}

macro_rules! find {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM assistants WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL"
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    name: String,
    model: Option<String>,
    system_prompt: String,
    temperature: f64,
    language: String,
    greeting: Option<String>,
    unknown_text: Option<String>,
    fallback_text: Option<String>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// One workspace's assistants.
pub struct Assistants<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Assistants<'_> {
    /// Stores a new assistant.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert(self, assistant: &Assistant) -> Result<(), StorageError> {
        debug_assert_eq!(assistant.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = concat!(
            "INSERT INTO assistants (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        );
        let settings = &assistant.settings;
        run!(self.tx, SQL;
            self.workspace.into_uuid(), assistant.id.into_uuid(), &settings.name, &settings.model,
            &settings.system_prompt, settings.temperature, settings.language.as_str(),
            &settings.greeting, &settings.unknown_text, &settings.fallback_text,
            assistant.version, assistant.created_at, assistant.updated_at);
        Ok(())
    }

    /// Finds an assistant.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or the row cannot be read.
    pub async fn find(self, id: AssistantId) -> Result<Option<Assistant>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .map(read)
            .transpose()
    }

    /// Finds an assistant and keeps others from changing or deleting it until the transaction ends.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn lock(self, id: AssistantId) -> Result<Option<Assistant>, StorageError> {
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(concat!(find!(), " FOR UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// A page of the assistants, oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or a row cannot be read.
    pub async fn list(
        self,
        page: PageRequest<AssistantId>,
    ) -> Result<Page<Assistant, AssistantId>, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM assistants WHERE workspace_id = $1 AND id > $2 AND deleted_at IS NULL
               ORDER BY id LIMIT $3"
        );
        let after = page.after.map_or(Uuid::nil(), AssistantId::into_uuid);
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), after, i64::from(page.limit) + 1);
        let found = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, |assistant: &Assistant| assistant.id))
    }

    /// Writes changed settings, if the stored version is still `assistant.version - 1`. `false`: somebody
    /// else changed it first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn update(self, assistant: &Assistant) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE assistants
               SET name = $3, model = $4, system_prompt = $5, temperature = $6, language = $7,
                   greeting = $8, unknown_text = $9, fallback_text = $10, version = $11, updated_at = $12
             WHERE workspace_id = $1 AND id = $2 AND version = $11 - 1 AND deleted_at IS NULL";
        let settings = &assistant.settings;
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), assistant.id.into_uuid(), &settings.name, &settings.model,
            &settings.system_prompt, settings.temperature, settings.language.as_str(),
            &settings.greeting, &settings.unknown_text, &settings.fallback_text,
            assistant.version, assistant.updated_at);
        Ok(changed == 1)
    }

    /// Deletes an assistant with its documents. Its bots must be gone: [`crate::bots::Bots::count_of`].
    /// `false`: there is no such assistant.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete(self, id: AssistantId, now: DateTime<Utc>) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE assistants SET deleted_at = $3
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        const DOCUMENTS: &str =
            "DELETE FROM documents WHERE workspace_id = $1 AND assistant_id = $2";
        let deleted = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), now);
        run!(self.tx, DOCUMENTS; self.workspace.into_uuid(), id.into_uuid());
        Ok(deleted == 1)
    }
}

fn read(row: Row) -> Result<Assistant, StorageError> {
    Ok(Assistant {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        settings: Settings {
            name: row.name,
            model: row.model,
            system_prompt: row.system_prompt,
            temperature: row.temperature,
            language: row.language.parse().map_err(StorageError::corrupt("assistants"))?,
            greeting: row.greeting,
            unknown_text: row.unknown_text,
            fallback_text: row.fallback_text,
        },
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
