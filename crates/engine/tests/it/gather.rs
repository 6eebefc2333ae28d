use std::{task::Poll, time::Duration};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
    poll,
};
use replyx_core::ids::ChannelId;
use replyx_engine::intake::{Door, Gatherer, IntakeError};
use replyx_storage::{
    Db, PoolSize, on_every_db,
    testing::{self, TestDb},
};
use tokio::time::timeout;

use crate::{
    given::{LONG, World},
    outage::Wire,
};

/// Hands updates of a customer in, one after the other, and waits for none of them. Returns how
/// many were refused at once, and the others.
async fn hand_in<'g>(
    gatherer: &'g Gatherer,
    world: &World<'_>,
    door: Door,
    count: usize,
) -> (usize, Vec<BoxFuture<'g, Result<(), IntakeError>>>) {
    let mut refused = 0;
    let mut waiting = Vec::new();
    for number in 0..count {
        let mut accepted = gatherer.accept(door, world.text(7, &number.to_string())).boxed();
        match poll!(&mut accepted) {
            Poll::Ready(Err(IntakeError::Full)) => refused += 1,
            Poll::Ready(other) => panic!("update {number} was not stored yet: {other:?}"),
            Poll::Pending => waiting.push(accepted),
        }
    }
    (refused, waiting)
}

#[on_every_db]
async fn past_its_bound_updates_are_refused_at_once_and_the_others_are_stored(db: &TestDb) {
    const UPDATES: usize = 1300;
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let gatherer = Gatherer::start(engine.clone());
    let mut holder = db.db.begin().await.unwrap();
    let contacts = holder.workspace(world.workspace).contacts();
    let first = world.text(7, "first");
    contacts.meet(line.bot.id, &first, world.clock.id(), world.clock.now()).await.unwrap();

    let (refused, mut waiting) = hand_in(&gatherer, &world, line.door, UPDATES).await;
    assert!(refused > 100, "{refused} of {UPDATES} were refused");
    // The first of them are on their way, and cannot be stored yet.
    world.held_up(1).await;
    for accepted in &mut waiting {
        assert!(poll!(accepted).is_pending(), "acknowledged before it was stored");
    }
    drop(holder);

    let stored = waiting.len();
    for outcome in join_all(waiting).await {
        outcome.unwrap();
    }
    let dialog = world.dialog().await;
    assert_eq!(usize::try_from(dialog.last_seq).unwrap(), stored);
    assert_eq!(refused + stored, UPDATES);
}

#[on_every_db]
async fn a_storm_of_one_workspace_leaves_room_for_the_updates_of_others(db: &TestDb) {
    let many = World::open(db).await;
    let one = World::open(db).await;
    let line = many.line().await;
    let other = one.line().await;
    let gatherer = Gatherer::start(many.engine().await);
    let mut holder = db.db.begin().await.unwrap();
    let contacts = holder.workspace(many.workspace).contacts();
    let first = many.text(7, "first");
    contacts.meet(line.bot.id, &first, many.clock.id(), many.clock.now()).await.unwrap();

    // More than there are places, those of a transaction under way included.
    let (refused, storm) = hand_in(&gatherer, &many, line.door, 1_300).await;
    assert!(refused > 1_300 - 1_024, "it fills more than its share: {refused} refused");
    let (refused, calm) = hand_in(&gatherer, &one, other.door, 1).await;
    assert_eq!(refused, 0, "no room is left for others");

    drop(holder);
    for outcome in join_all(storm.into_iter().chain(calm)).await {
        outcome.unwrap();
    }
    assert_eq!(one.messages().await.len(), 1);
}

#[on_every_db]
async fn an_update_that_cannot_be_stored_does_not_spoil_the_others(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    let gatherer = Gatherer::start(engine);
    let nobody = Door { channel_id: world.clock.id::<ChannelId>(), ..line.door };
    // Held up, so that all of them share a transaction.
    let mut holder = db.db.begin().await.unwrap();
    let contacts = holder.workspace(world.workspace).contacts();
    let first = world.text(7, "first");
    contacts.meet(line.bot.id, &first, world.clock.id(), world.clock.now()).await.unwrap();
    let updates = (0..20).map(|number| {
        let door = if number == 5 { nobody } else { line.door };
        let gatherer = &gatherer;
        let update = world.text(7, &number.to_string());
        async move { gatherer.accept(door, update).await }
    });
    // All of them have been handed in when this is looked at.
    let release = async { drop(holder) };
    let (outcomes, ()) = tokio::join!(join_all(updates), release);

    let failed: Vec<_> = outcomes.iter().enumerate().filter(|(_, o)| o.is_err()).collect();
    assert!(matches!(failed[..], [(5, Err(IntakeError::Storage(_)))]), "{failed:?}");
    assert_eq!(world.messages().await.len(), 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nobody_waits_for_the_others_to_fail() {
    let db = testing::postgres().await;
    let world = World::open(&db).await;
    let wire = Wire::to(&db.url);
    let away = Db::open(&wire.url, PoolSize { max: 4 }).await.unwrap();
    let engine = world.engine_on(away, &world.telegram.url(), |_| {}).await;
    let line = world.line().await;
    let gatherer = Gatherer::start(engine);
    wire.proxy.refuse().await;
    wire.proxy.cut_all();

    let updates: Vec<_> = (0..8).map(|n| world.text(7, &n.to_string())).collect();
    let taken = updates.iter().map(|update| gatherer.accept(line.door, update.clone()));
    let outcomes = timeout(Duration::from_secs(28), join_all(taken)).await.expect("none hangs");
    assert!(outcomes.iter().all(Result::is_err));

    wire.proxy.restore().await;
    let again = updates.iter().map(|update| gatherer.accept(line.door, update.clone()));
    let outcomes = timeout(LONG, join_all(again)).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(world.messages().await.len(), 8);
}
