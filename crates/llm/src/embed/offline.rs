//! The embedding model that needs no network: multilingual-e5-small, in this process.
//!
//! It is loaded when it is first needed, once, and shared by all. Questions and passages have a
//! thread each: a question waits for questions, not for a document. The thread of passages has a
//! low priority, so that a document that is read does not slow answers either. A question that
//! would wait too long for its turn is refused, since words find much without its vector.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use replyx_core::usage::Purpose;
use replyx_e5::{E5, FILE_BYTES, Role};

use super::lane::{Fault, Lane, LaneBounds};
use crate::{chat::Caller, error::ModelError};

/// At most eight questions are embedded together: more would save little, and the first would wait
/// for the last.
const QUESTIONS: LaneBounds = LaneBounds { waiting: 256, each: 64, together: 8 };
/// Each worker brings one passage at a time, and waits for it.
const PASSAGES: LaneBounds = LaneBounds { waiting: 1_024, each: 1_024, together: 1 };
/// How long a question waits for its turn, once the model is in memory.
const PATIENCE: Duration = Duration::from_millis(200);
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
        let work = |role| {
            let model = Arc::clone(&model);
            move |texts: &[String]| model.embed(role, texts)
        };
        let questions = Lane::new("embed-questions", QUESTIONS, work(Role::Question));
        let passages = Lane::new("embed-passages", PASSAGES, work(Role::Passage)).nice(NICE);
        Ok(Self(Arc::new(Inner { model, questions, passages })))
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.0.model.loaded.get().is_some_and(Result::is_ok)
    }

    /// Why it could not be loaded, once that was tried.
    pub(super) fn fault(&self) -> Option<&str> {
        self.0.model.loaded.get()?.as_ref().err().map(String::as_str)
    }

    /// The vector of a question; refused as busy when too many wait, or for too long.
    pub(super) async fn question(
        &self,
        caller: Caller,
        text: &str,
    ) -> Result<Vec<f32>, ModelError> {
        // Those who come while it is loaded wait for that, and an evaluation must not measure how
        // busy the machine is.
        let waits = !self.is_loaded() || caller.purpose == Purpose::Evaluation;
        let patience = (!waits).then_some(PATIENCE);
        self.0.questions.embed(caller.workspace, text, patience).await
    }

    /// The vector of a passage.
    pub(super) async fn passage(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.0.passages.embed(None, text, None).await
    }
}

/// What helps against a file that is not there or not the right one.
const REMEDY: &str = "fetch it with `scripts/setup model`";

fn fault(why: &str) -> Fault {
    Fault::from(Box::<dyn Error + Send + Sync>::from(why))
}

impl Lazy {
    fn embed(&self, role: Role, texts: &[String]) -> Result<Vec<Vec<f32>>, Fault> {
        let model = self.loaded.get_or_init(|| self.load());
        let model = model.as_ref().map_err(|why| fault(why))?;
        let embedded = model.embed(role, texts).map_err(|error| Arc::new(error) as Fault)?;

        let cut = embedded.iter().filter(|embedded| embedded.cut).count();
        if cut > 0 {
            metrics::counter!("embedding_truncated_total").increment(cut as u64);
        }
        Ok(embedded.into_iter().map(|embedded| embedded.vector).collect())
    }

    fn load(&self) -> Result<E5, String> {
        let begun = tokio::time::Instant::now();
        let model = E5::load(&self.path).map_err(|error| format!("{error}: {REMEDY}"));
        match &model {
            Ok(model) => {
                let kernel = model.kernel().name();
                let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(
                    model = replyx_e5::NAME,
                    kernel,
                    duration_ms,
                    "embedding model loaded"
                );
            }
            Err(why) => tracing::error!(error = %why, "could not load the embedding model"),
        }
        model
    }
}
