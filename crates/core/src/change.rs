//! What a rule of the domain did: a new state, and what the logs say of it.
//!
//! The methods of dialogs, documents, members, users and the like take the object as it is, the
//! time and who acts. They return a [`Change`], or say why they refuse. Nothing has happened until
//! storage's `Tx::apply` writes the change: the state, its events and its acts in one transaction.
//!
//! Only this crate makes changes. A state is therefore never stored without its event, and an event
//! is never recorded for something that did not happen.

use chrono::{DateTime, Utc};

use crate::{
    act::{Act, Actor, PlatformLog, Standalone, WorkspaceLog},
    audit,
    event::Event,
    ids::WorkspaceId,
};

/// A new state, and what the logs say of it.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing has happened until storage's `Tx::apply` writes it"]
pub struct Change<T> {
    log: Option<WorkspaceId>,
    state: T,
    events: Vec<(DateTime<Utc>, Event)>,
    acts: Vec<audit::Act>,
}

/// What a change consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts<T> {
    /// The workspace whose logs say it; none is the platform, which has no events.
    pub log: Option<WorkspaceId>,
    /// The state to be written.
    pub state: T,
    /// What the log of events says, in order.
    pub events: Vec<(DateTime<Utc>, Event)>,
    /// What the audit log says, in order.
    pub acts: Vec<audit::Act>,
}

/// Something that is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New<T>(pub T);

/// Something that is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted<T>(pub T);

/// The state of a change that is only noted in the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOnly;

impl<T> Change<T> {
    /// The state of something of a workspace.
    pub(crate) const fn of(workspace: WorkspaceId, state: T) -> Self {
        Self { log: Some(workspace), state, events: Vec::new(), acts: Vec::new() }
    }

    /// The state of something of the installation.
    pub(crate) const fn of_platform(state: T) -> Self {
        Self { log: None, state, events: Vec::new(), acts: Vec::new() }
    }

    /// Adds what the log of events says of it.
    pub(crate) fn telling(mut self, event: Event, at: DateTime<Utc>) -> Self {
        self.events.push((at, event));
        self
    }

    /// Adds what the audit log says of it: who did it.
    pub(crate) fn done_by<A>(mut self, actor: &Actor, act: &A, at: DateTime<Utc>) -> Self
    where
        A: Act<Log = WorkspaceLog>,
    {
        self.acts.push(actor.did(act, at));
        self
    }

    /// Adds what the audit log of the platform says of it: who did it.
    pub(crate) fn done_on_platform_by<A>(
        mut self,
        actor: &Actor,
        act: &A,
        at: DateTime<Utc>,
    ) -> Self
    where
        A: Act<Log = PlatformLog>,
    {
        debug_assert!(self.log.is_none(), "the change of a workspace has no act on the platform");
        self.acts.push(actor.did(act, at));
        self
    }

    /// The state that will be written.
    pub const fn state(&self) -> &T {
        &self.state
    }

    /// The events that will be recorded, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().map(|(_, event)| event)
    }

    /// The acts that will be entered into the audit log, in order.
    pub fn acts(&self) -> &[audit::Act] {
        &self.acts
    }

    /// Goes on with another rule from the new state. The logs tell both, in this order.
    ///
    /// # Errors
    ///
    /// The refusal of the other rule; then nothing of either happens.
    pub fn and_then<U, E>(
        self,
        next: impl FnOnce(T) -> Result<Change<U>, E>,
    ) -> Result<Change<U>, E> {
        let next = next(self.state)?;

        let mut events = self.events;
        events.extend(next.events);
        let mut acts = self.acts;
        acts.extend(next.acts);
        Ok(Change { log: self.log, state: next.state, events, acts })
    }

    /// The same change with more to be written beside its state.
    pub(crate) fn with<U>(self, more: impl FnOnce(T) -> U) -> Change<U> {
        let Self { log, state, events, acts } = self;
        Change { log, state: more(state), events, acts }
    }

    /// What is to be written, for storage.
    pub fn into_parts(self) -> Parts<T> {
        let Self { log, state, events, acts } = self;
        Parts { log, state, events, acts }
    }

    /// A state that no rule led to, for tests.
    #[cfg(feature = "fixtures")]
    pub(crate) const fn unexplained(state: T) -> Self {
        Self { log: None, state, events: Vec::new(), acts: Vec::new() }
    }
}

impl Change<LogOnly> {
    /// Something that is done by being noted in the log of events.
    pub(crate) fn noted(workspace: WorkspaceId, event: Event, at: DateTime<Utc>) -> Self {
        Self::of(workspace, LogOnly).telling(event, at)
    }

    /// Something that somebody did in a workspace, and of which no object of the domain tells.
    pub fn act<A>(workspace: WorkspaceId, actor: &Actor, act: &A, at: DateTime<Utc>) -> Self
    where
        A: Standalone + Act<Log = WorkspaceLog>,
    {
        Self::of(workspace, LogOnly).done_by(actor, act, at)
    }

    /// Something that somebody did on an account or the installation, and of which no object of the
    /// domain tells.
    pub fn platform_act<A>(actor: &Actor, act: &A, at: DateTime<Utc>) -> Self
    where
        A: Standalone + Act<Log = PlatformLog>,
    {
        Self::of_platform(LogOnly).done_on_platform_by(actor, act, at)
    }
}
