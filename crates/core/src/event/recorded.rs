//! Events as the log has them.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::Event;

/// The version of the form of events. A later one keeps all fields of this one.
pub const VERSION: i64 = 1;

/// An event in the log.
///
/// In JSON its number is `id`, because some events have a `seq` of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its number in the workspace's log, from 1 without gaps, in the order of commits.
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    pub event: Event,
}

impl Serialize for Recorded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'e> {
            id: i64,
            at: DateTime<Utc>,
            version: i64,
            #[serde(flatten)]
            event: &'e Event,
        }

        let shown = Shown { id: self.seq, at: self.at, version: VERSION, event: &self.event };
        shown.serialize(serializer)
    }
}
