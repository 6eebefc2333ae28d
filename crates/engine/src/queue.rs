//! Takes on turns that are due and runs them, as many at once as the settings allow.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use replyx_core::rules::dialog::StartedTurn;
use replyx_storage::{
    Db, StorageError, Tx,
    fair::{Places, Round},
    turns::{Attempts, ClaimedTurn},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine,
    bell::{Coverage, NextTurn},
    claims::{self, ClaimResult, FreePlaces, Queue},
    payment, turn,
};

/// Of how many turns the database is asked at once when they are due.
const ASKED: u32 = 64;

/// How many turns of one workspace may run at once, of `turns` places in all: an eighth is kept for
/// the others. A place whose turn waits for a model is not free for up to a minute and a half.
fn each(turns: usize) -> u32 {
    u32::try_from(turns - turns / 8).unwrap_or(u32::MAX)
}

/// Runs turns until stopped, then waits for those that are running ([`claims::work`]).
pub async fn work(engine: Arc<Engine>, stop: CancellationToken) {
    claims::work(Turns { engine }, stop).await;
}

/// The turns of all dialogs.
struct Turns {
    engine: Arc<Engine>,
}

impl Turns {
    async fn try_claim(
        &self,
        free: FreePlaces,
        round: Round,
    ) -> Result<ClaimResult<ClaimedTurn>, StorageError> {
        let engine = &*self.engine;
        let now = engine.clock.now();
        let expected = match self.next_turn(now).await? {
            NextTurn::Due(turns) => turns,
            NextTurn::At(due) => return Ok(ClaimResult::nothing_until(due, now)),
            NextTurn::Unknown => 1,
        };

        let each = each(engine.settings.turns);
        let places = Places { free: free.places, each, round };
        let mut tx = engine.db.begin().await?;
        let mut claimed = tx.system().turns().claim(engine.process, now, places).await?;
        // There may be more: than there were places, of a workspace that has all of its own, or
        // somebody else has locked it at the moment.
        let running = free.running + claimed.len();
        let is_all = (expected..free.places as usize).contains(&claimed.len());
        if !is_all || running >= each as usize {
            engine.bell.note_turns(&[]);
        }
        if claimed.is_empty() {
            return Ok(ClaimResult::Held);
        }

        payment::hold(engine, &mut tx, &mut claimed).await?;
        for turn in &claimed {
            tx.apply(started(turn).started(now)).await?;
        }
        Ok(ClaimResult::claimed(tx, claimed))
    }

    /// What is known of the next turn; the database is asked where nothing is.
    async fn next_turn(&self, now: DateTime<Utc>) -> Result<NextTurn, StorageError> {
        let engine = &*self.engine;
        let known = engine.bell.next_turn(now);
        if known != NextTurn::Unknown {
            return Ok(known);
        }

        let due = engine.db.read().await?.system().turns().due(ASKED).await?;
        let told = if due.len() < ASKED as usize { Coverage::All } else { Coverage::First };
        Ok(engine.bell.learn_turns(&due, told, now))
    }
}

const fn started(turn: &ClaimedTurn) -> StartedTurn {
    StartedTurn {
        workspace_id: turn.workspace_id,
        dialog_id: turn.dialog_id,
        heard_seq: turn.heard_seq,
        attempt: turn.attempts,
    }
}

impl Queue for Turns {
    type Piece = ClaimedTurn;

    const PIECES: &'static str = "turns";
    const TOGETHER: usize = 32;
    /// A turn of another workspace may become due in the meantime, and nobody rings for it.
    const HELD_AT_MOST: Duration = Duration::from_millis(160);

    fn db(&self) -> &Db {
        &self.engine.db
    }

    fn places(&self) -> usize {
        self.engine.settings.turns
    }

    async fn claim(
        &self,
        free: FreePlaces,
        round: Round,
    ) -> Result<ClaimResult<ClaimedTurn>, StorageError> {
        let bell = &self.engine.bell;
        // What a failure leaves undone was taken from the bell, which is not told of it again.
        self.try_claim(free, round).await.inspect_err(|_| bell.note_turns(&[]))
    }

    fn after(&self, round: Round, turns: &[ClaimedTurn]) -> Round {
        round.after(turns.iter().map(|turn| turn.workspace_id.into_uuid()))
    }

    async fn hand_back(&self, tx: &mut Tx, turns: &[ClaimedTurn]) -> Result<(), StorageError> {
        for turn in turns {
            let due = self.engine.clock.now() + turn::pause(turn, &turn::FAILED);
            let waiting = tx.workspace(turn.workspace_id).turns();
            let by = self.engine.process;
            waiting.hand_back(turn.dialog_id, by, due, Attempts::Forgive).await?;
        }
        Ok(())
    }

    async fn run(&self, turn: ClaimedTurn) {
        turn::run(&self.engine, turn).await;
    }

    async fn wait(&self, longest: Duration) {
        self.engine.bell.turns(longest).await;
    }
}
