//! Follows the access that opened a stream.

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::WorkspaceId,
    permission::Permission,
    session::{Access, Principal},
};
use replyx_storage::StorageError;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{HEARTBEAT, seat::StreamSeat};
use crate::{
    access::{Credential, Freshness, LIFETIME, Watch},
    caller::{Authorized, Caller, Needs},
    error::{ApiError, ApiResult},
    identity::Pass,
    state::AppState,
};

/// How long to wait after the database failed.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);

/// Holds a place among the streams, and knows whether the access that opened it goes on.
#[derive(Debug)]
pub(crate) struct Guard {
    state: AppState,
    pass: Pass,
    workspace: WorkspaceId,
    needs: Permission,
    /// Whether a platform admin opened it, who may be none any more.
    admin: bool,
    watch: Watch,
    seat: StreamSeat,
    /// When the places were last kept.
    kept_at: Instant,
    looked_at: Instant,
    /// When the key ends by which it was opened.
    key_ends_at: Option<DateTime<Utc>>,
}

impl<P: Needs> Authorized<P> {
    /// Guards a stream that they open: it ends when what they may do here ends.
    ///
    /// # Errors
    ///
    /// 429 when as many streams are open as may be.
    pub(crate) async fn guard(&self, state: &AppState) -> ApiResult<Guard> {
        Guard::open(state, self, self.pass(), P::PERMISSION).await
    }
}

impl Guard {
    /// Takes a place and begins to watch.
    ///
    /// # Errors
    ///
    /// 429 when there is no place, 401 when the access has ended in the meantime.
    pub(crate) async fn open(
        state: &AppState,
        caller: &Caller,
        pass: &Pass,
        needs: Permission,
    ) -> ApiResult<Self> {
        let seat = StreamSeat::take(state, caller).await?;
        let credential = match &pass.credential {
            // Who did not name a workspace would later be looked up in another one.
            Credential::Session(session, _) => {
                Credential::Session(*session, Some(caller.workspace_id))
            }
            key @ Credential::Key(_) => key.clone(),
        };
        let mut guard = Self {
            state: state.clone(),
            pass: Pass { credential, until: pass.until },
            workspace: caller.workspace_id,
            needs,
            admin: is_admin(&caller.access),
            watch: state.accesses.watch(&caller.access),
            seat,
            kept_at: Instant::now(),
            looked_at: Instant::now(),
            key_ends_at: None,
        };
        // What changed before the watch began has not rung it.
        if guard.holds(Freshness::Lately).await? {
            Ok(guard)
        } else {
            Err(ApiError::Unauthenticated)
        }
    }

    /// Where the stream is read.
    pub(crate) const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Rings when the process stops.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.state.stop
    }

    /// Keeps the places of the stream.
    pub(super) async fn keep_seat(&mut self) {
        self.kept_at = Instant::now();
        Box::pin(self.seat.keep()).await;
    }

    /// Keeps the places of the stream when a heartbeat would have: a reader that catches up slowly
    /// gets none.
    pub(super) async fn keep_seat_if_due(&mut self) {
        if self.kept_at.elapsed() >= HEARTBEAT {
            self.keep_seat().await;
        }
    }

    /// Does the access hold, as far as is known since then?
    pub(crate) async fn holds(&mut self, since: Freshness) -> Result<bool, StorageError> {
        let version = self.watch.version();
        let now = self.state.clock().now();
        if self.pass.until.is_some_and(|end| end <= now) {
            return Ok(false);
        }
        let accesses = &self.state.accesses;
        let seen = accesses.look(self.state.db(), &self.pass.credential, now, since).await?;
        self.watch.looked(version);
        self.looked_at = Instant::now();
        let Some(seen) = seen else { return Ok(false) };
        self.key_ends_at = seen.ends_at;
        Ok(self.suffices(&seen.access))
    }

    fn suffices(&self, access: &Access) -> bool {
        let Some(place) = &access.place else { return false };
        let acts = !place.suspended && place.workspace.suspended_at.is_none();
        let same = place.workspace.id == self.workspace && (!self.admin || is_admin(access));
        acts && same && place.permissions.allow(self.needs)
    }

    /// Waits until the access has ended. May be cancelled without loss.
    pub(crate) async fn over(&mut self) {
        loop {
            // Also where processes tell each other of changes: a message can be lost.
            let look_at = self.looked_at + LIFETIME;
            let ends = ends_in([self.pass.until, self.key_ends_at], self.state.clock().now());
            tokio::select! {
                () = self.watch.stirred() => {}
                () = sleep_until(look_at) => {}
                () = ends => {}
            }
            match self.holds(Freshness::Lately).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn Error,
                        "could not read the access of a stream"
                    );
                    sleep(AGAIN).await;
                }
            }
        }
    }
}

fn is_admin(access: &Access) -> bool {
    matches!(&access.principal, Principal::User { user, .. } if user.is_admin)
}

/// Waits until the first of these times; forever when there is none.
async fn ends_in(ends: [Option<DateTime<Utc>>; 2], now: DateTime<Utc>) {
    let Some(end) = ends.into_iter().flatten().min() else {
        return std::future::pending().await;
    };
    sleep((end - now).to_std().unwrap_or_default()).await;
}
