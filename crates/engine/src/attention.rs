//! Who looks at a dialog, and who types in it: told to colleagues at once, and stored nowhere.

use std::time::Duration;

use replyx_channels::Route;
use replyx_core::{
    actor::Caller,
    attention::{Attention, AttentionState},
    dialog::{Contact, Control, Dialog},
    ids::DialogId,
};
use replyx_live::{Limit, News, Permit, Rate};
use replyx_storage::StorageError;
use thiserror::Error;

use crate::{Engine, control};

/// How long what was told holds: whoever still looks says so again.
pub const LASTS: Duration = Duration::from_secs(15);

/// Nothing was told.
#[derive(Debug, Error)]
pub enum AttentionError {
    /// A program with a key looks at nothing.
    #[error("only a member who is signed in looks at dialogs")]
    NoPerson,
    /// There is no such dialog in the caller's workspace.
    #[error("no such dialog")]
    Missing,
    /// The database failed.
    #[error("the dialog could not be read")]
    Storage(#[from] StorageError),
}

/// Tells colleagues what the caller does in a dialog. While an operator who has the dialog types,
/// the customer sees that, where the channel can show it.
///
/// # Errors
///
/// [`AttentionError::NoPerson`] for a program with a key.
pub async fn tell(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    state: AttentionState,
) -> Result<(), AttentionError> {
    let user_id = caller.user_id().ok_or(AttentionError::NoPerson)?;
    let workspace_id = caller.workspace_id;
    let dialog = {
        let mut tx = engine.db.read().await?;
        tx.workspace(workspace_id).dialogs().find(id).await?.ok_or(AttentionError::Missing)?
    };

    let name = caller.operator().name;
    let attention = Attention { dialog_id: id, user_id, name, state };
    let news = News::Attention { workspace_id, attention };
    if engine.live.tell(engine.process, &news).await.is_err() {
        tracing::debug!(dialog.id = %id, "could not tell who looks at a dialog");
    }

    let is_theirs = dialog.control == Control::Human && control::is_held_by(&dialog, caller);
    if state == AttentionState::Typing && is_theirs {
        show(engine, &dialog).await?;
    }
    Ok(())
}

/// Shows the customer that somebody is typing, no more often than it takes. A failure of the
/// channel is of no consequence.
async fn show(engine: &Engine, dialog: &Dialog) -> Result<(), StorageError> {
    let workspace = dialog.workspace_id;
    let mut tx = engine.db.read().await?;
    let access = tx.workspace(workspace).channels().access(dialog.channel_id).await?;
    let contact = tx.workspace(workspace).contacts().find(dialog.contact_id).await?;
    drop(tx);
    let Some(access) = access else { return Ok(()) };
    let Some(Contact { address, blocked_at: None, .. }) = contact else { return Ok(()) };

    let kind = access.channel.kind;
    let Some(lasts) = engine.channels.of(kind).typing_lasts() else { return Ok(()) };
    let rate = Rate { per: lasts, count: 1, burst: 1 };
    let once = Limit { key: format!("typing:{}", dialog.id), rate };
    if engine.live.take(&[once]).await != Permit::Granted {
        return Ok(());
    }

    let sealed = access.secret_sealed.as_deref();
    let secret = sealed
        .and_then(|sealed| engine.keys.open(sealed, dialog.channel_id.into_uuid().as_bytes()).ok());
    let channels = engine.channels.clone();
    tokio::spawn(async move {
        let route = Route { secret: secret.as_ref(), address: &address, reply_to: None };
        channels.of(kind).type_to(route).await
    });
    Ok(())
}
