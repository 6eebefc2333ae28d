use chrono::{DateTime, Utc};
use replyx_core::{
    act::Actor,
    bot::{Bot, BotMode},
    change::{Change, Deleted},
    channel::{Channel, ChannelStatus},
    event::Event,
    fixtures,
    rules::channel::BotWithToken,
};
use replyx_storage::{Db, StorageError, on_every_db, testing::TestDb};

use crate::given::{self, Tenant, at, id};

async fn find(db: &Db, tenant: &Tenant) -> Option<Bot> {
    read!(db, |tx| tx.workspace(tenant.id).bots().find(tenant.bot.id))
}

async fn insert(db: &Db, bot: &Bot, hook: &str) -> Result<(), StorageError> {
    let mut tx = db.begin().await.unwrap();
    tx.apply(fixtures::registered(bot.clone(), b"sealed", hook)).await?;
    tx.commit().await.map(drop)
}

fn deleted(bot: &Bot, now: DateTime<Utc>) -> Change<Deleted<Channel>> {
    fixtures::channel_of(bot).delete(&Actor::command_line(), now)
}

#[on_every_db]
async fn a_bot_comes_back_as_it_was_stored(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    assert_eq!(find(db, &tenant).await.as_ref(), Some(&tenant.bot));
    let changed = Bot {
        mode: BotMode::Polling,
        status: ChannelStatus::Failed,
        error: Some("the token was revoked".to_owned()),
        updated_at: at(5),
        ..tenant.bot.clone()
    };
    commit!(db, |tx| tx.apply(fixtures::unexplained(changed.clone())));
    commit!(db, |tx| tx.workspace(tenant.id).channels().set_poll_offset(changed.id, 1 << 40));
    let found = read!(db, |tx| tx.workspace(tenant.id).bots().credentials(changed.id)).unwrap();
    assert_eq!(found.bot, changed);
    assert_eq!(found.token_sealed, b"sealed");
    assert_eq!((found.hook_path, found.poll_offset), (tenant.hook.clone(), Some(1 << 40)));
    assert_eq!(read!(db, |tx| tx.system().bots().count()), (0, 1));
}

#[on_every_db]
async fn the_installation_runs_a_bot_once(home: &TestDb) {
    let db = &home.db;
    let ours = given::tenant(db).await;
    let theirs = given::tenant(db).await;
    let mut same = given::bot(theirs.id, theirs.assistant.id);
    same.telegram_id = ours.bot.telegram_id;
    let refused = insert(db, &same, "another").await.unwrap_err();
    assert!(refused.is_duplicate(), "{refused:?}");

    commit!(db, |tx| tx.apply(deleted(&ours.bot, at(1))));
    insert(db, &same, "another").await.unwrap();
    let again = Bot { id: id(), ..ours.bot.clone() };
    assert!(insert(db, &again, "third").await.unwrap_err().is_duplicate());
}

#[on_every_db]
async fn a_bot_that_moved_stays_without_its_token_and_may_come_home(home: &TestDb) {
    let db = &home.db;
    let ours = given::tenant(db).await;
    let theirs = given::tenant(db).await;
    let telegram = ours.bot.telegram_id;
    let assistant = ours.assistant.id;
    commit!(db, |tx| tx.apply(ours.bot.clone().move_away("gone", at(1))));

    let left = find(db, &ours).await.unwrap();
    assert_eq!((left.status, left.error.as_deref()), (ChannelStatus::Failed, Some("gone")));
    assert!(read!(db, |tx| tx.workspace(ours.id).bots().has_moved(ours.bot.id)));
    assert!(!read!(db, |tx| tx.workspace(theirs.id).bots().has_moved(ours.bot.id)));
    let credentials = read!(db, |tx| tx.workspace(ours.id).bots().credentials(ours.bot.id));
    assert!(credentials.unwrap().token_sealed.is_empty());
    assert!(read!(db, |tx| tx.system().bots().find_by_hook(&ours.hook)).is_none());
    assert!(read!(db, |tx| tx.system().bots().find_by_telegram_id(telegram)).is_none());
    // It neither runs again by itself nor moves twice.
    let mut tx = db.begin().await.unwrap();
    let running = tx.apply(fixtures::unexplained(ours.bot.clone())).await;
    assert!(matches!(running, Err(StorageError::RowsAffected { actual: 0, .. })));
    let twice = tx.apply(ours.bot.clone().move_away("gone", at(2))).await;
    assert!(matches!(twice, Err(StorageError::RowsAffected { actual: 0, .. })));
    drop(tx);

    let mut same = given::bot(theirs.id, theirs.assistant.id);
    same.telegram_id = telegram;
    insert(db, &same, "another").await.unwrap();
    let holder = read!(db, |tx| tx.system().bots().find_by_telegram_id(telegram));
    assert_eq!(holder.unwrap().bot.id, same.id);
    let mut tx = db.begin().await.unwrap();
    let newer = BotWithToken { bot: ours.bot.clone(), token_sealed: b"new".to_vec() };
    let back = tx.apply(fixtures::unexplained(newer.clone())).await;
    assert!(back.unwrap_err().is_duplicate(), "somebody else has it");
    drop(tx);

    commit!(db, |tx| tx.apply(same.move_away("gone", at(3))));
    let former = commit!(db, |tx| tx.workspace(ours.id).bots().lock_former(telegram, assistant));
    assert_eq!(former.unwrap().id, ours.bot.id);
    commit!(db, |tx| tx.apply(fixtures::unexplained(newer)));
    let holder = read!(db, |tx| tx.system().bots().find_by_telegram_id(telegram)).unwrap();
    assert_eq!((holder.bot.id, holder.token_sealed), (ours.bot.id, b"new".to_vec()));
    assert_eq!(holder.bot.status, ChannelStatus::Running);
}

#[on_every_db]
async fn a_deleted_bot_leaves_no_token_and_is_found_by_nobody(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let id = tenant.bot.id;
    commit!(db, |tx| tx.apply(deleted(&tenant.bot, at(1))));
    let mut tx = db.begin().await.unwrap();
    let again = tx.apply(deleted(&tenant.bot, at(2))).await;
    assert!(matches!(again, Err(StorageError::RowsAffected { actual: 0, .. })));
    drop(tx);
    assert_eq!(find(db, &tenant).await, None);
    assert!(read!(db, |tx| tx.system().bots().find_by_hook(&tenant.hook)).is_none());
    assert!(read!(db, |tx| tx.system().bots().running(None, 9)).is_empty());
    assert_eq!(read!(db, |tx| tx.system().bots().count()), (0, 0));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).channels().count_of(tenant.assistant.id)), 0);
    let lengths =
        given::numbers(&home.url, "SELECT CAST(length(token_sealed) AS BIGINT) FROM telegram_bots")
            .await;
    assert_eq!(lengths, [0]);
    let mut tx = db.begin().await.unwrap();
    let refused = tx.apply(fixtures::unexplained(tenant.bot.clone())).await;
    assert!(matches!(refused, Err(StorageError::RowsAffected { actual: 0, .. })));
    let log = read!(db, |tx| tx.workspace(tenant.id).events().after(2, 9));
    assert_eq!(log.last().unwrap().event, Event::BotDeleted { bot_id: id });
}

#[on_every_db]
async fn the_fleet_sees_every_running_bot_once(home: &TestDb) {
    let db = &home.db;
    let mut expected = Vec::new();
    for number in 0..7 {
        let tenant = given::tenant(db).await;
        if number % 3 == 0 {
            let stopped = Bot { status: ChannelStatus::Stopped, ..tenant.bot };
            commit!(db, |tx| tx.apply(fixtures::unexplained(stopped.clone())));
        } else {
            assert!(read!(db, |tx| tx.system().bots().find_by_hook(&tenant.hook)).is_some());
            expected.push(tenant.bot.id);
        }
    }
    expected.sort();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = read!(db, |tx| tx.system().bots().running(after, 2));
        let Some(last) = page.last() else { break };
        after = Some(last.bot.id);
        found.extend(page.into_iter().map(|found| found.bot.id));
    }
    assert_eq!(found, expected);
    assert_eq!(read!(db, |tx| tx.system().bots().count()), (4, 7));
}
