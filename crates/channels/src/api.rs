//! The channel of an owner's own program: it posts what its users say, and reads the replies.
//!
//! Nothing leaves our side: a reply is there for the program as soon as it is stored, so a send
//! always succeeds. It passes the outbox all the same, so that replies come in the same order, and
//! with the same events, as in every other channel.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use replyx_core::channel::{ChatKind, Outbound};

use crate::{Channel, Happening, Paces, Route, SendOutcome};

/// The channel of an owner's own program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api;

impl Channel for Api {
    /// The program shows Markdown as it likes: one part, as it was written.
    fn render(&self, markdown: &str) -> Vec<Outbound> {
        let text = markdown.trim();
        if text.is_empty() { Vec::new() } else { vec![Outbound::text(text, None)] }
    }

    fn paces(&self, _: ChatKind) -> Paces {
        Paces::default()
    }

    fn typing_lasts(&self) -> Option<Duration> {
        None
    }

    fn send<'a>(&'a self, _: Route<'a>, _: &'a Outbound) -> BoxFuture<'a, SendOutcome> {
        async { SendOutcome::Sent(None) }.boxed()
    }

    fn type_to<'a>(&'a self, _: Route<'a>) -> BoxFuture<'a, bool> {
        async { false }.boxed()
    }

    fn count(&self, _: Happening) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_part_as_it_was_written() {
        assert_eq!(Api.render(" **Two** days.\n"), [Outbound::text("**Two** days.", None)]);
        assert_eq!(Api.render(" \n"), []);
    }
}
