//! What every channel does.

use std::{fmt, time::Duration};

use futures::future::BoxFuture;
use replyx_core::channel::{Address, Attachment, ChatKind, MessageRef, Outbound};
use secrecy::SecretString;

/// A channel: how an answer looks in it, how it gets to the customer, and what a failure means.
pub trait Channel: fmt::Debug + Send + Sync {
    /// Makes the parts of a reply from Markdown, in the order in which they are sent. None when
    /// there is nothing to see in it. Pure.
    fn render(&self, markdown: &str) -> Vec<Outbound>;

    /// Whether a part of a reply can have buttons.
    fn has_buttons(&self) -> bool;

    /// The chat that a conversation is in: it moves, and has its pace, as a whole.
    fn chat(&self, address: &Address) -> Address;

    /// How fast a channel, and each chat in it, may speak.
    fn paces(&self, chat: ChatKind) -> Paces;

    /// How long a customer sees that somebody is typing after [`Channel::type_to`]; nothing where
    /// that cannot be shown.
    fn typing_lasts(&self) -> Option<Duration>;

    /// Sends one part.
    fn send<'a>(&'a self, route: Route<'a>, part: &'a Outbound) -> BoxFuture<'a, SendOutcome>;

    /// Shows the customer that somebody is typing. `false`: it could not be shown, which is of no
    /// consequence.
    fn type_to<'a>(&'a self, route: Route<'a>) -> BoxFuture<'a, bool>;

    /// Sends a file, of which these are the bytes.
    fn send_file<'a>(
        &'a self,
        route: Route<'a>,
        file: &'a Attachment,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, SendOutcome>;

    /// Fetches a file that a customer sent, of at most so many bytes. `reference` is the channel's
    /// own name of it.
    fn fetch<'a>(
        &'a self,
        route: Route<'a>,
        reference: &'a str,
        most: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, FetchFailed>>;

    /// Counts what became of a part, under the names that the channel's operators know.
    fn count(&self, what: ChannelEvent);
}

/// To whom, and with what right, something is sent.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// The channel's secret, if its network wants one.
    pub secret: Option<&'a SecretString>,
    /// The customer.
    pub address: &'a Address,
    /// The customer's message that is answered, where the channel is to show that.
    pub reply_to: Option<&'a MessageRef>,
}

/// What became of a send. Nobody else judges the answers of a channel's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The channel took it. The name is the channel's, if it gives one.
    Sent(Option<MessageRef>),
    /// Certainly not sent: it was too fast. The same may be sent after a while.
    TooFast {
        /// How long to wait.
        retry_after: Duration,
        /// What the channel said.
        error: String,
    },
    /// Certainly not sent. The same may succeed later.
    NotSent(String),
    /// It may have been sent: nobody can know.
    Uncertain(String),
    /// Certainly not sent, and the same will never be.
    Refused(String),
    /// Certainly not sent: the customer does not want it.
    Blocked(String),
    /// Certainly not sent: the chat ([`Channel::chat`]) has another address now.
    Moved(Address),
    /// Certainly not sent: the channel cannot speak until its owner acts.
    Unusable(String),
}

/// A file could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchFailed {
    /// It is larger than is wanted, or than the channel gives out.
    TooLarge,
    /// The channel does not have it, or gives it to nobody.
    Gone(String),
    /// The same may succeed later.
    NotNow {
        /// How long to wait at least, if the channel says so.
        retry_after: Option<Duration>,
        /// What the channel said.
        error: String,
    },
}

/// Something that a channel counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// A part waited for one of our own limits.
    Waited,
    /// Nobody can know whether a part was sent.
    Doubted,
    /// A chat was followed to its new address.
    Followed,
}

/// How often something may be done: `count` times in `per`, and `burst` times at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time.
    pub per: Duration,
    /// How often in it.
    pub count: u32,
    /// How often at once.
    pub burst: u32,
}

impl Pace {
    /// A pace by which no stretch of time `per` ever sees more than `most`: what may be taken at
    /// once after a rest is taken from what is earned in the meantime. A sixth of it leaves room
    /// for both.
    pub const fn at_most(most: u32, per: Duration) -> Self {
        let burst = most / 6;
        if burst < 2 {
            return Self { per, count: most, burst: 1 };
        }
        Self { per, count: most - burst, burst }
    }
}

/// How fast a channel may speak; nothing where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paces {
    /// The channel in all its chats.
    pub channel: Option<Pace>,
    /// One chat.
    pub chat: Option<Pace>,
}
