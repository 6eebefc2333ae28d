//! What handlers work with.

use std::{path::PathBuf, sync::Arc};

use ipnet::IpNet;
use replyx_accounts::{AccountSettings, Cx, MailDelivery};
use replyx_assistants as assistants;
use replyx_billing as billing;
use replyx_core::{clock::Clock, secret::Keys};
use replyx_crawl::Private;
use replyx_engine::{Engine, intake::Gatherer};
use replyx_fleet::{self as fleet, Webhooks};
use replyx_storage::{Db, tuning::Tuning};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::{
    access::Accesses, bounds::Bounds, guesses::Guesses, hub::Hub, tickets::Tickets, vitals::Health,
};

/// Which addresses Telegram calls with updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookScheme {
    /// Those of https: Telegram's own servers.
    HttpsOnly,
    /// Also those of http: a Bot API server of the installation's own.
    HttpAllowed,
}

/// Settings of the HTTP side.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The largest upload, bytes.
    pub upload_limit: usize,
    /// Who may read `/metrics`: everybody, or who shows this token.
    pub metrics_token: Option<SecretString>,
    /// Bounds of connections and requests.
    pub bounds: Bounds,
    /// Is this an installation for real customers, reached over TLS only?
    pub production: bool,
    /// The address under which the world reaches us.
    pub public_url: Option<String>,
    /// Which addresses Telegram calls.
    pub webhooks: WebhookScheme,
    /// What links in mail begin with, without a slash at the end: the public address, or else where
    /// this process listens.
    pub base_url: String,
    /// Proxies whose word on the client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Other origins whose pages may use the API.
    pub cors_origins: Vec<String>,
    /// Whether letters reach people.
    pub mail: MailDelivery,
    /// Whether sources may lead to addresses outside the public internet.
    pub private_addresses: Private,
    /// What the configuration says about money.
    pub billing: billing::BillingSettings,
    /// This very program, to be run as a child that reads hostile files.
    pub program: PathBuf,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            upload_limit: 10 * 1024 * 1024,
            metrics_token: None,
            bounds: Bounds::default(),
            production: false,
            public_url: None,
            webhooks: WebhookScheme::HttpsOnly,
            base_url: "http://127.0.0.1:8000".to_owned(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            mail: MailDelivery::Folder,
            private_addresses: Private::Refuse,
            billing: billing::BillingSettings::default(),
            program: PathBuf::new(),
        }
    }
}

impl ApiSettings {
    /// Whether Telegram has an address of ours to call.
    fn webhooks(&self) -> Webhooks {
        let is_reachable = self.public_url.as_deref().is_some_and(|url| match self.webhooks {
            WebhookScheme::HttpsOnly => url.starts_with("https://"),
            WebhookScheme::HttpAllowed => true,
        });
        if is_reachable { Webhooks::Reachable } else { Webhooks::Unreachable }
    }
}

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

/// The parts of [`AppState`].
pub struct Inner {
    /// The conversation and the database.
    pub engine: Arc<Engine>,
    /// Where webhooks hand in updates.
    pub gatherer: Gatherer,
    /// What callers may do.
    pub accesses: Arc<Accesses>,
    /// What use cases about people work with.
    pub accounts: Cx,
    /// What use cases about money work with.
    pub billing: billing::Cx,
    /// Tickets for streams.
    pub(crate) tickets: Tickets,
    /// Who reads the log for streams.
    pub(crate) hub: Hub,
    /// Guesses of sessions and API keys.
    pub guesses: Guesses,
    /// Guesses of webhooks.
    pub hook_guesses: Guesses,
    /// How we are.
    pub health: Health,
    /// Writes the metrics down in the text form of Prometheus.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Settings of this process.
    pub settings: ApiSettings,
    /// Settings that admins change.
    pub tuning: Arc<Tuning>,
    /// Ends the streams when the process stops.
    pub stop: CancellationToken,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl std::ops::Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl AppState {
    /// Joins the parts.
    pub fn new(
        engine: Arc<Engine>,
        accesses: Arc<Accesses>,
        health: Health,
        metrics: Box<dyn Fn() -> String + Send + Sync>,
        settings: ApiSettings,
        stop: CancellationToken,
    ) -> Self {
        let accounts = Cx::new(
            engine.db.clone(),
            engine.live.clone(),
            engine.clock.clone(),
            engine.keys.clone(),
            Arc::clone(&engine.tuning),
            AccountSettings { base_url: settings.base_url.clone(), mail: settings.mail },
        );

        let billing = billing::Cx {
            db: engine.db.clone(),
            clock: engine.clock.clone(),
            tuning: Arc::clone(&engine.tuning),
            settings: Arc::new(settings.billing.clone()),
        };
        let accounts = accounts.with_billing(Arc::clone(&billing.settings));

        let gatherer = Gatherer::start(Arc::clone(&engine));
        let tickets = Tickets::new(&engine.live);
        let tuning = Arc::clone(&engine.tuning);
        Self(Arc::new(Inner {
            engine,
            gatherer,
            accesses,
            accounts,
            billing,
            tickets,
            hub: Hub::default(),
            guesses: Guesses::default(),
            hook_guesses: Guesses::default(),
            health,
            metrics,
            settings,
            tuning,
            stop,
        }))
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.0.engine.db
    }

    /// What the use cases of assistants work with.
    pub(crate) fn assistants(&self) -> assistants::Cx<'_> {
        let engine = &self.0.engine;
        assistants::Cx {
            db: &engine.db,
            clock: &engine.clock,
            models: &engine.models,
            tuning: &engine.tuning,
        }
    }

    /// What the use cases of channels work with.
    pub(crate) fn fleet(&self) -> fleet::Cx<'_> {
        fleet::Cx {
            engine: &self.0.engine,
            accounts: &self.0.accounts,
            webhooks: self.0.settings.webhooks(),
        }
    }

    /// Time and randomness.
    pub fn clock(&self) -> &Clock {
        &self.0.engine.clock
    }

    /// Seals and opens secrets.
    pub fn keys(&self) -> &Keys {
        &self.0.engine.keys
    }
}
