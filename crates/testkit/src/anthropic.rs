//! A server that speaks Anthropic's messages protocol.
//!
//! Everything that [`FakeOpenAi`] can be told, a [`FakeAnthropic`] can: it is the same server with
//! another protocol. Requests are recorded in the same form, the `system` text as the first
//! message.

use std::{io, ops::Deref};

use crate::openai::{Builder, FakeOpenAi};

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct FakeAnthropic(FakeOpenAi);

impl FakeAnthropic {
    /// The defaults, to be changed before the start by [`FakeAnthropic::start_with`]: the key
    /// `sk-test` and the models `claude-haiku-4-5` and `claude-sonnet-4-5`.
    pub fn builder() -> Builder {
        FakeOpenAi::builder().models(["claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-5-5"])
    }

    /// Starts a server on a free port.
    ///
    /// # Panics
    ///
    /// When loopback has no free port.
    pub async fn start() -> Self {
        Self::start_with(Self::builder()).await.expect("loopback has a free port")
    }

    /// Starts a server as built.
    ///
    /// # Errors
    ///
    /// Fails when the address is not free.
    pub async fn start_with(builder: Builder) -> io::Result<Self> {
        builder.start_messages().await.map(Self)
    }

    /// The base of its addresses, without a version: what `ANTHROPIC_BASE_URL` is set to.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.0.addr())
    }
}

impl Deref for FakeAnthropic {
    type Target = FakeOpenAi;

    fn deref(&self) -> &FakeOpenAi {
        &self.0
    }
}
