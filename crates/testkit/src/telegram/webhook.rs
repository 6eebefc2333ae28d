//! Delivery of updates to a bot's webhook.
//!
//! Updates of one chat are posted one after another, each until it is answered with 2xx; chats go
//! in parallel, up to `max_connections`. A call of a method in the answer is carried out.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{body::Bytes, http::header::CONTENT_TYPE};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Shared, unix_time, update::Update, wire::Refusal};

const SECRET_HEADER: &str = "X-Telegram-Bot-Api-Secret-Token";
const PORTS: [u16; 4] = [80, 88, 443, 8443];

/// How a webhook that does not take an update is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redelivery {
    /// The first pause; each further one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long the webhook may take to answer.
    pub timeout: Duration,
}

impl Default for Redelivery {
    /// Short, so that tests do not wait: 20 ms to 1 s, 10 s for an answer.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(20),
            longest: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
        }
    }
}

/// A call that is under way.
pub(crate) type Calling = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is done with the call of a method, by its name and parameters, in the answer of a webhook.
pub(crate) struct CarryOut(
    pub(crate) Box<dyn Fn(String, Map<String, Value>) -> Calling + Send + Sync>,
);

impl fmt::Debug for CarryOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CarryOut")
    }
}

/// Where a bot wants its updates.
#[derive(Debug)]
pub(crate) struct Webhook {
    url: Url,
    secret: Option<String>,
    max_connections: u32,
    slots: Semaphore,
    lanes: Mutex<HashMap<i64, VecDeque<Arc<Update>>>>,
    last_error: Mutex<Option<(i64, String)>>,
    stop: CancellationToken,
    shared: Arc<Shared>,
    carry_out: CarryOut,
}

impl Webhook {
    /// # Errors
    ///
    /// Refuses addresses and secrets that Telegram refuses.
    pub(crate) fn new(
        url: &str,
        secret: Option<String>,
        max_connections: Option<i64>,
        shared: &Arc<Shared>,
        carry_out: CarryOut,
    ) -> Result<Self, Refusal> {
        let url = check_url(url, shared.http_webhooks).map_err(bad_webhook)?;

        if let Some(secret) = &secret
            && !secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        {
            return Err(Refusal::bad_request("secret token contains unallowed characters"));
        }
        let max_connections = max_connections
            .and_then(|wanted| u32::try_from(wanted).ok())
            .filter(|wanted| *wanted > 0)
            .map_or(40, |wanted| wanted.min(100));

        Ok(Self {
            url,
            secret,
            max_connections,
            slots: Semaphore::new(max_connections as usize),
            lanes: Mutex::default(),
            last_error: Mutex::default(),
            stop: shared.stop.child_token(),
            shared: Arc::clone(shared),
            carry_out,
        })
    }

    /// What `getWebhookInfo` tells of it.
    pub(crate) fn describe(&self, info: &mut Value) {
        info["url"] = self.url.as_str().into();
        info["max_connections"] = self.max_connections.into();
        info["ip_address"] = json!(self.url.host_str().unwrap_or_default());
        if let Some((date, message)) = &*lock(&self.last_error) {
            info["last_error_date"] = (*date).into();
            info["last_error_message"] = message.as_str().into();
        }
    }

    /// Ends deliveries, also the one under way.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Takes an update to be delivered after those of its chat; `confirm` is told the id of each
    /// that was taken.
    pub(crate) fn enqueue(
        self: &Arc<Self>,
        confirm: impl Fn(i64) + Send + Sync + 'static,
        update: Arc<Update>,
    ) {
        let lane = update.lane;
        let mut lanes = lock(&self.lanes);
        let queue = lanes.entry(lane).or_default();
        queue.push_back(update);
        // A lane has a task from its first update to its last.
        if queue.len() == 1 {
            let webhook = Arc::clone(self);
            self.shared.runtime.spawn(async move {
                let stop = webhook.stop.clone();
                stop.run_until_cancelled(webhook.run_lane(lane, &confirm)).await;
            });
        }
    }

    async fn run_lane(&self, lane: i64, confirm: &(impl Fn(i64) + Sync)) {
        loop {
            let next = lock(&self.lanes).get(&lane).and_then(|queue| queue.front().cloned());
            let Some(update) = next else { return };
            self.deliver(&update).await;
            confirm(update.id);
            let mut lanes = lock(&self.lanes);
            if let Some(queue) = lanes.get_mut(&lane) {
                queue.pop_front();
                if queue.is_empty() {
                    lanes.remove(&lane);
                    return;
                }
            }
        }
    }

    /// Posts an update until it is taken.
    async fn deliver(&self, update: &Update) {
        let rules = self.shared.redelivery;
        let mut pause = rules.first;
        loop {
            let Ok(slot) = self.slots.acquire().await else { return };
            let outcome = self.post(update.body.clone(), rules.timeout).await;
            drop(slot);
            let fault = match outcome {
                Ok(answer) => return self.carry_out(&answer).await,
                Err(fault) => fault,
            };
            *lock(&self.last_error) = Some((unix_time(), fault));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(rules.longest);
        }
    }

    /// Carries out the call of a method in the answer of a webhook. The bot is not told what came
    /// of it.
    async fn carry_out(&self, answer: &[u8]) {
        let Ok(Value::Object(mut call)) = serde_json::from_slice(answer) else { return };
        let Some(Value::String(method)) = call.remove("method") else { return };
        (self.carry_out.0)(method, call).await;
    }

    async fn post(&self, body: String, timeout: Duration) -> Result<Bytes, String> {
        let mut request = self
            .shared
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .timeout(timeout)
            .body(body);
        if let Some(secret) = &self.secret {
            request = request.header(SECRET_HEADER, secret);
        }
        match request.send().await {
            Ok(response) if response.status().is_success() => {
                // Read to the end, so that the connection can be used again.
                Ok(response.bytes().await.unwrap_or_default())
            }
            Ok(response) => Err(format!("Wrong response from the webhook: {}", response.status())),
            Err(error) if error.is_timeout() => Err("Read timeout expired".to_owned()),
            Err(error) if error.is_connect() => Err("Connection refused".to_owned()),
            Err(_) => Err("Connection closed".to_owned()),
        }
    }
}

fn check_url(text: &str, http_allowed: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "invalid webhook URL specified")?;
    match url.scheme() {
        "https" if http_allowed => Ok(url),
        "https" if url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) => Ok(url),
        "https" => Err("Webhook can be set up only on ports 80, 88, 443 or 8443"),
        "http" if http_allowed && is_loopback(&url) => Ok(url),
        _ => Err("An HTTPS URL must be provided for webhook"),
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

fn bad_webhook(why: &str) -> Refusal {
    Refusal::bad_request(format!("bad webhook: {why}"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
