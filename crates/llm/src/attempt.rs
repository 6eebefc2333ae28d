//! One attempt: a model's stream read to its end within the bounds.

use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use tokio::time::{Instant, timeout_at};

use crate::{
    chat::{Delta, Finish, Usage},
    error::{ModelError, Waited},
    limits::Limits,
};

/// What an attempt has brought until now, or until it failed.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    pub(crate) text: String,
    pub(crate) truncated: bool,
    pub(crate) usage: Option<Usage>,
    pub(crate) sources: Option<Vec<usize>>,
    pub(crate) first_token: Option<Instant>,
    /// The model has begun, be it with what is not shown.
    pub(crate) alive: bool,
}

/// A stream being read, and the bounds.
pub(crate) struct Reading<'a> {
    pub(crate) deltas: BoxStream<'static, Result<Delta, ModelError>>,
    pub(crate) limits: &'a Limits,
    pub(crate) end: Instant,
}

impl Reading<'_> {
    /// Reads the answer into `brought`, and shows every piece of it.
    pub(crate) async fn run(
        mut self,
        brought: &mut Brought,
        show: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), ModelError> {
        while let Some(delta) = self.next(brought.alive).await? {
            match delta {
                Delta::Text(more) => {
                    if brought.text.len() + more.len() > self.limits.answer_bytes {
                        return Err(ModelError::TooLong { limit: self.limits.answer_bytes });
                    }
                    if !more.is_empty() {
                        brought.alive = true;
                        brought.first_token.get_or_insert_with(Instant::now);
                        show(&more);
                    }
                    brought.text.push_str(&more);
                }
                Delta::Thinking => brought.alive = true,
                Delta::Sources(used) => brought.sources = Some(used),
                Delta::Usage(used) => brought.usage = Some(used),
                Delta::Finish(finish) => brought.truncated = finish == Finish::Length,
            }
        }

        if brought.text.trim().is_empty() { Err(ModelError::Empty) } else { Ok(()) }
    }

    async fn next(&mut self, begun: bool) -> Result<Option<Delta>, ModelError> {
        let (wait, waited) = if begun {
            (self.limits.silence, Waited::Silence)
        } else {
            (self.limits.first_token, Waited::FirstToken)
        };
        let (until, waited) = self.bound(wait, waited);
        timeout_at(until, self.deltas.next())
            .await
            .map_err(|_| ModelError::Timeout(waited))?
            .transpose()
    }

    fn bound(&self, wait: Duration, waited: Waited) -> (Instant, Waited) {
        let until = Instant::now() + wait;
        if until < self.end { (until, waited) } else { (self.end, Waited::Attempt) }
    }
}
