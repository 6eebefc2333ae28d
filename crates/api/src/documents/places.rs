//! The places in which files are worked on.

use std::sync::LazyLock;

use replyx_core::ids::WorkspaceId;
use replyx_live::{Seat, Seats};

/// How many uploads are worked on at once; more wait once their files have been read.
const AT_ONCE: usize = 16;

/// Workspaces take turns: many files of one do not keep another's waiting.
static ROOM: LazyLock<Seats<WorkspaceId>> = LazyLock::new(|| Seats::new(AT_ONCE, AT_ONCE));

/// Waits for a place to work on a file. Not before it has arrived: who sends slowly would keep
/// others waiting.
pub(super) async fn place(workspace: WorkspaceId) -> Seat<WorkspaceId> {
    ROOM.take(workspace).await
}

#[cfg(test)]
mod tests {
    use replyx_core::clock::Clock;

    use super::*;
    use crate::fair_places;

    #[test]
    fn the_uploads_of_one_workspace_do_not_keep_anothers_waiting() {
        let workspace = || Clock::system().id();
        fair_places::are_taken_in_turns(&ROOM, [workspace(), workspace()]);
    }
}
