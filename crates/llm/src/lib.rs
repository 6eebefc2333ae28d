//! Chat models behind one small trait: what is asked of a model, and what comes back.
//!
//! # How a caller gets an answer
//!
//! 1. [`Models::new`] is given the configured providers and the [`Limits`].
//! 2. [`Models::resolve`] turns the model an assistant names, or none, into a model that exists.
//! 3. [`Models::complete`] asks it, again when asking again can help, shows the text as it grows
//!    and returns a [`Completion`] with its usage, price and timing.
//!
//! # What holds
//!
//! - Every wait and every size has a bound, whatever the other side does.
//! - An attempt ends well only if the provider said that it ended; a stream that merely stops is an
//!   error.
//! - Dropping the future ends the request: the connection is closed and the provider stops.
//! - A model that may not be used is not asked, nor one whose price is not known where money is
//!   limited.
//! - What a call may cost is set aside before it is made, and written down; what it cost, however
//!   it ended.
//! - A key is shown to no other origin than its own.
//! - No error, log line or label holds a key, a prompt or an answer.
//! - A model that finds nothing in its sources says [`NO_ANSWER`] and nothing else.

mod admission;
mod attempt;
mod book;
mod chat;
mod citations;
mod embed;
mod error;
mod keys;
mod limits;
mod measure;
mod models;
mod no_answer;
mod periods;
mod prices;
mod providers;
mod purse;
mod tidy;
mod tokens;

pub use admission::AdmissionLimits;
pub use book::{Book, Note};
pub use chat::{
    Caller, ChatMessage, ChatModel, ChatRequest, ChatRole, Completion, Delta, Failure, Finish, Fit,
    Progress, Source, Spent, Usage,
};
pub use embed::{
    EmbedEndpoint, Embedded, EmbeddedQuestion, EmbeddingState, Embeddings, EmbeddingsConfig,
    OFFLINE, OFFLINE_FILE,
};
pub use error::{ModelError, ProviderDetail, Refusal, Waited};
pub use keys::{Dialect, KeyEvent, KeyUse, Provider, ProviderKey, configured_id, origin};
pub use limits::Limits;
pub use models::{ListedModel, Models, ModelsConfig};
pub use no_answer::{NO_ANSWER, declines, without_no_answer};
pub use prices::{Price, PriceFileError, Prices, price_of};
pub use providers::{
    anthropic::{Anthropic, AnthropicConfig},
    extractive::Extractive,
    openai::{OpenAi, OpenAiConfig, Protocol},
    rerank::{RerankConfig, Reranker},
};
pub use purse::{Purse, SpendingLimit};
pub use replyx_extractive::NAME as EXTRACTIVE;
pub use tokens::{count_tokens, tokens};
