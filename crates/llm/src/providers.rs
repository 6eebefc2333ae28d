//! The models there are: one that quotes its sources, and those behind a chat completions server.

pub(crate) mod extractive;
pub(crate) mod openai;
