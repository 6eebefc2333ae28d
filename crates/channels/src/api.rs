//! The channel of an owner's own program: it posts what its users say, and reads the replies.
//!
//! Nothing leaves our side: a reply is there for the program as soon as it is stored, so a send
//! always succeeds. It passes the outbox all the same, so that replies come in the same order, and
//! with the same events, as in every other channel.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{FutureExt, future::BoxFuture};
use replyx_core::channel::{
    Address, Attachment, ChatKind, Inbound, InboundContent, MessageRef, Outbound,
};

use crate::{Channel, ChannelEvent, FetchFailed, Paces, Route, SendOutcome};

/// What a program posts: a message of one of its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedMessage {
    /// The program's name of the user, which stays the same.
    pub contact: String,
    /// What the user calls themselves; `contact` unless given.
    pub name: Option<String>,
    /// The words.
    pub text: String,
    /// The program's name of the message, unique in the channel.
    pub client_id: String,
}

impl PostedMessage {
    /// What it means.
    pub fn understand(&self, now: DateTime<Utc>) -> Inbound {
        Inbound {
            key: self.client_id.clone().into(),
            order: 0,
            address: self.address(),
            chat_kind: ChatKind::Private,
            display_name: self.name.clone().unwrap_or_else(|| self.contact.clone()),
            language_code: None,
            sent_at: now,
            content: InboundContent::Text {
                text: self.text.trim().to_owned(),
                message_id: self.message_ref(),
            },
            quoted: None,
        }
    }

    /// Where the user is reached.
    pub fn address(&self) -> Address {
        self.contact.as_str().into()
    }

    /// The channel's own name of the message.
    pub fn message_ref(&self) -> MessageRef {
        self.client_id.as_str().into()
    }
}

/// The channel of an owner's own program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api;

impl Channel for Api {
    /// The program shows Markdown as it likes: one part, as it was written.
    fn render(&self, markdown: &str) -> Vec<Outbound> {
        let text = markdown.trim();
        if text.is_empty() { Vec::new() } else { vec![Outbound::text(text, None)] }
    }

    /// The program sees that a human is offered, and shows it as it likes.
    fn has_buttons(&self) -> bool {
        false
    }

    fn chat(&self, address: &Address) -> Address {
        address.clone()
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

    /// The program reads the file where it reads the reply.
    fn send_file<'a>(
        &'a self,
        _: Route<'a>,
        _: &'a Attachment,
        _: Vec<u8>,
    ) -> BoxFuture<'a, SendOutcome> {
        async { SendOutcome::Sent(None) }.boxed()
    }

    fn type_to<'a>(&'a self, _: Route<'a>) -> BoxFuture<'a, bool> {
        async { false }.boxed()
    }

    /// A program posts words alone.
    fn fetch<'a>(
        &'a self,
        _: Route<'a>,
        _: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, FetchFailed>> {
        let why = "a program posts no files".to_owned();
        async { Err(FetchFailed::Gone(why)) }.boxed()
    }

    fn count(&self, _: ChannelEvent) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_part_as_it_was_written() {
        assert_eq!(Api.render(" **Two** days.\n"), [Outbound::text("**Two** days.", None)]);
        assert_eq!(Api.render(" \n"), []);
    }

    #[test]
    fn a_posted_message_is_words_of_its_contact_under_the_name_that_the_program_gave() {
        let now = DateTime::UNIX_EPOCH;
        let mut posted = PostedMessage {
            contact: "user-42".to_owned(),
            name: None,
            text: " Hello?\n".to_owned(),
            client_id: "m-1".to_owned(),
        };
        let inbound = posted.understand(now);
        let message_id = posted.message_ref();
        assert_eq!(inbound.key.as_str(), "m-1");
        assert_eq!(inbound.address.as_str(), "user-42");
        assert_eq!(inbound.display_name, "user-42");
        assert_eq!(inbound.sent_at, now);
        assert_eq!(inbound.content, InboundContent::Text { text: "Hello?".to_owned(), message_id });

        posted.name = Some("Ann".to_owned());
        assert_eq!(posted.understand(now).display_name, "Ann");
    }
}
