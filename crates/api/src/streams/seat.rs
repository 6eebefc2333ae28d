//! A place among the open streams of a caller and of a workspace, shared by all processes.

use std::time::Duration;

use replyx_core::{clock::random_hex, session::Principal, setting};
use replyx_live::{Effect, Entry, Gate, Live};

use crate::{
    caller::Caller,
    error::{ApiError, ApiResult},
    state::AppState,
};

/// How long a place is held without a word from its stream: a killed process gives its places back
/// after this time. Three heartbeats.
const TTL: Duration = Duration::from_secs(45);
/// When to try again after a refusal.
const RETRY: Duration = Duration::from_secs(5);

/// Two places, held until dropped.
#[derive(Debug)]
pub(super) struct StreamSeat {
    live: Live,
    holder: String,
    gates: [Gate; 2],
}

impl StreamSeat {
    /// Takes a place among the caller's streams and one among the workspace's. An API key counts
    /// for itself.
    ///
    /// # Errors
    ///
    /// 429 `too_many_streams` when there is none free.
    pub(super) async fn take(state: &AppState, caller: &Caller) -> ApiResult<Self> {
        let whose = match &caller.access.principal {
            Principal::User { user, .. } => format!("streams:user:{}", user.id),
            Principal::Key { id, .. } => format!("streams:key:{id}"),
        };
        let most = |name| u32::try_from(state.tuning.int(name)).unwrap_or(u32::MAX);
        let gates = [
            Gate::Place { key: whose, most: most(setting::STREAMS_PER_USER) },
            Gate::Place {
                key: format!("streams:workspace:{}", caller.workspace_id),
                most: most(setting::STREAMS_PER_WORKSPACE),
            },
        ];
        let live = state.engine.live.clone();
        let holder = random_hex::<16>();
        match live.enter(&holder, TTL, &gates).await {
            Entry::Granted { .. } => {
                metrics::gauge!("sse_connections").increment(1.0);
                Ok(Self { live, holder, gates })
            }
            Entry::Refused { gate, .. } => Err(refusal(gate)),
        }
    }

    /// Holds the places for another time.
    pub(super) async fn keep(&self) {
        self.live.keep(&self.holder, TTL, &self.gates).await;
    }
}

fn refusal(gate: usize) -> ApiError {
    let (bound, detail) = if gate == 0 {
        ("user", "you have as many streams open as you may have; close one first")
    } else {
        ("workspace", "the workspace has as many streams open as it may have; close one first")
    };
    metrics::counter!("streams_refused_total", "bound" => bound).increment(1);
    ApiError::TooManyOpen { code: "too_many_streams", detail, after: RETRY }
}

impl Drop for StreamSeat {
    fn drop(&mut self) {
        metrics::gauge!("sse_connections").decrement(1.0);
        let key = |gate: &Gate| match gate {
            Gate::Place { key, .. } => Some(Effect::Free { key: key.clone() }),
            _ => None,
        };
        let effects = self.gates.iter().filter_map(key).collect();
        self.live.leave_soon(std::mem::take(&mut self.holder), effects);
    }
}
