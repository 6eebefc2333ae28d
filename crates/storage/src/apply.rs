//! The one room in which states, events and acts are written: [`Tx::apply`].

#[cfg(feature = "testing")]
use replyx_core::message::Message;
use replyx_core::{
    assistant::Assistant,
    bot::Bot,
    change::{Change, Gone, New, Noted, Parts},
    channel::Channel,
    dialog::{Contact, Dialog},
    evaluation::{QuestionSet, Run},
    knowledge::{Document, Source},
    rules::{
        assistant::{Publication, QuestionSetContent, RolledBack},
        channel::{BotWithToken, MovedAway, NewBot},
        dialog::Utterance,
        document::{DocumentFile, Linked, Unlinked, WaitingFile},
        invitation::{AcceptedInvitation, SentInvitation},
        key::HashedKey,
        message::{CorrectedAct, MessageDelivery},
        run::MeasuredRun,
        workspace::{AllowedModels, OwnedWorkspace, ResumedWorkspace},
    },
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
    Gone<Member>: |tx, Gone(it)| tx.workspace(it.workspace_id).members().delete(it.user_id);
    New<SentInvitation>: |tx, New(it)|
        tx.workspace(it.invitation.workspace_id).invitations().put(&it.invitation, &it.token_hash);
    AcceptedInvitation: |tx, it| accept(tx, it);
    Gone<Invitation>: |tx, Gone(it)| tx.workspace(it.workspace_id).invitations().delete(it.id);
    New<HashedKey>: |tx, New(it)|
        tx.workspace(it.key.workspace_id).api_keys().insert(&it.key, &it.hash);
    ApiKey: |tx, it| tx.workspace(it.workspace_id).api_keys().save(it);
    Gone<ApiKey>: |tx, Gone(it)| tx.workspace(it.workspace_id).api_keys().delete(it.id);

    New<Assistant>: |tx, New(it)| tx.workspace(it.workspace_id).assistants().insert(it);
    Assistant: |tx, it| tx.workspace(it.workspace_id).assistants().update(it);
    Publication: |tx, it| tx.workspace(it.workspace_id).assistants().publish(it);
    RolledBack: |tx, it|
        tx.workspace(it.workspace_id).assistants().roll_to(it.assistant_id, it.number);
    Gone<Assistant>: |tx, Gone(it)| tx.workspace(it.workspace_id).assistants().delete(it);

    New<Channel>: |tx, New(it)| tx.workspace(it.workspace_id).channels().insert(it);
    Channel: |tx, it| tx.workspace(it.workspace_id).channels().save(it);
    Gone<Channel>: |tx, Gone(it)| tx.workspace(it.workspace_id).channels().delete(it);
    New<NewBot>: |tx, New(it)| tx.workspace(it.bot.workspace_id).bots().insert(it);
    Bot: |tx, it| tx.workspace(it.workspace_id).bots().save(it);
    BotWithToken: |tx, it| tx.workspace(it.bot.workspace_id).bots().replace_token(it);
    MovedAway: |tx, it| tx.workspace(it.0.workspace_id).bots().move_away(it);

    New<QuestionSetContent<'_>>: |tx, New(it)|
        tx.workspace(it.set.workspace_id).question_sets().insert(it);
    QuestionSetContent<'_>: |tx, it| tx.workspace(it.set.workspace_id).question_sets().save(it);
    Gone<QuestionSet>: |tx, Gone(it)| tx.workspace(it.workspace_id).question_sets().delete(it.id);
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
    Gone<Document>: |tx, Gone(it)| tx.workspace(it.workspace_id).documents().delete(it);
    New<Source>: |tx, New(it)| tx.workspace(it.workspace_id).sources().insert(it);
    Source: |tx, it| tx.workspace(it.workspace_id).sources().save(it);
    Gone<Source>: |tx, Gone(it)| tx.workspace(it.workspace_id).sources().delete(it);

    Contact: |tx, it| tx.workspace(it.workspace_id).contacts().set_blocked(it);
    New<Dialog>: |tx, New(it)| tx.workspace(it.workspace_id).dialogs().insert(it);
    Dialog: |tx, it| tx.workspace(it.workspace_id).dialogs().save(it);
    Utterance: |tx, it| tx.workspace(it.dialog.workspace_id).dialogs().keep(it);
    CorrectedAct: |tx, it| tx.workspace(it.workspace_id).messages().correct_act(it);
    MessageDelivery: |tx, it| tx.workspace(it.workspace_id).messages().set_delivery(it);
}

// Those of the installation, which belong to no workspace.
states! {
    New<Workspace>: |tx, New(it)| tx.system().workspaces().insert(it);
    New<OwnedWorkspace>: |tx, New(it)| open(tx, it);
    Workspace: |tx, it| tx.system().workspaces().save(it);
    ResumedWorkspace: |tx, ResumedWorkspace(it)| tx.system().workspaces().resume(it);
    AllowedModels: |tx, it| tx.system().workspaces().restrict(it);
    Gone<Workspace>: |tx, Gone(it)| tx.system().workspaces().delete(it.id);
}

/// Stores a workspace with its first owner.
async fn open(tx: &mut Tx, owned: &OwnedWorkspace) -> Result<(), StorageError> {
    tx.system().workspaces().insert(&owned.workspace).await?;
    tx.workspace(owned.workspace.id).members().insert(&owned.owner).await
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

impl State for Noted {
    async fn write(&self, _tx: &mut Tx, Pen(()): Pen) -> Result<(), StorageError> {
        Ok(())
    }
}
