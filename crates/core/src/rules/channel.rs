//! What happens to channels, and to bots among them.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{
        Act, Actor, BotCommandsChanged, BotCreated, BotDeleted, BotMovedAway, BotStarted,
        BotStopped, BotTokenReplaced, BotUpdated, ChannelCreated, ChannelDeleted, WorkspaceLog,
    },
    bot::{Bot, BotMode},
    change::{Change, Deleted, New},
    channel::{Channel, ChannelKind, ChannelStatus},
    command::OwnerCommand,
    event::Event,
};

#[cfg(test)]
mod tests;

/// The channel does not run, so it cannot fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the channel is `{0}`")]
pub struct NotRunning(pub ChannelStatus);

/// A bot with its token, sealed for the bot's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotWithToken {
    /// The bot.
    pub bot: Bot,
    /// The token.
    pub token_sealed: Vec<u8>,
}

/// A new bot with what it needs to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBot {
    /// The bot.
    pub bot: Bot,
    /// Its token, sealed for the bot's id.
    pub token_sealed: Vec<u8>,
    /// The secret part of its webhook's address.
    pub hook_path: String,
}

/// A bot that another workspace has now: its token is wiped, and its replies fail with its error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedAway(pub Bot);

/// Whom a bot was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// Nobody.
    None,
    /// Another workspace or assistant.
    FromOther,
}

impl Channel {
    /// Adds a channel that is no bot.
    pub fn create(self, by: &Actor) -> Change<New<Self>> {
        let act = ChannelCreated {
            channel: self.id,
            kind: self.kind,
            name: self.name.clone(),
            assistant_id: self.assistant_id,
        };
        let at = self.created_at;
        self.told(at).with(New).done_by(by, &act, at)
    }

    /// Cannot run until somebody acts; `error` in a sentence for its owner.
    ///
    /// # Errors
    ///
    /// [`NotRunning`].
    pub fn fail(mut self, error: &str, now: DateTime<Utc>) -> Result<Change<Self>, NotRunning> {
        if self.status != ChannelStatus::Running {
            return Err(NotRunning(self.status));
        }
        self.status = ChannelStatus::Failed;
        self.error = Some(error.to_owned());
        self.updated_at = now;
        Ok(self.told(now))
    }

    /// Deletes the channel with its secrets. Its replies that are not known to be sent fail.
    pub fn delete(mut self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        self.status = ChannelStatus::Stopped;
        self.updated_at = now;
        let id = self.id;
        let kind = self.kind;
        let name = self.name.clone();

        let change = Change::of(self.workspace_id, Deleted(self));
        match kind {
            ChannelKind::Telegram => change.telling(Event::BotDeleted { bot_id: id }, now).done_by(
                by,
                &BotDeleted { bot: id, username: name },
                now,
            ),
            ChannelKind::Api => change
                .telling(Event::ChannelDeleted { channel_id: id }, now)
                .done_by(by, &ChannelDeleted { channel: id, kind, name }, now),
        }
    }

    fn told(self, now: DateTime<Utc>) -> Change<Self> {
        let error = self.error.clone();
        let event = match self.kind {
            ChannelKind::Telegram => {
                Event::BotStatus { bot_id: self.id, status: self.status, error }
            }
            ChannelKind::Api => Event::ChannelStatus {
                channel_id: self.id,
                kind: self.kind,
                status: self.status,
                error,
            },
        };
        Change::of(self.workspace_id, self).telling(event, now)
    }
}

impl Bot {
    /// Adds the bot.
    pub fn create(
        self,
        token_sealed: Vec<u8>,
        hook_path: String,
        takeover: Takeover,
        by: &Actor,
    ) -> Change<New<NewBot>> {
        let at = self.created_at;
        let act = BotCreated {
            bot: self.id,
            username: self.username.clone(),
            assistant_id: self.assistant_id,
            taken_over: takeover == Takeover::FromOther,
        };
        let change = self.told(at).done_by(by, &act, at);
        change.with(|bot| New(NewBot { bot, token_sealed, hook_path }))
    }

    /// Has a newer token where it is. An earlier failure is forgotten; a bot that was stopped stays
    /// so.
    pub fn renew_token(
        mut self,
        token_sealed: Vec<u8>,
        username: String,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Change<BotWithToken> {
        if self.status == ChannelStatus::Failed {
            self.status = ChannelStatus::Running;
        }
        self.error = None;
        self.username = username;
        self.updated_at = now;
        self.replace_token(token_sealed, Takeover::None, by)
    }

    /// Runs with a newer token, also if it had moved away.
    pub fn replace_token(
        self,
        token_sealed: Vec<u8>,
        takeover: Takeover,
        by: &Actor,
    ) -> Change<BotWithToken> {
        let at = self.updated_at;
        let act = BotTokenReplaced {
            bot: self.id,
            username: self.username.clone(),
            assistant_id: self.assistant_id,
            taken_over: takeover == Takeover::FromOther,
        };
        self.told(at).done_by(by, &act, at).with(|bot| BotWithToken { bot, token_sealed })
    }

    /// Belongs to somebody else, who showed a newer token; `error` tells its owner so. The audit
    /// log does not tell who.
    pub fn move_away(mut self, error: &str, now: DateTime<Utc>) -> Change<MovedAway> {
        self.status = ChannelStatus::Failed;
        self.error = Some(error.to_owned());
        self.updated_at = now;
        let act = BotMovedAway { bot: self.id, username: self.username.clone() };
        self.told(now).done_by(&Actor::system(), &act, now).with(MovedAway)
    }

    /// Runs. An earlier failure is forgotten. `None`: it does.
    pub fn start(mut self, by: &Actor, now: DateTime<Utc>) -> Option<Change<Self>> {
        if self.status == ChannelStatus::Running && self.error.is_none() {
            return None;
        }
        self.status = ChannelStatus::Running;
        self.error = None;
        let act = BotStarted { bot: self.id, username: self.username.clone(), mode: self.mode };
        Some(self.altered(by, &act, now))
    }

    /// Runs no longer. `None`: it does not.
    pub fn stop(mut self, by: &Actor, now: DateTime<Utc>) -> Option<Change<Self>> {
        if self.status == ChannelStatus::Stopped {
            return None;
        }
        self.status = ChannelStatus::Stopped;
        let act = BotStopped { bot: self.id, username: self.username.clone(), mode: self.mode };
        Some(self.altered(by, &act, now))
    }

    /// Receives its updates in another way. `None`: it does already.
    pub fn set_mode(
        mut self,
        mode: BotMode,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Option<Change<Self>> {
        if self.mode == mode {
            return None;
        }
        self.mode = mode;
        let act = BotUpdated { bot: self.id, username: self.username.clone(), mode };
        Some(self.altered(by, &act, now))
    }

    /// Answers these commands with fixed texts. `None`: it does already.
    pub fn set_commands(
        mut self,
        commands: Vec<OwnerCommand>,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Option<Change<Self>> {
        if self.commands == commands {
            return None;
        }
        self.commands = commands;
        let names = self.commands.iter().map(|command| command.command.clone());
        let act = BotCommandsChanged {
            bot: self.id,
            username: self.username.clone(),
            commands: names.collect(),
        };
        Some(self.altered(by, &act, now))
    }

    /// Cannot run until its owner acts; `error` in a sentence for them.
    ///
    /// # Errors
    ///
    /// [`NotRunning`].
    pub fn fail(mut self, error: &str, now: DateTime<Utc>) -> Result<Change<Self>, NotRunning> {
        if self.status != ChannelStatus::Running {
            return Err(NotRunning(self.status));
        }
        self.status = ChannelStatus::Failed;
        self.error = Some(error.to_owned());
        self.updated_at = now;
        Ok(self.told(now))
    }

    fn altered<A>(mut self, by: &Actor, act: &A, now: DateTime<Utc>) -> Change<Self>
    where
        A: Act<Log = WorkspaceLog>,
    {
        self.updated_at = now;
        self.told(now).done_by(by, act, now)
    }

    fn told(self, now: DateTime<Utc>) -> Change<Self> {
        let event =
            Event::BotStatus { bot_id: self.id, status: self.status, error: self.error.clone() };
        Change::of(self.workspace_id, self).telling(event, now)
    }
}
