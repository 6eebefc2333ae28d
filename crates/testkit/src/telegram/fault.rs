//! Failures on order.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::Hold;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq)]
pub enum TelegramFault {
    /// Answered with this status and nothing done, as by a server or a proxy in trouble.
    Status(u16),
    /// Answered with an error in the API's own form and nothing done.
    Error {
        /// HTTP status and `error_code`.
        code: u16,
        /// The `description`.
        description: String,
    },
    /// Answered with 429; `retry_after` in seconds.
    TooManyRequests {
        /// Seconds to wait, as the client is told.
        retry_after: u64,
    },
    /// Answered as ever, but this much later.
    Delay(Duration),
    /// Carried out and answered as ever, once the test releases it.
    Hold(Hold),
    /// The connection breaks and nothing was done.
    BreakBefore,
    /// The call is carried out and the connection breaks before the answer: the client cannot know.
    BreakAfter,
    /// No answer, nothing done; the connection stays open.
    Hang,
    /// The call is carried out, and no answer comes; the connection stays open.
    HangAfter,
    /// 400 `can't parse entities`. Only affects messages with `parse_mode` or `entities`.
    RefuseEntities,
}

impl TelegramFault {
    /// Applies this to the next call of `method`.
    pub fn on(self, method: &str) -> Injection {
        Injection {
            fault: self,
            method: method.to_owned(),
            bot: None,
            chat: None,
            every: 1,
            left: Some(1),
            seen: 0,
        }
    }
}

/// A fault, and which calls it affects.
#[derive(Clone, Debug)]
pub struct Injection {
    fault: TelegramFault,
    method: String,
    bot: Option<String>,
    chat: Option<i64>,
    every: u64,
    left: Option<u64>,
    seen: u64,
}

impl Injection {
    /// Only calls of the bot with this token.
    #[must_use]
    pub fn of_bot(mut self, token: &str) -> Self {
        self.bot = Some(token.to_owned());
        self
    }

    /// Only calls about this chat.
    #[must_use]
    pub fn in_chat(mut self, chat: i64) -> Self {
        self.chat = Some(chat);
        self
    }

    /// So many calls (at least one), then no more.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.left = Some(times.max(1));
        self
    }

    /// Until the faults are cleared.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.left = None;
        self
    }

    /// Only each `n`th of the calls that match otherwise.
    #[must_use]
    pub fn every(mut self, n: u64) -> Self {
        self.every = n.max(1);
        self
    }

    /// Whether the call is one of those meant; counts it.
    fn strikes(&mut self, call: &Call<'_>) -> bool {
        let meant = self.method.eq_ignore_ascii_case(call.method)
            && self.bot.as_deref().is_none_or(|token| token == call.token)
            && self.chat.is_none_or(|chat| Some(chat) == call.chat)
            && (self.fault != TelegramFault::RefuseEntities || call.formatted);
        if !meant {
            return false;
        }
        self.seen += 1;
        if !self.seen.is_multiple_of(self.every) {
            return false;
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        true
    }
}

/// What is known of a call when it is decided whether it fails.
pub(crate) struct Call<'c> {
    pub(crate) token: &'c str,
    pub(crate) method: &'c str,
    pub(crate) chat: Option<i64>,
    pub(crate) formatted: bool,
}

/// The faults that have been ordered, first come, first served.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    queue: Mutex<Vec<Injection>>,
    // Calls without faults must not queue for the lock.
    count: AtomicUsize,
}

impl Faults {
    pub(crate) fn order(&self, injection: Injection) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(injection);
        self.count.store(queue.len(), Ordering::Release);
    }

    pub(crate) fn clear(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.count.store(0, Ordering::Release);
    }

    /// How many orders have not been carried out to the end.
    pub(crate) fn left(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// The fault that affects a call.
    pub(crate) fn strike(&self, call: &Call<'_>) -> Option<TelegramFault> {
        if self.left() == 0 {
            return None;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let index = queue.iter_mut().position(|injection| injection.strikes(call))?;
        let fault = queue[index].fault.clone();
        if queue[index].left == Some(0) {
            queue.remove(index);
            self.count.store(queue.len(), Ordering::Release);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(chat: i64) -> Call<'static> {
        Call { token: "1:a", method: "sendMessage", chat: Some(chat), formatted: false }
    }

    #[test]
    fn faults_befall_the_calls_they_are_meant_for() {
        let faults = Faults::default();
        faults.order(TelegramFault::Hang.on("sendMessage").in_chat(7));
        faults.order(TelegramFault::Status(500).on("sendmessage").times(2));
        faults.order(TelegramFault::BreakAfter.on("getMe"));
        faults.order(TelegramFault::BreakBefore.on("sendMessage").of_bot("2:b"));
        faults.order(TelegramFault::RefuseEntities.on("sendMessage"));
        assert_eq!(faults.strike(&call(8)), Some(TelegramFault::Status(500)));
        assert_eq!(faults.strike(&call(7)), Some(TelegramFault::Hang));
        assert_eq!(faults.strike(&call(7)), Some(TelegramFault::Status(500)));
        assert_eq!(faults.strike(&call(7)), None);
        assert_eq!(faults.left(), 3);
    }

    #[test]
    fn each_nth_call_fails_for_ever() {
        let faults = Faults::default();
        faults.order(TelegramFault::BreakAfter.on("sendMessage").every(3).forever());
        let struck: Vec<bool> = (0..6).map(|_| faults.strike(&call(1)).is_some()).collect();
        assert_eq!(struck, [false, false, true, false, false, true]);
        faults.clear();
        assert_eq!(faults.strike(&call(1)), None);
    }
}
