//! Where each kind of channel is found.

use replyx_core::channel::ChannelKind;

use crate::{
    Channel,
    api::Api,
    telegram::{Limits, Rates, Telegram, TelegramError, format},
};

/// What the configuration says about the networks.
#[derive(Clone, Debug)]
pub struct ChannelsConfig {
    /// The address of the Bot API server.
    pub telegram_url: String,
    /// How fast bots and their chats may speak.
    pub telegram_rates: Rates,
}

/// The channels of all kinds.
#[derive(Clone, Debug)]
pub struct Channels {
    /// Telegram, for what only Telegram has: its bots are also asked for updates and who they are.
    pub telegram: Telegram,
    api: Api,
}

impl Channels {
    /// All kinds, with the way to Telegram.
    #[must_use]
    pub const fn new(telegram: Telegram) -> Self {
        Self { telegram, api: Api }
    }

    /// All kinds, as the configuration says.
    ///
    /// # Errors
    ///
    /// Fails when the address of a network is none.
    pub fn open(config: &ChannelsConfig) -> Result<Self, TelegramError> {
        let telegram = Telegram::new(&config.telegram_url, Limits::default())?;
        Ok(Self::new(telegram.with_rates(config.telegram_rates)))
    }

    /// The channel of a kind.
    #[must_use]
    pub fn of(&self, kind: ChannelKind) -> &dyn Channel {
        match kind {
            ChannelKind::Telegram => &self.telegram,
            ChannelKind::Api => &self.api,
        }
    }
}

/// Would a customer see nothing of this Markdown, in whichever channel?
pub fn is_blank(markdown: &str) -> bool {
    !markdown.chars().any(char::is_alphanumeric) && format::outbound(markdown).is_empty()
}
