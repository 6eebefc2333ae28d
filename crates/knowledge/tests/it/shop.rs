//! A workspace with an assistant, and ways to give it documents.

use std::{path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use replyx_core::{
    assistant::Assistant,
    change::New,
    clock::Clock,
    fixtures,
    ids::{AssistantId, WorkspaceId},
    knowledge::{Document, DocumentKind},
    secret::sha256_hex,
};
use replyx_knowledge::{
    index::{self, IndexContext, IndexDocument},
    search::{Hit, Query, Search, SearchOutcome},
};
use replyx_llm::Embeddings;
use replyx_storage::Db;

use crate::child::program;

pub(crate) struct Shop<'d> {
    pub(crate) db: &'d Db,
    pub(crate) clock: Clock,
    pub(crate) workspace: WorkspaceId,
    pub(crate) assistant: AssistantId,
    embeddings: Arc<Embeddings>,
    pub(crate) finder: Search,
}

impl<'d> Shop<'d> {
    pub(crate) async fn open(db: &'d Db) -> Self {
        let clock = Clock::manual("2026-11-22T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let workspace = fixtures::workspace(&clock);
        let mut tx = db.begin().await.unwrap();
        tx.apply(fixtures::unexplained(New(workspace.clone()))).await.unwrap();
        tx.commit().await.unwrap();
        let assistant = clock.id();
        let embeddings = Arc::new(Embeddings::none());
        let finder = Search::new(Arc::clone(&embeddings), 64 << 20);
        let shop = Self { db, clock, workspace: workspace.id, assistant, embeddings, finder };
        shop.hire(assistant).await;
        shop
    }

    /// Makes another assistant of the same workspace.
    pub(crate) async fn hire(&self, id: AssistantId) {
        let assistant = Assistant { id, ..fixtures::assistant(&self.clock, self.workspace) };
        let mut tx = self.db.begin().await.unwrap();
        tx.apply(fixtures::unexplained(New(assistant.clone()))).await.unwrap();
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
            name: name.to_owned(),
            kind,
            size: i64::try_from(bytes.len()).unwrap(),
            content_hash: sha256_hex(bytes),
            language: String::new(),
            ..fixtures::document(&self.clock, self.workspace, assistant_id)
        };
        let mut tx = self.db.begin().await.unwrap();
        tx.apply(document.clone().store(bytes)).await.unwrap();
        tx.commit().await.unwrap();
        IndexDocument { workspace_id: self.workspace, document_id: document.id }
    }

    pub(crate) async fn index(&self, job: IndexDocument) {
        self.index_with(program(), job, 1).await.unwrap();
    }

    pub(crate) async fn index_with(
        &self,
        program: &Path,
        job: IndexDocument,
        attempt: i64,
    ) -> Result<(), index::IndexError> {
        let db = self.db;
        let clock = &self.clock;
        let embeddings = &self.embeddings;
        index::run(IndexContext { db, clock, program, embeddings }, job, attempt).await
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

    /// Finds passages of any assistant of any workspace.
    pub(crate) async fn find(&self, of: AssistantId, query: &Query<'_>) -> SearchOutcome {
        self.finder.find(self.db, self.workspace, of, query).await.unwrap()
    }

    pub(crate) async fn search(&self, question: &str) -> Vec<Hit> {
        self.find(self.assistant, &Query::new(question, 5)).await.hits
    }
}
