//! Documents become passages; passages are searched.
//!
//! # How a document gets in
//!
//! 1. [`replyx_extract::detect`] decides by content whether we read the format at all: the API asks
//!    before it stores.
//! 2. [`index::run`] is the indexing job. It reads the stored bytes ([`replyx_extract`]), cuts the
//!    text into passages ([`chunk`]) and replaces the document's passages.
//! 3. [`search::Search::find`] finds passages by the words of a question.
//!
//! # What holds
//!
//! - A passage is the document's text word for word: `text[start..end]`. Nothing of a text is lost
//!   between passages.
//! - Foreign parsers run in a child process with limits (`replyx-extract`): a hostile file costs
//!   its owner a sentence and nobody else anything.
//! - No transaction is open while a file is read.
//! - Ranking happens here and not in a database, so both databases give the same order.

pub mod chunk;
pub mod evaluate;
pub mod index;
pub mod language;
pub mod runs;
pub mod search;
pub mod sources;
