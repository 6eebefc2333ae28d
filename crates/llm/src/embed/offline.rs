//! The embedding model that needs no network: multilingual-e5-small, in this process.
//!
//! It is loaded when it is first needed, once, and shared by all. Questions and passages have a
//! thread each, which takes them one by one: a question waits for questions, not for a document,
//! and workspaces take turns with theirs. The thread of passages has a low priority, so that a
//! document that is read does not slow answers either.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread,
};

use replyx_core::ids::WorkspaceId;
use replyx_e5::{E5, FILE_BYTES, Role};
use replyx_live::Lines;
use tokio::sync::oneshot;

use crate::error::ModelError;

/// Questions that wait, and those of one workspace; more are refused.
const QUESTIONS: usize = 256;
const QUESTIONS_EACH: usize = 64;
/// Passages that wait. Each worker brings one at a time, and waits for it.
const PASSAGES: usize = 1_024;
/// How nice the thread of passages is to others.
const NICE: i32 = 10;

/// The model, in memory or not yet. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Offline(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    model: Arc<Lazy>,
    questions: Lane,
    passages: Lane,
}

/// The model, loaded by the one that needs it first.
#[derive(Debug)]
struct Lazy {
    path: PathBuf,
    loaded: OnceLock<Result<E5, String>>,
}

/// A thread that embeds, from the first text on until nobody is left who could bring one.
#[derive(Debug)]
struct Lane {
    role: Role,
    model: Arc<Lazy>,
    /// What waits to be embedded; those without a workspace take turns together.
    lines: Arc<Mutex<Lines<Option<WorkspaceId>, Job>>>,
    /// As many are sent as there are jobs in the lines.
    arrivals: OnceLock<Result<mpsc::Sender<()>, io::ErrorKind>>,
}

#[derive(Debug)]
struct Job {
    text: String,
    answer: oneshot::Sender<Result<Vec<f32>, ModelError>>,
}

impl Offline {
    /// The model whose weights are in this folder. Nothing is read yet but the size of the file.
    ///
    /// The error is a sentence for the operator of the installation.
    pub(super) fn find(folder: &Path) -> Result<Self, String> {
        let path = folder.join(replyx_e5::FILE);
        let fault = match std::fs::metadata(&path) {
            Ok(data) if data.len() == FILE_BYTES => None,
            Ok(data) => Some(format!("has {} bytes instead of {FILE_BYTES}", data.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Some("is not in MODEL_DIR".to_owned())
            }
            Err(error) => Some(format!("cannot be read: {}", error.kind())),
        };
        if let Some(fault) = fault {
            return Err(format!("the file `{}` {fault}: {REMEDY}", replyx_e5::FILE));
        }
        let model = Arc::new(Lazy { path, loaded: OnceLock::new() });
        let lane = |role, most, each| Lane {
            role,
            model: Arc::clone(&model),
            lines: Arc::new(Mutex::new(Lines::new(most, each))),
            arrivals: OnceLock::new(),
        };
        let questions = lane(Role::Question, QUESTIONS, QUESTIONS_EACH);
        let passages = lane(Role::Passage, PASSAGES, PASSAGES);
        Ok(Self(Arc::new(Inner { model, questions, passages })))
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.0.model.loaded.get().is_some_and(Result::is_ok)
    }

    /// Why it could not be loaded, once that was tried.
    pub(super) fn fault(&self) -> Option<&str> {
        self.0.model.loaded.get()?.as_ref().err().map(String::as_str)
    }

    /// The vector of a question; refused as busy when too many wait.
    pub(super) async fn question(
        &self,
        whose: Option<WorkspaceId>,
        text: &str,
    ) -> Result<Vec<f32>, ModelError> {
        self.0.questions.embed(whose, text).await
    }

    /// The vector of a passage.
    pub(super) async fn passage(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.0.passages.embed(None, text).await
    }
}

/// What helps against a file that is not there or not the right one.
const REMEDY: &str = "fetch it with `scripts/setup model`";

fn gone() -> ModelError {
    ModelError::Settings("the thread that embeds has ended".into())
}

impl Lane {
    async fn embed(&self, whose: Option<WorkspaceId>, text: &str) -> Result<Vec<f32>, ModelError> {
        let arrivals = self.arrivals.get_or_init(|| self.start().map_err(|error| error.kind()));
        let arrivals = arrivals
            .as_ref()
            .map_err(|kind| ModelError::Settings(io::Error::from(*kind).into()))?;
        let (answer, vector) = oneshot::channel();
        let job = Job { text: text.to_owned(), answer };
        self.push(whose, job)?;
        arrivals.send(()).map_err(|_| gone())?;
        vector.await.map_err(|_| gone())?
    }

    fn push(&self, whose: Option<WorkspaceId>, job: Job) -> Result<(), ModelError> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(whose, job).map_err(|_| ModelError::Busy)
    }

    fn start(&self) -> io::Result<mpsc::Sender<()>> {
        let name = match self.role {
            Role::Question => "embed-questions",
            Role::Passage => "embed-passages",
        };
        let (sender, arrived) = mpsc::channel();
        let role = self.role;
        let model = Arc::clone(&self.model);
        let lines = Arc::clone(&self.lines);
        let work = move || {
            if role == Role::Passage {
                // Where it is not allowed, passages have the priority of everything else.
                let _ = rustix::process::setpriority_process(None, NICE);
            }
            while arrived.recv().is_ok() {
                let job = lines.lock().unwrap_or_else(PoisonError::into_inner).pop();
                // A caller that gave up waiting costs nothing.
                if let Some(Job { text, answer }) = job
                    && !answer.is_closed()
                {
                    let _ = answer.send(model.embed(role, &text));
                }
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(sender)
    }
}

impl Lazy {
    fn embed(&self, role: Role, text: &str) -> Result<Vec<f32>, ModelError> {
        let model = self.loaded.get_or_init(|| self.load());
        let model = model.as_ref().map_err(|why| ModelError::Settings(why.clone().into()))?;
        let embedded =
            model.embed(role, text).map_err(|error| ModelError::Settings(error.into()))?;
        if embedded.cut {
            metrics::counter!("embedding_truncated_total").increment(1);
        }
        Ok(embedded.vector)
    }

    fn load(&self) -> Result<E5, String> {
        let begun = tokio::time::Instant::now();
        let model = E5::load(&self.path).map_err(|error| format!("{error}: {REMEDY}"));
        match &model {
            Ok(_) => {
                let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(model = replyx_e5::NAME, duration_ms, "embedding model loaded");
            }
            Err(why) => tracing::error!(error = %why, "could not load the embedding model"),
        }
        model
    }
}
