//! Those who wait for one provider.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use tokio::sync::oneshot;

use super::{AdmissionRefusal, AdmissionRequest, AdmittedCall};

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) id: u64,
    pub(super) ask: Arc<AdmissionRequest>,
    pub(super) tell: oneshot::Sender<Result<AdmittedCall, AdmissionRefusal>>,
}

/// How a call leaves its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Served,
    /// Nobody waits for it any more.
    Abandoned,
}

/// The first call of a workspace.
pub(super) struct Head {
    pub(super) id: u64,
    pub(super) ask: Arc<AdmissionRequest>,
}

/// Workspaces that take turns; each has a queue of its own.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Had the provider no place free when it was last asked?
    pub(super) full: bool,
    turns: VecDeque<String>,
    queues: HashMap<String, VecDeque<Waiter>>,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Does anybody wait whom a call of this workspace must not overtake?
    pub(super) fn is_before(&self, share: &str) -> bool {
        self.full || self.queues.contains_key(share)
    }

    pub(super) fn count_of(&self, share: &str) -> usize {
        self.queues.get(share).map_or(0, VecDeque::len)
    }

    /// The workspace with most calls, and how many those are.
    pub(super) fn longest(&self) -> Option<(&str, usize)> {
        let queues = self.queues.iter().map(|(share, queue)| (share.as_str(), queue.len()));
        queues.max_by_key(|(_, calls)| *calls)
    }

    /// Takes the newest call of a workspace out.
    pub(super) fn take_last(&mut self, share: &str) -> Option<Waiter> {
        let id = self.queues.get(share)?.back()?.id;
        self.take(share, id, Exit::Abandoned)
    }

    pub(super) fn join(&mut self, waiter: Waiter) {
        let share = waiter.ask.share.clone();
        let queue = self.queues.entry(share.clone()).or_default();
        if queue.is_empty() {
            self.turns.push_back(share);
        }
        queue.push_back(waiter);
    }

    /// The first of every workspace, in the order of their turns.
    pub(super) fn heads(&self) -> impl Iterator<Item = Head> {
        let first = |share| self.queues.get(share).and_then(VecDeque::front);
        self.turns
            .iter()
            .filter_map(first)
            .map(|waiter| Head { id: waiter.id, ask: Arc::clone(&waiter.ask) })
    }

    /// Takes a call out; the workspace of one that was served goes to the end of the line.
    pub(super) fn take(&mut self, share: &str, id: u64, exit: Exit) -> Option<Waiter> {
        let served = exit == Exit::Served;
        let queue = self.queues.get_mut(share)?;
        let waiter = queue.remove(queue.iter().position(|waiter| waiter.id == id)?)?;
        let is_last = queue.is_empty();
        if is_last {
            self.queues.remove(share);
        }
        if is_last || served {
            self.turns.retain(|other| other != share);
        }
        if served && !is_last {
            self.turns.push_back(share.to_owned());
        }
        Some(waiter)
    }
}
