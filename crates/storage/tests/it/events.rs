use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use replyx_core::{
    event::{Event, Recorded},
    ids::{ChannelId, WorkspaceId},
};
use replyx_storage::{
    Committed, Db, Listener, fair::Places, on_every_db, testing::TestDb, turns::Attempts,
};
use sqlx::{Connection, PgConnection};
use tokio::{task::JoinSet, time::timeout};

use crate::given::{self, at, id};

fn event() -> Event {
    Event::BotDeleted { bot_id: id::<ChannelId>() }
}

async fn new_workspace(db: &Db) -> WorkspaceId {
    let workspace = given::workspace();
    commit!(db, |tx| tx.system().workspaces().insert(&workspace));
    workspace.id
}

async fn after(db: &Db, workspace: WorkspaceId, seq: i64) -> Vec<Recorded> {
    read!(db, |tx| tx.workspace(workspace).events().after(seq, 100))
}

/// Records events in one transaction and commits it.
async fn record(db: &Db, workspace: WorkspaceId, events: &[Event]) -> Committed {
    let mut tx = db.begin().await.unwrap();
    for event in events {
        tx.record(workspace, event.clone(), at(1));
    }
    tx.commit().await.unwrap()
}

#[on_every_db]
async fn an_event_comes_back_as_it_was_recorded(home: &TestDb) {
    let workspace = new_workspace(&home.db).await;
    let events = [
        event(),
        Event::BotStatus {
            bot_id: id(),
            status: replyx_core::channel::ChannelStatus::Failed,
            error: Some("токен \"отозван\"".to_owned()),
        },
    ];
    let committed = record(&home.db, workspace, &events).await;
    assert_eq!(committed.events, [(workspace, 2)]);
    let [first, second] = events;
    assert_eq!(
        after(&home.db, workspace, 0).await,
        [
            Recorded { seq: 1, at: at(1), event: first },
            Recorded { seq: 2, at: at(1), event: second.clone() },
        ]
    );
    assert_eq!(after(&home.db, workspace, 1).await.len(), 1);
    assert_eq!(after(&home.db, workspace, 2).await, []);
    let limited = read!(home.db, |tx| tx.workspace(workspace).events().after(0, 1));
    assert_eq!(limited.len(), 1);
    assert_eq!(read!(home.db, |tx| tx.workspace(workspace).events().head()), 2);
}

#[on_every_db]
async fn sixteen_transactions_number_without_gaps_before_a_reader_s_eyes(home: &TestDb) {
    let db = &home.db;
    let workspace = new_workspace(db).await;
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let db = db.clone();
        writers.spawn(async move {
            for _ in 0..3 {
                let mut tx = db.begin().await.unwrap();
                tx.record(workspace, event(), at(writer));
                tx.record(workspace, event(), at(writer));
                tokio::task::yield_now().await;
                if writer % 4 == 0 {
                    drop(tx);
                } else {
                    tx.commit().await.unwrap();
                }
            }
        });
    }
    let mut last = 0;
    timeout(Duration::from_mins(1), async {
        while last < 72 {
            for recorded in after(db, workspace, last).await {
                assert_eq!(recorded.seq, last + 1, "the reader missed an event");
                last = recorded.seq;
            }
        }
    })
    .await
    .unwrap();
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    assert_eq!(read!(db, |tx| tx.workspace(workspace).events().head()), 72);
}

#[on_every_db]
async fn a_transaction_that_is_undone_uses_no_number(home: &TestDb) {
    let workspace = new_workspace(&home.db).await;
    record(&home.db, workspace, &[event()]).await;
    let mut undone = home.db.begin().await.unwrap();
    undone.record(workspace, event(), at(2));
    drop(undone);
    record(&home.db, workspace, &[event()]).await;
    let seqs: Vec<_> = after(&home.db, workspace, 0).await.iter().map(|e| e.seq).collect();
    assert_eq!(seqs, [1, 2]);
}

#[on_every_db]
async fn workspaces_have_their_own_numbers(home: &TestDb) {
    let one = new_workspace(&home.db).await;
    let two = new_workspace(&home.db).await;
    record(&home.db, one, &[event(), event()]).await;
    let mut tx = home.db.begin().await.unwrap();
    tx.record(two, event(), at(1));
    tx.record(one, event(), at(1));
    let mut committed = tx.commit().await.unwrap().events;
    committed.sort_by_key(|(workspace, _)| *workspace != one);
    assert_eq!(committed, [(one, 3), (two, 1)]);
}

#[on_every_db]
async fn an_event_of_no_workspace_fails_the_transaction(home: &TestDb) {
    let workspace = new_workspace(&home.db).await;
    let mut tx = home.db.begin().await.unwrap();
    tx.record(workspace, event(), at(1));
    tx.record(id(), event(), at(1));
    assert!(tx.commit().await.is_err());
    assert_eq!(after(&home.db, workspace, 0).await, []);
}

/// The later one to commit gets the later number, whoever recorded first.
#[tokio::test]
async fn numbers_follow_commits_and_not_records_on_postgres() {
    let home = replyx_storage::testing::postgres().await;
    let workspace = new_workspace(&home.db).await;
    let slow = event();
    let quick = event();
    let mut first = home.db.begin().await.unwrap();
    first.record(workspace, slow.clone(), at(1));
    record(&home.db, workspace, std::slice::from_ref(&quick)).await;
    assert_eq!(after(&home.db, workspace, 0).await.len(), 1);
    first.commit().await.unwrap();
    let log: Vec<_> = after(&home.db, workspace, 0).await.into_iter().map(|e| e.event).collect();
    assert_eq!(log, [quick, slow]);
}

/// The first one has its number but has not committed: nobody may show a later number before it.
#[tokio::test]
async fn nobody_overtakes_a_commit_that_is_under_way_on_postgres() {
    let home = replyx_storage::testing::postgres().await;
    let workspace = new_workspace(&home.db).await;
    let mut under_way = PgConnection::connect(&home.url).await.unwrap();
    let mut under_way = under_way.begin().await.unwrap();
    sqlx::query("UPDATE event_heads SET seq = seq + 1").execute(&mut *under_way).await.unwrap();

    let db = home.db.clone();
    let mut second = tokio::spawn(async move { record(&db, workspace, &[event()]).await });
    assert!(timeout(Duration::from_millis(200), &mut second).await.is_err(), "it must wait");
    assert_eq!(after(&home.db, workspace, 0).await, []);
    sqlx::query(
        "INSERT INTO events (workspace_id, seq, payload, created_at)
         SELECT workspace_id, seq, '{\"type\": \"bot.deleted\", \"bot_id\":
                \"01890a5d-ac96-774b-bcce-b302099a8057\"}', now() FROM event_heads",
    )
    .execute(&mut *under_way)
    .await
    .unwrap();
    under_way.commit().await.unwrap();
    assert_eq!(second.await.unwrap().events, [(workspace, 2)]);
    assert_eq!(after(&home.db, workspace, 0).await.len(), 2);
}

/// Keeps what it hears, and what the log held at that moment.
#[derive(Default)]
struct Ear(Mutex<Vec<Committed>>);

impl Listener for Ear {
    fn committed(&self, what: &Committed) {
        self.0.lock().unwrap().push(what.clone());
    }
}

impl Ear {
    fn heard(&self) -> Vec<Committed> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[on_every_db]
async fn the_listener_hears_exactly_what_was_done_and_only_after_the_commit(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    let ear = Arc::new(Ear::default());
    let db = home.db.clone().with_listener(ear.clone());

    let mut tx = db.begin().await.unwrap();
    tx.workspace(tenant.id).turns().request(tenant.dialog.id, at(1), at(2)).await.unwrap();
    assert_eq!(ear.heard(), []);
    drop(tx);
    assert_eq!(ear.heard(), [], "it was undone");

    commit!(db, |tx| tx.workspace(tenant.id).turns().request(tenant.dialog.id, at(1), at(2)));
    assert_eq!(ear.heard(), [Committed { turns: true, ..Committed::default() }]);

    let by = given::process(&home.db, at(0)).await;
    commit!(db, |tx| tx.system().turns().claim(by, at(2), Places::of(5)));
    commit!(db, |tx| tx.workspace(tenant.id).turns().request(tenant.dialog.id, at(1), at(2)));
    commit!(db, |tx| tx.workspace(tenant.id).turns().hand_back(
        tenant.dialog.id,
        id(),
        at(1),
        Attempts::Reset
    ));
    let nothing = std::array::from_fn::<_, 3, _>(|_| Committed::default());
    assert_eq!(ear.heard(), nothing, "nothing was queued");

    let job = serde_json::json!({});
    commit!(db, |tx| tx.workspace(tenant.id).jobs().enqueue(id(), "x", &job, at(1)));
    assert_eq!(ear.heard(), [Committed { jobs: true, ..Committed::default() }]);

    tenant.reply::<1>(&db, 1).await;
    assert_eq!(ear.heard(), [Committed { outbox: true, ..Committed::default() }]);

    commit!(db, |tx| tx.workspace(tenant.id).bots().save(&tenant.bot));
    let heard = ear.heard();
    assert!(heard.len() == 1 && heard[0].bots && heard[0].outbox, "{heard:?}");
    assert_eq!(heard[0].events, [(tenant.id, 4)]);

    read!(db, |tx| tx.workspace(tenant.id).events().head());
    assert_eq!(ear.heard(), []);
}
