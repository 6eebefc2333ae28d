//! How a document is read, cut into passages and embedded.

use chrono::{DateTime, Utc};

use crate::{
    change::Change,
    knowledge::{Document, DocumentStatus, DocumentWarning, Replacement, WarningCode},
};

/// What was read of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// The file that takes the place of the document's from now on, if it was read.
    pub replaced_by: Option<Replacement>,
    /// Whether a newer file came in the meantime, whose job is on its way.
    pub newer_waits: bool,
    /// The document's own title, where it has one.
    pub title: Option<String>,
    /// The language it is mostly written in (ISO 639-1), empty where that is not known.
    pub language: String,
    /// How many passages it was cut into.
    pub passages: i64,
    /// What its owner should know.
    pub warnings: Vec<DocumentWarning>,
    /// What there is of vectors.
    pub vectors: Vectors,
}

/// The vectors of a document that has just been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vectors {
    /// The installation has no model for them.
    NoModel,
    /// Some passages have one already.
    Of {
        /// The model.
        model: String,
        /// How many passages have a vector of it.
        there: i64,
        /// Whether there are passages that were not there before.
        fresh: bool,
    },
}

impl Document {
    /// Is at another step of being read. `None`: it is at this step already, or is found by search
    /// all the time.
    pub fn advance(mut self, to: DocumentStatus, now: DateTime<Utc>) -> Option<Change<Self>> {
        if self.status == DocumentStatus::Ready || self.status == to {
            return None;
        }
        self.status = to;
        self.error = None;
        self.updated_at = now;
        Some(self.told(now))
    }

    /// Was read and cut: its passages are found from now on.
    pub fn index(mut self, read: Indexed, now: DateTime<Utc>) -> Change<Self> {
        if let Some(file) = read.replaced_by {
            self.become_file(file);
        }
        self.title = read.title;
        self.language = read.language;
        self.passages = read.passages;
        self.warnings = read.warnings;
        self.error = None;
        self.revision += 1;
        self.updated_at = now;

        self.status = DocumentStatus::Ready;
        match read.vectors {
            Vectors::NoModel => self.embedded = self.embedded.min(self.passages),
            Vectors::Of { model, there, fresh } => {
                if there == self.passages || self.embedded_with.is_none() || fresh {
                    self.embedded = there;
                    self.embedded_with = Some(model);
                } else {
                    self.embedded = self.embedded.min(self.passages);
                }
                if there < self.passages {
                    self.status = DocumentStatus::Embedding;
                }
            }
        }
        if read.newer_waits {
            self.status = DocumentStatus::Queued;
        }
        self.told(now)
    }

    /// Cannot be read; `why` in a sentence for its owner. Its passages are gone.
    pub fn fail_index(mut self, why: String, now: DateTime<Utc>) -> Change<Self> {
        self.status = DocumentStatus::Failed;
        self.error = Some(why);
        self.warnings = Vec::new();
        self.passages = 0;
        self.embedded = 0;
        self.embedded_with = None;
        self.revision += 1;
        self.updated_at = now;
        self.told(now)
    }

    /// Goes on serving with the file it has, because a newer one cannot be read. The owner is told.
    pub fn keep_file(mut self, newer: &Replacement, why: &str, now: DateTime<Utc>) -> Change<Self> {
        let complete = self.embedded >= self.passages || self.embedded_with.is_none();
        self.status = if complete { DocumentStatus::Ready } else { DocumentStatus::Embedding };
        self.error = None;
        self.updated_at = now;

        let detail = format!("the new file could not be read, and the one before stays: {why}");
        let names = vec![newer.name.clone()];
        let warning = DocumentWarning::names(WarningCode::ReplacementFailed, names, detail);
        self.warnings.retain(|warning| warning.code != WarningCode::ReplacementFailed);
        self.warnings.push(warning);
        self.told(now)
    }

    /// So many more passages have a vector of `model`. `None`: it is not the model of its vectors.
    pub fn add_vectors(
        mut self,
        model: &str,
        count: i64,
        now: DateTime<Utc>,
    ) -> Option<Change<Self>> {
        if self.embedded_with.as_deref() != Some(model) {
            return None;
        }
        self.embedded = (self.embedded + count).min(self.passages);
        self.updated_at = now;
        Some(self.told(now))
    }

    /// Every passage has a vector of `model`.
    pub fn finish_vectors(mut self, model: &str, now: DateTime<Utc>) -> Change<Self> {
        self.end_embedding();
        self.embedded = self.passages;
        self.embedded_with = Some(model.to_owned());
        self.revision += 1;
        self.updated_at = now;
        self.told(now)
    }

    /// Has to do with the vectors it has. `None`: nobody was making any.
    pub fn give_up_vectors(mut self, now: DateTime<Utc>) -> Option<Change<Self>> {
        if self.status != DocumentStatus::Embedding {
            return None;
        }
        self.end_embedding();
        self.updated_at = now;
        Some(self.told(now))
    }

    /// Has to do without vectors of what stands in some of its passages. It counts as one passage
    /// short, so that housekeeping has them made. `None`: it counts so already, and nobody was
    /// making any.
    pub fn give_up_runs(mut self, now: DateTime<Utc>) -> Option<Change<Self>> {
        let is_short = self.embedded < self.passages;
        if self.status != DocumentStatus::Embedding && is_short {
            return None;
        }
        self.end_embedding();
        self.embedded = self.embedded.min(self.passages - 1).max(0);
        self.updated_at = now;
        Some(self.told(now))
    }

    fn end_embedding(&mut self) {
        if self.status == DocumentStatus::Embedding {
            self.status = DocumentStatus::Ready;
        }
    }
}
