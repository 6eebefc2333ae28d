//! Telegram and e-mail over the real protocols, against fake servers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod email;
mod email_tls;
mod errors;
mod formatting;
mod methods;
mod updates;

use std::time::Duration;

use replyx_channels::telegram::{BotClient, Limits, Telegram};
use replyx_testkit::telegram::{Bot, FakeTelegram};
use secrecy::SecretString;

const TOKEN: &str = "42:abc-DEF_1";

/// A fake server with one bot, and our client for it.
struct World {
    fake: FakeTelegram,
    bot: Bot,
    client: BotClient,
}

impl World {
    async fn start() -> Self {
        let fake = FakeTelegram::start().await;
        let bot = fake.add_bot(TOKEN, "shop_bot");
        let client = client(&fake.url());
        Self { fake, bot, client }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.fake.violations(), Vec::<String>::new());
            assert_eq!(self.fake.faults_left(), 0);
        }
    }
}

/// A client that does not wait long.
fn client(url: &str) -> BotClient {
    let limits = Limits {
        connect: Duration::from_millis(500),
        answer: Duration::from_millis(700),
        ..Limits::default()
    };
    telegram(url, limits).bot(&SecretString::from(TOKEN))
}

fn telegram(url: &str, limits: Limits) -> Telegram {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Telegram::new(url, limits).unwrap()
}
