//! Work that is taken on in turns: a workspace that queues much does not make others wait.
//!
//! Work is queued in lines, one for each share (usually a workspace). A claim gives each place to
//! the line with the fewest pieces running, among those to the next one after the line that was
//! served last, and within a line to the piece that has been due longest. A line that is alone gets
//! every place.
//!
//! A claim looks at the head of every line that waits, never at what stands behind it: the cost
//! grows with the number of lines, not with the length of one.

use uuid::Uuid;

/// How many pieces of work may be taken on, and whose turn it is.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// At most so many at once.
    pub free: u32,
    /// At most so many of one share may run in this process, those that run already included.
    pub each: u32,
    /// Where the round goes on.
    pub round: Round,
}

impl Places {
    /// So many places that one share may have all of, at the beginning of a round.
    pub fn of(free: u32) -> Self {
        Self { free, each: u32::MAX, round: Round::default() }
    }
}

/// How far the round of the shares is. Each process goes its own rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round(Uuid);

impl Round {
    pub(crate) const fn last(self) -> Uuid {
        self.0
    }

    /// The round goes on after the last of the shares that were served.
    #[must_use]
    pub fn after(self, served: impl IntoIterator<Item = Uuid>) -> Self {
        let last = served.into_iter().max_by_key(|share| (*share <= self.0, *share));
        last.map_or(self, Self)
    }
}

/// Whose work waits: `WITH RECURSIVE shares AS (...)`, one step over the index `share, ...` for
/// each.
macro_rules! shares {
    ($table:literal, $share:literal, $waiting:literal) => {
        concat!(
            "WITH RECURSIVE shares (share) AS (
                 SELECT least.share FROM (
                     SELECT ",
            $share,
            " AS share FROM ",
            $table,
            "
                      WHERE ",
            $waiting,
            " ORDER BY ",
            $share,
            " LIMIT 1) least
                  UNION ALL
                 SELECT (SELECT ",
            $share,
            " FROM ",
            $table,
            "
                          WHERE ",
            $waiting,
            " AND ",
            $share,
            " > shares.share
                          ORDER BY ",
            $share,
            " LIMIT 1)
                   FROM shares WHERE shares.share IS NOT NULL
             ), "
        )
    };
}

/// The lines that wait, those to be served first: `... heads AS (...)`.
///
/// `$1` is the process, `$2` the time, `$3` the free places, `$4` the places of one share, `$5` the
/// share that was served last. `waiting` and `running` are conditions of a row of `table`; an index
/// on `share, due_at` of those that wait makes each step of the recursion one look at it.
macro_rules! heads {
    ($table:literal, $share:literal, $waiting:literal, $running:literal) => {
        concat!(
            shares!($table, $share, $waiting),
            "lines AS (
                 SELECT shares.share,
                        (SELECT due_at FROM ",
            $table,
            "
                          WHERE ",
            $waiting,
            " AND ",
            $share,
            " = shares.share
                          ORDER BY due_at LIMIT 1) AS oldest,
                        (SELECT COUNT(*) FROM ",
            $table,
            "
                          WHERE ",
            $running,
            " AND ",
            $share,
            " = shares.share) AS running,
                        (SELECT COUNT(*) FROM ",
            $table,
            "
                          WHERE ",
            $running,
            " AND ",
            $share,
            " = shares.share
                            AND claimed_by = $1) AS ours
                   FROM shares WHERE shares.share IS NOT NULL
             ), heads AS MATERIALIZED (
                 SELECT share, running, ours, CASE WHEN share > $5 THEN 0 ELSE 1 END AS lap
                   FROM lines WHERE oldest <= $2 AND ours < $4
                    AND share NOT IN (SELECT id FROM workspaces WHERE suspended_at IS NOT NULL)
                  ORDER BY running, lap, share LIMIT $3
             ), "
        )
    };
}

/// Which pieces of work are taken on: `... due AS (...) `, with the columns `share` and `id`.
macro_rules! due {
    (postgres, $table:literal, $share:literal, $id:literal, $waiting:literal, $running:literal) => {
        concat!(
            heads!($table, $share, $waiting, $running),
            "candidates AS MATERIALIZED (
                 SELECT heads.share, heads.running, heads.ours, heads.lap, piece.id, piece.due_at
                   FROM heads CROSS JOIN LATERAL (
                       SELECT ", $id, " AS id, due_at FROM ", $table, "
                        WHERE ", $waiting, " AND ", $share, " = heads.share AND due_at <= $2
                        ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) piece
             ), ",
            ranked!()
        )
    };
    (sqlite, $table:literal, $share:literal, $id:literal, $waiting:literal, $running:literal) => {
        concat!(
            heads!($table, $share, $waiting, $running),
            "candidates AS MATERIALIZED (
                 SELECT heads.share, heads.running, heads.ours, heads.lap, piece.", $id, " AS id, piece.due_at
                   FROM heads CROSS JOIN ", $table, " piece
                  WHERE piece.", $share, " = heads.share AND piece.", $id, " IN (
                       SELECT ", $id, " FROM ", $table, "
                        WHERE ", $waiting, " AND ", $share, " = heads.share AND due_at <= $2
                        ORDER BY due_at LIMIT $3)
             ), ",
            ranked!()
        )
    };
}

/// The best candidates, as many as there are places.
macro_rules! ranked {
    () => {
        "ranked AS (
             SELECT share, id, due_at, running, ours, lap,
                    row_number() OVER (PARTITION BY share ORDER BY due_at, id) AS place
               FROM candidates
         ), due AS MATERIALIZED (
             SELECT share, id FROM ranked WHERE ours + place <= $4
              ORDER BY running + place, lap, share, due_at LIMIT $3
         ) "
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_goes_on_after_the_last_share_that_was_served_and_begins_again_at_its_end() {
        let share = |number: u128| Uuid::from_u128(number);
        let begun = Round::default().after([share(2), share(5)]);
        assert_eq!(begun, Round(share(5)));
        assert_eq!(begun.after([share(7)]), Round(share(7)));
        assert_eq!(begun.after([share(7), share(1)]), Round(share(1)), "one comes after seven");
        assert_eq!(begun.after([share(5)]), Round(share(5)));
        assert_eq!(begun.after([]), begun);
    }
}
