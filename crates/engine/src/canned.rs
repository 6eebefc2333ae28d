//! Replies that operators keep ready: created, changed, deleted, and filled in for a dialog.

use replyx_core::{
    actor::Caller,
    assistant::Language,
    canned::{self, CannedReply, Placeholder, UnknownPlaceholder},
    change::New,
    ids::{CannedReplyId, DialogId},
    patch::Patch,
};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::Engine;

/// A canned reply could not be changed or filled in.
#[derive(Debug, Error)]
pub enum CannedError {
    /// There is no such canned reply in the caller's workspace.
    #[error("no such canned reply")]
    Missing,
    /// There is no such dialog in the caller's workspace.
    #[error("no such dialog")]
    NoDialog,
    /// It is no longer what the caller has read.
    #[error("the canned reply has been changed since it was read")]
    Changed,
    /// The text names something that cannot be filled in.
    #[error(transparent)]
    Unknown(#[from] UnknownPlaceholder),
    /// Another one of the language has this shortcut.
    #[error("another canned reply of this language has the shortcut `{0}`")]
    Exists(String),
    /// The workspace has as many as it may have.
    #[error("a workspace has at most {most} canned replies", most = CannedReply::MOST)]
    TooMany,
    /// The database failed.
    #[error("the canned reply could not be changed")]
    Storage(#[from] StorageError),
}

/// A new canned reply.
#[derive(Clone, Debug)]
pub struct NewCannedReply {
    /// What an operator types to find it.
    pub shortcut: String,
    /// The language it is written in; `None`: any.
    pub language: Option<Language>,
    /// What it is about.
    pub title: String,
    /// The words, with placeholders.
    pub text: String,
}

/// Creates a canned reply.
///
/// # Errors
///
/// [`CannedError::Unknown`] for a text with an unknown placeholder; the others as they say.
pub async fn create(
    engine: &Engine,
    caller: &Caller,
    new: &NewCannedReply,
) -> Result<CannedReply, CannedError> {
    canned::check(&new.text)?;
    let created = repeated(|| async {
        let workspace = caller.workspace_id;
        let now = engine.clock.now();
        let mut tx = engine.db.begin().await?;
        if tx.workspace(workspace).canned_replies().count().await? >= CannedReply::MOST {
            return Err(CannedError::TooMany);
        }

        let reply = CannedReply {
            id: engine.clock.id(),
            workspace_id: workspace,
            shortcut: new.shortcut.clone(),
            language: new.language,
            title: new.title.clone(),
            text: new.text.clone(),
            created_at: now,
            updated_at: now,
        };
        let New(reply) = tx.apply(reply.create(&caller.actor())).await?;
        tx.commit().await?;
        Ok(reply)
    });
    created.await.map_err(|error| taken(error, &new.shortcut))
}

/// What is to change of a canned reply. What is left out stays as it is.
#[derive(Clone, Debug, Default)]
pub struct CannedChange {
    /// What an operator types to find it.
    pub shortcut: Option<String>,
    /// The language it is written in.
    pub language: Patch<Language>,
    /// What it is about.
    pub title: Option<String>,
    /// The words, with placeholders.
    pub text: Option<String>,
}

impl CannedChange {
    fn of(&self, reply: CannedReply) -> CannedReply {
        CannedReply {
            shortcut: self.shortcut.clone().unwrap_or(reply.shortcut),
            language: match self.language {
                Patch::Keep => reply.language,
                Patch::Clear => None,
                Patch::Set(language) => Some(language),
            },
            title: self.title.clone().unwrap_or(reply.title),
            text: self.text.clone().unwrap_or(reply.text),
            ..reply
        }
    }
}

/// Changes a canned reply, unless `is_as_read` says that it is no longer what the caller has read.
///
/// # Errors
///
/// [`CannedError::Unknown`] for a text with an unknown placeholder; the others as they say.
pub async fn update(
    engine: &Engine,
    caller: &Caller,
    id: CannedReplyId,
    change: &CannedChange,
    is_as_read: impl Fn(&CannedReply) -> bool,
) -> Result<CannedReply, CannedError> {
    if let Some(text) = &change.text {
        canned::check(text)?;
    }
    let updated = repeated(|| async {
        let mut tx = engine.db.begin().await?;
        let reply = lock(&mut tx, caller, id).await?;
        if !is_as_read(&reply) {
            return Err(CannedError::Changed);
        }

        let changed = change.of(reply).update(&caller.actor(), engine.clock.now());
        let reply = tx.apply(changed).await?;
        tx.commit().await?;
        Ok(reply)
    });
    let shortcut = change.shortcut.as_deref().unwrap_or_default();
    updated.await.map_err(|error| taken(error, shortcut))
}

/// Deletes a canned reply.
///
/// # Errors
///
/// [`CannedError::Missing`]
pub async fn delete(
    engine: &Engine,
    caller: &Caller,
    id: CannedReplyId,
) -> Result<(), CannedError> {
    repeated(|| async {
        let mut tx = engine.db.begin().await?;
        let reply = lock(&mut tx, caller, id).await?;
        tx.apply(reply.delete(&caller.actor(), engine.clock.now())).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// The words of a canned reply for a dialog, as the caller would send them.
///
/// # Errors
///
/// [`CannedError::Missing`] and [`CannedError::NoDialog`].
pub async fn filled(
    engine: &Engine,
    caller: &Caller,
    id: CannedReplyId,
    dialog: DialogId,
) -> Result<String, CannedError> {
    let workspace = caller.workspace_id;
    let mut tx = engine.db.read().await?;
    let reply = tx.workspace(workspace).canned_replies().find(id).await?;
    let reply = reply.ok_or(CannedError::Missing)?;
    let dialog = tx.workspace(workspace).dialogs().find(dialog).await?;
    let dialog = dialog.ok_or(CannedError::NoDialog)?;
    let contact = tx.workspace(workspace).contacts().find(dialog.contact_id).await?;
    let contact = contact.ok_or(CannedError::NoDialog)?;
    let assistant = tx.workspace(workspace).assistants().find(dialog.assistant_id).await?;
    let owner = tx.system().workspaces().find(workspace).await?;

    Ok(reply.fill(|placeholder| match placeholder {
        Placeholder::Customer => contact.display_name.clone(),
        Placeholder::Operator => caller.operator().name,
        Placeholder::Assistant => {
            assistant.as_ref().map(|it| it.settings.name.clone()).unwrap_or_default()
        }
        Placeholder::Workspace => owner.as_ref().map(|it| it.name.clone()).unwrap_or_default(),
    }))
}

async fn lock(tx: &mut Tx, caller: &Caller, id: CannedReplyId) -> Result<CannedReply, CannedError> {
    let found = tx.workspace(caller.workspace_id).canned_replies().lock(id).await?;
    found.ok_or(CannedError::Missing)
}

fn taken(error: CannedError, shortcut: &str) -> CannedError {
    match error {
        CannedError::Storage(error) if error.is_duplicate() => {
            CannedError::Exists(shortcut.to_owned())
        }
        error => error,
    }
}
