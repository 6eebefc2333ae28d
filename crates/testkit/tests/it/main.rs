//! The fakes over real HTTP: a fake that is wrong makes every test that uses it wrong.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod anthropic;
mod buttons;
mod commands;
mod embeddings;
mod limits;
mod openai;
mod openai_faults;
mod polling;
mod proxy;
mod sending;
mod smtp;
mod telegram_contract;
mod telegram_faults;
mod topics;
mod webhooks;

use std::time::Duration;

use replyx_testkit::{
    http_client,
    telegram::{Bot, Builder, FakeTelegram},
};
use reqwest::Client;
use serde_json::Value;

/// Longer than anything here takes; a test that reaches it has failed.
const LONG: Duration = Duration::from_secs(5);

/// A running Telegram with one bot and a client to call it.
struct Telegram {
    fake: FakeTelegram,
    bot: Bot,
    client: Client,
}

impl Telegram {
    async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    async fn start_with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let fake = change(FakeTelegram::builder()).start().await.unwrap();
        let bot = fake.add_bot("1001:TEST", "shop_bot");
        Self { fake, bot, client: http_client() }
    }

    fn address(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.fake.url(), self.bot.token())
    }

    /// Calls a method; the status and the whole envelope.
    async fn call(&self, method: &str, parameters: Value) -> (u16, Value) {
        self.try_call(method, parameters).await.unwrap()
    }

    async fn try_call(&self, method: &str, parameters: Value) -> reqwest::Result<(u16, Value)> {
        let response = self.client.post(self.address(method)).json(&parameters).send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    }

    /// Calls a method that must succeed; its result.
    async fn ok(&self, method: &str, parameters: Value) -> Value {
        let (status, mut body) = self.call(method, parameters).await;
        assert_eq!((status, &body["ok"]), (200, &Value::Bool(true)), "{body}");
        body["result"].take()
    }

    /// Calls a method that must be refused; code and description.
    async fn refused(&self, method: &str, parameters: Value) -> (u16, String) {
        let (status, body) = self.call(method, parameters).await;
        assert_eq!(body["ok"], false, "{body}");
        assert_eq!(body["error_code"], status);
        (status, body["description"].as_str().unwrap().to_owned())
    }
}
