//! Who may ask a provider now: so many calls at once per provider and per workspace, in the whole
//! installation; calls beyond that wait in a queue.
//!
//! Every process has a line for each provider: the workspaces in it take turns, the calls of one
//! workspace go in the order they came. One task of the process asks for all who wait; processes
//! compete for places that become free. Nobody overtakes a call of its own workspace.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use replyx_live::{Effect, Entry, Gate, Live};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout, timeout_at},
};

use crate::measure;

mod inside;
mod line;

pub(crate) use inside::{AdmittedCall, SharePlace};
use line::{Exit, Head, Line, Waiter};

/// A place whose holder has died is free after this long.
const PLACE_TTL: Duration = Duration::from_secs(30);
/// How often places are asked for that other processes may have freed.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How many calls there may be at once, and how many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Calls at once per provider, in the whole installation.
    pub provider: u32,
    /// Calls at once per workspace, in the whole installation.
    pub workspace: u32,
    /// How long a call may wait.
    pub wait: Duration,
    /// How many calls may wait in one process.
    pub queue: usize,
    /// How many calls of one workspace may wait in one process.
    pub workspace_queue: usize,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            provider: 64,
            workspace: 8,
            wait: Duration::from_secs(15),
            queue: 1_000,
            workspace_queue: 100,
        }
    }
}

/// What a call has to pass.
#[derive(Debug)]
pub(crate) struct AdmissionRequest {
    pub(crate) provider: Arc<str>,
    pub(crate) share: String,
    pub(crate) holder: String,
    /// The last two are the places: the workspace's, then the provider's.
    gates: Vec<Gate>,
}

impl AdmissionRequest {
    /// Adds the places to what else must be passed.
    pub(crate) fn new(
        provider: &Arc<str>,
        share: &str,
        holder: &str,
        mut gates: Vec<Gate>,
        limits: &AdmissionLimits,
    ) -> Self {
        let share = share.to_owned();
        let provider = Arc::clone(provider);
        gates.push(Gate::Place { key: share_key(&share), most: limits.workspace.max(1) });
        gates.push(Gate::Place {
            key: format!("provider:{provider}"),
            most: limits.provider.max(1),
        });
        Self { provider, share, holder: holder.to_owned(), gates }
    }

    fn frees(&self, share: SharePlace) -> Vec<Effect> {
        let mut frees = vec![Effect::Free { key: format!("provider:{}", self.provider) }];
        if share == SharePlace::Freed {
            frees.push(Effect::Free { key: share_key(&self.share) });
        }
        frees
    }

    /// Counts what was taken of what was set aside.
    fn settles(&self, cost: i64) -> impl Iterator<Item = Effect> {
        self.gates.iter().filter_map(move |gate| match gate {
            Gate::Hold { key, ttl, .. } => {
                Some(Effect::Settle { key: key.clone(), by: cost, ttl: *ttl })
            }
            _ => None,
        })
    }
}

fn share_key(share: &str) -> String {
    format!("share:{share}")
}

/// Why a call may not ask.
#[derive(Debug)]
pub(crate) enum AdmissionRefusal {
    /// One of the gates it brought refused.
    Gate { gate: usize, wait: Duration },
    /// The workspace has no place free.
    Share,
    /// The provider has no place free.
    Provider,
    /// It has waited too long, or too many wait.
    Busy,
}

/// All lines of the process.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) live: Live,
    pub(crate) limits: AdmissionLimits,
    lines: Mutex<Lines>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Lines {
    of: BTreeMap<Arc<str>, Line>,
    count: usize,
    asked: u64,
    pumping: bool,
}

impl Lines {
    /// Turns away the last call of the workspace that has most waiting, if that is more than the
    /// newcomer would have: a few workspaces cannot fill the lines for all. `false`: everybody has
    /// as few.
    fn make_room(&mut self, of_newcomer: usize) -> bool {
        let longest =
            self.of.values_mut().max_by_key(|line| line.longest().map(|(_, calls)| calls));
        let Some(line) = longest else { return false };
        let Some((share, calls)) = line.longest() else { return false };
        if calls <= of_newcomer + 1 {
            return false;
        }
        let share = share.to_owned();
        let Some(last) = line.take_last(&share) else { return false };
        self.count -= 1;
        let _ = last.tell.send(Err(AdmissionRefusal::Busy));
        true
    }
}

impl Doors {
    pub(crate) fn new(live: Live, limits: AdmissionLimits) -> Arc<Self> {
        Arc::new(Self { live, limits, lines: Mutex::default(), freed: Notify::new() })
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a call, immediately or when its turn comes before `until`.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        ask: AdmissionRequest,
        until: Instant,
    ) -> Result<AdmittedCall, AdmissionRefusal> {
        let ask = Arc::new(ask);
        let begun = Instant::now();
        let must_wait =
            self.lines().of.get(&ask.provider).is_some_and(|line| line.is_before(&ask.share));
        let mut answer = Err(AdmissionRefusal::Busy);
        if !must_wait {
            answer = self.try_enter(&ask).await;
        }
        if must_wait || matches!(answer, Err(AdmissionRefusal::Share | AdmissionRefusal::Provider))
        {
            answer = self.wait(&ask, until).await;
        }

        match &answer {
            Ok(_) => measure::admitted(&ask.provider, begun.elapsed()),
            Err(AdmissionRefusal::Busy) => {
                let reason = if Instant::now() < until { "full" } else { "long" };
                measure::turned_away(&ask.provider, reason);
            }
            Err(_) => {}
        }

        answer
    }

    async fn try_enter(
        self: &Arc<Self>,
        ask: &Arc<AdmissionRequest>,
    ) -> Result<AdmittedCall, AdmissionRefusal> {
        // Dropped before the answer has come, it gives back what may have been granted.
        let mut inside = AdmittedCall::new(self, ask);
        match self.live.enter(&ask.holder, PLACE_TTL, &ask.gates).await {
            Entry::Granted { probe } => {
                inside.probe = probe;
                Ok(inside)
            }
            Entry::Refused { gate, wait } => {
                inside.forget();
                Err(match ask.gates.len() - gate {
                    1 => AdmissionRefusal::Provider,
                    2 => AdmissionRefusal::Share,
                    _ => AdmissionRefusal::Gate { gate, wait },
                })
            }
        }
    }

    async fn wait(
        self: &Arc<Self>,
        ask: &Arc<AdmissionRequest>,
        until: Instant,
    ) -> Result<AdmittedCall, AdmissionRefusal> {
        if Instant::now() >= until {
            return Err(AdmissionRefusal::Busy);
        }
        let (leaving, answer) = self.join(ask)?;
        let answer = timeout_at(until, answer).await;
        drop(leaving);
        answer.ok().and_then(Result::ok).unwrap_or(Err(AdmissionRefusal::Busy))
    }

    fn join(
        self: &Arc<Self>,
        ask: &Arc<AdmissionRequest>,
    ) -> Result<(Leaving, Answer), AdmissionRefusal> {
        let (tell, answer) = oneshot::channel();
        let mut guard = self.lines();
        let lines = &mut *guard;
        let of_share: usize = lines.of.values().map(|line| line.count_of(&ask.share)).sum();
        if of_share >= self.limits.workspace_queue {
            return Err(AdmissionRefusal::Busy);
        }
        if lines.count >= self.limits.queue && !lines.make_room(of_share) {
            return Err(AdmissionRefusal::Busy);
        }
        lines.asked += 1;
        lines.count += 1;
        measure::waiting(lines.count);
        let id = lines.asked;
        let line = lines.of.entry(Arc::clone(&ask.provider)).or_default();
        line.join(Waiter { id, ask: Arc::clone(ask), tell });
        if !std::mem::replace(&mut lines.pumping, true) {
            tokio::spawn(Arc::clone(self).pump());
        }
        Ok((Leaving { doors: Arc::clone(self), ask: Arc::clone(ask), id }, answer))
    }

    /// Takes a call out of its line.
    fn take(&self, ask: &AdmissionRequest, id: u64, exit: Exit) -> Option<Waiter> {
        let mut lines = self.lines();
        let line = lines.of.get_mut(&ask.provider)?;
        let waiter = line.take(&ask.share, id, exit)?;
        if line.is_empty() {
            lines.of.remove(&ask.provider);
        }
        lines.count -= 1;
        measure::waiting(lines.count);
        Some(waiter)
    }

    /// Asks for those who wait, as long as somebody does.
    async fn pump(self: Arc<Self>) {
        loop {
            let heads: Vec<Head> = {
                let mut lines = self.lines();
                if lines.count == 0 {
                    lines.pumping = false;
                    return;
                }
                lines.of.values().flat_map(Line::heads).collect()
            };
            if !self.serve(heads).await {
                // Rings at once where a place was given back in the meantime.
                let _ = timeout(ASK_EVERY, self.freed.notified()).await;
            }
        }
    }

    /// Asks once for the first call of every workspace; was there an answer for any?
    async fn serve(self: &Arc<Self>, heads: Vec<Head>) -> bool {
        let mut full = HashSet::new();
        let mut spent = HashSet::new();
        let mut served = false;
        for Head { id, ask } in heads {
            if full.contains(&ask.provider) || spent.contains(&ask.share) {
                continue;
            }
            let answer = self.try_enter(&ask).await;
            let is_full = matches!(answer, Err(AdmissionRefusal::Provider));
            if let Some(line) = self.lines().of.get_mut(&ask.provider) {
                line.full = is_full;
            }
            match answer {
                Err(AdmissionRefusal::Provider) => drop(full.insert(Arc::clone(&ask.provider))),
                Err(AdmissionRefusal::Share) => drop(spent.insert(ask.share.clone())),
                answer => {
                    served = true;
                    if let Some(waiter) = self.take(&ask, id, Exit::Served) {
                        // A waiter that has gone in the meantime gives the place back by that.
                        let _ = waiter.tell.send(answer);
                    }
                }
            }
        }
        served
    }

    /// Gives back the place of a workspace that [`AdmittedCall::end`] kept.
    pub(crate) fn free_share(&self, share: &str, holder: String) {
        self.live.leave_soon(holder, vec![Effect::Free { key: share_key(share) }]);
        self.freed.notify_one();
    }
}

type Answer = oneshot::Receiver<Result<AdmittedCall, AdmissionRefusal>>;

/// Takes a call out of its line when it does not wait any more.
struct Leaving {
    doors: Arc<Doors>,
    ask: Arc<AdmissionRequest>,
    id: u64,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.doors.take(&self.ask, self.id, Exit::Abandoned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_finds_room_where_one_workspace_fills_the_lines() {
        let provider: Arc<str> = "openai".into();
        let limits = AdmissionLimits::default();
        let mut lines = Lines::default();
        let mut answers = Vec::new();
        for (id, share) in ["many", "many", "many", "few"].into_iter().enumerate() {
            let ask =
                Arc::new(AdmissionRequest::new(&provider, share, "holder", Vec::new(), &limits));
            let (tell, answer) = oneshot::channel();
            let line = lines.of.entry(Arc::clone(&provider)).or_default();
            line.join(Waiter { id: id as u64, ask, tell });
            lines.count += 1;
            answers.push(answer);
        }

        assert!(lines.make_room(0));
        assert!(
            matches!(answers[2].try_recv(), Ok(Err(AdmissionRefusal::Busy))),
            "the last one of many goes"
        );
        assert!(!lines.make_room(1), "two are no more than the newcomer would have");
        assert!(lines.make_room(0));
        assert!(!lines.make_room(0), "each has one");
        assert_eq!(lines.count, 2);
        let line = &lines.of[&provider];
        assert_eq!((line.count_of("many"), line.count_of("few")), (1, 1));
    }
}
