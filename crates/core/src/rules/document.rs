//! What happens to documents: files, answers and web pages that assistants know.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{
        Actor, AnswerCreated, AnswerDeleted, AnswerUpdated, DocumentDeleted, DocumentLinked,
        DocumentReindexed, DocumentRenamed, DocumentReplaced, DocumentTagged, DocumentUnlinked,
        DocumentUploaded,
    },
    change::{Change, Deleted, New},
    event::Event,
    file::Content,
    ids::{AssistantId, DocumentId, WorkspaceId},
    knowledge::{Document, DocumentStatus, Fingerprint, Replacement},
};

mod index;
mod page;
#[cfg(test)]
mod tests;

pub use index::{Indexed, Vectors};
pub use page::MissedPage;

/// A document with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentFile<'b> {
    /// The document.
    pub document: Document,
    /// What was uploaded, written or fetched.
    pub content: Content<'b>,
}

/// A document with a new file, which takes the place of the one that serves once it has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingFile<'b> {
    /// The document.
    pub document: Document,
    /// The file.
    pub file: Replacement,
    /// Its bytes.
    pub content: Content<'b>,
    /// When it came.
    pub at: DateTime<Utc>,
}

/// A document that one more assistant knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The workspace of both.
    pub workspace_id: WorkspaceId,
    /// The document.
    pub document_id: DocumentId,
    /// The assistant.
    pub assistant_id: AssistantId,
}

/// A document that one assistant less knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlinked {
    /// The workspace of both.
    pub workspace_id: WorkspaceId,
    /// The document.
    pub document_id: DocumentId,
    /// The assistant.
    pub assistant_id: AssistantId,
}

/// The document is a page of a source, which keeps it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the document is a page of a source")]
pub struct IsPage;

/// A document cannot be unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnlinkRefused {
    /// The assistant does not know it.
    #[error("the assistant does not know the document")]
    Unknown,
    /// It would be nobody's.
    #[error("no other assistant knows the document")]
    LastAssistant,
}

impl Document {
    /// Stores the document, which waits to be read.
    pub fn store<'b>(self, content: impl Into<Content<'b>>) -> Change<New<DocumentFile<'b>>> {
        let at = self.created_at;
        let content = content.into();
        self.told(at).with(|document| New(DocumentFile { document, content }))
    }

    /// Adds the document, because somebody uploaded it for an assistant.
    pub fn upload<'b>(
        self,
        content: impl Into<Content<'b>>,
        assistant_id: AssistantId,
        by: &Actor,
    ) -> Change<New<DocumentFile<'b>>> {
        let at = self.created_at;
        let act = DocumentUploaded {
            document: self.id,
            name: self.name.clone(),
            assistant_id,
            size: self.size,
        };
        self.store(content).done_by(by, &act, at)
    }

    /// Adds the answer, because somebody wrote it for an assistant.
    pub fn write_answer<'b>(
        self,
        content: impl Into<Content<'b>>,
        assistant_id: AssistantId,
        by: &Actor,
    ) -> Change<New<DocumentFile<'b>>> {
        let at = self.created_at;
        let act = AnswerCreated { answer: self.id, name: self.name.clone(), assistant_id };
        self.store(content).done_by(by, &act, at)
    }

    /// Says something else from now on, and waits to be read again.
    pub fn rewrite_answer<'b>(
        mut self,
        name: String,
        bytes: &'b [u8],
        assistant_id: AssistantId,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<DocumentFile<'b>> {
        self.name = name;
        self.set_original(&Fingerprint::of(bytes));
        self.requeue(now);

        let act = AnswerUpdated { answer: self.id, name: self.name.clone(), assistant_id };
        self.told(now)
            .done_by(by, &act, now)
            .with(|document| DocumentFile { document, content: bytes.into() })
    }

    /// Waits to be read again, because somebody wants it.
    pub fn reindex(mut self, by: &Actor, now: DateTime<Utc>) -> Change<Self> {
        self.requeue(now);
        let act = DocumentReindexed { document: self.id, name: self.name.clone() };
        self.told(now).done_by(by, &act, now)
    }

    /// Has another name from now on.
    ///
    /// # Errors
    ///
    /// [`IsPage`]: a page is called by its address.
    pub fn rename(
        mut self,
        name: String,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, IsPage> {
        if self.page.is_some() {
            return Err(IsPage);
        }
        let before = std::mem::replace(&mut self.name, name);
        self.updated_at = now;

        let act = DocumentRenamed { document: self.id, name: self.name.clone(), before };
        Ok(self.told(now).done_by(by, &act, now))
    }

    /// Has other tags from now on: assistants that choose by tags find it, or find it no longer.
    pub fn set_tags(mut self, tags: Vec<String>, by: &Actor, now: DateTime<Utc>) -> Change<Self> {
        let before = std::mem::replace(&mut self.tags, tags);
        self.updated_at = now;

        let act = DocumentTagged {
            document: self.id,
            name: self.name.clone(),
            tags: self.tags.clone(),
            before,
        };
        self.told(now).done_by(by, &act, now)
    }

    /// Gets another file instead of one that was never read. It waits to be read.
    ///
    /// # Errors
    ///
    /// [`IsPage`]: a source keeps its pages up to date.
    pub fn replace<'b>(
        mut self,
        file: Replacement,
        content: impl Into<Content<'b>>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<DocumentFile<'b>>, IsPage> {
        let act = self.replaced(&file)?;
        self.become_file(file);
        self.requeue(now);
        Ok(self
            .told(now)
            .done_by(by, &act, now)
            .with(|document| DocumentFile { document, content: content.into() }))
    }

    /// Gets another file, which waits to be read beside the one that serves.
    ///
    /// # Errors
    ///
    /// [`IsPage`]: a source keeps its pages up to date.
    pub fn replace_later<'b>(
        mut self,
        file: Replacement,
        content: impl Into<Content<'b>>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<WaitingFile<'b>>, IsPage> {
        let act = self.replaced(&file)?;
        self.requeue(now);
        let change = self.told(now).done_by(by, &act, now);
        Ok(change.with(|document| WaitingFile { document, file, content: content.into(), at: now }))
    }

    /// Is known to one more assistant. `None`: it knows the document already.
    pub fn link(
        &self,
        assistant_id: AssistantId,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Option<Change<Linked>> {
        if self.assistants.contains(&assistant_id) {
            return None;
        }
        let act = DocumentLinked { document: self.id, name: self.name.clone(), assistant_id };
        let linked = Linked { workspace_id: self.workspace_id, document_id: self.id, assistant_id };
        Some(Change::of(self.workspace_id, linked).done_by(by, &act, now))
    }

    /// Is known to one assistant less.
    ///
    /// # Errors
    ///
    /// [`UnlinkRefused`] when the assistant does not know it, or no other one does.
    pub fn unlink(
        &self,
        assistant_id: AssistantId,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<Unlinked>, UnlinkRefused> {
        if !self.assistants.contains(&assistant_id) {
            return Err(UnlinkRefused::Unknown);
        }
        if self.assistants.as_slice() == [assistant_id] {
            return Err(UnlinkRefused::LastAssistant);
        }
        let act = DocumentUnlinked { document: self.id, name: self.name.clone(), assistant_id };
        let unlinked =
            Unlinked { workspace_id: self.workspace_id, document_id: self.id, assistant_id };
        Ok(Change::of(self.workspace_id, unlinked).done_by(by, &act, now))
    }

    /// Deletes the document with its passages, because it is no longer wanted where it came from.
    pub fn remove(mut self, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        self.updated_at = now;
        let event =
            Event::DocumentDeleted { document_id: self.id, assistants: self.assistants.clone() };
        Change::of(self.workspace_id, Deleted(self)).telling(event, now)
    }

    /// Deletes the document with its passages, because somebody wants it.
    pub fn delete(self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let act = DocumentDeleted { document: self.id, name: self.name.clone() };
        self.remove(now).done_by(by, &act, now)
    }

    /// Deletes the answer that somebody wrote for an assistant.
    pub fn delete_answer(
        self,
        assistant_id: AssistantId,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<Deleted<Self>> {
        let act = AnswerDeleted { answer: self.id, name: self.name.clone(), assistant_id };
        self.remove(now).done_by(by, &act, now)
    }

    fn replaced(&self, file: &Replacement) -> Result<DocumentReplaced, IsPage> {
        if self.page.is_some() {
            return Err(IsPage);
        }
        Ok(DocumentReplaced {
            document: self.id,
            name: file.name.clone(),
            before: self.name.clone(),
            size: file.size,
        })
    }

    fn become_file(&mut self, file: Replacement) {
        self.name = file.name;
        self.kind = file.kind;
        self.size = file.size;
        self.content_hash = file.content_hash;
    }

    /// Waits to be read again. An earlier failure is forgotten.
    fn requeue(&mut self, now: DateTime<Utc>) {
        self.status = DocumentStatus::Queued;
        self.error = None;
        self.updated_at = now;
    }

    fn told(self, now: DateTime<Utc>) -> Change<Self> {
        let event = Event::DocumentStatus {
            document_id: self.id,
            assistants: self.assistants.clone(),
            status: self.status,
            passages: self.passages,
            embedded: self.embedded,
            error: self.error.clone(),
            warnings: self.warnings.clone(),
        };
        Change::of(self.workspace_id, self).telling(event, now)
    }
}
