//! Telegram as a channel: what an answer of the Bot API to a send means.

use std::time::{Duration, Instant};

use futures::{FutureExt, future::BoxFuture};
use replyx_core::channel::{Address, Attachment, ChatKind, Outbound, OutboundText};
use secrecy::SecretString;

use super::{OutgoingFile, Telegram, TelegramError, Words, format, place::Place};
use crate::{Channel, ChannelEvent, FetchFailed, Paces, Route, SendOutcome};

/// Telegram shows it for five seconds; it is said again a little before.
const TYPING: Duration = Duration::from_millis(4_500);

impl Channel for Telegram {
    fn render(&self, markdown: &str) -> Vec<Outbound> {
        format::outbound(markdown).into_iter().map(Outbound::Text).collect()
    }

    fn has_buttons(&self) -> bool {
        true
    }

    fn chat(&self, address: &Address) -> Address {
        Place::read(address).map_or_else(|| address.clone(), |place| place.chat.into())
    }

    fn paces(&self, chat: ChatKind) -> Paces {
        let rates = self.rates();
        let chat = match chat {
            ChatKind::Private => rates.private,
            ChatKind::Group => rates.group,
        };
        Paces { channel: Some(rates.bot), chat: Some(chat) }
    }

    fn typing_lasts(&self) -> Option<Duration> {
        Some(TYPING)
    }

    fn send<'a>(&'a self, route: Route<'a>, part: &'a Outbound) -> BoxFuture<'a, SendOutcome> {
        async move {
            let Some(token) = route.secret else {
                return SendOutcome::Unusable("the bot has no token".to_owned());
            };
            let Outbound::Text(text) = part else {
                return SendOutcome::Refused("a bot sends nothing but words and files".to_owned());
            };
            let begun = Instant::now();
            let answer = self.say(token, route, text).await;
            counted(begun, answer)
        }
        .boxed()
    }

    fn send_file<'a>(
        &'a self,
        route: Route<'a>,
        file: &'a Attachment,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, SendOutcome> {
        async move {
            let Some(token) = route.secret else {
                return SendOutcome::Unusable("the bot has no token".to_owned());
            };
            let outgoing = OutgoingFile {
                name: file.name.clone().unwrap_or_else(|| file.what.clone()),
                media_type: file.media_type.clone(),
                bytes,
            };
            let begun = Instant::now();
            let answer =
                self.bot(token).send_document(route.address, outgoing, None, route.reply_to).await;
            counted(begun, answer)
        }
        .boxed()
    }

    fn type_to<'a>(&'a self, route: Route<'a>) -> BoxFuture<'a, bool> {
        async move {
            let Some(token) = route.secret else { return false };
            self.bot(token).send_typing(route.address).await.is_ok()
        }
        .boxed()
    }

    fn fetch<'a>(
        &'a self,
        route: Route<'a>,
        reference: &'a str,
        most: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, FetchFailed>> {
        async move {
            let Some(token) = route.secret else {
                return Err(FetchFailed::Gone("the bot has no token".to_owned()));
            };
            let fetched = self.bot(token).fetch_file(reference, most).await;
            let outcome = fetched.as_ref().map_or_else(TelegramError::kind, |_| "fetched");
            metrics::counter!("telegram_bot_files_total", "outcome" => outcome).increment(1);
            fetched.map_err(|error| no_file(&error))
        }
        .boxed()
    }

    fn count(&self, what: ChannelEvent) {
        let counter = match what {
            ChannelEvent::Waited => metrics::counter!("telegram_bot_rate_limit_waits_total"),
            ChannelEvent::Doubted => metrics::counter!("telegram_bot_uncertain_sends_total"),
            ChannelEvent::Followed => metrics::counter!("telegram_bot_groups_moved_total"),
        };
        counter.increment(1);
    }
}

impl Telegram {
    /// Sends words with their markup, or without it where Telegram refuses that.
    async fn say(
        &self,
        token: &SecretString,
        route: Route<'_>,
        text: &OutboundText,
    ) -> Result<i64, TelegramError> {
        let bot = self.bot(token);
        let Route { address: to, reply_to, .. } = route;
        let buttons = text.buttons.as_slice();
        let Some(html) = &text.markup else {
            return bot.send_message(to, Words::Plain(&text.plain), buttons, reply_to).await;
        };
        let answer = bot.send_message(to, Words::Html(html), buttons, reply_to).await;
        if !matches!(answer, Err(TelegramError::CannotParse { .. } | TelegramError::TooLong)) {
            return answer;
        }
        metrics::counter!("telegram_bot_plain_fallbacks_total").increment(1);
        bot.send_message(to, Words::Plain(&text.plain), buttons, reply_to).await
    }
}

/// Counts a send, and says what became of it.
fn counted(begun: Instant, answer: Result<i64, TelegramError>) -> SendOutcome {
    let kind = answer.as_ref().map_or_else(TelegramError::kind, |_| "sent");
    metrics::counter!("telegram_bot_sends_total", "outcome" => kind).increment(1);
    metrics::histogram!("telegram_bot_send_duration_seconds").record(begun.elapsed().as_secs_f64());
    if matches!(answer, Err(TelegramError::RateLimited { .. })) {
        metrics::counter!("telegram_bot_rate_limit_hits_total").increment(1);
    }
    answer.map_or_else(judge, |message_id| SendOutcome::Sent(Some(message_id.into())))
}

/// What a failure means for a file that was to be fetched: nothing was changed by the try.
fn no_file(error: &TelegramError) -> FetchFailed {
    let text = error.to_string();
    match error {
        TelegramError::TooBig => FetchFailed::TooLarge,
        TelegramError::RateLimited { retry_after } => {
            FetchFailed::NotNow { retry_after: Some(*retry_after), error: text }
        }
        TelegramError::Server { .. }
        | TelegramError::NotSent(_)
        | TelegramError::Unknown(_)
        | TelegramError::Malformed
        | TelegramError::Conflict { .. } => FetchFailed::NotNow { retry_after: None, error: text },
        _ => FetchFailed::Gone(text),
    }
}

/// What a failure means for the part that was sent.
#[allow(clippy::needless_pass_by_value, reason = "errors are handed over where they end")]
fn judge(error: TelegramError) -> SendOutcome {
    let text = error.to_string();
    match error {
        TelegramError::RateLimited { retry_after } => {
            SendOutcome::TooFast { retry_after, error: text }
        }
        TelegramError::Blocked { .. } => SendOutcome::Blocked(text),
        TelegramError::Migrated { to_chat_id } => SendOutcome::Moved(to_chat_id.into()),
        TelegramError::Unauthorized => SendOutcome::Unusable(text),
        TelegramError::Unknown(_) | TelegramError::Malformed => SendOutcome::Uncertain(text),
        TelegramError::Server { .. }
        | TelegramError::NotSent(_)
        | TelegramError::Conflict { .. }
        | TelegramError::Setup(_)
        | TelegramError::Address => SendOutcome::NotSent(text),
        TelegramError::ChatGone { .. }
        | TelegramError::CannotParse { .. }
        | TelegramError::TooLong
        | TelegramError::TooBig
        | TelegramError::Refused { .. } => SendOutcome::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(what: &str) -> String {
        what.to_owned()
    }

    #[test]
    fn every_failure_says_whether_the_part_may_be_sent_again() {
        let wait = Duration::from_secs(7);
        assert!(matches!(
            judge(TelegramError::RateLimited { retry_after: wait }),
            SendOutcome::TooFast { retry_after, .. } if retry_after == wait
        ));
        assert_eq!(
            judge(TelegramError::Migrated { to_chat_id: -100 }),
            SendOutcome::Moved(Address::from(-100))
        );
        let blocked = TelegramError::Blocked { description: said("bot was blocked by the user") };
        assert!(matches!(judge(blocked), SendOutcome::Blocked(_)));
        assert!(matches!(judge(TelegramError::Unauthorized), SendOutcome::Unusable(_)));
        for error in [TelegramError::Unknown(None), TelegramError::Malformed] {
            assert!(!error.certainly_not_sent());
            assert!(matches!(judge(error), SendOutcome::Uncertain(_)));
        }
        for error in [
            TelegramError::Server { status: 502 },
            TelegramError::Conflict { webhook: true },
            TelegramError::Address,
        ] {
            assert!(error.certainly_not_sent());
            assert!(matches!(judge(error), SendOutcome::NotSent(_)));
        }
        for error in [
            TelegramError::ChatGone { description: said("chat not found") },
            TelegramError::CannotParse { description: said("can't parse entities") },
            TelegramError::TooLong,
            TelegramError::TooBig,
            TelegramError::Refused { status: 400, description: said("not enough rights") },
        ] {
            assert!(error.certainly_not_sent());
            assert!(matches!(judge(error), SendOutcome::Refused(_)));
        }
    }
}
