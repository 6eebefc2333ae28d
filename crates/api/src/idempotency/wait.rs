//! Waiting for the answer of an equal request that is being worked on.
//!
//! Who finishes a request says so on the bus, once its answer is stored. That is a hint: the answer
//! is read from the database, also when no hint comes.

use std::time::Duration;

use replyx_core::secret::sha256_hex;
use replyx_live::{News, Topic};
use replyx_storage::idempotency::Begun;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use super::{Claim, begin};
use crate::{error::ApiResult, state::AppState};

/// How long a repeat waits for the answer of the first.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks when it hears nothing: the bus may have lost the hint.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many repeats wait in a process; more are told at once that the first is still being worked
/// on.
const MOST: usize = 64;

static WAITING: Semaphore = Semaphore::const_new(MOST);

/// What is known of the key as soon as the first request has ended; [`Begun::Running`] when it
/// takes too long, or too many wait already. The claim of a request that was not done is ours then.
pub(super) async fn answer(state: &AppState, claim: &Claim, hash: &str) -> ApiResult<Begun> {
    let Ok(_place) = WAITING.try_acquire() else { return Ok(Begun::Running) };
    let deadline = Instant::now() + PATIENCE;
    let mut news = state.engine.live.subscribe(&Topic::Request(name(claim)).to_string()).await;
    loop {
        // Looks after it has begun to listen: an answer in between is not missed.
        let begun = begin(state, claim, hash).await?;
        if begun != Begun::Running || Instant::now() >= deadline {
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
