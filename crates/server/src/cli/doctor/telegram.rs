//! Does the Bot API answer, and does it take the tokens of the bots?

use futures::{StreamExt, stream};
use replyx_channels::telegram::{Limits, Telegram, TelegramError};
use replyx_storage::{Db, PoolSize, StorageError, bots::Credentials};
use replyx_tls::Protocols;
use reqwest::{StatusCode, redirect::Policy};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::{Finding, Inquiry, PATIENCE};
use crate::config::{Config, Origin, sqlite_file};

const ABOUT: &str = "telegram";
/// At most so many bots are asked about.
const BOTS: u32 = 20;
/// So many of them at once.
const AT_ONCE: usize = 5;

/// Asks the Bot API for a sign of life; with `--online` also about the tokens of some bots.
pub(super) async fn look(config: &Config, inquiry: Inquiry) -> Vec<Finding> {
    let bots = timeout(PATIENCE, stored(config)).await.ok().and_then(Result::ok);
    let bots = bots.unwrap_or_default();
    match answers(config).await {
        Err(why) => {
            let why = format!("{why}: check TELEGRAM_API_URL and the network");
            // Without bots and without an address of one's own nothing is broken yet.
            let needed = !bots.is_empty() || config.origin("telegram_api_url") != Origin::Default;
            vec![if needed { Finding::fault(ABOUT, why) } else { Finding::note(ABOUT, why) }]
        }
        Ok(host) => {
            let mut findings = vec![Finding::ok(ABOUT, format!("`{host}` answers"))];
            if inquiry == Inquiry::Online {
                findings.extend(tokens(config, bots).await);
            }
            findings
        }
    }
}

/// The host, if it speaks as the Bot API does; else why not, without the address: it may hold a
/// password.
async fn answers(config: &Config) -> Result<String, String> {
    let base = config.telegram_api_url().trim_end_matches('/');
    let host = Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.ok_or("the address is not one of a server")?;
    let client =
        replyx_tls::client(Protocols::Any).timeout(PATIENCE).redirect(Policy::none()).build();
    let client = client.map_err(|_| "no client can be made".to_owned())?;
    // The token of nobody: the refusal shows that it is the Bot API which refuses.
    let asked = client.get(format!("{base}/bot0:doctor/getMe")).send().await;
    let response = asked.map_err(|error| {
        let what = if error.is_timeout() { "does not answer" } else { "cannot be reached" };
        format!("`{host}` {what}")
    })?;
    let status = response.status();
    if status.is_server_error() {
        return Err(format!("`{host}` has trouble of its own (status {status})"));
    }
    let body: Value = response.json().await.unwrap_or_default();
    let is_api = body["ok"].is_boolean() || status == StatusCode::TOO_MANY_REQUESTS;
    if is_api { Ok(host) } else { Err(format!("`{host}` does not answer as the Bot API does")) }
}

/// Some of the bots that should run. Nothing is made: where there is no database yet, there are
/// none.
async fn stored(config: &Config) -> Result<Vec<Credentials>, StorageError> {
    let url = config.database_url();
    if sqlite_file(&url).is_some_and(|path| !path.exists()) {
        return Ok(Vec::new());
    }
    let db = Db::open(&url, PoolSize { max: 1 }).await?;
    let found = async { db.read().await?.system().bots().running(None, BOTS).await }.await;
    db.close().await;
    found
}

/// Asks whether Telegram takes the tokens.
async fn tokens(config: &Config, bots: Vec<Credentials>) -> Vec<Finding> {
    let kept = config.data_dir().join("secret.key").exists();
    if bots.is_empty() || !(config.has_secret_key() || kept) {
        return Vec::new();
    }

    let telegram = Telegram::new(config.telegram_api_url(), Limits::default());
    let (Ok(telegram), Ok(keys)) = (telegram, config.keys()) else { return Vec::new() };
    let count = bots.len();

    let asked = stream::iter(bots).map(|found| {
        let telegram = &telegram;
        let keys = &keys;
        async move {
            let name = format!("@{}", found.bot.username);
            let id = found.bot.id;
            let Ok(token) = keys.open(&found.token_sealed, id.into_uuid().as_bytes()) else {
                let why = "its token cannot be opened with this SECRET_KEY";
                return Some(format!("{name}: {why}: use the SECRET_KEY it was stored with"));
            };

            match timeout(PATIENCE, telegram.bot(&token).get_me()).await {
                Ok(Ok(_)) => None,
                Ok(Err(TelegramError::Unauthorized)) => Some(format!(
                    "{name}: Telegram refuses its token: take a new one from @BotFather and replace it \
                     by `PUT /api/v1/bots/{id}/token`; the bot keeps its dialogs"
                )),
                Ok(Err(error)) => Some(format!("{name}: {error}: try again later")),
                Err(_) => {
                    Some(format!("{name}: Telegram does not answer in time: try again later"))
                }
            }
        }
    });

    let faults: Vec<String> =
        asked.buffered(AT_ONCE).filter_map(async |fault| fault).collect().await;
    if faults.is_empty() {
        let taken = if count == 1 {
            "takes the token of 1 bot".to_owned()
        } else {
            format!("takes the tokens of {count} bots")
        };
        return vec![Finding::ok(ABOUT, taken)];
    }

    faults.into_iter().map(|fault| Finding::fault(ABOUT, fault)).collect()
}
