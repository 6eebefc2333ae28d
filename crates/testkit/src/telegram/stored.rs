//! What Telegram keeps of files, and of presses of buttons.

use std::collections::HashMap;

use axum::body::Bytes;

/// The largest file that a bot may fetch, bytes.
pub(crate) const DOWNLOAD_LIMIT: u64 = 20_000_000;
/// The largest file that a bot may send, bytes.
pub(crate) const UPLOAD_LIMIT: usize = 50_000_000;

/// A file at Telegram.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) bytes: Bytes,
}

/// The files of a bot, by their ids.
pub(crate) type Files = HashMap<String, StoredFile>;

/// A press that happened, and how often the bot has answered it.
#[derive(Clone, Debug)]
pub(crate) struct Press {
    pub(crate) id: String,
    pub(crate) answers: u32,
}
