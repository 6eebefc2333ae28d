//! What clients are told when a use case of `fleet` fails.

use std::time::Duration;

use replyx_engine::intake::IntakeError;
use replyx_fleet::{bots::BotError, channels::ChannelError, posts::PostError};

use super::ApiError;

/// When a client may post again what could not be stored.
const AGAIN: Duration = Duration::from_secs(1);

impl From<BotError> for ApiError {
    fn from(error: BotError) -> Self {
        match error {
            BotError::Missing(missing) => missing.into(),
            BotError::Unacceptable(refused) => refused.into(),
            BotError::Exists => Self::Conflict { code: "bot_exists", detail: error.to_string() },
            BotError::Moved => Self::Conflict { code: "bot_moved", detail: error.to_string() },
            BotError::Other(_) => Self::Conflict { code: "other_bot", detail: error.to_string() },
            BotError::Unchanged => {
                Self::Conflict { code: "token_unchanged", detail: error.to_string() }
            }
            BotError::Unasked(_) => Self::BadGateway(error.to_string()),
            BotError::Storage(error) => error.into(),
        }
    }
}

impl From<ChannelError> for ApiError {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Missing(missing) => missing.into(),
            ChannelError::TooMany => {
                Self::Conflict { code: "too_many_channels", detail: error.to_string() }
            }
            ChannelError::Storage(error) => error.into(),
        }
    }
}

impl From<PostError> for ApiError {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Missing(missing) => missing.into(),
            PostError::Stopped => {
                Self::Conflict { code: "channel_stopped", detail: error.to_string() }
            }
            PostError::Unacceptable(refused) => refused.into(),
            PostError::Intake(error) => error.into(),
        }
    }
}

impl From<IntakeError> for ApiError {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Full => Self::Busy(AGAIN),
            IntakeError::Storage(error) => error.into(),
        }
    }
}
