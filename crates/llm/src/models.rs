//! The models of the installation, and how one of them is asked.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use replyx_core::{clock::Clock, ids::ModelKeyId};
use replyx_live::{Effect, Live};
use secrecy::SecretString;
use tokio::sync::broadcast;

use crate::{
    admission::{AdmissionLimits, Doors},
    book::Book,
    chat::{ChatRequest, Completion, Failure, Progress},
    error::ModelError,
    keys::{
        ANTHROPIC, DEFAULT_PROVIDER, Dialect, HeldKey, KeyEvent, KeyUse, Provider, ProviderKey,
        Registry, Table,
    },
    limits::Limits,
    measure,
    periods::Periods,
    prices::Prices,
    providers::anthropic::AnthropicConfig,
};

mod allowed;
mod failover;

use allowed::Allowed;
pub use allowed::ListedModel;
use failover::{Call, told};
use replyx_extractive::NAME as EXTRACTIVE;

/// Where `OpenAI` is.
const OPENAI_URL: &str = "https://api.openai.com/v1";
/// The default where a provider is configured and no model is named.
const OPENAI_DEFAULT: &str = "gpt-4o-mini";
/// The default where only Anthropic is configured and no model is named.
const ANTHROPIC_DEFAULT: &str = "claude-haiku-4-5";
/// How many events of keys a slow reader may leave unread.
const EVENTS: usize = 256;
/// How long keys with limits rest at a time while it is not known what they were used for.
const UNTRUSTED: Duration = Duration::from_secs(2);

/// Which providers there are, and how they may be used.
#[derive(Clone, Debug, Default)]
pub struct ModelsConfig {
    /// The providers that the configuration names. `openai` and `anthropic` are always there, at
    /// their makers' addresses unless they are named here.
    pub providers: Vec<Provider>,
    /// The keys that the configuration gives them.
    pub keys: Vec<ProviderKey>,
    /// The model of assistants that name none.
    pub default_model: Option<String>,
    /// The models to ask when an assistant's own fails and it names no others.
    pub fallback_models: Vec<String>,
    /// The models that may be used. Empty: the two above, the one that quotes, and every model with
    /// a price.
    pub allowed_models: Vec<String>,
    /// The bounds of asking.
    pub limits: Limits,
    /// The bounds of asking at once.
    pub admission: AdmissionLimits,
    /// What models cost.
    pub prices: Prices,
}

impl ModelsConfig {
    /// Adds a provider, and a key to it unless the secret is empty: then it is asked without one.
    #[must_use]
    pub fn with(
        mut self,
        name: &str,
        protocol: Dialect,
        base_url: impl Into<String>,
        secret: &str,
    ) -> Self {
        let name = name.to_owned();
        let base_url = base_url.into();
        let keyless = secret.is_empty();
        if !keyless {
            let key = ProviderKey::configured(&name, SecretString::from(secret));
            self.keys.push(key.for_address(&base_url));
        }
        self.providers.push(Provider { name, protocol, base_url, keyless });
        self
    }
}

/// The models of the installation.
pub struct Models {
    pub(crate) limits: Limits,
    pub(crate) prices: Prices,
    pub(crate) clock: Clock,
    pub(crate) doors: Arc<Doors>,
    pub(crate) book: Option<Book>,
    pub(crate) allowed: Allowed,
    pub(crate) default_model: Option<String>,
    pub(crate) fallbacks: Vec<String>,
    /// Is it known what keys were used for before this process began?
    trusted: AtomicBool,
    configured: Table,
    added: Mutex<Table>,
    registry: RwLock<Arc<Registry>>,
    events: broadcast::Sender<KeyEvent>,
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models").field("default_model", &self.default_model).finish_non_exhaustive()
    }
}

impl Models {
    /// Joins the configured providers. What is learnt of them and of their keys is shared through
    /// `live`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when a provider's settings cannot be used.
    ///
    /// # Panics
    ///
    /// When the process has no rustls crypto provider.
    pub fn new(config: ModelsConfig, live: Live, clock: Clock) -> Result<Self, ModelError> {
        let built_in = Table {
            providers: vec![
                built_in(DEFAULT_PROVIDER, Dialect::Completions, OPENAI_URL),
                built_in(ANTHROPIC, Dialect::Messages, AnthropicConfig::BASE_URL),
            ],
            keys: Vec::new(),
        };

        let mut configured = built_in;
        configured.providers.extend(config.providers);
        configured.keys.extend(config.keys);
        let registry = Registry::new(&[&configured], &Registry::default(), &config.limits)?;
        registry.measure();

        Ok(Self {
            limits: config.limits,
            prices: config.prices,
            clock,
            doors: Doors::new(live, config.admission),
            book: None,
            allowed: Allowed::new(config.allowed_models),
            trusted: AtomicBool::new(true),
            default_model: config.default_model,
            fallbacks: config.fallback_models,
            configured,
            added: Mutex::default(),
            registry: RwLock::new(Arc::new(registry)),
            events: broadcast::channel(EVENTS).0,
        })
    }

    /// The same models, whose calls are written down.
    #[must_use]
    pub fn recorded(self, book: Book) -> Self {
        Self { book: Some(book), ..self }
    }

    /// Waits until all that was noted of calls until now has been written down.
    pub async fn flush(&self) {
        if let Some(book) = &self.book {
            book.flush().await;
        }
    }

    /// It is known what keys were used for before this process began.
    pub fn trust(&self) {
        self.trusted.store(true, Ordering::Relaxed);
    }

    /// It is not known what keys were used for: until [`Self::trust`] the limits of keys count as
    /// reached.
    pub fn distrust(&self) {
        self.trusted.store(false, Ordering::Relaxed);
    }

    /// How long a key is not used because nobody knows what it was used for.
    pub(crate) fn untrusted(&self, key: &ProviderKey) -> Option<Duration> {
        (key.is_limited() && !self.trusted.load(Ordering::Relaxed)).then_some(UNTRUSTED)
    }

    /// The model an assistant means: the one it names, else the installation's default.
    pub fn resolve<'a>(&'a self, named: Option<&'a str>) -> &'a str {
        let named = named.map(str::trim).filter(|name| !name.is_empty());
        named.or(self.default_model.as_deref()).unwrap_or_else(|| {
            let registry = self.registry();
            let default = |provider, model| registry.is_configured(provider).then_some(model);
            default(DEFAULT_PROVIDER, OPENAI_DEFAULT)
                .or_else(|| default(ANTHROPIC, ANTHROPIC_DEFAULT))
                .unwrap_or(EXTRACTIVE)
        })
    }

    /// Is there a provider for this model? Whether the provider knows the name shows when it is
    /// asked.
    pub fn is_configured(&self, model: &str) -> bool {
        self.registry().link(model).is_some()
    }

    /// Asks a model, and those to fall back on, until one answers or asking again cannot help or is
    /// no longer allowed. Those that may not be used are passed over. `on_progress` sees the text
    /// as it grows, [`NO_ANSWER`](crate::NO_ANSWER) included.
    ///
    /// Dropping the future ends the request and gives its place to the next.
    ///
    /// # Errors
    ///
    /// The error of the last attempt; [`ModelError::NotAllowed`] when none of these may be used,
    /// [`ModelError::NotConfigured`] when nothing answers to these names, [`ModelError::Busy`] when
    /// there was no place, [`ModelError::Unavailable`] when no key could be used.
    pub async fn complete(
        &self,
        request: &ChatRequest,
        mut on_progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<Completion, Failure> {
        let registry = self.registry();
        let own = !request.fallbacks.is_empty();
        let fallbacks = if own { &request.fallbacks } else { &self.fallbacks };
        let only = request.allowed.as_deref();
        let names: Vec<_> = std::iter::once(&request.model)
            .chain(fallbacks)
            .filter(|name| self.permits(&registry, name, only))
            .collect();
        if names.is_empty() {
            measure::refused("not_allowed");
            let error = ModelError::NotAllowed { model: request.model.clone() };
            return Err(Failure { error, spent: Vec::new() });
        }
        let chain = names.into_iter().filter_map(|name| registry.link(name)).collect();
        Call::new(self, request, &mut on_progress).run(chain).await
    }

    /// Replaces the keys beside those of the configuration. Calls in progress continue. A key
    /// that was not enabled before and is now is used again, whatever was known of it.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] as [`Self::set_providers`]; nothing is replaced then.
    pub fn set_keys(&self, keys: Vec<ProviderKey>) -> Result<(), ModelError> {
        self.replace(|table| table.keys = keys)
    }

    /// Replaces the providers beside those of the configuration; one with a configured name
    /// replaces that one. Calls in progress continue.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] when one's settings cannot be used; nothing is replaced then.
    pub fn set_providers(&self, providers: Vec<Provider>) -> Result<(), ModelError> {
        self.replace(|table| table.providers = providers)
    }

    fn replace(&self, change: impl FnOnce(&mut Table)) -> Result<(), ModelError> {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = added.clone();
        change(&mut table);
        let before = self.registry();
        let registry = Registry::new(&[&self.configured, &table], &before, &self.limits)?;
        for (_, held) in registry.keys().filter(|(_, held)| held.key.enabled) {
            let was_disabled =
                before.keys().any(|(_, known)| known.key.id == held.key.id && !known.key.enabled);
            if was_disabled {
                self.doors.live.leave_soon(String::new(), reopen(held));
            }
        }
        registry.measure();
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
        *added = table;
        Ok(())
    }

    /// The providers that are there by themselves and those of the configuration; of two with one
    /// name the later counts.
    pub fn configured(&self) -> &[Provider] {
        &self.configured.providers
    }

    /// What happens to keys from now on, as seen by this process.
    pub fn key_events(&self) -> broadcast::Receiver<KeyEvent> {
        self.events.subscribe()
    }

    /// Uses a key again that its provider had refused or that had been spent.
    pub async fn readmit(&self, key: ModelKeyId) {
        let registry = self.registry();
        for (_, held) in registry.keys().filter(|(_, held)| held.key.id == key) {
            self.doors.live.leave("", &reopen(held)).await;
            held.readmitted();
        }
        registry.measure();
    }

    /// Has the installation know that a key has been used at least this much in the current day and
    /// month: what is kept in a process is lost with it.
    pub async fn seed_usage(&self, key: ModelKeyId, used: KeyUse) {
        let registry = self.registry();
        let periods = Periods::at(self.clock.now());
        if let Some((_, held)) = registry.keys().find(|(_, held)| held.key.id == key) {
            self.doors.live.leave("", &periods.seed(&held.key, used)).await;
        }
    }

    /// What models cost.
    pub const fn prices(&self) -> &Prices {
        &self.prices
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn announce(&self, event: KeyEvent) {
        match &event {
            KeyEvent::Refused { key, provider } => {
                tracing::error!(key.id = %key, model.provider = provider, "model key was refused");
            }
            KeyEvent::CoolingDown { key, provider, time } => {
                let seconds = time.as_secs();
                tracing::warn!(key.id = %key, model.provider = provider, seconds, "model key is cooling down");
            }
            KeyEvent::Exhausted { key, provider, time } => {
                let seconds = time.as_secs();
                tracing::warn!(key.id = %key, model.provider = provider, seconds, "model key has reached its limit");
            }
        }
        // Nobody may be listening.
        let _ = self.events.send(event);
    }
}

fn reopen(held: &HeldKey) -> Vec<Effect> {
    vec![Effect::Reopen { key: told(held) }]
}

fn built_in(name: &str, protocol: Dialect, base_url: &str) -> Provider {
    Provider { name: name.to_owned(), protocol, base_url: base_url.to_owned(), keyless: false }
}
