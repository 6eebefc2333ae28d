//! What a bot is told.

/// Something that happened, as the bot is told of it.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) id: i64,
    /// The name of its one field beside the id.
    pub(crate) kind: String,
    /// Updates of a lane (a chat) are delivered one after another.
    pub(crate) lane: i64,
    /// The JSON text.
    pub(crate) body: String,
}
