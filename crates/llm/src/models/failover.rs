//! One question, asked of one model and key after the other until one answers.
//!
//! A round tries every model of the chain with every key it has, in their order. A fault of the key
//! leads to the next key, a fault of the provider to another provider first, a fault of the request
//! to the next model. Only when nothing is left does another round begin, after a wait. What has
//! been learnt of keys and providers is told to the whole installation.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use replyx_core::{clock::Clock, retry::Retry};
use tokio::time::{Instant, sleep};

use crate::{
    admission::{AdmissionRefusal, AdmissionRequest, AdmittedCall},
    attempt::{AttemptOutput, Reading},
    book::Entry,
    chat::{ChatRequest, Completion, Failure, Progress, Spent},
    error::ModelError,
    keys::{Client, HeldKey, Link},
    measure,
    models::Models,
    periods::Periods,
};

mod account;
mod blame;
mod learn;

use account::{Bound, RunningAttempt};
use blame::Blame;
pub(crate) use learn::told;
use learn::{Checks, Guesses};

/// Rounds end after so many, whatever was waited for.
const ROUNDS: u32 = 20;

/// A model and a key to be tried.
#[derive(Clone, Debug)]
struct Candidate {
    link: Arc<Link>,
    key: Option<Arc<HeldKey>>,
    /// How long after this round it can be tried again.
    wait: Duration,
}

/// Why a candidate gave no answer.
enum Fallen {
    /// It cannot be used now; for a guessed cool-down it may be used all the same when nothing else
    /// is left.
    Resting { wait: Duration, guessed: bool },
    /// The limits of the key leave less than it may cost.
    Limited { wait: Duration },
    /// It is not asked, for this reason.
    Barred(ModelError),
    /// It was asked.
    Failed(ModelError, Blame),
}

/// What a round has left.
enum Round {
    Answered(Box<Completion>),
    Left { candidates: Vec<Candidate>, asked: bool, guessed: bool },
}

/// A question being asked.
pub(crate) struct Call<'a> {
    models: &'a Models,
    request: &'a ChatRequest,
    show: &'a mut (dyn FnMut(Progress<'_>) + Send),
    share: String,
    holder: String,
    begun: Instant,
    deadline: Instant,
    /// How long it may still wait for a place.
    patience: Duration,
    spent: Vec<Spent>,
    last: Option<(Arc<str>, ModelError)>,
    shown: bool,
    share_held: bool,
    /// Was a candidate not asked because the limits of its key left too little?
    limited: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        models: &'a Models,
        request: &'a ChatRequest,
        show: &'a mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Self {
        let begun = Instant::now();
        let workspace = request.caller.workspace;
        let share = workspace.map_or_else(|| "installation".to_owned(), |id| id.to_string());

        Self {
            models,
            request,
            show,
            share,
            holder: replyx_core::clock::random_hex::<12>(),
            begun,
            deadline: begun
                + request.within.unwrap_or(models.limits.total).min(models.limits.total),
            patience: models.doors.limits.wait,
            spent: Vec::new(),
            last: None,
            shown: false,
            share_held: false,
            limited: false,
        }
    }

    /// Asks until there is an answer, or nobody left to ask.
    pub(crate) async fn run(mut self, chain: Vec<Link>) -> Result<Completion, Failure> {
        if chain.is_empty() {
            let error = ModelError::NotConfigured { model: self.request.model.clone() };
            return Err(Failure { error, spent: Vec::new() });
        }

        let mut candidates = candidates(chain);
        let mut asked_rounds = 0;
        let mut guesses = Guesses::Respected;
        for _ in 0..ROUNDS {
            match self.round(candidates, guesses).await {
                Round::Answered(completion) => return Ok(*completion),
                Round::Left { candidates: left, asked, guessed } => {
                    asked_rounds += u32::from(asked);
                    let first_guess = !asked && guessed && guesses == Guesses::Respected;
                    guesses = Guesses::PassedOver;
                    candidates = left;
                    if first_guess {
                        continue;
                    }
                }
            }

            let most = self.models.limits.retry_after;
            let next = candidates.iter().map(|candidate| candidate.wait).min();
            candidates.retain(|candidate| candidate.wait <= most);
            let Some(wait) = self.pause(asked_rounds, &candidates) else {
                return Err(self.fail(next));
            };
            sleep(wait).await;
        }

        Err(self.fail(None))
    }

    fn fail(&mut self, wait: Option<Duration>) -> Failure {
        let last = self.last.take().map(|(_, error)| error);
        let none = if self.limited {
            ModelError::LimitReached { wait }
        } else {
            ModelError::Unavailable { wait }
        };
        let error = last.unwrap_or(none);
        if matches!(error, ModelError::LimitReached { .. } | ModelError::NoPrice { .. }) {
            measure::refused(error.reason());
        }
        Failure { error, spent: std::mem::take(&mut self.spent) }
    }

    /// How long to wait before the next round, or nothing when there must be none.
    fn pause(&self, asked_rounds: u32, left: &[Candidate]) -> Option<Duration> {
        let wish = left.iter().map(|candidate| candidate.wait).min()?;
        let [chance] = Clock::bytes();
        let backoff = match self.models.limits.backoff.after(asked_rounds.max(1), chance) {
            Retry::After(_) if asked_rounds == 0 => Duration::from_millis(5),
            Retry::After(backoff) => backoff,
            Retry::Never => return None,
        };
        let wait = wish.max(backoff);
        (Instant::now() + wait < self.deadline).then_some(wait)
    }

    async fn round(&mut self, candidates: Vec<Candidate>, guesses: Guesses) -> Round {
        let mut queue = VecDeque::from(candidates);
        let mut left = Vec::<Candidate>::new();
        let mut asked = false;
        let mut any_guessed = false;
        while let Some(mut candidate) = queue.pop_front() {
            if Instant::now() >= self.deadline {
                break;
            }

            let (error, blame) = match self.attempt(&candidate, guesses).await {
                Ok(completion) => return Round::Answered(Box::new(completion)),
                Err(Fallen::Resting { wait, guessed }) => {
                    any_guessed |= guessed;
                    candidate.wait = if guessed { Duration::ZERO } else { wait };
                    left.push(candidate);
                    continue;
                }
                Err(Fallen::Limited { wait }) => {
                    self.limited = true;
                    candidate.wait = wait;
                    left.push(candidate);
                    continue;
                }
                Err(Fallen::Barred(error)) => {
                    let provider = Arc::clone(&candidate.link.provider);
                    // That somebody could answer later says more than that another never can.
                    let is_news = match &self.last {
                        Some((_, last)) => error.was_not_asked() && last.is_a_bar(),
                        None => true,
                    };
                    if is_news {
                        self.last = Some((provider, error));
                    }
                    continue;
                }
                Err(Fallen::Failed(error, blame)) => (error, blame),
            };

            asked = true;
            self.last = Some((Arc::clone(&candidate.link.provider), error));

            match blame {
                Blame::Request => {
                    let others = |other: &Candidate| !Arc::ptr_eq(&other.link, &candidate.link);
                    queue.retain(others);
                    left.retain(others);
                }
                Blame::Refused | Blame::Forbidden | Blame::Exhausted | Blame::Unusable => {}
                Blame::Throttled { told } => {
                    candidate.wait = told.map_or(Duration::ZERO, learn::bounded);
                    left.push(candidate);
                }
                Blame::Provider { .. } | Blame::Wordless => {
                    let provider = Arc::clone(&candidate.link.provider);
                    queue.make_contiguous().sort_by_key(|next| next.link.provider == provider);
                    candidate.wait = blame.wish();
                    left.push(candidate);
                }
            }
        }

        Round::Left { candidates: left, asked, guessed: any_guessed }
    }

    /// Asks one model with one key.
    async fn attempt(
        &mut self,
        candidate: &Candidate,
        guesses: Guesses,
    ) -> Result<Completion, Fallen> {
        let link = &candidate.link;
        let request = self.bare_request(&candidate.link);
        let client = candidate.key.as_ref().map_or(&Client::Extractive, |held| &held.client);
        let bound = Bound::of(self.models, link, &request, client.most_tokens(&request));
        let inside = match &candidate.key {
            Some(held) => Some(self.enter(candidate, held, &bound, guesses).await?),
            None => None,
        };
        if let Some((from, error)) = &self.last {
            measure::retried(from, &link.provider, error);
        }
        if std::mem::take(&mut self.shown) {
            (self.show)(Progress::Restarted);
        }
        let limits = &self.models.limits;
        let begun = Instant::now();
        let id = self.models.clock.id();
        let key = candidate.key.as_ref().map(|held| held.key.id);
        let entry = match &inside {
            Some(_) => {
                let expected = bound.expected(link, id, key);
                let entry = Entry::begin(self.models.book.as_ref(), request.caller, expected);
                Some(entry.await.map_err(Fallen::Barred)?)
            }
            // What runs here costs nothing.
            None => None,
        };
        let mut underway = RunningAttempt {
            id,
            link,
            request: &request,
            key,
            bound,
            brought: AttemptOutput::default(),
            begun,
            entry,
            inside: inside.as_ref(),
        };
        let measured = measure::Attempt::begin(&link.provider);
        let outcome = {
            let end = self.deadline.min(begun + limits.attempt);
            let reading = Reading { deltas: client.chat(&request), limits, end };
            let show = &mut self.show;
            let shown = &mut self.shown;
            let mut piece = |progress: Progress<'_>| {
                if matches!(progress, Progress::Text(_)) && !std::mem::replace(shown, true) {
                    measured.first_token();
                }
                show(progress);
            };
            let work = reading.run(&mut underway.brought, &mut piece);
            match &inside {
                Some(inside) => inside.during(work).await,
                None => work.await,
            }
        };
        measured.end(outcome.as_ref().map_or_else(ModelError::reason, |()| "ok"));
        let (spent, brought) = underway.end(outcome.as_ref().err());
        let blame = outcome.as_ref().err().map(blame::of);
        if let (Some(inside), Some(held)) = (inside, &candidate.key) {
            self.share_held = blame.is_some();
            let lesson = learn::Lesson { link, held, blame, cost: spent.cost };
            self.models.learn(lesson, inside).await;
        }
        self.spent.push(spent);
        if let (Err(error), Some(blame)) = (outcome, blame) {
            return Err(Fallen::Failed(error, blame));
        }
        let spent = std::mem::take(&mut self.spent);
        Ok(account::completion(&request, brought, spent, begun, self.begun))
    }

    fn bare_request(&self, link: &Link) -> ChatRequest {
        ChatRequest { model: link.model.clone(), ..self.request.clone() }
    }

    async fn enter(
        &mut self,
        candidate: &Candidate,
        held: &Arc<HeldKey>,
        bound: &Bound,
        guesses: Guesses,
    ) -> Result<AdmittedCall, Fallen> {
        let link = &candidate.link;
        if !bound.is_priced() && held.key.limits_money() {
            return Err(Fallen::Barred(ModelError::NoPrice { model: link.model.clone() }));
        }
        if let Some(wait) = self.models.untrusted(&held.key).or_else(|| held.rest()) {
            return Err(Fallen::Resting { wait, guessed: false });
        }

        let periods = Periods::at(self.models.clock.now());
        let checks = Checks::new(link, held, &periods, bound.cost(), guesses);
        let limits = &self.models.doors.limits;
        let ask = AdmissionRequest::new(
            &link.provider,
            &self.share,
            &self.holder,
            checks.gates(),
            limits,
        );
        let asked = Instant::now();
        let entered = self.models.doors.enter(ask, self.deadline.min(asked + self.patience)).await;
        self.patience = self.patience.saturating_sub(asked.elapsed());

        match entered {
            Ok(inside) => {
                held.used();
                if inside.probe {
                    measure::breaker(&link.provider, 0.5);
                }
                Ok(inside)
            }
            Err(AdmissionRefusal::Gate { gate, wait }) if checks.is_money(gate) => {
                self.models.note_refusal(&checks, gate, wait);
                Err(Fallen::Limited { wait })
            }
            Err(AdmissionRefusal::Gate { gate, wait }) => {
                let guessed = self.models.note_refusal(&checks, gate, wait);
                Err(Fallen::Resting { wait, guessed })
            }
            Err(AdmissionRefusal::Busy | AdmissionRefusal::Share | AdmissionRefusal::Provider) => {
                Err(Fallen::Barred(ModelError::Busy))
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if self.share_held {
            self.models.doors.free_share(&self.share, self.holder.clone());
        }
    }
}

/// Every model with every key it has, in their order; each model once.
fn candidates(chain: Vec<Link>) -> Vec<Candidate> {
    let mut seen: Vec<Arc<Link>> = Vec::new();
    for link in chain {
        let is_new =
            |known: &Arc<Link>| known.model != link.model || known.provider != link.provider;
        if seen.iter().all(is_new) {
            seen.push(Arc::new(link));
        }
    }
    let with_keys = |link: Arc<Link>| {
        let keys: Vec<_> = match &link.keys[..] {
            [] => vec![None],
            keys => keys.iter().cloned().map(Some).collect(),
        };
        keys.into_iter().map(move |key| Candidate {
            link: Arc::clone(&link),
            key,
            wait: Duration::ZERO,
        })
    };
    seen.into_iter().flat_map(with_keys).collect()
}
