//! One attempt: a model's stream read to its end within the bounds.

use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use tokio::time::{Instant, timeout_at};

use crate::{
    chat::{Delta, Finish, Progress, Usage},
    error::{ModelError, Waited},
    limits::Limits,
    tidy,
};

/// What an attempt has brought until now, or until it failed.
#[derive(Debug, Default)]
pub(crate) struct AttemptOutput {
    pub(crate) text: String,
    pub(crate) truncated: bool,
    pub(crate) unsure: bool,
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
    /// Reads the answer into `brought`, and shows every piece of it. What is no part of the answer
    /// is neither shown nor kept; see [`tidy`].
    pub(crate) async fn run(
        mut self,
        brought: &mut AttemptOutput,
        show: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<(), ModelError> {
        let mut shown = Shown::default();
        while let Some(delta) = self.next(brought.alive).await? {
            match delta {
                Delta::Text(more) => {
                    if brought.text.len() + more.len() > self.limits.answer_bytes {
                        return Err(ModelError::TooLong { limit: self.limits.answer_bytes });
                    }
                    if !more.is_empty() {
                        brought.alive = true;
                        brought.first_token.get_or_insert_with(Instant::now);
                    }
                    brought.text.push_str(&more);
                    shown.add(&more, &brought.text, show);
                }
                Delta::Thinking => brought.alive = true,
                Delta::Unsure => brought.unsure = true,
                Delta::Sources(used) => brought.sources = Some(used),
                Delta::Usage(used) => brought.usage = Some(used),
                Delta::Finish(finish) => brought.truncated = finish == Finish::Length,
            }
        }

        // A model that quotes says itself on what the answer rests: its words stay as they are.
        if brought.sources.is_none() {
            brought.text = tidy::tidy(&brought.text);
            if brought.truncated {
                let whole = tidy::whole_sentences(&brought.text).len();
                brought.text.truncate(whole);
            }
        }
        shown.become_text(&brought.text, show);

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

/// With marks in it, an answer is tidied again once it has grown by this part: often enough to be
/// read as it grows, and not once for each of its pieces.
const GROWN: usize = 64;

/// What has been shown of an answer.
#[derive(Default)]
struct Shown {
    text: String,
    /// How much had come when it was tidied last, bytes.
    tidied: usize,
}

impl Shown {
    /// Shows more of the answer. `text` is all that came, with what is added.
    fn add(&mut self, more: &str, text: &str, show: &mut (dyn FnMut(Progress<'_>) + Send)) {
        if tidy::is_plain(text) && self.text.len() + more.len() == text.len() {
            if !more.is_empty() {
                self.text.push_str(more);
                show(Progress::Text(more));
            }
            return;
        }
        if text.len() < self.tidied + self.tidied / GROWN {
            return;
        }
        self.tidied = text.len();
        self.become_text(&tidy::shown(text), show);
    }

    /// Shows what a text has more than was shown, or all of it again when it is another.
    fn become_text(&mut self, text: &str, show: &mut (dyn FnMut(Progress<'_>) + Send)) {
        let more = match text.strip_prefix(self.text.as_str()) {
            Some(more) => more,
            // Blanks at the end are not known to be the end.
            None if self.text.trim_end() == text => return,
            None => {
                show(Progress::Restarted);
                text
            }
        };
        if !more.is_empty() {
            show(Progress::Text(more));
        }
        text.clone_into(&mut self.text);
    }
}
