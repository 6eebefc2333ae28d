//! Who answers: the `assistants` table of one workspace.
//!
//! Deleted assistants stay in the table, because dialogs tell who answered in them; nothing here
//! finds them any more.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::{Assistant, AssistantSettings, Gate, HandOffPolicy, OpeningHours, Texts, Version},
    ids::{AssistantId, RunId, WorkspaceId},
    page::{Page, PageRequest},
    rules::assistant::Publication,
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{StorageError, Tx, documents::PURGE};

/// How many versions of an assistant are kept, besides those that an evaluation measured.
const VERSIONS: i64 = 200;

macro_rules! columns {
    () => {
        "workspace_id, id, name, model, system_prompt, temperature, language, greeting, unknown_text,
         fallback_text, fallback_models, time_zone, check_answers, unverified, handoff_text, gate,
         handoff, texts, version, published, created_at, updated_at, reopen_hours,
         hours, late_answer_minutes, tags, unsure"
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

macro_rules! version {
    () => {
        "SELECT versions.number, versions.settings, versions.note, versions.run_id, versions.created_by,
                versions.created_at
           FROM assistant_versions AS versions
           JOIN assistants ON assistants.workspace_id = versions.workspace_id
                          AND assistants.id = versions.assistant_id
          WHERE versions.workspace_id = $1 AND versions.assistant_id = $2 AND assistants.deleted_at IS NULL"
    };
}

#[derive(crate::FromRow)]
struct Owned {
    workspace_id: Uuid,
}

#[derive(crate::FromRow)]
struct VersionRow {
    number: i64,
    settings: Json<AssistantSettings>,
    note: String,
    run_id: Option<Uuid>,
    created_by: String,
    created_at: DateTime<Utc>,
}

#[derive(crate::FromRow)]
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
    fallback_models: Json<Vec<String>>,
    time_zone: String,
    check_answers: bool,
    unverified: String,
    handoff_text: Option<String>,
    gate: Option<Json<Gate>>,
    handoff: Json<HandOffPolicy>,
    texts: Json<Texts>,
    version: i64,
    published: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    reopen_hours: i64,
    hours: Option<Json<OpeningHours>>,
    late_answer_minutes: i64,
    tags: Json<Vec<String>>,
    unsure: String,
}

/// An assistant with all it has.
#[derive(Clone, Debug, PartialEq)]
pub enum Whole {
    /// Everything is locked.
    Locked(Box<Assistant>),
    /// There is no such assistant.
    Missing,
    /// It has got a source or a document in the meantime: the transaction must be restarted.
    Grown,
}

/// One workspace's assistants.
pub struct Assistants<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Assistants<'_> {
    /// Stores a new assistant.
    pub(crate) async fn insert(self, assistant: &Assistant) -> Result<(), StorageError> {
        debug_assert_eq!(assistant.workspace_id, self.workspace, "stored in another workspace");
        const SQL: &str = concat!(
            "INSERT INTO assistants (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                      $21, $22, $23, $24, $25, $26, $27)"
        );
        let settings = &assistant.settings;
        run!(self.tx, SQL;
            self.workspace.into_uuid(), assistant.id.into_uuid(), &settings.name, &settings.model,
            &settings.system_prompt, settings.temperature, settings.language.as_str(),
            &settings.greeting, &settings.unknown_text, &settings.fallback_text,
            Json(&settings.fallback_models), &settings.time_zone, settings.check_answers,
            settings.unverified.as_str(), &settings.handoff_text, assistant.gate.as_ref().map(Json),
            Json(&settings.handoff), Json(&settings.texts),
            assistant.version, assistant.published, assistant.created_at, assistant.updated_at,
            settings.reopen_hours, settings.hours.as_ref().map(Json),
            settings.late_answer_minutes, Json(&settings.tags), settings.unsure.as_str());
        Ok(())
    }

    /// Finds an assistant.
    pub async fn find(self, id: AssistantId) -> Result<Option<Assistant>, StorageError> {
        row!(self.tx, Row, find!(); self.workspace.into_uuid(), id.into_uuid())
            .map(read)
            .transpose()
    }

    /// Finds an assistant and keeps others from changing or deleting it until the transaction ends.
    pub async fn lock(self, id: AssistantId) -> Result<Option<Assistant>, StorageError> {
        // A writing transaction already holds all of SQLite.
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid()).map(read).transpose()
    }

    /// Finds an assistant and locks it with its sources and the documents that these fetched or it
    /// knows: what a deletion takes away. They come first, as for who fetches and indexes.
    pub async fn lock_whole(self, id: AssistantId) -> Result<Whole, StorageError> {
        let before = held(self.tx, self.workspace, id, Rows::Locked).await?;
        let found = self.tx.workspace(self.workspace).assistants().lock(id).await?;
        let Some(assistant) = found else { return Ok(Whole::Missing) };
        // From here on nothing is added: who adds holds the assistant or one of its sources.
        let after = held(self.tx, self.workspace, id, Rows::Read).await?;
        let all = after.iter().all(|row| before.contains(row));
        Ok(if all { Whole::Locked(Box::new(assistant)) } else { Whole::Grown })
    }

    /// A page of the assistants, oldest first.
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

    /// Writes changed settings.
    ///
    /// # Errors
    ///
    /// Fails unless the stored version is still `assistant.version - 1`.
    pub(crate) async fn update(self, assistant: &Assistant) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE assistants
               SET name = $3, model = $4, system_prompt = $5, temperature = $6, language = $7,
                   greeting = $8, unknown_text = $9, fallback_text = $10, version = $11, updated_at = $12,
                   fallback_models = $13, time_zone = $14, check_answers = $15, unverified = $16,
                   handoff_text = $17, gate = $18, reopen_hours = $19, handoff = $20, texts = $21,
                   hours = $22, late_answer_minutes = $23, tags = $24, unsure = $25
             WHERE workspace_id = $1 AND id = $2 AND version = $11 - 1 AND deleted_at IS NULL";
        let settings = &assistant.settings;
        let changed = run!(self.tx, SQL;
            self.workspace.into_uuid(), assistant.id.into_uuid(), &settings.name, &settings.model,
            &settings.system_prompt, settings.temperature, settings.language.as_str(),
            &settings.greeting, &settings.unknown_text, &settings.fallback_text,
            assistant.version, assistant.updated_at, Json(&settings.fallback_models),
            &settings.time_zone, settings.check_answers, settings.unverified.as_str(),
            &settings.handoff_text, assistant.gate.as_ref().map(Json), settings.reopen_hours,
            Json(&settings.handoff), Json(&settings.texts), settings.hours.as_ref().map(Json),
            settings.late_answer_minutes, Json(&settings.tags), settings.unsure.as_str());
        StorageError::expect_one_row("assistants", changed)
    }

    /// Stores a version as the one that customers meet. Its number must be the
    /// next one: [`Self::next_number`], under [`Self::lock`]. Of earlier ones the newest 199 are
    /// kept, and those that an evaluation measured.
    pub(crate) async fn publish(self, publication: &Publication) -> Result<(), StorageError> {
        let Publication { assistant_id: id, version, .. } = publication;
        let id = *id;
        const SQL: &str = "
            INSERT INTO assistant_versions (workspace_id, assistant_id, number, settings, note, run_id,
                                            created_by, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        const OLD: &str = "
            DELETE FROM assistant_versions
             WHERE workspace_id = $1 AND assistant_id = $2 AND number <= $3
               AND NOT EXISTS (SELECT 1 FROM evaluation_runs AS runs
                                WHERE runs.workspace_id = $1 AND runs.assistant_id = $2
                                  AND runs.version = assistant_versions.number)";
        run!(self.tx, SQL;
            self.workspace.into_uuid(), id.into_uuid(), version.number, Json(&version.settings),
            &version.note, version.run_id.map(RunId::into_uuid), &version.created_by,
            version.created_at);
        let last = version.number - VERSIONS;
        run!(self.tx, OLD; self.workspace.into_uuid(), id.into_uuid(), last);

        self.roll_to(id, version.number).await
    }

    /// The number that the next version has.
    pub async fn next_number(self, id: AssistantId) -> Result<i64, StorageError> {
        const SQL: &str = "
            SELECT COALESCE(MAX(number), 0) + 1 FROM assistant_versions
             WHERE workspace_id = $1 AND assistant_id = $2";
        let next = value!(self.tx, i64, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(next.unwrap_or(1))
    }

    /// Makes an earlier (or later) version answer customers.
    ///
    /// # Errors
    ///
    /// Fails when there is no such version.
    pub(crate) async fn roll_to(self, id: AssistantId, number: i64) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE assistants SET published = $3
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL
               AND EXISTS (SELECT 1 FROM assistant_versions AS versions
                            WHERE versions.workspace_id = $1 AND versions.assistant_id = $2
                              AND versions.number = $3)";
        let changed = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid(), number);
        StorageError::expect_one_row("assistants", changed)
    }

    /// A version of an assistant that is not deleted.
    pub async fn version(
        self,
        id: AssistantId,
        number: i64,
    ) -> Result<Option<Version>, StorageError> {
        const SQL: &str = concat!(version!(), " AND versions.number = $3");
        let row =
            row!(self.tx, VersionRow, SQL; self.workspace.into_uuid(), id.into_uuid(), number);
        Ok(row.map(read_version))
    }

    /// The version that answers customers.
    pub async fn published(self, id: AssistantId) -> Result<Option<Version>, StorageError> {
        const SQL: &str = concat!(version!(), " AND versions.number = assistants.published");
        let row = row!(self.tx, VersionRow, SQL; self.workspace.into_uuid(), id.into_uuid());
        Ok(row.map(read_version))
    }

    /// A page of the versions, newest first; `before` is the number that ended the page before.
    pub async fn versions(
        self,
        id: AssistantId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Version>, StorageError> {
        const SQL: &str =
            concat!(version!(), " AND versions.number < $3 ORDER BY versions.number DESC LIMIT $4");
        let rows = rows!(self.tx, VersionRow, SQL;
            self.workspace.into_uuid(), id.into_uuid(), before.unwrap_or(i64::MAX), i64::from(limit));
        Ok(rows.into_iter().map(read_version).collect())
    }

    /// Deletes an assistant, locked by [`Self::lock_whole`], with the documents that no other
    /// assistant knows, its sources and its question sets. Its bots must be gone:
    /// [`crate::channels::Channels::count_of`].
    ///
    /// The documents are hidden, and go step by step ([`PURGE`]).
    ///
    /// # Errors
    ///
    /// Fails when there is no such assistant.
    pub(crate) async fn delete(self, assistant: &Assistant) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE assistants SET deleted_at = $3
             WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        const HIDE: &str = "
            UPDATE documents SET deleted_at = $3, source_id = NULL, url = NULL
              WHERE workspace_id = $1 AND deleted_at IS NULL
                AND id IN (SELECT document_id FROM document_assistants
                            WHERE workspace_id = $1 AND assistant_id = $2)
                AND NOT EXISTS (SELECT 1 FROM document_assistants AS others
                                 WHERE others.workspace_id = $1 AND others.document_id = documents.id
                                   AND others.assistant_id <> $2)";
        const RESCOPE: &str = "
            UPDATE documents SET rescope = 1
              WHERE workspace_id = $1 AND deleted_at IS NULL AND rescope = 0
                AND id IN (SELECT document_id FROM document_assistants
                            WHERE workspace_id = $1 AND assistant_id = $2)";
        // In this order: what stands first refers to what stands behind it.
        const DERIVED: [&str; 10] = [
            "DELETE FROM document_assistants WHERE workspace_id = $1 AND assistant_id = $2",
            // What another assistant knows too stays, and is no longer fetched.
            "UPDATE documents SET source_id = NULL
              WHERE workspace_id = $1
                AND source_id IN (SELECT id FROM sources WHERE workspace_id = $1 AND assistant_id = $2)",
            "DELETE FROM sources WHERE workspace_id = $1 AND assistant_id = $2",
            "DELETE FROM evaluation_runs WHERE workspace_id = $1 AND assistant_id = $2",
            "DELETE FROM question_sets WHERE workspace_id = $1 AND assistant_id = $2",
            "DELETE FROM kept_answers WHERE workspace_id = $1 AND assistant_id = $2",
            "DELETE FROM assistant_pauses WHERE workspace_id = $1 AND assistant_id = $2",
            "DELETE FROM sla_policies WHERE workspace_id = $1 AND assistant_id = $2",
            "DELETE FROM dialog_slas
              WHERE workspace_id = $1
                AND dialog_id IN (SELECT id FROM dialogs WHERE workspace_id = $1 AND assistant_id = $2)",
            "DELETE FROM sla_pauses
              WHERE workspace_id = $1
                AND dialog_id IN (SELECT id FROM dialogs WHERE workspace_id = $1 AND assistant_id = $2)",
        ];
        let workspace = self.workspace.into_uuid();
        let id = assistant.id.into_uuid();
        let deleted = run!(self.tx, SQL; workspace, id, assistant.updated_at);
        StorageError::expect_one_row("assistants", deleted)?;

        run!(self.tx, HIDE; workspace, id, assistant.updated_at);
        // Nobody asks for it any more: that what others know too names it can wait.
        run!(self.tx, RESCOPE; workspace, id);
        self.tx.system().jobs().hasten(PURGE, assistant.updated_at).await?;
        for sql in DERIVED {
            run!(self.tx, sql; workspace, id);
        }
        Ok(())
    }
}

/// Whether rows that are read are kept from being changed by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    Read,
    Locked,
}

/// The ids of an assistant's sources and of the documents that these fetched or it knows.
async fn held(
    tx: &mut Tx,
    workspace: WorkspaceId,
    assistant: AssistantId,
    rows: Rows,
) -> Result<HashSet<Uuid>, StorageError> {
    macro_rules! sources {
        () => {
            "SELECT id FROM sources WHERE workspace_id = $1 AND assistant_id = $2 ORDER BY id"
        };
    }

    macro_rules! documents {
        () => {
            "SELECT id FROM documents
              WHERE workspace_id = $1
                AND (id IN (SELECT document_id FROM document_assistants
                             WHERE workspace_id = $1 AND assistant_id = $2)
                     OR source_id IN (SELECT id FROM sources WHERE workspace_id = $1 AND assistant_id = $2))
              ORDER BY id"
        };
    }

    let (sources, documents) = if rows == Rows::Locked {
        let sources = tx.sql(concat!(sources!(), " FOR NO KEY UPDATE"), sources!());
        (sources, tx.sql(concat!(documents!(), " FOR NO KEY UPDATE"), documents!()))
    } else {
        (sources!(), documents!())
    };

    let mut ids = HashSet::new();
    for sql in [sources, documents] {
        let rows = rows!(tx, (Uuid,), sql; workspace.into_uuid(), assistant.into_uuid());
        ids.extend(rows.into_iter().map(|(id,)| id));
    }

    Ok(ids)
}

fn read(row: Row) -> Result<Assistant, StorageError> {
    let corrupt = || StorageError::corrupt("assistants");
    let language = row.language.parse().map_err(corrupt())?;
    let unverified = row.unverified.parse().map_err(corrupt())?;
    let unsure = row.unsure.parse().map_err(corrupt())?;

    Ok(Assistant {
        id: row.id.into(),
        workspace_id: row.workspace_id.into(),
        settings: AssistantSettings {
            name: row.name,
            model: row.model,
            system_prompt: row.system_prompt,
            temperature: row.temperature,
            language,
            greeting: row.greeting,
            unknown_text: row.unknown_text,
            fallback_text: row.fallback_text,
            fallback_models: row.fallback_models.0,
            time_zone: row.time_zone,
            check_answers: row.check_answers,
            unverified,
            handoff_text: row.handoff_text,
            reopen_hours: row.reopen_hours,
            late_answer_minutes: row.late_answer_minutes,
            tags: row.tags.0,
            unsure,
            handoff: row.handoff.0,
            texts: row.texts.0,
            hours: row.hours.map(|Json(hours)| hours),
        },
        version: row.version,
        published: row.published,
        gate: row.gate.map(|Json(gate)| gate),
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn read_version(row: VersionRow) -> Version {
    Version {
        number: row.number,
        settings: row.settings.0,
        note: row.note,
        run_id: row.run_id.map(Into::into),
        created_by: row.created_by,
        created_at: row.created_at,
    }
}

/// All assistants.
pub struct SystemAssistants<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemAssistants<'_> {
    /// Whose an assistant is, for those who run the installation.
    pub async fn workspace(self, id: AssistantId) -> Result<Option<WorkspaceId>, StorageError> {
        const SQL: &str =
            "SELECT workspace_id FROM assistants WHERE id = $1 AND deleted_at IS NULL";
        let row = row!(self.tx, Owned, SQL; id.into_uuid());
        Ok(row.map(|row| row.workspace_id.into()))
    }
}
