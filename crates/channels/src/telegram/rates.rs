//! How fast bots and chats may speak.

use std::time::Duration;

use crate::Pace;

/// How fast a bot and its chats may speak: Telegram's published limits unless set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// One bot in all its chats.
    pub bot: Pace,
    /// One private chat.
    pub private: Pace,
    /// One group.
    pub group: Pace,
}

impl Rates {
    /// Limits of so many messages: per second and bot, per second and private chat, per minute and
    /// group.
    pub const fn new(bot: u32, private: u32, group: u32) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        Self {
            bot: Pace::at_most(bot, SECOND),
            private: Pace::at_most(private, SECOND),
            group: Pace::at_most(group, Duration::from_mins(1)),
        }
    }
}

impl Default for Rates {
    /// 30 a second, 1 a second, 20 a minute: <https://core.telegram.org/bots/faq>.
    fn default() -> Self {
        Self::new(30, 1, 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_sees_more_messages_than_a_rate_says() {
        let rates = Rates::default();
        let second = Duration::from_secs(1);
        assert_eq!(rates.bot, Pace { per: second, count: 25, burst: 5 });
        assert_eq!(rates.private, Pace { per: second, count: 1, burst: 1 });
        assert_eq!(rates.group, Pace { per: Duration::from_mins(1), count: 17, burst: 3 });
    }
}
