//! The updates of one bot, from the moment they happen until the bot has confirmed them.
//!
//! An update stays until a `getUpdates` with a higher `offset`, or a webhook's 2xx, confirms it. It
//! is given again until then.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{update::Update, webhook::Webhook, wire::Refusal};

/// The most updates that wait for a bot; past it the oldest is lost, as it is with Telegram after a
/// day.
const MOST_PENDING: usize = 100_000;

/// The kinds that a bot must ask for by name.
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// The parameters of `getUpdates`.
#[derive(Debug)]
pub(crate) struct Poll {
    pub(crate) offset: i64,
    pub(crate) limit: usize,
    pub(crate) timeout: Duration,
    pub(crate) allowed: Option<Vec<String>>,
}

#[derive(Debug)]
struct State {
    pending: BTreeMap<i64, Arc<Update>>,
    /// Updates that the next poll gets whether it has confirmed them or not.
    repeats: Vec<Arc<Update>>,
    recent: VecDeque<Arc<Update>>,
    next_id: i64,
    allowed: Vec<String>,
    /// Counts polls: the one that waits looks whether it is still the last.
    polls: u64,
    webhook: Option<Arc<Webhook>>,
    /// The token that led here is worth nothing any more.
    revoked: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Notify,
    history: usize,
}

impl Inbox {
    /// An empty inbox that remembers the last `history` updates for [`Self::repeat`].
    pub(crate) fn new(history: usize) -> Self {
        let state = State {
            pending: BTreeMap::new(),
            repeats: Vec::new(),
            recent: VecDeque::new(),
            next_id: 100_000,
            allowed: Vec::new(),
            polls: 0,
            webhook: None,
            revoked: false,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), history }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the webhook and the poll that waits; what waits for the bot goes to the inbox of its
    /// next token.
    pub(crate) fn revoke(&self) -> Self {
        let next = Self::new(self.history);
        let mut state = self.lock();
        if let Some(webhook) = state.webhook.take() {
            webhook.stop();
        }
        state.revoked = true;
        let mut successor = next.lock();
        successor.pending = std::mem::take(&mut state.pending);
        successor.next_id = state.next_id;
        drop(successor);
        drop(state);
        self.changed.notify_waiters();
        next
    }

    /// The id of an update that is about to happen.
    pub(crate) fn next_id(&self) -> i64 {
        let mut state = self.lock();
        state.next_id += 1;
        state.next_id - 1
    }

    /// Takes an update, unless the bot has said that it does not want its kind.
    pub(crate) fn push(self: &Arc<Self>, update: Update) {
        let update = Arc::new(update);
        let mut state = self.lock();
        state.next_id = state.next_id.max(update.id + 1);
        if !state.wants(&update.kind) {
            return;
        }
        state.recent.push_back(Arc::clone(&update));
        while state.recent.len() > self.history {
            state.recent.pop_front();
        }
        state.pending.insert(update.id, Arc::clone(&update));
        while state.pending.len() > MOST_PENDING {
            state.pending.pop_first();
        }
        self.announce(state, update);
    }

    /// Gives an update once more, though it may have been confirmed. False when it is forgotten.
    pub(crate) fn repeat(self: &Arc<Self>, id: i64) -> bool {
        let mut state = self.lock();
        let Some(update) = state.recent.iter().find(|update| update.id == id).map(Arc::clone)
        else {
            return false;
        };
        if state.webhook.is_none() {
            state.repeats.push(Arc::clone(&update));
        }
        self.announce(state, update);
        true
    }

    fn announce(self: &Arc<Self>, state: MutexGuard<'_, State>, update: Arc<Update>) {
        if let Some(webhook) = &state.webhook {
            webhook.enqueue(self.confirms(), update);
        } else {
            drop(state);
            self.changed.notify_waiters();
        }
    }

    /// How many updates have not been confirmed.
    pub(crate) fn pending(&self) -> usize {
        self.lock().pending.len()
    }

    /// The kinds that the bot has asked for; empty when it has not said.
    pub(crate) fn allowed(&self) -> Vec<String> {
        self.lock().allowed.clone()
    }

    pub(crate) fn webhook(&self) -> Option<Arc<Webhook>> {
        self.lock().webhook.clone()
    }

    /// Tells us of the updates that a webhook has taken.
    fn confirms(self: &Arc<Self>) -> impl Fn(i64) + Send + Sync + 'static {
        let inbox = Arc::clone(self);
        move |id| inbox.confirm(id)
    }

    /// Forgets an update that a webhook has taken.
    pub(crate) fn confirm(&self, id: i64) {
        self.lock().pending.remove(&id);
        self.changed.notify_waiters();
    }

    /// Waits until the bot has confirmed everything.
    pub(crate) async fn until_empty(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.pending() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Switches between a webhook and polling, and ends the poll that waits.
    pub(crate) fn set_webhook(
        self: &Arc<Self>,
        webhook: Option<Arc<Webhook>>,
        allowed: Option<Vec<String>>,
        drop_pending: bool,
    ) {
        let mut state = self.lock();
        if let Some(old) = state.webhook.take() {
            old.stop();
        }
        if let Some(allowed) = allowed {
            state.allowed = allowed;
        }

        if drop_pending {
            state.pending.clear();
            state.repeats.clear();
        }

        if let Some(webhook) = &webhook {
            for update in state.pending.values() {
                webhook.enqueue(self.confirms(), Arc::clone(update));
            }
        }

        state.webhook = webhook;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Long polling: returns a JSON list as soon as there is anything, or an empty one when the
    /// time is up.
    ///
    /// # Errors
    ///
    /// Refuses while there is a webhook, and as soon as another poll begins.
    pub(crate) async fn poll(&self, poll: Poll) -> Result<String, Refusal> {
        let deadline = Instant::now() + poll.timeout;
        let turn = {
            let mut state = self.lock();
            if state.webhook.is_some() {
                return Err(webhook_is_active());
            }
            state.polls += 1;
            state.confirm_below(poll.offset);
            if let Some(allowed) = poll.allowed {
                state.allowed = allowed;
            }
            state.polls
        };
        self.changed.notify_waiters();
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listens before looking: a change in between is not missed.
            changed.as_mut().enable();
            {
                let mut state = self.lock();
                if state.revoked {
                    return Err(Refusal::new(401, "Unauthorized"));
                }
                if state.webhook.is_some() {
                    return Err(terminated_by("setWebhook request"));
                }
                if state.polls != turn {
                    return Err(terminated_by(
                        "other getUpdates request; make sure that only one bot instance is running",
                    ));
                }
                let found = state.take(poll.limit);
                if !found.is_empty() || Instant::now() >= deadline {
                    return Ok(list(&found));
                }
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(deadline) => {}
            }
        }
    }
}

impl State {
    fn wants(&self, kind: &str) -> bool {
        if self.allowed.is_empty() {
            !ON_REQUEST.contains(&kind)
        } else {
            self.allowed.iter().any(|allowed| allowed == kind)
        }
    }

    /// Forgets what an offset confirms. A negative one counts from the end.
    fn confirm_below(&mut self, offset: i64) {
        let first = if let 0.. = offset {
            Some(offset)
        } else {
            let back = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            self.pending.keys().rev().take(back).next_back().copied()
        };
        while self.pending.first_key_value().is_some_and(|(id, _)| Some(*id) < first) {
            self.pending.pop_first();
        }
    }

    fn take(&mut self, limit: usize) -> Vec<Arc<Update>> {
        let mut found = std::mem::take(&mut self.repeats);
        if found.len() > limit {
            self.repeats = found.split_off(limit);
        }
        let room = limit - found.len();
        found.extend(self.pending.values().take(room).map(Arc::clone));
        found
    }
}

fn list(updates: &[Arc<Update>]) -> String {
    let mut text = String::from("[");
    for (i, update) in updates.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        text.push_str(&update.body);
    }
    text.push(']');
    text
}

/// The chat that an update is about; zero for none.
pub(crate) fn lane_of(payload: &Value) -> i64 {
    payload["chat"]["id"]
        .as_i64()
        .or_else(|| payload["message"]["chat"]["id"].as_i64())
        .or_else(|| payload["from"]["id"].as_i64())
        .unwrap_or_default()
}

fn terminated_by(whom: &str) -> Refusal {
    Refusal::new(409, format!("Conflict: terminated by {whom}"))
}

fn webhook_is_active() -> Refusal {
    Refusal::new(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    )
}
