//! Kinds of background work.
//!
//! A kind is named once, beside the payload of its jobs, in the crate that owns the matter.

/// A kind of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What the queue, the log and the metrics call it. It is stored: it never changes.
    pub name: &'static str,
    /// What it weighs: which workers run it.
    pub lane: Lane,
}

impl Kind {
    /// A kind of work that waits for the network for a moment.
    pub const fn light(name: &'static str) -> Self {
        Self { name, lane: Lane::Light }
    }

    /// A kind of work that takes seconds to minutes of a processor.
    pub const fn heavy(name: &'static str) -> Self {
        Self { name, lane: Lane::Heavy }
    }
}

/// Jobs that share workers. Each lane has workers of its own, so that a hundred documents do not
/// hold up a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Work that waits for the network for a moment, such as a mail.
    Light,
    /// Work that takes seconds to minutes of a processor.
    Heavy,
    /// Measuring an assistant by a question set.
    Evaluation,
    /// Fetching web pages: it mostly waits for its turn with a server.
    Crawl,
    /// What runs by the clock. There is one job of a kind, and one process runs it at a time.
    Scheduled,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 5] =
        [Self::Light, Self::Heavy, Self::Evaluation, Self::Crawl, Self::Scheduled];

    /// The word for it in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Heavy => "heavy",
            Self::Evaluation => "evaluation",
            Self::Crawl => "crawl",
            Self::Scheduled => "scheduled",
        }
    }
}
