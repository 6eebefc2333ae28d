//! What operators write: replies, which go the way of everything that is sent, and notes, which
//! never do.

use chrono::{DateTime, Utc};
use replyx_core::{
    actor::Caller,
    change::Change,
    channel::Channel,
    dialog::{Contact, Control, Dialog},
    ids::{AttachmentId, DialogId, DocumentId, MessageId, UserId, WorkspaceId},
    message::{Author, Delivery, Message, MessageKind},
    rules::{
        dialog::{Utterance, Written},
        message::SentReply,
    },
};
use replyx_storage::{StorageError, Tx, repeated};
use thiserror::Error;

use crate::{
    Engine,
    control::{self, ControlError, is_held_by},
    sending,
    uploads::{self, UploadError},
};

/// What an operator writes was not stored.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Control does not allow it.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The customer has blocked the bot: nothing would arrive.
    #[error("the customer has blocked the bot; nothing can be delivered")]
    Blocked,
    /// The channel was deleted: nothing can be sent through it.
    #[error("the channel of the dialog was deleted; nothing can be delivered")]
    ChannelGone,
    /// A colleague has answered since the writer looked.
    #[error("a colleague has answered since you read the dialog")]
    NewerReply(Box<Message>),
    /// The client's name of the message stands for another one: of a colleague, or of another kind.
    #[error("`client_id` is that of another message of the dialog")]
    ClientIdTaken,
    /// There is no such file, or it was sent before.
    #[error("there is no such attachment that has not been sent")]
    NoFile,
    /// A file could not be made ready.
    #[error(transparent)]
    File(#[from] UploadError),
    /// There is no such message.
    #[error("no such message")]
    NoMessage,
    /// Nothing of the message failed, or it was too long ago.
    #[error("nothing of the message has failed and can be sent again")]
    NotFailed,
    /// Somebody is mentioned who does not work here.
    #[error("`{0}` is not a member of the workspace")]
    NoMember(UserId),
    /// The database failed.
    #[error("the message could not be stored")]
    Storage(#[from] StorageError),
}

/// A reply to the customer.
#[derive(Clone, Debug)]
pub struct NewReply {
    /// The client's own name of it. A repeat stores nothing.
    pub client_id: String,
    /// The words; none where files say enough.
    pub text: String,
    /// Uploaded files that go with it, in their order.
    pub files: Vec<AttachmentId>,
    /// Documents whose files go with it, behind those.
    pub documents: Vec<DocumentId>,
    /// The dialog's epoch as the writer saw it: taking over fails if it is another one.
    pub epoch: Option<i64>,
    /// The last message that the writer saw: the reply fails if a colleague has answered since.
    pub seen_seq: Option<i64>,
}

/// Answers a customer. An operator who answers while nobody has the dialog takes it over in the
/// same transaction.
///
/// # Errors
///
/// [`WriteError::Control`] when a colleague has the dialog, or it is over; the others as they say.
pub async fn reply(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    reply: &NewReply,
) -> Result<Message, WriteError> {
    let workspace = caller.workspace_id;
    let copies = uploads::copy(engine, workspace, &reply.documents).await?;
    let files: Vec<AttachmentId> = reply.files.iter().chain(&copies).copied().collect();

    let stored = store(engine, caller, id, reply, &files).await;
    // After an error of the database the reply may have been stored all the same.
    if !matches!(stored, Ok(Stored::Now(_)) | Err(WriteError::Storage(_))) {
        uploads::forget(engine, workspace, &copies).await;
    }
    stored.map(|(Stored::Now(message) | Stored::Before(message))| message)
}

/// A reply that is there.
enum Stored {
    /// It is new.
    Now(Message),
    /// The client sent it once more.
    Before(Message),
}

async fn store(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    reply: &NewReply,
    files: &[AttachmentId],
) -> Result<Stored, WriteError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = engine.db.begin().await?;
        let found = control::lock(&mut tx, workspace, id).await?;
        let (dialog, contact) = found.ok_or(ControlError::Missing)?;
        let known = tx.workspace(workspace).messages().by_client(id, &reply.client_id).await?;
        if let Some(known) = known {
            return repeat(known, MessageKind::Text, caller).map(Stored::Before);
        }
        let channel = passable(&mut tx, &dialog, &contact).await?;
        unanswered(&mut tx, &dialog, caller, reply.seen_seq).await?;

        let now = engine.clock.now();
        let had = dialog.control;
        let change = answered(engine, caller, dialog, reply, now)?;
        let Utterance { dialog, message, .. } = tx.apply(change).await?;
        if had != Control::Human {
            control::cancel(&mut tx, engine.settings.billing, &dialog, &contact, now).await?;
        }
        let mut parts = engine.channels.of(channel.kind).render(&message.text);
        for file in files {
            let attached = tx.workspace(workspace).uploads().attach(*file, &message).await?;
            parts.push(attached.ok_or(WriteError::NoFile)?.outbound());
        }
        let parts = sending::answering(&mut tx, &dialog, &contact, parts).await?;
        sending::send(engine, &mut tx, (&dialog, &contact), &message, parts).await?;
        if let Some(writer) = caller.user_id() {
            tx.workspace(workspace).drafts().delete(writer, id).await?;
        }
        tx.commit().await?;
        Ok(Stored::Now(message))
    })
    .await
}

/// The message that the caller has stored under this name before.
fn repeat(known: Message, kind: MessageKind, caller: &Caller) -> Result<Message, WriteError> {
    let writer = known.operator.as_ref().map(|operator| operator.user_id);
    let is_ours = known.kind == kind && writer == Some(caller.operator().user_id);
    if is_ours { Ok(known) } else { Err(WriteError::ClientIdTaken) }
}

/// The channel, if something can be delivered through it to the contact.
async fn passable(tx: &mut Tx, dialog: &Dialog, contact: &Contact) -> Result<Channel, WriteError> {
    if dialog.control == Control::Closed {
        return Err(ControlError::Closed.into());
    }
    if contact.blocked_at.is_some() {
        return Err(WriteError::Blocked);
    }
    let channels = tx.workspace(dialog.workspace_id).channels();
    channels.find(dialog.channel_id).await?.ok_or(WriteError::ChannelGone)
}

/// Makes sure that no colleague has answered since the caller looked.
async fn unanswered(
    tx: &mut Tx,
    dialog: &Dialog,
    caller: &Caller,
    seen: Option<i64>,
) -> Result<(), WriteError> {
    let Some(seen) = seen.filter(|seen| *seen < dialog.last_seq) else { return Ok(()) };
    let messages = tx.workspace(dialog.workspace_id).messages();
    match messages.reply_after(dialog.id, seen, caller.user_id()).await? {
        Some(newer) => Err(WriteError::NewerReply(Box::new(newer))),
        None => Ok(()),
    }
}

/// The reply, after a takeover where nobody has the dialog.
fn answered(
    engine: &Engine,
    caller: &Caller,
    dialog: Dialog,
    reply: &NewReply,
    now: DateTime<Utc>,
) -> Result<Change<Utterance>, WriteError> {
    let holder = dialog.assignee.clone();
    let not_yours = || ControlError::NotYours { holder: holder.clone() };
    let words = Written {
        id: engine.clock.id(),
        client_id: reply.client_id.clone(),
        text: reply.text.clone(),
        operator: caller.operator(),
    };

    if dialog.control == Control::Human {
        if !is_held_by(&dialog, caller) {
            return Err(not_yours().into());
        }
        return dialog.answer(words, now).map_err(|_| not_yours().into());
    }
    if reply.epoch.is_some_and(|epoch| epoch != dialog.epoch) {
        return Err(not_yours().into());
    }

    let taken = dialog.take_over(caller.operator(), &control::cause(engine, caller));
    let change = taken.map_err(|_| not_yours())?.and_then(|taken| taken.answer(words, now));
    change.map_err(|_| not_yours().into())
}

/// Sends again what the channel refused of a reply, as it was. What the assistant said is sent
/// again only while it has the dialog.
///
/// # Errors
///
/// [`WriteError::NotFailed`] when there is nothing to send again; the others as those of [`reply`].
pub async fn retry(engine: &Engine, caller: &Caller, id: MessageId) -> Result<Message, WriteError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = engine.db.begin().await?;
        let seen = tx.workspace(workspace).messages().find(id).await?;
        let dialog_id = seen.ok_or(WriteError::NoMessage)?.dialog_id;
        let found = control::lock(&mut tx, workspace, dialog_id).await?;
        let (dialog, contact) = found.ok_or(ControlError::Missing)?;
        let message = tx.workspace(workspace).messages().find(id).await?;
        let message = message.ok_or(WriteError::NoMessage)?;
        if message.delivery != Delivery::Failed || message.author == Author::System {
            return Err(WriteError::NotFailed);
        }
        passable(&mut tx, &dialog, &contact).await?;
        control::may_decide(&dialog, caller, None)?;
        if message.author == Author::Assistant && dialog.control != Control::Ai {
            return Err(ControlError::NotYours { holder: dialog.assignee }.into());
        }

        let now = engine.clock.now();
        if tx.workspace(workspace).outbox().retry(id, now).await? == 0 {
            return Err(WriteError::NotFailed);
        }
        let reply = SentReply { workspace_id: workspace, dialog_id, message_id: id };
        tx.apply(reply.retried(now)).await?;
        tx.commit().await?;
        Ok(Message { delivery: Delivery::Queued, ..message })
    })
    .await
}

/// A note for colleagues.
#[derive(Clone, Debug)]
pub struct NewNote {
    /// The client's own name of it. A repeat stores nothing.
    pub client_id: String,
    /// The words.
    pub text: String,
    /// Who is to read it.
    pub mentions: Vec<UserId>,
}

/// Stores a note; the dialog may be anyone's.
///
/// # Errors
///
/// [`WriteError::NoMember`] when somebody is mentioned who does not work here.
pub async fn note(
    engine: &Engine,
    caller: &Caller,
    id: DialogId,
    note: &NewNote,
) -> Result<Message, WriteError> {
    repeated(|| async {
        let workspace = caller.workspace_id;
        let mut tx = engine.db.begin().await?;
        let dialog = tx.workspace(workspace).dialogs().lock(id).await?;
        let dialog = dialog.ok_or(ControlError::Missing)?;
        let known = tx.workspace(workspace).messages().by_client(id, &note.client_id).await?;
        if let Some(known) = known {
            return repeat(known, MessageKind::Note, caller);
        }
        let mentions = members(&mut tx, workspace, &note.mentions).await?;

        let words = Written {
            id: engine.clock.id(),
            client_id: note.client_id.clone(),
            text: note.text.clone(),
            operator: caller.operator(),
        };
        let change = dialog.note(words, mentions, engine.clock.now());
        let Utterance { message, .. } = tx.apply(change).await?;
        tx.commit().await?;
        Ok(message)
    })
    .await
}

/// Each of them once, if all of them work here.
async fn members(
    tx: &mut Tx,
    workspace: WorkspaceId,
    named: &[UserId],
) -> Result<Vec<UserId>, WriteError> {
    let mut mentions = named.to_vec();
    mentions.sort_unstable();
    mentions.dedup();
    for user in &mentions {
        let member = tx.workspace(workspace).members().find(*user).await?;
        member.ok_or(WriteError::NoMember(*user))?;
    }
    Ok(mentions)
}
