//! Updates as the server gives them, read by us.

use std::time::{Duration, Instant};

use replyx_channels::telegram::{
    TelegramError,
    inbound::{self, BotIdentity, Read},
};
use replyx_core::channel::{ChatKind, Inbound, InboundContent};
use serde_json::json;

use crate::World;

const US: BotIdentity<'_> = BotIdentity { id: 42, username: "shop_bot" };

impl World {
    async fn read_all(&self) -> Vec<Read> {
        let updates = self.client.get_updates(None, 0, 100).await.unwrap();
        updates.iter().map(|update| inbound::read(update, US)).collect()
    }

    async fn inbound(&self) -> Vec<Inbound> {
        let read = self.read_all().await;
        read.into_iter()
            .map(|read| match read {
                Read::Inbound(inbound) => inbound,
                Read::Ignored { reason, .. } => panic!("ignored: {reason}"),
            })
            .collect()
    }
}

#[tokio::test]
async fn an_offset_confirms_what_is_below_it() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    let ids: Vec<i64> = (0..5).map(|n| chat.say(&format!("message {n}"))).collect();

    let first = world.client.get_updates(None, 0, 2).await.unwrap();
    assert_eq!(first.iter().map(|update| update.update_id).collect::<Vec<_>>(), ids[..2]);
    let again = world.client.get_updates(None, 0, 2).await.unwrap();
    assert_eq!(again, first);
    let rest = world.client.get_updates(Some(ids[1] + 1), 0, 100).await.unwrap();
    assert_eq!(rest.iter().map(|update| update.update_id).collect::<Vec<_>>(), ids[2..]);
    assert_eq!(world.bot.pending_updates(), 3);
}

#[tokio::test]
async fn a_poll_may_wait_longer_than_an_answer_may_take() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    let began = Instant::now();
    let late = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        chat.say("late")
    };
    let (read, _) = tokio::join!(world.client.get_updates(None, 2, 100), late);
    assert_eq!(read.unwrap().len(), 1);
    assert!(began.elapsed() >= Duration::from_millis(900));
    let none = world.client.get_updates(Some(i64::from(u32::MAX)), 1, 100).await.unwrap();
    assert_eq!(none, []);
}

#[tokio::test]
async fn two_pollers_are_told_apart_from_a_webhook() {
    let world = World::start().await;
    let first = tokio::spawn({
        let client = world.client.clone();
        async move { client.get_updates(None, 5, 100).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second = world.client.get_updates(None, 0, 100).await;
    let first = first.await.unwrap();
    let conflicts = [first.err(), second.err()].into_iter().flatten().collect::<Vec<_>>();
    assert!(matches!(conflicts[..], [TelegramError::Conflict { webhook: false }]), "{conflicts:?}");
}

#[tokio::test]
async fn a_private_conversation_is_understood() {
    let world = World::start().await;
    let chat = world.bot.person(7, "Анна", "ru");
    chat.say("/start promo");
    chat.say("Где мой заказ?");
    chat.send(json!({"voice": {"file_id": "a", "file_unique_id": "b", "duration": 3}}));
    chat.block();
    chat.unblock();

    let read = world.inbound().await;
    assert!(read.iter().all(|inbound| inbound.address == 7.into()
        && inbound.chat_kind == ChatKind::Private
        && inbound.display_name == "Анна"
        && inbound.language_code.as_deref() == Some("ru")
        && inbound.sent_at.timestamp() > 1_700_000_000));
    let mut content = read.into_iter().map(|inbound| inbound.content);
    assert!(matches!(content.next(), Some(InboundContent::Start { .. })));
    assert!(
        matches!(content.next(), Some(InboundContent::Text { text, .. }) if text == "Где мой заказ?")
    );
    let voice = content.next();
    assert!(matches!(voice, Some(InboundContent::Attachment { caption: None, .. })), "{voice:?}");
    assert_eq!(content.next(), Some(InboundContent::Blocked));
    assert_eq!(content.next(), Some(InboundContent::Unblocked));
    assert_eq!(content.next(), None);
}

#[tokio::test]
async fn a_group_is_heard_only_when_it_speaks_to_us() {
    let world = World::start().await;
    let group = world.bot.group(-1_000_000_000_005, "Shop");
    group.say_as(11, "hello all");
    group.say_as(11, "@shop_bot when do you open?");
    group.block();

    let read = world.read_all().await;
    assert!(matches!(read[0], Read::Ignored { reason: "not_addressed", .. }));
    let Read::Inbound(inbound) = &read[1] else { panic!("{:?}", read[1]) };
    assert_eq!(
        (inbound.chat_kind, &inbound.address),
        (ChatKind::Group, &"-1000000000005@11".into())
    );
    assert_eq!(inbound.display_name, "Member 11");
    let InboundContent::Text { text, .. } = &inbound.content else { panic!() };
    assert_eq!(text, "when do you open?");
    assert!(matches!(read[2], Read::Ignored { reason: "group_membership", .. }));
}

#[tokio::test]
async fn odd_updates_are_ignored_and_the_others_are_read() {
    let world = World::start().await;
    let odd = world.bot.send_odd_update(json!({"message": {"text": ["not", "text"]}}));
    world.bot.customer(7).say("hi");
    let read = world.read_all().await;
    assert_eq!(read[0], Read::Ignored { update_id: odd, reason: "no_sender" });
    assert!(matches!(&read[1], Read::Inbound(_)));
}
