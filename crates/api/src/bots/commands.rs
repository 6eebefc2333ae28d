//! An owner's commands, on their way in and out.

use garde::Validate;
use replyx_core::command::OwnerCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A command that a bot answers with a fixed text.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BotCommand)]
pub struct CommandBody {
    /// Its name without the slash: 1 to 32 lowercase English letters, digits and underscores, no
    /// underscore first. `start`, `human`, `reset` and `language` have meanings of their own;
    /// `help` may be replaced.
    #[garde(custom(named))]
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = "^[a-z0-9][a-z0-9_]{0,31}$",
        example = "prices"
    )]
    command: String,
    /// What it does, for Telegram's menu.
    #[garde(length(chars, min = 1, max = OwnerCommand::DESCRIPTION), custom(visible))]
    #[schema(min_length = 1, max_length = 256, example = "Our prices")]
    description: String,
    /// What is answered, in Markdown.
    #[garde(length(chars, min = 1, max = OwnerCommand::TEXT), custom(visible))]
    #[schema(min_length = 1, max_length = 4000, example = "A courier costs 9 euros.")]
    text: String,
}

impl From<OwnerCommand> for CommandBody {
    fn from(own: OwnerCommand) -> Self {
        Self { command: own.command, description: own.description, text: own.text }
    }
}

impl From<CommandBody> for OwnerCommand {
    fn from(body: CommandBody) -> Self {
        Self { command: body.command, description: body.description, text: body.text }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn named(name: &str, (): &()) -> garde::Result {
    if OwnerCommand::is_name(name) {
        return Ok(());
    }
    let why = "is no name of a command: 1 to 32 of a-z, 0-9 and _, and none of `start`, `human`, `reset`, `language`";
    Err(garde::Error::new(why))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn visible(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("has nothing to see")) } else { Ok(()) }
}
