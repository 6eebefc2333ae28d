//! Where questions are asked: an installation that there is, or one that lives as long as the
//! command.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use replyx_core::{
    assistant::{Assistant, AssistantSettings, Language},
    clock::Clock,
    ids::{AssistantId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus},
    workspace::Workspace,
};
use replyx_engine::{Engine, providers};
use replyx_extract::detect;
use replyx_knowledge::{
    evaluate::FileDocument,
    index::{self, IndexDocument},
    search::Query,
};
use replyx_llm::EXTRACTIVE;
use replyx_storage::{Db, PoolSize};
use tempfile::TempDir;

use super::Asked;
use crate::{
    app::{self, App},
    cli::doctor::sqlite_file,
    config::Config,
};

/// No document is longer than this, bytes: the bound of an upload.
const LONGEST: u64 = 20 << 20;

/// Connects to the installation, as it is.
pub(super) async fn existing(config: &Config) -> anyhow::Result<App> {
    let url = config.database_url();
    if let Some(path) = sqlite_file(&url) {
        ensure!(path.exists(), "there is no database `{}`: is DATA_DIR right?", path.display());
    }
    let db = Db::open(&url, PoolSize { max: 1 }).await.context("the database cannot be opened")?;
    let pending = db.migrations().await?.iter().any(|migration| !migration.applied);
    db.close().await;
    ensure!(!pending, "the database is not up to date; `replyx migrate up` brings it there");
    let clock = Clock::system();
    let app = app::connect(config, clock.id(), clock).await?;
    providers::load(&app.engine).await.context("the keys to models cannot be read")?;
    providers::seed(&app.engine).await.context("the use of keys to models cannot be read")?;
    Ok(app)
}

/// The draft of an assistant of any workspace.
pub(super) async fn assistant(engine: &Engine, id: AssistantId) -> anyhow::Result<Asked<'_>> {
    let mut tx = engine.db.read().await?;
    let workspace = tx.system().assistants().workspace(id).await?;
    let workspace = workspace.with_context(|| format!("there is no assistant {id}"))?;
    let found = tx.workspace(workspace).assistants().find(id).await?;
    let settings = found.with_context(|| format!("there is no assistant {id}"))?.settings;
    Ok(Asked { engine, workspace, assistant: id, settings })
}

/// The model whose vectors take part when this assistant is asked.
pub(super) async fn embeddings(
    engine: &Engine,
    workspace: WorkspaceId,
    assistant: AssistantId,
) -> anyhow::Result<Option<String>> {
    let query = Query::new("which model", 1);
    Ok(engine.search.find(&engine.db, workspace, assistant, &query).await?.vectors)
}

/// A home that is gone when this is dropped.
pub(super) struct Home {
    app: App,
    workspace: WorkspaceId,
    assistant: AssistantId,
    program: PathBuf,
    _folder: TempDir,
}

impl Home {
    /// Makes one, with the models of the configuration and nothing else of it.
    pub(super) async fn build(config: Config) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("there is no room for a temporary folder")?;
        let config = config.elsewhere(folder.path());
        let clock = Clock::system();
        let app = app::connect(&config, clock.id(), clock.clone()).await?;
        let workspace = Workspace {
            id: clock.id(),
            name: "evaluation".to_owned(),
            suspended_at: None,
            created_at: clock.now(),
        };
        let assistant = Assistant {
            id: clock.id(),
            workspace_id: workspace.id,
            settings: AssistantSettings {
                // What measuring costs is said by who wants it to cost something.
                model: Some(EXTRACTIVE.to_owned()),
                ..AssistantSettings::new("Evaluation".to_owned(), Language::English)
            },
            version: 1,
            published: 1,
            gate: None,
            created_at: clock.now(),
            updated_at: clock.now(),
        };
        let mut tx = app.engine.db.begin().await?;
        tx.system().workspaces().insert(&workspace).await?;
        tx.workspace(workspace.id).assistants().insert(&assistant).await?;
        tx.commit().await?;
        let workspace = workspace.id;
        let assistant = assistant.id;
        let program = app::program()?;
        Ok(Self { app, workspace, assistant, program, _folder: folder })
    }

    /// Reads documents, as an upload would; those without a text are files in `folder`.
    pub(super) async fn learn(
        &self,
        documents: &[FileDocument],
        folder: &Path,
    ) -> anyhow::Result<Asked<'_>> {
        ensure!(
            !documents.is_empty(),
            "the file names no documents; `--assistant` says whom to ask"
        );

        for document in documents {
            let bytes = match &document.text {
                Some(text) => text.clone().into_bytes(),
                None => read(&folder.join(&document.name))?,
            };

            let about = || format!("document `{}`", document.name);

            let kind = match (detect(&document.name, &bytes), &document.text) {
                (Ok(kind), _) => kind,
                (Err(_), Some(_)) => DocumentKind::Text,
                (Err(unsupported), None) => {
                    return Err(anyhow::anyhow!("{}", unsupported.0)).with_context(about);
                }
            };

            self.store(&document.name, kind, &bytes).await.with_context(about)?;
        }

        assistant(&self.app.engine, self.assistant).await
    }

    async fn store(&self, name: &str, kind: DocumentKind, bytes: &[u8]) -> anyhow::Result<()> {
        let engine = &self.app.engine;
        let now = engine.clock.now();

        let document = Document {
            id: engine.clock.id(),
            workspace_id: self.workspace,
            assistants: vec![self.assistant],
            name: name.to_owned(),
            title: None,
            kind,
            size: i64::try_from(bytes.len())?,
            content_hash: String::new(),
            status: DocumentStatus::Queued,
            error: None,
            warnings: Vec::new(),
            language: String::new(),
            passages: 0,
            embedded: 0,
            embedded_with: None,
            revision: 0,
            page: None,
            created_at: now,
            updated_at: now,
        };

        let mut tx = engine.db.begin().await?;
        tx.workspace(self.workspace).documents().insert(&document, bytes).await?;
        tx.commit().await?;
        let job = IndexDocument { workspace_id: self.workspace, document_id: document.id };

        let tools = index::IndexContext {
            db: &engine.db,
            clock: &engine.clock,
            program: &self.program,
            embeddings: &engine.embeddings,
        };

        index::run(tools, job, 1).await?;

        loop {
            let mut tx = engine.db.read().await?;
            let found = tx.workspace(self.workspace).documents().find(document.id).await?;
            drop(tx);
            let document = found.context("nobody else deletes it")?;
            if document.status == DocumentStatus::Failed {
                bail!("{}", document.error.unwrap_or_default());
            }
            if document.status == DocumentStatus::Ready {
                return Ok(());
            }
            index::embed::run(tools, job, 1).await?;
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let about = || format!("`{}` cannot be read", path.display());
    let size = fs::metadata(path).with_context(about)?.len();
    ensure!(size <= LONGEST, "`{}` is longer than 20 MiB", path.display());
    fs::read(path).with_context(about)
}
