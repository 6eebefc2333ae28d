//! Calls of the Bot API over HTTP.

use std::{sync::Arc, time::Duration};

use replyx_core::channel::{Address, Button, MessageRef};
use replyx_tls::Protocols;
use reqwest::{
    Client, RequestBuilder, Response, Url,
    header::RETRY_AFTER,
    multipart::{Form, Part},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json, value::RawValue};

use super::{
    answer,
    error::TelegramError,
    place::Place,
    rates::Rates,
    types::{BotProfile, FileInfo, OutgoingFile, RawUpdate, SentMessage, Words, updates},
};

/// The kinds of updates we ask for.
const ALLOWED_UPDATES: [&str; 4] =
    ["message", "edited_message", "callback_query", "my_chat_member"];
/// A hundred updates are far smaller; more is not Telegram.
const BODY_LIMIT: usize = 16 << 20;
/// How long a file may be on its way.
const TRANSFER: Duration = Duration::from_mins(2);
/// Telegram polls no longer than this.
const LONGEST_POLL: u32 = 50;

/// The bounds of all calls together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How long an answer may take, beyond the time that a poll asks to wait.
    pub answer: Duration,
    /// How many connections without work are kept.
    pub idle_connections: usize,
}

impl Default for Limits {
    /// 5 s to connect, 30 s to answer, 256 idle connections.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            idle_connections: 256,
        }
    }
}

/// The way to a Bot API server, shared by all bots.
///
/// Clones are cheap and share the connections.
#[derive(Clone, Debug)]
pub struct Telegram {
    http: Client,
    base: Arc<str>,
    answer: Duration,
    rates: Rates,
}

impl Telegram {
    /// Prepares calls to the server at this address, such as `https://api.telegram.org`.
    ///
    /// A provider of rustls must have been installed for the process.
    ///
    /// # Errors
    ///
    /// [`TelegramError::Address`] when it is not an HTTP address, [`TelegramError::Setup`] when the
    /// system has no certificates to trust.
    pub fn new(base_url: &str, limits: Limits) -> Result<Self, TelegramError> {
        let url = Url::parse(base_url).map_err(|_| TelegramError::Address)?;
        let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !bare {
            return Err(TelegramError::Address);
        }
        // HTTP/2 would put all bots on one connection: a hundred waiting polls use up its streams,
        // and messages would queue behind them.
        let mut builder = replyx_tls::client(Protocols::Http1)
            .redirect(Policy::none())
            .connect_timeout(limits.connect)
            .tcp_keepalive(Duration::from_secs(30))
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(limits.idle_connections);
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| TelegramError::Setup(error.without_url()))?;
        Ok(Self {
            http,
            base: url.as_str().trim_end_matches('/').into(),
            answer: limits.answer,
            rates: Rates::default(),
        })
    }

    /// The same way, with other limits of how fast bots and chats may speak.
    #[must_use]
    pub fn with_rates(self, rates: Rates) -> Self {
        Self { rates, ..self }
    }

    /// How fast bots and chats may speak.
    pub(super) const fn rates(&self) -> Rates {
        self.rates
    }

    /// The calls of one bot.
    #[must_use]
    pub fn bot(&self, token: &SecretString) -> BotClient {
        BotClient { telegram: self.clone(), token: token.clone() }
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

/// The calls of one bot.
///
/// Every call fails with a [`TelegramError`]; the variants say what that means.
#[derive(Clone, Debug)]
pub struct BotClient {
    telegram: Telegram,
    token: SecretString,
}

impl BotClient {
    /// Asks who the bot is.
    ///
    /// # Errors
    ///
    /// [`TelegramError::Unauthorized`] when the token is not one.
    pub async fn get_me(&self) -> Result<BotProfile, TelegramError> {
        self.call("getMe", &json!({}), Duration::ZERO).await
    }

    /// Waits up to `timeout_secs` (at most 50) for updates from `offset` on, at most `limit` (1 to
    /// 100). All updates below `offset` are confirmed by that, and never come again.
    ///
    /// # Errors
    ///
    /// [`TelegramError::Conflict`] when the bot has a webhook or another poller.
    pub async fn get_updates(
        &self,
        offset: Option<i64>,
        timeout_secs: u32,
        limit: u8,
    ) -> Result<Vec<RawUpdate>, TelegramError> {
        let timeout_secs = timeout_secs.min(LONGEST_POLL);
        let mut parameters = json!({
            "timeout": timeout_secs,
            "limit": limit.clamp(1, 100),
            "allowed_updates": ALLOWED_UPDATES,
        });
        if let Some(offset) = offset {
            parameters["offset"] = offset.into();
        }
        let wait = Duration::from_secs(timeout_secs.into());
        let result = self.fetch("getUpdates", &parameters, wait).await?;
        let (read, total) = updates(&result).ok_or(TelegramError::Malformed)?;
        if read.len() < total {
            tracing::warn!(
                updates.lost = total - read.len(),
                "Telegram sent updates without an id"
            );
        }
        // With none to confirm, the same batch would come at once, forever.
        if read.is_empty() && total > 0 { Err(TelegramError::Malformed) } else { Ok(read) }
    }

    /// Sets the webhook to `url`, with `secret_token` in a header and at most `max_connections`
    /// (1 to 100) at once. Updates that are waiting are kept.
    ///
    /// # Errors
    ///
    /// [`TelegramError::Refused`] when Telegram does not take the address.
    pub async fn set_webhook(
        &self,
        url: &str,
        secret_token: &SecretString,
        max_connections: u8,
    ) -> Result<(), TelegramError> {
        let parameters = json!({
            "url": url,
            "secret_token": secret_token.expose_secret(),
            "max_connections": max_connections.clamp(1, 100),
            "allowed_updates": ALLOWED_UPDATES,
        });
        self.fetch("setWebhook", &parameters, Duration::ZERO).await.map(drop)
    }

    /// Ends the webhook. Updates that are waiting are kept.
    pub async fn delete_webhook(&self) -> Result<(), TelegramError> {
        self.fetch("deleteWebhook", &json!({}), Duration::ZERO).await.map(drop)
    }

    /// Sets the menu of commands, each with its description, that people see whose app has this
    /// language; without one, all others.
    ///
    /// # Errors
    ///
    /// [`TelegramError::Refused`] when a command is none by the rules of the Bot API.
    pub async fn set_commands(
        &self,
        menu: &[(&str, &str)],
        language: Option<&str>,
    ) -> Result<(), TelegramError> {
        let command = |(name, description): &(&str, &str)| json!({"command": name, "description": description});
        let commands: Vec<Value> = menu.iter().map(command).collect();
        let mut parameters = json!({"commands": commands});
        if let Some(language) = language {
            parameters["language_code"] = language.into();
        }
        self.fetch("setMyCommands", &parameters, Duration::ZERO).await.map(drop)
    }

    /// Sends a message with rows of buttons below it, and returns its number. Links get no preview.
    /// It is shown as the reply to the message `reply_to` of the same chat, if that is still there.
    ///
    /// # Errors
    ///
    /// [`SendOutcome`](crate::SendOutcome) says what each kind of error means for the message.
    pub async fn send_message(
        &self,
        chat: &Address,
        words: Words<'_>,
        buttons: &[Vec<Button>],
        reply_to: Option<&MessageRef>,
    ) -> Result<i64, TelegramError> {
        let (Words::Plain(text) | Words::Html(text)) = words;
        let mut parameters = target(chat)?;
        parameters["text"] = text.into();
        parameters["link_preview_options"] = json!({"is_disabled": true});
        if let Some(reply) = reply_to.and_then(reply_parameters) {
            parameters["reply_parameters"] = reply;
        }
        if matches!(words, Words::Html(_)) {
            parameters["parse_mode"] = "HTML".into();
        }
        if !buttons.is_empty() {
            parameters["reply_markup"] = keyboard(buttons);
        }
        let sent: SentMessage = self.call("sendMessage", &parameters, Duration::ZERO).await?;
        Ok(sent.message_id)
    }

    /// Tells the app of the person who pressed a button that the press has arrived; until then it
    /// shows them waiting.
    ///
    /// # Errors
    ///
    /// [`TelegramError::Refused`] when the press is some minutes old: nobody waits any more.
    pub async fn answer_press(&self, press: &str) -> Result<(), TelegramError> {
        let parameters = json!({"callback_query_id": press});
        self.fetch("answerCallbackQuery", &parameters, Duration::ZERO).await.map(drop)
    }

    /// Shows the bot as typing, for five seconds or until its next message.
    pub async fn send_typing(&self, chat: &Address) -> Result<(), TelegramError> {
        let mut parameters = target(chat)?;
        parameters["action"] = "typing".into();
        self.fetch("sendChatAction", &parameters, Duration::ZERO).await.map(drop)
    }

    /// Fetches a file that a customer sent, of at most so many bytes.
    ///
    /// # Errors
    ///
    /// [`TelegramError::TooBig`] when it is larger, or larger than Telegram gives to bots (20 MB).
    /// [`TelegramError::Refused`] when Telegram no longer has it.
    #[tracing::instrument(name = "telegram.file", level = "debug", skip_all)]
    pub async fn fetch_file(&self, file_id: &str, most: u64) -> Result<Vec<u8>, TelegramError> {
        let parameters = json!({"file_id": file_id});
        let file: FileInfo = self.call("getFile", &parameters, Duration::ZERO).await?;
        if file.file_size.is_some_and(|size| size > most) {
            return Err(TelegramError::TooBig);
        }
        let path = file.file_path.filter(|path| is_file_path(path));
        let path = path.ok_or(TelegramError::Malformed)?;

        let token = self.token.expose_secret();
        let request =
            self.telegram.http.get(format!("{}/file/bot{token}/{path}", self.telegram.base));
        let response = request.timeout(TRANSFER).send().await?;
        let status = response.status().as_u16();
        if status != 200 {
            let body = read_body(response, BODY_LIMIT).await.unwrap_or_default();
            return Err(answer::open(status, None, &body)
                .err()
                .unwrap_or(TelegramError::Malformed));
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        // What is longer than it was said to be is no answer of Telegram's.
        read_body(response, most).await
    }

    /// Sends a file with a caption (at most 1,024 UTF-16 units), and returns the number of the
    /// message. It is shown as a reply as by [`Self::send_message`].
    ///
    /// # Errors
    ///
    /// [`TelegramError::TooBig`] when it is larger than Telegram takes from bots (50 MB); otherwise
    /// as [`Self::send_message`].
    pub async fn send_document(
        &self,
        chat: &Address,
        file: OutgoingFile,
        caption: Option<&str>,
        reply_to: Option<&MessageRef>,
    ) -> Result<i64, TelegramError> {
        let mut part = Part::bytes(file.bytes).file_name(file.name);
        if let Some(media_type) = &file.media_type {
            part = part.mime_str(media_type)?;
        }
        let place = place(chat)?;
        let mut form = Form::new().text("chat_id", place.chat.to_string()).part("document", part);
        if let Some(topic) = place.topic {
            form = form.text("message_thread_id", topic.to_string());
        }
        if let Some(reply) = reply_to.and_then(reply_parameters) {
            form = form.text("reply_parameters", reply.to_string());
        }
        if let Some(caption) = caption {
            form = form.text("caption", caption.to_owned());
        }

        let request = self.post("sendDocument")?.timeout(TRANSFER).multipart(form);
        let result = finish(request.send().await?).await?;
        let sent: SentMessage =
            serde_json::from_str(result.get()).map_err(|_| TelegramError::Malformed)?;
        Ok(sent.message_id)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: &Value,
        wait: Duration,
    ) -> Result<T, TelegramError> {
        let result = self.fetch(method, parameters, wait).await?;
        serde_json::from_str(result.get()).map_err(|_| TelegramError::Malformed)
    }

    #[tracing::instrument(name = "telegram.call", level = "debug", skip_all, fields(method))]
    async fn fetch(
        &self,
        method: &'static str,
        parameters: &Value,
        wait: Duration,
    ) -> Result<Box<RawValue>, TelegramError> {
        let request = self.post(method)?.timeout(self.telegram.answer + wait).json(parameters);
        finish(request.send().await?).await
    }

    fn post(&self, method: &'static str) -> Result<RequestBuilder, TelegramError> {
        let token = self.token.expose_secret();
        // Anything else could change the path of the request.
        if !is_token(token) {
            return Err(TelegramError::Unauthorized);
        }
        Ok(self.telegram.http.post(format!("{}/bot{token}/{method}", self.telegram.base)))
    }
}

/// The result in an answer.
async fn finish(response: Response) -> Result<Box<RawValue>, TelegramError> {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
    match read_body(response, BODY_LIMIT).await {
        Ok(body) => answer::open(status, retry_after, &body),
        // The status alone says enough of a refusal; of a success it says that we do not know the
        // rest.
        Err(error) if (200..300).contains(&status) => Err(error),
        Err(_) => answer::open(status, retry_after, b""),
    }
}

/// `InlineKeyboardMarkup` of these buttons.
fn keyboard(buttons: &[Vec<Button>]) -> Value {
    let one = |button: &Button| json!({"text": button.label, "callback_data": button.data});
    let rows = buttons.iter().map(|row| row.iter().map(one).collect::<Vec<_>>());
    json!({"inline_keyboard": rows.collect::<Vec<_>>()})
}

/// Where something is sent: the chat, and the topic in it.
fn target(to: &Address) -> Result<Value, TelegramError> {
    let place = place(to)?;
    let mut target = json!({"chat_id": place.chat});
    if let Some(topic) = place.topic {
        target["message_thread_id"] = topic.into();
    }
    Ok(target)
}

/// The place of a conversation. What is none was never one of Telegram's.
fn place(address: &Address) -> Result<Place, TelegramError> {
    let gone = || TelegramError::ChatGone { description: "the address is no chat".to_owned() };
    Place::read(address).ok_or_else(gone)
}

/// `ReplyParameters` to a message. What was deleted in the meantime costs nobody the answer.
fn reply_parameters(message: &MessageRef) -> Option<Value> {
    let message_id: i64 = message.as_str().parse().ok()?;
    Some(json!({"message_id": message_id, "allow_sending_without_reply": true}))
}

/// The id of the bot, a colon, its key.
fn is_token(token: &str) -> bool {
    token.len() <= 128
        && token.split_once(':').is_some_and(|(id, key)| {
            !id.is_empty()
                && id.bytes().all(|b| b.is_ascii_digit())
                && !key.is_empty()
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        })
}

/// The path of a file within those of the bot. Anything else could change the path of the request.
fn is_file_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    !path.is_empty()
        && path.len() <= 512
        && path.bytes().all(plain)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

async fn read_body(mut response: Response, most: usize) -> Result<Vec<u8>, TelegramError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(after_headers)? {
        if body.len() + chunk.len() > most {
            return Err(TelegramError::Malformed);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The request had been taken when the answer broke off.
fn after_headers(error: reqwest::Error) -> TelegramError {
    TelegramError::Unknown(Some(error.without_url()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_become_part_of_an_address() {
        assert!(is_token("123456:ABC-def_1"));
        for wrong in
            ["", ":", "1:", ":a", "a:b", "1:a/b", "1:a?b", "1:a#b", "1:../x", "1:a%2f", "1:я"]
        {
            assert!(!is_token(wrong), "{wrong}");
        }
    }

    #[test]
    fn only_plain_paths_become_part_of_an_address() {
        assert!(is_file_path("documents/file_12.pdf"));
        for wrong in ["", "/etc", "a//b", "../x", "a/../b", "a?b", "a#b", "a%2e", "a b", "a/"] {
            assert!(!is_file_path(wrong), "{wrong}");
        }
    }

    #[test]
    fn loopback_servers_are_reached_without_a_proxy() {
        for (url, expected) in [
            ("http://127.0.0.1:8081", true),
            ("http://localhost", true),
            ("http://[::1]:1/x", true),
            ("https://api.telegram.org", false),
            ("http://127.example.com", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
