//! Kinds of background work.

/// Work that takes seconds to minutes of a processor. It has workers of its own, so that a hundred documents do not
/// hold up a mail.
pub const HEAVY: &[&str] =
    &["index_document", "embed_document", "index_neighbours", "fetch_source", "evaluate"];

/// Is this kind of work [`HEAVY`]?
pub fn is_heavy(kind: &str) -> bool {
    HEAVY.contains(&kind)
}
