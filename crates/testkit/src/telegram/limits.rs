//! How many messages Telegram lets a bot send.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// What happens to a message past a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Nothing, and nobody counts it.
    Off,
    /// It is counted and accepted.
    Count,
    /// It is counted and refused with 429.
    Refuse,
}

/// At most `count` messages in any stretch of time `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many messages.
    pub count: usize,
    /// In what time.
    pub per: Duration,
}

/// The limits of one bot, as Telegram publishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What happens to a message past a limit.
    pub enforcement: Enforcement,
    /// To all chats together; 30 in a second, less 15 % for the unevenness of the network: of
    /// messages 33 ms apart, those that wait together somewhere on their way arrive together.
    pub per_bot: Rate,
    /// To one private chat; 1 a second, of which three may come together.
    pub per_chat: Rate,
    /// To one group; 20 in a minute.
    pub per_group: Rate,
}

impl Limits {
    /// Telegram's published limits.
    pub const fn published(enforcement: Enforcement) -> Self {
        Self {
            enforcement,
            per_bot: Rate { count: 30, per: Duration::from_millis(850) },
            per_chat: Rate { count: 3, per: Duration::from_millis(2_850) },
            per_group: Rate { count: 20, per: Duration::from_secs(57) },
        }
    }
}

/// How many messages went past each limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    /// Past the limit of the whole bot.
    pub per_bot: u64,
    /// Past the limit of a private chat.
    pub per_chat: u64,
    /// Past the limit of a group.
    pub per_group: u64,
}

/// The times of the last messages under one limit.
#[derive(Debug, Default)]
pub(crate) struct Window(VecDeque<Instant>);

impl Window {
    /// How long a message at `now` would have to wait; zero when it is within the rate.
    pub(crate) fn wait(&self, rate: Rate, now: Instant) -> Duration {
        // Only the oldest of the last `count` messages decides.
        match self.0.len().checked_sub(rate.count).and_then(|oldest| self.0.get(oldest)) {
            Some(oldest) => rate.per.saturating_sub(now.saturating_duration_since(*oldest)),
            None => Duration::ZERO,
        }
    }

    /// Writes down a message that was accepted.
    pub(crate) fn note(&mut self, rate: Rate, now: Instant) {
        self.0.push_back(now);
        while self.0.len() > rate.count {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_again_as_its_oldest_message_leaves() {
        let rate = Rate { count: 2, per: Duration::from_secs(10) };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::default();
        for second in [0, 4] {
            assert_eq!(window.wait(rate, at(second)), Duration::ZERO);
            window.note(rate, at(second));
        }
        assert_eq!(window.wait(rate, at(5)), Duration::from_secs(5));
        assert_eq!(window.wait(rate, at(10)), Duration::ZERO);
        window.note(rate, at(10));
        assert_eq!(window.wait(rate, at(11)), Duration::from_secs(3));
    }
}
