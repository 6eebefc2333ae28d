//! The one room in which states, events and acts are written: [`Tx::apply`].

#[cfg(feature = "testing")]
use replyx_core::message::Message;
use replyx_core::{
    assistant::{Assistant, Pause},
    attachment::MessageFile,
    bot::Bot,
    canned::CannedReply,
    change::{Change, Deleted, LogOnly, New, Parts},
    channel::Channel,
    dialog::{Contact, Dialog},
    evaluation::{QuestionSet, Run},
    knowledge::{Document, Source},
    presence::Presence,
    rules::{
        assistant::{Publication, QuestionSetContent, RolledBack},
        attachment::StoredMessageFile,
        channel::{BotWithToken, MovedAway, NewBot},
        dialog::{Edited, Utterance},
        document::{DocumentFile, Linked, Unlinked, WaitingFile},
        invitation::{AcceptedInvitation, SentInvitation},
        key::HashedKey,
        message::{CorrectedAct, MessageDelivery},
        run::MeasuredRun,
        second_factor::{ConfirmedSecondFactor, RecoveryCodes, ResetSecondFactor},
        session::{EndedSession, OpenedSession, OthersEnded},
        sla::AssistantSla,
        user::{NewPassword, PasswordLink, SignedOut, UserWithPassword},
        workspace::{AllowedModels, OwnedWorkspace, ResumedWorkspace},
    },
    sla::DialogSla,
    snooze::{EndedSnooze, Snooze},
    tag::{DialogTags, Tag},
    user::{Registration, SecondFactor, User},
    workspace::{ApiKey, Invitation, Member, Workspace},
};

use crate::{StorageError, Tx, messages, utterances};

/// A state that [`Tx::apply`] can write.
pub trait State: Send + Sync {
    /// Writes the state.
    fn write(&self, tx: &mut Tx, pen: Pen)
    -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// A state of which [`Tx::apply_each`] can write many at once.
pub trait ManyStates: State + Sized {
    /// Writes the states, each of another object.
    fn write_each(
        states: &[Self],
        tx: &mut Tx,
        pen: Pen,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// What one needs to write a [`State`]. Only [`Tx::apply`] has one.
#[derive(Debug)]
pub struct Pen(());

impl Tx {
    /// Writes a change: its state now, its events and acts when the transaction commits. Returns
    /// the state.
    ///
    /// # Errors
    ///
    /// Fails when the object is not there, or must not be there and is.
    pub async fn apply<T: State>(&mut self, change: Change<T>) -> Result<T, StorageError> {
        let Parts { log, state, events, acts } = change.into_parts();
        state.write(self, Pen(())).await?;

        if let Some(workspace) = log {
            self.record(workspace, events);
        }
        for act in acts {
            self.enter(log, act);
        }
        Ok(state)
    }

    /// [`Self::apply`] for changes of different objects. Returns the states in the order of the
    /// changes.
    pub async fn apply_each<T: ManyStates>(
        &mut self,
        changes: impl IntoIterator<Item = Change<T>>,
    ) -> Result<Vec<T>, StorageError> {
        let parts = changes.into_iter().map(Change::into_parts);
        let mut states = Vec::new();
        let mut told = Vec::new();
        for Parts { log, state, events, acts } in parts {
            states.push(state);
            told.push((log, events, acts));
        }
        T::write_each(&states, self, Pen(())).await?;

        for (log, events, acts) in told {
            if let Some(workspace) = log {
                self.record(workspace, events);
            }
            for act in acts {
                self.enter(log, act);
            }
        }
        Ok(states)
    }
}

/// Names the statement that writes each state.
macro_rules! states {
    ($($state:ty: |$tx:ident, $value:pat_param| $write:expr;)+) => {$(
        impl State for $state {
            async fn write(&self, $tx: &mut Tx, Pen(()): Pen) -> Result<(), StorageError> {
                let $value = self;
                $write.await
            }
        }
    )+};
}

// Those that belong to a workspace.
states! {
    New<Member>: |tx, New(it)| tx.workspace(it.workspace_id).members().insert(it);
    Member: |tx, it| tx.workspace(it.workspace_id).members().save(it);
    Deleted<Member>: |tx, Deleted(it)| tx.workspace(it.workspace_id).members().delete(it.user_id);
    New<SentInvitation>: |tx, New(it)|
        tx.workspace(it.invitation.workspace_id).invitations().put(&it.invitation, &it.token_hash);
    AcceptedInvitation: |tx, it| accept(tx, it);
    Deleted<Invitation>: |tx, Deleted(it)| tx.workspace(it.workspace_id).invitations().delete(it.id);
    New<HashedKey>: |tx, New(it)|
        tx.workspace(it.key.workspace_id).api_keys().insert(&it.key, &it.hash);
    ApiKey: |tx, it| tx.workspace(it.workspace_id).api_keys().save(it);
    Deleted<ApiKey>: |tx, Deleted(it)| tx.workspace(it.workspace_id).api_keys().delete(it.id);

    New<Assistant>: |tx, New(it)| tx.workspace(it.workspace_id).assistants().insert(it);
    Assistant: |tx, it| tx.workspace(it.workspace_id).assistants().update(it);
    Publication: |tx, it| tx.workspace(it.workspace_id).assistants().publish(it);
    RolledBack: |tx, it|
        tx.workspace(it.workspace_id).assistants().roll_to(it.assistant_id, it.number);
    Deleted<Assistant>: |tx, Deleted(it)| tx.workspace(it.workspace_id).assistants().delete(it);

    New<Channel>: |tx, New(it)| tx.workspace(it.workspace_id).channels().insert(it);
    Channel: |tx, it| tx.workspace(it.workspace_id).channels().save(it);
    Deleted<Channel>: |tx, Deleted(it)| tx.workspace(it.workspace_id).channels().delete(it);
    New<NewBot>: |tx, New(it)| tx.workspace(it.bot.workspace_id).bots().insert(it);
    Bot: |tx, it| tx.workspace(it.workspace_id).bots().save(it);
    BotWithToken: |tx, it| tx.workspace(it.bot.workspace_id).bots().replace_token(it);
    MovedAway: |tx, it| tx.workspace(it.0.workspace_id).bots().move_away(it);

    AssistantSla: |tx, it| tx.workspace(it.workspace_id).slas().set(it);
    DialogSla: |tx, it| tx.workspace(it.workspace_id).slas().save(it);
    Pause: |tx, it| tx.workspace(it.workspace_id).pauses().put(it);
    Deleted<Pause>: |tx, Deleted(it)| tx.workspace(it.workspace_id).pauses().end(it);

    New<QuestionSetContent<'_>>: |tx, New(it)|
        tx.workspace(it.set.workspace_id).question_sets().insert(it);
    QuestionSetContent<'_>: |tx, it| tx.workspace(it.set.workspace_id).question_sets().save(it);
    Deleted<QuestionSet>: |tx, Deleted(it)| tx.workspace(it.workspace_id).question_sets().delete(it.id);
    New<Run>: |tx, New(it)| tx.workspace(it.workspace_id).runs().insert(it);
    Run: |tx, it| tx.workspace(it.workspace_id).runs().save(it, None);
    MeasuredRun: |tx, it| tx.workspace(it.run.workspace_id).runs().save(&it.run, Some(&it.results));

    New<DocumentFile<'_>>: |tx, New(it)|
        tx.workspace(it.document.workspace_id).documents().insert(it);
    Document: |tx, it| tx.workspace(it.workspace_id).documents().save(it);
    DocumentFile<'_>: |tx, it| tx.workspace(it.document.workspace_id).documents().save_file(it);
    WaitingFile<'_>: |tx, it| tx.workspace(it.document.workspace_id).documents().save_waiting(it);
    Linked: |tx, it| tx.workspace(it.workspace_id).knowledge().add_link(it);
    Unlinked: |tx, it| tx.workspace(it.workspace_id).knowledge().remove_link(it);
    Deleted<Document>: |tx, Deleted(it)| tx.workspace(it.workspace_id).documents().delete(it);
    New<Source>: |tx, New(it)| tx.workspace(it.workspace_id).sources().insert(it);
    Source: |tx, it| tx.workspace(it.workspace_id).sources().save(it);
    Deleted<Source>: |tx, Deleted(it)| tx.workspace(it.workspace_id).sources().delete(it);

    Contact: |tx, it| tx.workspace(it.workspace_id).contacts().save(it);
    New<Dialog>: |tx, New(it)| tx.workspace(it.workspace_id).dialogs().insert(it);
    Dialog: |tx, it| tx.workspace(it.workspace_id).dialogs().save(it);
    Utterance: |tx, it| tx.workspace(it.dialog.workspace_id).dialogs().keep(it);
    Edited: |tx, it| tx.workspace(it.dialog.workspace_id).dialogs().revise(it);
    Presence: |tx, it| tx.workspace(it.workspace_id).operators().save(it);
    New<Tag>: |tx, New(it)| tx.workspace(it.workspace_id).tags().insert(it);
    Tag: |tx, it| tx.workspace(it.workspace_id).tags().save(it);
    Deleted<Tag>: |tx, Deleted(it)| tx.workspace(it.workspace_id).tags().delete(it.id);
    DialogTags: |tx, it| tx.workspace(it.workspace_id).tags().set(it);
    Snooze: |tx, it| tx.workspace(it.workspace_id).snoozes().save(it);
    EndedSnooze: |tx, it| tx.workspace(it.snooze.workspace_id).snoozes().end(it);
    New<CannedReply>: |tx, New(it)| tx.workspace(it.workspace_id).canned_replies().insert(it);
    CannedReply: |tx, it| tx.workspace(it.workspace_id).canned_replies().save(it);
    Deleted<CannedReply>: |tx, Deleted(it)| tx.workspace(it.workspace_id).canned_replies().delete(it.id);
    CorrectedAct: |tx, it| tx.workspace(it.workspace_id).messages().correct_act(it);
    New<MessageFile>: |tx, New(it)| tx.workspace(it.workspace_id).attachments().insert(it);
    MessageFile: |tx, it| tx.workspace(it.workspace_id).attachments().save(it);
    StoredMessageFile<'_>: |tx, it| tx.workspace(it.file.workspace_id).attachments().keep(it);
    MessageDelivery: |tx, it| tx.workspace(it.workspace_id).messages().set_delivery(it);
}

// Those of the installation, which belong to no workspace.
states! {
    New<Workspace>: |tx, New(it)| tx.system().workspaces().insert(it);
    New<OwnedWorkspace>: |tx, New(it)| open(tx, it);
    Workspace: |tx, it| tx.system().workspaces().save(it);
    ResumedWorkspace: |tx, ResumedWorkspace(it)| tx.system().workspaces().resume(it);
    AllowedModels: |tx, it| tx.system().workspaces().restrict(it);
    Deleted<Workspace>: |tx, Deleted(it)| tx.system().workspaces().delete(it.id);

    New<Registration>: |tx, New(it)| tx.system().registrations().put(it);
    New<UserWithPassword>: |tx, New(it)| tx.system().users().insert(&it.user, &it.password_hash);
    User: |tx, it| tx.system().users().save(it);
    SignedOut: |tx, it| sign_out(tx, it);
    Deleted<User>: |tx, Deleted(it)| tx.system().users().delete(it.id);
    New<PasswordLink>: |tx, New(it)| tx.system().password_resets().insert(it);
    NewPassword: |tx, it| set_password(tx, it);
    New<SecondFactor>: |tx, New(it)| tx.system().second_factors().begin(it);
    ConfirmedSecondFactor: |tx, it| tx.system().second_factors().confirm(it);
    RecoveryCodes: |tx, it| tx.system().second_factors().replace_recovery_codes(it);
    Deleted<SecondFactor>: |tx, Deleted(it)| tx.system().second_factors().remove(it.user_id);
    ResetSecondFactor: |tx, it| reset_second_factor(tx, it);
    New<OpenedSession>: |tx, New(it)| tx.system().sessions().insert(&it.session, &it.refresh_hash);
    EndedSession: |tx, it| tx.system().sessions().end(it);
    OthersEnded: |tx, it| tx.system().sessions().end_all(it.user_id, Some(it.kept), it.at);
}

/// Stores a workspace with its first owner.
async fn open(tx: &mut Tx, owned: &OwnedWorkspace) -> Result<(), StorageError> {
    tx.system().workspaces().insert(&owned.workspace).await?;
    tx.workspace(owned.workspace.id).members().insert(&owned.owner).await
}

/// Stores a user, and ends all their sessions.
async fn sign_out(tx: &mut Tx, out: &SignedOut) -> Result<(), StorageError> {
    tx.system().users().save(&out.user).await?;
    tx.system().sessions().end_all(out.user.id, None, out.at).await
}

/// Stores a password, and ends the sessions of its user but for the one that goes on.
async fn set_password(tx: &mut Tx, new: &NewPassword) -> Result<(), StorageError> {
    tx.system().users().set_password(new.user_id, &new.hash).await?;
    tx.system().sessions().end_all(new.user_id, new.kept, new.at).await
}

/// Removes a second factor, and ends all sessions of its user.
async fn reset_second_factor(tx: &mut Tx, reset: &ResetSecondFactor) -> Result<(), StorageError> {
    tx.system().second_factors().remove(reset.user_id).await?;
    tx.system().sessions().end_all(reset.user_id, None, reset.at).await
}

/// Uses an invitation up, and makes the person a member.
async fn accept(tx: &mut Tx, accepted: &AcceptedInvitation) -> Result<(), StorageError> {
    let AcceptedInvitation { invitation, member } = accepted;
    tx.workspace(invitation.workspace_id).invitations().delete(invitation.id).await?;
    tx.workspace(member.workspace_id).members().insert(member).await
}

impl ManyStates for Utterance {
    async fn write_each(states: &[Self], tx: &mut Tx, Pen(()): Pen) -> Result<(), StorageError> {
        utterances::keep_all(tx, states).await
    }
}

impl ManyStates for MessageDelivery {
    async fn write_each(states: &[Self], tx: &mut Tx, Pen(()): Pen) -> Result<(), StorageError> {
        messages::set_deliveries(tx, states).await
    }
}

#[cfg(feature = "testing")]
impl State for New<Message> {
    /// A message of which no dialog tells.
    async fn write(&self, tx: &mut Tx, Pen(()): Pen) -> Result<(), StorageError> {
        let New(message) = self;
        tx.workspace(message.workspace_id).messages().insert(message, None, None).await
    }
}

impl State for LogOnly {
    async fn write(&self, _tx: &mut Tx, Pen(()): Pen) -> Result<(), StorageError> {
        Ok(())
    }
}
