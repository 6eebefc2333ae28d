//! Where questions are asked: an installation that there is, or one that lives as long as the
//! command.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use replyx_assistants::{
    Cx,
    assistants::{self, NewAssistant},
};
use replyx_core::{
    actor::Caller,
    address::ClientAddress,
    assistant::Language,
    change::New,
    clock::Clock,
    ids::{AssistantId, WorkspaceId},
    knowledge::{Document, DocumentKind, DocumentStatus, Fingerprint, NewDocument},
    permission::Permissions,
    role::Role,
    rules::document::DocumentFile,
    session::{Access, Principal, WorkspaceAccess},
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

use super::AskedAssistant;
use crate::{
    app::{self, App},
    config::{Config, sqlite_file},
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
pub(super) async fn assistant(
    engine: &Engine,
    id: AssistantId,
) -> anyhow::Result<AskedAssistant<'_>> {
    let mut tx = engine.db.read().await?;
    let workspace = tx.system().assistants().workspace(id).await?;
    let workspace = workspace.with_context(|| format!("there is no assistant {id}"))?;
    let found = tx.workspace(workspace).assistants().find(id).await?;
    let settings = found.with_context(|| format!("there is no assistant {id}"))?.settings;
    Ok(AskedAssistant { engine, workspace, assistant: id, settings })
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

/// The command line as the owner of a workspace that it has just made.
fn caller(clock: &Clock, workspace: Workspace) -> Caller {
    let workspace_id = workspace.id;
    let principal = Principal::Key { id: clock.id(), name: "command line".to_owned(), maker: None };
    let place = WorkspaceAccess {
        workspace,
        role: None,
        permissions: Permissions::of_role(Role::Owner),
        suspended: false,
    };
    Caller {
        workspace_id,
        access: Arc::new(Access { principal, place: Some(place) }),
        address: ClientAddress::default(),
    }
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
        let mut tx = app.engine.db.begin().await?;
        let New(workspace) = tx.apply(workspace.create_unowned()).await?;
        tx.commit().await?;

        // The operator of the installation says which model is measured, and what it may cost.
        app.engine.models.set_allowed(None);
        let new = NewAssistant {
            name: "Evaluation".to_owned(),
            language: Some(Language::English),
            model: Some(EXTRACTIVE.to_owned()),
            ..NewAssistant::default()
        };
        let caller = caller(&clock, workspace);
        let engine = &app.engine;
        let cx = Cx {
            db: &engine.db,
            clock: &engine.clock,
            models: &engine.models,
            tuning: &engine.tuning,
        };
        let assistant = assistants::create(cx, &caller, new).await?;
        let program = app::program()?;
        Ok(Self {
            app,
            workspace: caller.workspace_id,
            assistant: assistant.id,
            program,
            _folder: folder,
        })
    }

    /// Reads documents, as an upload would; those without a text are files in `folder`.
    pub(super) async fn learn(
        &self,
        documents: &[FileDocument],
        folder: &Path,
    ) -> anyhow::Result<AskedAssistant<'_>> {
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
        let new = NewDocument {
            workspace_id: self.workspace,
            assistant_id: self.assistant,
            name: name.to_owned(),
            kind,
            page: None,
            original: Fingerprint::of(bytes),
        };
        let document = Document::queued(&engine.clock, new);
        // Nothing is queued: there is no worker here, and the document is read at once.
        let mut tx = engine.db.begin().await?;
        let New(DocumentFile { document, .. }) = tx.apply(document.store(bytes)).await?;
        tx.commit().await?;

        let job = IndexDocument::of(&document);
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
