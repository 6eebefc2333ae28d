//! A run in a file, to be compared with later.

use std::{io::Write, path::Path};

use anyhow::{Context, ensure};
use replyx_core::evaluation::{Metrics, QuestionResult};
use replyx_knowledge::evaluate::Tally;
use serde::{Deserialize, Serialize};

/// The form of the file. Another form has another number.
const FORM: u32 = 1;

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    replyx_evaluation: u32,
    /// What the questions are called.
    pub(super) name: String,
    /// The embedding model that took part; without one words alone decided.
    pub(super) embeddings: Option<String>,
    /// Were answers asked for?
    pub(super) answers: bool,
    /// The sums.
    pub(super) metrics: Metrics,
    /// How each question went.
    pub(super) results: Vec<QuestionResult>,
}

impl Saved {
    pub(super) fn new(
        name: String,
        embeddings: Option<String>,
        answers: bool,
        tally: &Tally,
    ) -> Self {
        let metrics = tally.metrics();
        let results = tally.results();
        Self { replyx_evaluation: FORM, name, embeddings, answers, metrics, results }
    }

    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = super::text_of(path)?;
        let saved: Self = serde_json::from_str(&text)
            .with_context(|| format!("`{}` is no saved run", path.display()))?;
        let form = saved.replyx_evaluation;
        ensure!(form == FORM, "`{}` has form {form}, known is {FORM}", path.display());
        Ok(saved)
    }

    /// Can a file be written there? Asked before the work that it is to hold.
    pub(super) fn may_be_written(path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        ensure!(!path.is_dir(), "`{shown}` is a folder");
        tempfile::tempfile_in(folder(path))
            .with_context(|| format!("`{shown}` cannot be written"))?;
        Ok(())
    }

    /// Writes it beside its place first: a full disk leaves the earlier run as it was.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let about = || format!("`{}` cannot be written", path.display());
        let mut beside = tempfile::NamedTempFile::new_in(folder(path)).with_context(about)?;
        writeln!(beside, "{text}").with_context(about)?;
        beside.persist(path).with_context(about)?;
        Ok(())
    }

    pub(super) fn knows(&self, question: &str) -> bool {
        self.results.iter().any(|result| result.question == question)
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
