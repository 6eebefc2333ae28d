use proptest::prelude::*;

use super::*;
use crate::{audit::ActorKind, clock::Clock};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn bot() -> Bot {
    let clock = Clock::manual(at(0));
    Bot {
        id: clock.id(),
        workspace_id: clock.id(),
        assistant_id: clock.id(),
        telegram_id: 7,
        username: "shop_bot".to_owned(),
        mode: BotMode::Auto,
        commands: Vec::new(),
        status: ChannelStatus::Running,
        error: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn channel(kind: ChannelKind) -> Channel {
    let clock = Clock::manual(at(0));
    Channel {
        id: clock.id(),
        workspace_id: clock.id(),
        assistant_id: clock.id(),
        kind,
        name: "app".to_owned(),
        status: ChannelStatus::Running,
        error: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn told<T>(change: &Change<T>) -> Vec<&'static str> {
    let acts = change.acts().iter().map(|act| match act.action.as_str() {
        "bot.deleted" => "act bot.deleted",
        "channel.deleted" => "act channel.deleted",
        "channel.created" => "act channel.created",
        other => panic!("{other}"),
    });
    change.events().map(Event::name).chain(acts).collect()
}

#[test]
fn a_channel_is_told_as_what_it_is() {
    let by = Actor::command_line();
    let app = channel(ChannelKind::Api);
    assert_eq!(told(&app.clone().create(&by)), ["channel.status", "act channel.created"]);
    assert_eq!(told(&app.delete(&by, at(1))), ["channel.deleted", "act channel.deleted"]);

    let bot = channel(ChannelKind::Telegram);
    assert_eq!(told(&bot.clone().fail("the token was revoked", at(1)).unwrap()), ["bot.status"]);
    assert_eq!(told(&bot.delete(&by, at(1))), ["bot.deleted", "act bot.deleted"]);
}

#[test]
fn the_owner_who_loses_a_bot_does_not_learn_to_whom() {
    let change = bot().move_away("it was connected elsewhere", at(1));
    assert_eq!(change.acts()[0].action, "bot.moved_away");
    assert_eq!(change.acts()[0].actor, ActorKind::System);
    let MovedAway(bot) = change.state();
    assert_eq!(bot.status, ChannelStatus::Failed);
}

#[derive(Clone, Copy, Debug)]
enum Happens {
    Start,
    Stop,
    SetMode(BotMode),
    Fail,
}

fn happen(bot: Bot, what: Happens, now: DateTime<Utc>) -> Option<Change<Bot>> {
    let by = Actor::command_line();
    match what {
        Happens::Start => bot.start(&by, now),
        Happens::Stop => bot.stop(&by, now),
        Happens::SetMode(mode) => bot.set_mode(mode, &by, now),
        Happens::Fail => bot.fail("the token was revoked", now).ok(),
    }
}

proptest! {
    /// In any order: what changes nothing is not told, only what runs can fail, and a bot that runs
    /// has no error.
    #[test]
    fn a_bot_stays_sound_in_any_order(
        all in prop::collection::vec(
            prop::sample::select(vec![
                Happens::Start,
                Happens::Stop,
                Happens::SetMode(BotMode::Polling),
                Happens::SetMode(BotMode::Webhook),
                Happens::Fail,
            ]),
            0..40,
        )
    ) {
        let mut bot = bot();
        for (what, now) in all.into_iter().zip(1..) {
            let before = bot.clone();
            let Some(change) = happen(bot, what, at(now)) else {
                bot = before;
                continue;
            };
            let events = change.events().count();
            let acts = change.acts().len();
            bot = change.into_parts().state;

            prop_assert!(bot.status != before.status || bot.mode != before.mode || bot.error != before.error);
            prop_assert_eq!(events, 1);
            prop_assert_eq!(acts, usize::from(!matches!(what, Happens::Fail)));
            if bot.status == ChannelStatus::Running {
                prop_assert_eq!(&bot.error, &None);
            }
            if matches!(what, Happens::Fail) {
                prop_assert_eq!(before.status, ChannelStatus::Running);
            }
        }
    }
}
