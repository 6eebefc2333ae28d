//! Who wants to know that an access may have changed: the streams that it opened.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use replyx_core::{
    ids::UserId,
    session::{Access, Principal},
};
use tokio::sync::watch;
use uuid::Uuid;

/// The ids that an access depends on: person and session, or key and maker; and the workspace.
pub(super) fn ids(access: &Access) -> impl Iterator<Item = Uuid> {
    let place = access.place.as_ref().map(|place| place.workspace.id.into_uuid());
    let principal = match &access.principal {
        Principal::User { user, session } => [Some(user.id.into_uuid()), Some(session.into_uuid())],
        Principal::Key { id, maker, .. } => [Some(id.into_uuid()), maker.map(UserId::into_uuid)],
    };
    principal.into_iter().chain([place]).flatten()
}

/// All who watch, by a number of their own.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    next: AtomicU64,
    watching: Mutex<HashMap<u64, Watcher>>,
}

#[derive(Debug)]
struct Watcher {
    ids: Vec<Uuid>,
    version: watch::Sender<u64>,
}

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Watcher>> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds somebody who watches what this access depends on, until [`Self::remove`].
    pub(super) fn add(&self, access: &Access) -> (u64, watch::Receiver<u64>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (version, receiver) = watch::channel(0);
        self.lock().insert(number, Watcher { ids: ids(access).collect(), version });
        (number, receiver)
    }

    pub(super) fn remove(&self, number: u64) {
        self.lock().remove(&number);
    }

    /// Tells those whose access depends on one of these.
    pub(super) fn ring(&self, changed: &[Uuid]) {
        if changed.is_empty() {
            return;
        }
        for watcher in self.lock().values() {
            if watcher.ids.iter().any(|id| changed.contains(id)) {
                watcher.version.send_modify(|version| *version += 1);
            }
        }
    }

    /// Tells everybody: what has changed is not known.
    pub(super) fn ring_all(&self) {
        for watcher in self.lock().values() {
            watcher.version.send_modify(|version| *version += 1);
        }
    }
}
