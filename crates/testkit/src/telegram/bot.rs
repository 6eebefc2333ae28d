//! The bots of the fake server.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{sync::Notify, time::timeout};

use super::{
    Shared,
    dialog::ChatCore,
    inbox::{Inbox, lane_of},
    limits::{Excess, Window},
    menus::MenuState,
    schema::Schema,
    stored::{Files, Press},
    update::Update,
};

/// A call that was refused on its merits (not by an ordered fault).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The method.
    pub method: String,
    /// The status.
    pub code: u16,
    /// What the bot was told.
    pub description: String,
}

#[derive(Debug)]
pub(crate) struct BotCore {
    pub(crate) token: String,
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) window: Mutex<Window>,
    pub(crate) excess: Mutex<Excess>,
    sent_total: AtomicU64,
    id: i64,
    username: String,
    chats: Mutex<HashMap<i64, Arc<ChatCore>>>,
    message_ids: AtomicI64,
    pub(crate) files: Mutex<Files>,
    /// Presses of buttons, oldest first.
    pub(crate) presses: Mutex<VecDeque<Press>>,
    pub(crate) press_ids: AtomicU64,
    /// A press was answered.
    pub(crate) pressed: Notify,
    pub(crate) menus: Mutex<MenuState>,
    refused: Mutex<VecDeque<Refused>>,
    sent: Notify,
    giving: Mutex<()>,
}

impl BotCore {
    pub(crate) fn new(token: &str, username: &str, shared: &Arc<Shared>) -> Self {
        let id = token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or_default();
        Self {
            token: token.to_owned(),
            shared: Arc::clone(shared),
            inbox: Arc::new(Inbox::new(shared.history)),
            window: Mutex::default(),
            excess: Mutex::default(),
            sent_total: AtomicU64::new(0),
            id,
            username: username.to_owned(),
            chats: Mutex::default(),
            message_ids: AtomicI64::new(0),
            files: Mutex::default(),
            presses: Mutex::default(),
            press_ids: AtomicU64::new(0),
            pressed: Notify::new(),
            menus: Mutex::default(),
            refused: Mutex::default(),
            sent: Notify::new(),
            giving: Mutex::default(),
        }
    }

    /// The same bot under its next token: with its chats, and with what waits for it.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            inbox: Arc::new(self.inbox.revoke()),
            chats: Mutex::new(lock(&self.chats).clone()),
            files: Mutex::new(lock(&self.files).clone()),
            menus: Mutex::new(lock(&self.menus).clone()),
            presses: Mutex::new(lock(&self.presses).clone()),
            press_ids: AtomicU64::new(self.press_ids.load(Ordering::Relaxed)),
            message_ids: AtomicI64::new(self.message_ids.load(Ordering::Relaxed)),
            ..Self::new(token, &self.username, &self.shared)
        }
    }

    /// The `User` object of the bot.
    pub(crate) fn user(&self) -> Value {
        json!({
            "id": self.id,
            "is_bot": true,
            "first_name": self.username,
            "username": self.username,
        })
    }

    /// What `getMe` says.
    pub(crate) fn me(&self) -> Value {
        let mut me = self.user();
        me["can_join_groups"] = true.into();
        me["can_read_all_group_messages"] = false.into();
        me["supports_inline_queries"] = false.into();
        me
    }

    pub(crate) fn next_message_id(&self) -> i64 {
        self.message_ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts a message and wakes those who wait for it.
    pub(crate) fn count_sent(&self) {
        self.sent_total.fetch_add(1, Ordering::Relaxed);
        self.sent.notify_waiters();
    }

    /// The chat with this number, a new one if there is none.
    pub(crate) fn enter(&self, id: i64, name: &str, language: &str) -> Arc<ChatCore> {
        let mut chats = lock(&self.chats);
        let core = chats.entry(id).or_insert_with(|| Arc::new(ChatCore::new(id, name, language)));
        Arc::clone(core)
    }

    pub(crate) fn chat(&self, id: i64) -> Option<Arc<ChatCore>> {
        lock(&self.chats).get(&id).cloned()
    }

    pub(crate) fn refused(&self, refused: Refused) {
        let mut list = lock(&self.refused);
        list.push_back(refused);
        while list.len() > self.shared.history {
            list.pop_front();
        }
    }

    /// Creates an update of something that happened; returns its id.
    pub(crate) fn tell(&self, kind: &str, payload: &Value) -> i64 {
        self.give(json!({ kind: payload }), self.shared.checks)
    }

    /// Gives the bot an update, with the next id unless it has one.
    fn give(&self, mut update: Value, checked: bool) -> i64 {
        // From its number to the inbox, one at a time: a poller that confirms a later one would
        // never see it.
        let _in_order = self.giving.lock().unwrap_or_else(PoisonError::into_inner);
        let id = update["update_id"].as_i64().unwrap_or_else(|| self.inbox.next_id());
        update["update_id"] = id.into();
        if checked && let Err(fault) = Schema::get().check("Update", &update) {
            panic!("not an update of the Bot API: {fault}");
        }
        let (kind, lane) = update
            .as_object()
            .and_then(|fields| fields.iter().find(|(name, _)| *name != "update_id"))
            .map(|(kind, payload)| (kind.clone(), lane_of(payload)))
            .unwrap_or_default();
        self.inbox.push(Update { id, kind, lane, body: update.to_string() });
        id
    }
}

/// A bot, from Telegram's side.
///
/// Clones are the same bot.
#[derive(Clone, Debug)]
pub struct Bot(pub(crate) Arc<BotCore>);

impl Bot {
    /// The bot's token.
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// Gives the bot this update; returns its id, which is ours unless it had one.
    ///
    /// # Panics
    ///
    /// When it is not an `Update` of the Bot API. See [`Self::send_odd_update`].
    pub fn send_update(&self, update: Value) -> i64 {
        self.0.give(update, true)
    }

    /// Gives the bot an update that need not be one of this version of the Bot API.
    pub fn send_odd_update(&self, update: Value) -> i64 {
        self.0.give(update, false)
    }

    /// Gives an update once more, as Telegram does when it has not seen the confirmation. False
    /// when the history no longer has it.
    pub fn redeliver(&self, update_id: i64) -> bool {
        self.0.inbox.repeat(update_id)
    }

    /// How many updates the bot has not confirmed.
    pub fn pending_updates(&self) -> usize {
        self.0.inbox.pending()
    }

    /// Whether the bot has a webhook now.
    pub fn has_webhook(&self) -> bool {
        self.0.inbox.webhook().is_some()
    }

    /// How many messages the bot has sent, in all chats.
    pub fn sent_total(&self) -> u64 {
        self.0.sent_total.load(Ordering::Relaxed)
    }

    /// Waits until the bot has sent `total` messages, in all chats. False when it has not in time.
    pub async fn wait_until_sent(&self, total: u64, limit: Duration) -> bool {
        let enough = async {
            loop {
                let sent = self.0.sent.notified();
                tokio::pin!(sent);
                // Listens before looking: a message in between is not missed.
                sent.as_mut().enable();
                if self.sent_total() >= total {
                    return;
                }
                sent.await;
            }
        };
        timeout(limit, enough).await.is_ok()
    }

    /// Waits until the bot has confirmed all updates. False when it has not in time.
    pub async fn wait_until_confirmed(&self, limit: Duration) -> bool {
        timeout(limit, self.0.inbox.until_empty()).await.is_ok()
    }

    /// How often the bot has answered a press, by its id: until it has, the person sees it waiting.
    pub fn press_answers(&self, id: &str) -> u32 {
        lock(&self.0.presses).iter().find(|press| press.id == id).map_or(0, |press| press.answers)
    }

    /// Waits until the bot has answered a press. False when it has not in time.
    pub async fn wait_until_answered(&self, id: &str, limit: Duration) -> bool {
        let answered = async {
            loop {
                let pressed = self.0.pressed.notified();
                tokio::pin!(pressed);
                // Listens before looking: an answer in between is not missed.
                pressed.as_mut().enable();
                if self.press_answers(id) > 0 {
                    return;
                }
                pressed.await;
            }
        };
        timeout(limit, answered).await.is_ok()
    }

    /// The names of the commands in the menu that people see whose app has this language; `""` for
    /// all other languages.
    pub fn menu(&self, language: &str) -> Vec<String> {
        lock(&self.0.menus).names(language)
    }

    /// How often the bot has set menus.
    pub fn menus_set(&self) -> u64 {
        lock(&self.0.menus).calls
    }

    /// How many messages went past Telegram's limits.
    pub fn excess(&self) -> Excess {
        *lock(&self.0.excess)
    }

    /// The bot's calls that were refused on their merits, oldest first.
    pub fn refused(&self) -> Vec<Refused> {
        lock(&self.0.refused).iter().cloned().collect()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
