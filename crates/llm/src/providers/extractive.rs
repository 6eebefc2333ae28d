//! The model that quotes its sources, as one of the chat models.

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use replyx_extractive::quote;

use crate::{
    chat::{ChatModel, ChatRequest, Delta, Usage},
    error::ModelError,
    no_answer::NO_ANSWER,
};

/// A model that quotes its sources, or answers [`NO_ANSWER`] when they do not hold the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extractive;

impl ChatModel for Extractive {
    fn chat(&self, request: &ChatRequest) -> BoxStream<'static, Result<Delta, ModelError>> {
        let (text, sources, doubt) = match quote(&request.question, &request.sources) {
            Some(found) => {
                let doubt = (!found.is_sure()).then_some(Delta::Unsure);
                (found.text, found.sources, doubt)
            }
            None => (NO_ANSWER.to_owned(), Vec::new(), None),
        };
        // Nothing is charged, and no model has tokenised anything.
        let usage = Usage::default();
        let said = [Delta::Text(text), Delta::Sources(sources), Delta::Usage(usage)];
        stream::iter(doubt.into_iter().chain(said).map(Ok)).boxed()
    }
}
