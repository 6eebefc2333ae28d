//! One attempt: a model's stream read to its end within the bounds.

use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use tokio::time::{Instant, timeout_at};

use crate::{
    chat::{ChatModel, ChatRequest, Delta, Progress, Usage},
    error::{ModelError, Waited},
    limits::Limits,
    measure,
};

/// What one attempt brought.
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) usage: Option<Usage>,
    pub(crate) sources: Option<Vec<usize>>,
    pub(crate) first_token: Instant,
}

/// Reads one answer. `shown` is set as soon as a piece of it has been shown.
pub(crate) async fn read(
    model: &dyn ChatModel,
    provider: &'static str,
    request: &ChatRequest,
    limits: &Limits,
    end: Instant,
    show: &mut (dyn FnMut(Progress<'_>) + Send),
    shown: &mut bool,
) -> Result<Answer, ModelError> {
    let measured = measure::Attempt::begin(provider);
    let reading = Reading { deltas: model.chat(request), limits, end };
    let answer = reading
        .run(&mut |text| {
            if !*shown {
                measured.first_token();
            }
            *shown = true;
            show(Progress::Text(text));
        })
        .await;
    measured.end(answer.as_ref().map(|_| ()));
    answer
}

struct Reading<'a> {
    deltas: BoxStream<'static, Result<Delta, ModelError>>,
    limits: &'a Limits,
    end: Instant,
}

impl Reading<'_> {
    async fn run(mut self, show: &mut (dyn FnMut(&str) + Send)) -> Result<Answer, ModelError> {
        let (mut text, mut usage, mut sources) = (String::new(), None, None);
        let mut first_token = None;
        while let Some(delta) = self.next(first_token.is_some()).await? {
            match delta {
                Delta::Text(more) => {
                    if text.len() + more.len() > self.limits.answer_bytes {
                        return Err(ModelError::TooLong { limit: self.limits.answer_bytes });
                    }
                    if !more.is_empty() {
                        first_token.get_or_insert_with(Instant::now);
                        show(&more);
                    }
                    text.push_str(&more);
                }
                Delta::Sources(used) => sources = Some(used),
                Delta::Usage(used) => usage = Some(used),
            }
        }
        let first_token = first_token.ok_or(ModelError::Empty)?;
        if text.trim().is_empty() {
            return Err(ModelError::Empty);
        }
        Ok(Answer { text, usage, sources, first_token })
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
