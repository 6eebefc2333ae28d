//! The conversation: from a customer's words to our delivered reply.
//!
//! Reading from [`intake`] to [`delivery`] tells the story:
//!
//! 1. [`intake`] stores what a channel delivered and asks for a turn, in one transaction.
//! 2. [`queue`] takes on turns that are due and runs each as [`turn`], the only place that knows
//!    the order of the steps: [`context`], [`guard`], [`limit`], [`rewrite`], [`retrieve`],
//!    [`prompt`], [`check`], [`settle`], [`summary`].
//! 3. [`delivery`] sends what was settled.
//!
//! [`control`], [`replies`] and [`reads`] are what people do: who may speak in a dialog, what
//! operators write, and how far they have read. [`waiting`] is the queue of those who wait for one,
//! [`assignment`] gives them to those who are there by [`presence`]. [`update`] changes who has a
//! dialog, its [`tags`] and until when it is out of sight; [`canned`] replies and [`drafts`] are
//! what operators write with.
//!
//! Between the three stands the database and nothing else: any of them may die at any instant, run
//! in another process, or be behind. [`bell`] only wakes who sleeps, and [`claims`] is the loop by
//! which turns, sends and jobs are taken on.

use std::{sync::Arc, time::Duration};

use replyx_billing::Mode;
use replyx_channels::Channels;
use replyx_core::{clock::Clock, ids::ProcessId, retry::Backoff, secret::Keys};
use replyx_knowledge::search::Search;
use replyx_live::Live;
use replyx_llm::{Embeddings, Models};
use replyx_storage::{Db, tuning::Tuning};

mod acts;
mod announce;
pub mod assignment;
pub mod attachments;
pub mod attention;
pub mod bell;
pub mod bulk;
pub mod canned;
pub mod check;
pub mod claims;
mod commands;
pub mod context;
pub mod control;
pub mod correct;
pub mod delivery;
pub mod dialog_terms;
pub mod drafts;
pub mod evaluation;
pub mod giving;
pub mod guard;
pub mod history;
pub mod inbox_views;
pub mod intake;
mod kept;
mod late;
pub mod ledger;
pub mod limit;
pub mod long_waits;
pub mod member_mail;
pub mod neutral;
mod pause;
pub mod payment;
pub mod presence;
pub mod preview;
pub mod prompt;
pub mod providers;
pub mod queue;
pub mod reads;
pub mod replies;
pub mod retrieve;
pub mod rewrite;
mod sending;
pub mod settle;
pub mod sla;
pub mod snoozes;
mod speech;
pub mod summary;
pub mod tags;
pub mod turn;
mod typing;
pub mod update;
pub mod uploads;
pub mod usage;
mod versions;
pub mod waiting;

pub use bell::Bell;
pub use delivery::Desk;
pub use versions::VersionCache;

/// What the conversation works with. One per process, shared.
#[derive(Debug)]
pub struct Engine {
    /// Durable state. Its listener is [`Engine::bell`].
    pub db: Db,
    /// Shared short-lived state.
    pub live: Live,
    /// Who writes the answers.
    pub models: Models,
    /// Who turns passages and questions into vectors.
    pub embeddings: Arc<Embeddings>,
    /// Finds passages.
    pub search: Search,
    /// The ways to customers.
    pub channels: Channels,
    /// Opens the channels' secrets.
    pub keys: Keys,
    /// Time and randomness.
    pub clock: Clock,
    /// Who we are among the processes of the installation.
    pub process: ProcessId,
    /// Wakes the sleeping workers.
    pub bell: Arc<Bell>,
    /// Where settled replies are handed to delivery.
    pub desk: Desk,
    /// Settings of published versions.
    pub versions: VersionCache,
    /// Settings that admins change.
    pub tuning: Arc<Tuning>,
    /// The numbers.
    pub settings: EngineSettings,
}

/// The numbers of the conversation.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Messages that arrive within this time of each other are answered together.
    pub window: Duration,
    /// However long the customer goes on writing, the turn begins this long after the first
    /// message.
    pub window_latest: Duration,
    /// How many earlier messages the model sees.
    pub history: u32,
    /// How many tokens of earlier messages the model sees.
    pub history_tokens: usize,
    /// How many passages the model sees.
    pub passages: usize,
    /// How many tokens of passages the model sees.
    pub passage_tokens: usize,
    /// How many turns run at once in this process.
    pub turns: usize,
    /// How often a turn is tried before the customer gets the fallback text.
    pub turn_attempts: i64,
    /// How many sends are under way at once in this process.
    pub sends: usize,
    /// The longest answer a model may write, tokens.
    pub answer_tokens: u32,
    /// When a failed send is tried again.
    pub send_backoff: Backoff,
    /// How long after a turn began the customer sees the assistant typing.
    pub typing_after: Duration,
    /// Whether workspaces pay for answers.
    pub billing: Mode,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            window: Duration::from_millis(700),
            window_latest: Duration::from_secs(5),
            history: 20,
            history_tokens: 2_000,
            passages: 8,
            passage_tokens: 3_000,
            turns: 256,
            turn_attempts: 8,
            sends: 128,
            answer_tokens: 1000,
            send_backoff: Backoff {
                first: Duration::from_millis(500),
                ceiling: Duration::from_mins(1),
                attempts: 100,
            },
            typing_after: Duration::from_millis(300),
            billing: Mode::Off,
        }
    }
}
