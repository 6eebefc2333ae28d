//! How many files the system lets this process have open, and what they are for.
//!
//! Each connection and each bot that polls takes one. A process without a free one can neither
//! accept a request nor read a document, and finds no word for it in its log.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is left for everything but connections and polling bots: the database, sends, models,
/// documents.
const OTHERS: u64 = 256;

/// The files that connections and polling bots share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    /// `None`: as many as there are.
    shared: Option<u64>,
}

impl OpenFiles {
    /// Asks the system for as many as it gives.
    pub fn raise() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, ..limit };
        let now = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => raised.current,
            Err(_) => limit.current,
        };
        Self::of(now)
    }

    fn of(limit: Option<u64>) -> Self {
        Self { shared: limit.map(|files| files.saturating_sub(OTHERS).max(3)) }
    }

    /// How many bots may poll: a third of the files are for them.
    pub fn bots(self) -> usize {
        self.third().map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
    }

    /// How many connections may be open beside bots that poll.
    pub fn connections(self) -> u64 {
        let shared = self.connections_alone();
        shared - self.third().unwrap_or_default()
    }

    /// How many connections may be open in a process that runs no bots.
    pub fn connections_alone(self) -> u64 {
        self.shared.unwrap_or(u64::MAX)
    }

    fn third(self) -> Option<u64> {
        self.shared.map(|files| files / 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bots_and_connections_share_what_the_rest_leaves() {
        let files = OpenFiles::of(Some(1_024));
        assert_eq!((files.bots(), files.connections(), files.connections_alone()), (256, 512, 768));
        let scarce = OpenFiles::of(Some(64));
        assert_eq!((scarce.bots(), scarce.connections()), (1, 2), "nobody is without any");
        assert_eq!(OpenFiles::of(None).bots(), usize::MAX);
    }
}
