//! Acts on bots and other channels.

use super::acts;
use crate::{
    bot::BotMode,
    channel::ChannelKind,
    ids::{AssistantId, ChannelId},
};

acts! {
    WorkspaceLog, table BOT;

    /// A bot was added.
    BotCreated = "bot.created" on bot: ChannelId {
        username: String,
        assistant_id: AssistantId,
        taken_over: bool,
    }

    /// A bot was given a newer token.
    BotTokenReplaced = "bot.token_replaced" on bot: ChannelId {
        username: String,
        assistant_id: AssistantId,
        taken_over: bool,
    }

    /// Another workspace showed a newer token of a bot, and has it now.
    BotMovedAway = "bot.moved_away" on bot: ChannelId { username: String }

    /// A bot was changed.
    BotUpdated = "bot.updated" on bot: ChannelId { username: String, mode: BotMode }

    /// A bot got other commands of its owner.
    BotCommandsChanged = "bot.commands_changed" on bot: ChannelId {
        username: String,
        commands: Vec<String>,
    }

    /// A bot was started.
    BotStarted = "bot.started" on bot: ChannelId { username: String, mode: BotMode }

    /// A bot was stopped.
    BotStopped = "bot.stopped" on bot: ChannelId { username: String, mode: BotMode }

    /// A bot was deleted.
    BotDeleted = "bot.deleted" on bot: ChannelId { username: String }

    /// A channel that is no bot was created.
    ChannelCreated = "channel.created" on channel: ChannelId {
        kind: ChannelKind,
        name: String,
        assistant_id: AssistantId,
    }

    /// A channel that is no bot was deleted.
    ChannelDeleted = "channel.deleted" on channel: ChannelId { kind: ChannelKind, name: String }
}
