//! Waiting for the answer of an equal request that is being worked on.
//!
//! Who finishes a request says so on the bus, once its answer is stored. That is a hint: the answer
//! is read from the database, also when no hint comes.

use std::{sync::LazyLock, time::Duration};

use replyx_core::{ids::WorkspaceId, secret::sha256_hex};
use replyx_live::{News, Seats, Topic};
use replyx_storage::idempotency::KeyedRequest;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Claim, begin};
use crate::{error::ApiResult, state::AppState};

/// How long a repeat waits for the answer of the first.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks when it hears nothing: the bus may have lost the hint.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many repeats look for their answer at once in a process; more wait for their turn.
const MOST: usize = 64;
/// How many of them may be of one workspace: those of others always find a place soon.
const EACH: usize = 16;

/// By workspace, or by address where there is none.
static WAITING: LazyLock<Seats<String>> = LazyLock::new(|| Seats::new(MOST, EACH));

/// What is known of the key as soon as the first request has ended; [`KeyedRequest::Running`] when
/// it takes too long, or no place becomes free. The claim of a request that was not done is ours
/// then.
pub(super) async fn answer(
    state: &AppState,
    claim: &Claim,
    hash: &str,
    workspace: Option<WorkspaceId>,
) -> ApiResult<KeyedRequest> {
    let deadline = Instant::now() + PATIENCE;
    let whose = workspace.map_or_else(|| claim.scope.clone(), |id| id.to_string());
    let Ok(_seat) = timeout_at(deadline, WAITING.take(whose)).await else {
        return Ok(KeyedRequest::Running);
    };
    let mut news = state.engine.live.subscribe(&Topic::Request(name(claim)).to_string()).await;
    loop {
        // Looks after it has begun to listen: an answer in between is not missed.
        let begun = begin(state, claim, hash).await?;
        if begun != KeyedRequest::Running || Instant::now() >= deadline {
            return Ok(begun);
        }
        let hint = async {
            tokio::select! {
                _ = news.next() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        };
        let _ = timeout_at(deadline, hint).await;
    }
}

/// Tells those who wait that the request has ended.
pub(super) fn tell(state: &AppState, claim: &Claim) {
    let live = state.engine.live.clone();
    let process = state.engine.process;
    let news = News::Answered { request: name(claim) };
    // Nobody waits for the hint to arrive, least of all while Redis is away.
    tokio::spawn(async move {
        let _ = live.tell(process, &news).await;
    });
}

/// What those who wait know the request by. Neither the key nor whose it is goes over the bus.
fn name(claim: &Claim) -> String {
    let claim = format!("{}\n{}", claim.scope, claim.key);
    sha256_hex(claim.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fair_places;

    #[test]
    fn the_repeats_of_one_workspace_do_not_keep_anothers_waiting() {
        fair_places::are_taken_in_turns(&WAITING, ["greedy".to_owned(), "late".to_owned()]);
    }
}
