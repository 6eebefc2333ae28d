//! A workspace with an assistant, and ways to give it documents.

use std::path::Path;

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::{Assistant, Language, Settings},
    clock::Clock,
    ids::{AssistantId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus},
    workspace::Workspace,
};
use replyx_knowledge::{
    index::{self, IndexDocument},
    search::{Hit, search},
};
use replyx_storage::Db;

use crate::extract::program;

pub(crate) struct Shop<'d> {
    pub(crate) db: &'d Db,
    pub(crate) clock: Clock,
    pub(crate) workspace: WorkspaceId,
    pub(crate) assistant: AssistantId,
}

impl<'d> Shop<'d> {
    pub(crate) async fn open(db: &'d Db) -> Self {
        let clock = Clock::manual("2026-11-22T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let workspace = Workspace {
            id: clock.id(),
            name: "shop".to_owned(),
            suspended_at: None,
            created_at: clock.now(),
        };
        let mut tx = db.begin().await.unwrap();
        tx.system().workspaces().insert(&workspace).await.unwrap();
        tx.commit().await.unwrap();
        let assistant = clock.id();
        let shop = Self { db, clock, workspace: workspace.id, assistant };
        shop.hire(assistant).await;
        shop
    }

    /// Makes another assistant of the same workspace.
    pub(crate) async fn hire(&self, id: AssistantId) {
        let assistant = Assistant {
            id,
            workspace_id: self.workspace,
            settings: Settings {
                name: "Ada".to_owned(),
                model: None,
                system_prompt: String::new(),
                temperature: Settings::TEMPERATURE,
                language: Language::English,
                greeting: None,
                unknown_text: None,
                fallback_text: None,
            },
            version: 1,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        let mut tx = self.db.begin().await.unwrap();
        tx.workspace(self.workspace).assistants().insert(&assistant).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Stores a document as an upload would.
    pub(crate) async fn upload(
        &self,
        name: &str,
        kind: DocumentKind,
        bytes: &[u8],
    ) -> IndexDocument {
        self.upload_for(self.assistant, name, kind, bytes).await
    }

    pub(crate) async fn upload_for(
        &self,
        assistant_id: AssistantId,
        name: &str,
        kind: DocumentKind,
        bytes: &[u8],
    ) -> IndexDocument {
        let document = Document {
            id: self.clock.id(),
            workspace_id: self.workspace,
            assistant_id,
            name: name.to_owned(),
            kind,
            size: i64::try_from(bytes.len()).unwrap(),
            content_hash: String::new(),
            status: DocumentStatus::Queued,
            error: None,
            passages: 0,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        let mut tx = self.db.begin().await.unwrap();
        tx.workspace(self.workspace).documents().insert(&document, bytes).await.unwrap();
        tx.commit().await.unwrap();
        IndexDocument { workspace_id: self.workspace, document_id: document.id }
    }

    pub(crate) async fn index(&self, job: IndexDocument) {
        index::run(self.db, &self.clock, program(), job, 1).await.unwrap();
    }

    pub(crate) async fn index_with(
        &self,
        program: &Path,
        job: IndexDocument,
        attempt: i64,
    ) -> Result<(), index::IndexError> {
        index::run(self.db, &self.clock, program, job, attempt).await
    }

    /// Uploads and indexes.
    pub(crate) async fn learn(&self, name: &str, kind: DocumentKind, bytes: &[u8]) -> Document {
        let job = self.upload(name, kind, bytes).await;
        self.index(job).await;
        self.document(job).await
    }

    pub(crate) async fn document(&self, job: IndexDocument) -> Document {
        let mut tx = self.db.read().await.unwrap();
        tx.workspace(self.workspace).documents().find(job.document_id).await.unwrap().unwrap()
    }

    pub(crate) async fn search(&self, query: &str) -> Vec<Hit> {
        search(self.db, self.workspace, self.assistant, query, 5).await.unwrap()
    }
}
