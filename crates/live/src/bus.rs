//! Who listens to what in this process, and what they have yet to hear.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::Notify, time::timeout};

use crate::{Live, memory::lock};

/// How many messages a slow reader may leave unread before they become a gap.
const MAILBOX: usize = 256;

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Somebody published this.
    Message(Bytes),
    /// Messages may have been missed: the reader was too slow, or Redis was away. What they told
    /// of is in the database.
    Gap,
}

/// One listener of one topic, until dropped.
#[derive(Debug)]
pub struct Subscription {
    topic: Arc<str>,
    mailbox: Arc<Mailbox>,
    topics: Arc<Topics>,
    // Keeps the connection to Redis.
    _live: Live,
}

impl Subscription {
    pub(crate) fn join(topics: &Arc<Topics>, topic: &str, live: Live) -> Self {
        let (topic, mailbox) = topics.add(topic);
        Self { topic, mailbox, topics: Arc::clone(topics), _live: live }
    }

    /// Waits until nothing published from now on can be missed, or notes that it may have been.
    pub(crate) async fn settle(&mut self, patience: Duration) {
        let settled = async {
            while !self.topics.is_joined(&self.topic) {
                self.mailbox.news.notified().await;
            }
        };
        if timeout(patience, settled).await.is_err() {
            self.topics.note_missed(&self.topic);
        }
    }

    /// Waits for the next signal. Never ends by itself; may be cancelled without loss.
    pub async fn next(&mut self) -> Signal {
        loop {
            if let Some(signal) = self.mailbox.pop() {
                return signal;
            }
            self.mailbox.news.notified().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.topics.remove(&self.topic, &self.mailbox);
    }
}

/// What one listener has yet to hear. Empty, it takes about a hundred bytes.
#[derive(Debug, Default)]
struct Mailbox {
    unread: Mutex<Unread>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Unread {
    gap: bool,
    messages: VecDeque<Bytes>,
}

impl Mailbox {
    fn push(&self, message: Bytes) {
        let mut unread = lock(&self.unread);
        if unread.messages.len() == MAILBOX {
            unread.messages.clear();
            unread.gap = true;
        }
        unread.messages.push_back(message);
        drop(unread);
        self.news.notify_one();
    }

    /// A gap makes the messages before it worthless: its reader looks in the database after it.
    fn push_gap(&self) {
        let mut unread = lock(&self.unread);
        unread.messages = VecDeque::new();
        unread.gap = true;
        drop(unread);
        self.news.notify_one();
    }

    fn pop(&self) -> Option<Signal> {
        let mut unread = lock(&self.unread);
        if std::mem::take(&mut unread.gap) {
            return Some(Signal::Gap);
        }
        let message = unread.messages.pop_front()?;
        if unread.messages.is_empty() {
            unread.messages.shrink_to(MAILBOX / 8);
        }
        Some(Signal::Message(message))
    }
}

/// How far a topic reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only this process: to listen is to hear.
    Process,
    /// Other processes too: to hear, the topic must be joined at Redis.
    Installation,
}

/// All topics that somebody in this process listens to.
#[derive(Debug)]
pub(crate) struct Topics {
    reach: Reach,
    registry: Mutex<Registry>,
    /// Rings when a topic may have to be joined at Redis, or left.
    pub(crate) changed: Notify,
}

#[derive(Debug, Default)]
struct Registry {
    topics: HashMap<Arc<str>, Topic>,
    // Kept apart from `topics`, for it also names those that nobody listens to any more.
    changed: HashSet<Arc<str>>,
}

#[derive(Debug)]
struct Topic {
    mailboxes: Vec<Arc<Mailbox>>,
    joined: bool,
    missed: bool,
}

impl Topics {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, registry: Mutex::default(), changed: Notify::new() }
    }

    fn add(&self, topic: &str) -> (Arc<str>, Arc<Mailbox>) {
        let mailbox = Arc::new(Mailbox::default());
        let mut registry = lock(&self.registry);
        let known = registry.topics.get_key_value(topic).map(|(name, _)| Arc::clone(name));
        let name = known.unwrap_or_else(|| {
            let name: Arc<str> = topic.into();
            let joined = self.reach == Reach::Process;
            let fresh = Topic { mailboxes: Vec::with_capacity(1), joined, missed: false };
            registry.topics.insert(Arc::clone(&name), fresh);
            self.note_change(&mut registry, &name);
            name
        });
        if let Some(topic) = registry.topics.get_mut(&name) {
            topic.mailboxes.push(Arc::clone(&mailbox));
        }
        (name, mailbox)
    }

    fn remove(&self, name: &Arc<str>, mailbox: &Arc<Mailbox>) {
        let mut registry = lock(&self.registry);
        let Some(topic) = registry.topics.get_mut(name) else { return };
        if let Some(at) = topic.mailboxes.iter().position(|other| Arc::ptr_eq(other, mailbox)) {
            topic.mailboxes.swap_remove(at);
        }
        if topic.mailboxes.is_empty() {
            registry.topics.remove(name);
            self.note_change(&mut registry, name);
        }
    }

    fn note_change(&self, registry: &mut Registry, name: &Arc<str>) {
        if self.reach == Reach::Installation {
            registry.changed.insert(Arc::clone(name));
            self.changed.notify_one();
        }
    }

    fn is_joined(&self, name: &str) -> bool {
        lock(&self.registry).topics.get(name).is_some_and(|topic| topic.joined)
    }

    fn note_missed(&self, name: &str) {
        if let Some(topic) = lock(&self.registry).topics.get_mut(name) {
            topic.missed |= !topic.joined;
        }
    }

    pub(crate) fn deliver(&self, name: &str, message: &Bytes) {
        if let Some(topic) = lock(&self.registry).topics.get(name) {
            for mailbox in &topic.mailboxes {
                mailbox.push(message.clone());
            }
        }
    }

    /// Up to `count` topics that may have to be joined or left: those somebody listens to now, and
    /// those nobody does.
    pub(crate) fn take_changed(&self, count: usize) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let mut registry = lock(&self.registry);
        let Registry { topics, changed } = &mut *registry;
        let names: Vec<_> = changed.iter().take(count).cloned().collect();
        for name in &names {
            changed.remove(name);
        }
        names.into_iter().partition(|name| topics.contains_key(name))
    }

    /// From now on these topics are heard; earlier listeners may have missed something.
    pub(crate) fn set_joined(&self, names: &[Arc<str>]) {
        let mut registry = lock(&self.registry);
        for name in names {
            let Some(topic) = registry.topics.get_mut(name) else { continue };
            topic.joined = true;
            let missed = std::mem::take(&mut topic.missed);
            for mailbox in &topic.mailboxes {
                if missed { mailbox.push_gap() } else { mailbox.news.notify_one() }
            }
        }
    }

    /// From now on nothing is heard: every topic has to be joined again, and every listener
    /// should look in the database until it is.
    pub(crate) fn set_lost(&self) {
        let mut registry = lock(&self.registry);
        let Registry { topics, changed } = &mut *registry;
        changed.clear();
        for (name, topic) in topics {
            changed.insert(Arc::clone(name));
            // Those who still wait to join have missed nothing yet.
            topic.missed |= topic.joined;
            topic.joined = false;
            if topic.missed {
                topic.mailboxes.iter().for_each(|mailbox| mailbox.push_gap());
            }
        }
    }
}
