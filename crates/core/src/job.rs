//! Kinds of background work.

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
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::Light, Self::Heavy, Self::Evaluation, Self::Crawl];

    /// The lane of a kind of work.
    pub fn of(kind: &str) -> Self {
        match kind {
            "index_document" | "embed_document" | "index_neighbours" => Self::Heavy,
            "evaluate" => Self::Evaluation,
            "fetch_source" => Self::Crawl,
            _ => Self::Light,
        }
    }

    /// The word for it in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Heavy => "heavy",
            Self::Evaluation => "evaluation",
            Self::Crawl => "crawl",
        }
    }
}
