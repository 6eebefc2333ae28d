use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use replyx_core::{
    event::{Event, Recorded},
    fixtures,
    ids::{ChannelId, DialogId, MessageId, WorkspaceId},
    job::Kind,
    message::Message,
};
use replyx_storage::{
    Committed, Db, Listener,
    fair::Places,
    on_every_db,
    testing::{self, TestDb},
    turns::Attempts,
};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tokio::{task::JoinSet, time::timeout};

use crate::given::{self, at, id};

fn event() -> Event {
    Event::BotDeleted { bot_id: id::<ChannelId>() }
}

async fn new_workspace(db: &Db) -> WorkspaceId {
    let workspace = given::workspace();
    commit!(db, |tx| given::found(&mut tx, &workspace));
    workspace.id
}

async fn after(db: &Db, workspace: WorkspaceId, seq: i64) -> Vec<Recorded> {
    read!(db, |tx| tx.workspace(workspace).events().after(seq, 100))
}

/// Records events in one transaction and commits it.
async fn record(db: &Db, workspace: WorkspaceId, events: &[Event]) -> Committed {
    let mut tx = db.begin().await.unwrap();
    for event in events {
        tx.apply(fixtures::event(workspace, event.clone(), at(1))).await.unwrap();
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
                tx.apply(fixtures::event(workspace, event(), at(writer))).await.unwrap();
                tx.apply(fixtures::event(workspace, event(), at(writer))).await.unwrap();
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
    undone.apply(fixtures::event(workspace, event(), at(2))).await.unwrap();
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
    tx.apply(fixtures::event(two, event(), at(1))).await.unwrap();
    tx.apply(fixtures::event(one, event(), at(1))).await.unwrap();
    let mut committed = tx.commit().await.unwrap().events;
    committed.sort_by_key(|(workspace, _)| *workspace != one);
    assert_eq!(committed, [(one, 3), (two, 1)]);
}

#[on_every_db]
async fn an_event_of_no_workspace_fails_the_transaction(home: &TestDb) {
    let workspace = new_workspace(&home.db).await;
    let mut tx = home.db.begin().await.unwrap();
    tx.apply(fixtures::event(workspace, event(), at(1))).await.unwrap();
    tx.apply(fixtures::event(id(), event(), at(1))).await.unwrap();
    assert!(tx.commit().await.is_err());
    assert_eq!(after(&home.db, workspace, 0).await, []);
}

/// The later one to commit gets the later number, whoever recorded first.
#[tokio::test]
async fn numbers_follow_commits_and_not_records_on_postgres() {
    let home = testing::postgres().await;
    let workspace = new_workspace(&home.db).await;
    let slow = event();
    let quick = event();
    let mut first = home.db.begin().await.unwrap();
    first.apply(fixtures::event(workspace, slow.clone(), at(1))).await.unwrap();
    record(&home.db, workspace, std::slice::from_ref(&quick)).await;
    assert_eq!(after(&home.db, workspace, 0).await.len(), 1);
    first.commit().await.unwrap();
    let log: Vec<_> = after(&home.db, workspace, 0).await.into_iter().map(|e| e.event).collect();
    assert_eq!(log, [quick, slow]);
}

#[tokio::test]
async fn the_events_of_a_transaction_are_stored_with_one_statement_on_postgres() {
    let home = testing::postgres().await;
    let one = new_workspace(&home.db).await;
    let two = new_workspace(&home.db).await;
    for sql in [
        "CREATE TABLE counted (rows BIGINT)",
        "CREATE FUNCTION count_events() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN INSERT INTO counted SELECT COUNT(*) FROM added; RETURN NULL; END $$",
        "CREATE TRIGGER counting AFTER INSERT ON events REFERENCING NEW TABLE AS added
         FOR EACH STATEMENT EXECUTE FUNCTION count_events()",
    ] {
        given::tamper(&home.url, sql).await;
    }

    let mut tx = home.db.begin().await.unwrap();
    for seconds in 0..50 {
        for workspace in [one, two] {
            tx.apply(fixtures::event(workspace, event(), at(seconds))).await.unwrap();
        }
    }
    tx.commit().await.unwrap();

    assert_eq!(given::numbers(&home.url, "SELECT rows FROM counted").await, [100]);
    for workspace in [one, two] {
        let times: Vec<_> = after(&home.db, workspace, 0).await.iter().map(|e| e.at).collect();
        assert_eq!(times, (0..50).map(at).collect::<Vec<_>>());
    }
}

/// The first one has its number but has not committed: nobody may show a later number before it.
#[tokio::test]
async fn nobody_overtakes_a_commit_that_is_under_way_on_postgres() {
    let home = testing::postgres().await;
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
    let turns = Committed { turns: true, turns_due: vec![at(1)], ..Committed::default() };
    assert_eq!(ear.heard(), [turns]);

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
    commit!(db, |tx| tx.workspace(tenant.id).jobs().enqueue(id(), Kind::light("x"), &job, at(1)));
    assert_eq!(ear.heard(), [Committed { jobs: true, ..Committed::default() }]);

    tenant.reply::<1>(&db, 1).await;
    assert_eq!(ear.heard(), [Committed { outbox: true, ..Committed::default() }]);

    commit!(db, |tx| tx.apply(tenant.bot.clone().fail("gone", at(1)).unwrap()));
    let heard = ear.heard();
    assert!(heard.len() == 1 && heard[0].bots && heard[0].outbox, "{heard:?}");
    assert_eq!(heard[0].events, [(tenant.id, 4)]);

    read!(db, |tx| tx.workspace(tenant.id).events().head());
    assert_eq!(ear.heard(), []);
}

/// All stored payloads, oldest first.
async fn payloads(url: &str) -> Vec<String> {
    let sql = "SELECT CAST(payload AS TEXT) FROM events ORDER BY workspace_id, seq";
    let rows: Vec<(String,)> = if let Some(path) = url.strip_prefix("sqlite:") {
        let mut conn = SqliteConnection::connect(path).await.unwrap();
        sqlx::query_as(sql).fetch_all(&mut conn).await.unwrap()
    } else {
        let mut conn = PgConnection::connect(url).await.unwrap();
        sqlx::query_as(sql).fetch_all(&mut conn).await.unwrap()
    };
    rows.into_iter().map(|(payload,)| payload).collect()
}

/// A customer said something, with these words at hand.
fn said(message: &Message, text: Option<&str>) -> Event {
    Event::MessageStored {
        dialog_id: message.dialog_id,
        message_id: message.id,
        seq: message.seq,
        author: message.author,
        text: text.map(str::to_owned),
    }
}

#[on_every_db]
async fn words_are_read_from_their_message_and_are_gone_with_it(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    let message = Message { text: "мой адрес".to_owned(), ..tenant.message.clone() };
    commit!(home.db, |tx| tx.apply(given::said(&message)));
    let head = read!(home.db, |tx| tx.workspace(tenant.id).events().head());
    record(&home.db, tenant.id, &[said(&message, Some("what somebody believes was said"))]).await;
    let shown = async || after(&home.db, tenant.id, head).await.remove(0).event;

    assert_eq!(shown().await, said(&message, Some("мой адрес")));
    let stored = payloads(&home.url).await.join("\n");
    assert!(!stored.contains("адрес") && !stored.contains("believes"), "{stored}");

    given::tamper(&home.url, "DELETE FROM messages").await;
    assert_eq!(shown().await, said(&message, None));
}

#[on_every_db]
async fn the_events_of_a_dialog_are_found_by_an_index(home: &TestDb) {
    let tenant = given::tenant(&home.db).await;
    let started = |dialog, seq| Event::TurnStarted { dialog_id: dialog, seq, attempt: 1 };
    let ours: DialogId = id();
    let theirs: DialogId = id();
    let mut tx = home.db.begin().await.unwrap();
    for seq in 0..1_000 {
        let dialog = if seq % 100 == 0 { ours } else { theirs };
        tx.apply(fixtures::event(tenant.id, started(dialog, seq), at(seq))).await.unwrap();
        tx.apply(fixtures::event(tenant.id, event(), at(seq))).await.unwrap();
    }
    tx.commit().await.unwrap();

    let page = async |after| {
        let found = read!(home.db, |tx| tx.workspace(tenant.id).events().of_dialog(ours, after, 6));
        let seqs: Vec<i64> = found
            .iter()
            .map(|recorded| match recorded.event {
                Event::TurnStarted { dialog_id, seq, .. } if dialog_id == ours => seq,
                _ => panic!("{recorded:?}"),
            })
            .collect();
        (seqs, found.last().unwrap().seq)
    };
    let (first, last) = page(0).await;
    assert_eq!(first, [0, 100, 200, 300, 400, 500]);
    assert_eq!(page(last).await.0, [600, 700, 800, 900]);
    let nobodys = read!(home.db, |tx| tx.workspace(id()).events().of_dialog(ours, 0, 9));
    assert_eq!(nobodys, []);

    given::tamper(&home.url, "ANALYZE").await;
    let plan = testing::plan_of_dialog_events(&home.url).await;
    assert!(plan.contains("events_of_dialog"), "{plan}");
}

#[on_every_db]
async fn an_upgrade_finds_subjects_and_forgets_words_and_can_be_taken_back(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    commit!(db, |tx| tx.apply(given::said(&tenant.message)));
    let head = read!(db, |tx| tx.workspace(tenant.id).events().head());
    let newer = db.migrations().await.unwrap().iter().filter(|step| step.number >= 13).count();
    db.migrate_down(newer).await.unwrap();

    let missing: MessageId = id();
    let dialog = tenant.dialog.id;
    let old = [
        serde_json::to_string(&said(&tenant.message, Some("a secret"))).unwrap(),
        format!(
            r#"{{"type": "reply.settled", "dialog_id": "{dialog}", "message_id": "{missing}",
                 "seq": 2, "outcome": "answered", "text": "another secret"}}"#
        ),
        format!(
            r#"{{"type": "message.delivered", "dialog_id": "{dialog}", "message_id": "{missing}",
                 "uncertain": 0}}"#
        ),
        format!(r#"{{"type": "bot.deleted", "bot_id": "{missing}"}}"#),
    ];
    for (number, payload) in (1..).zip(&old) {
        let sql = format!(
            "INSERT INTO events (workspace_id, seq, payload, created_at)
             SELECT workspace_id, {}, '{payload}', created_at FROM events WHERE seq = 1",
            head + number,
        );
        assert_eq!(given::tamper(&home.url, &sql).await, 1);
    }

    db.migrate().await.unwrap();
    let log = after(db, tenant.id, head).await;
    assert_eq!(log[0].event, said(&tenant.message, Some(&tenant.message.text)));
    assert!(matches!(&log[1].event, Event::ReplySettled { text: None, .. }), "its message is gone");
    assert_eq!(log.len(), old.len());
    let of_dialog = read!(db, |tx| tx.workspace(tenant.id).events().of_dialog(dialog, head, 9));
    assert_eq!(of_dialog, log[..3]);
    assert!(!payloads(&home.url).await.join("\n").contains("secret"));

    db.migrate_down(newer).await.unwrap();
    let stored = payloads(&home.url).await;
    let text = |payload: &String| {
        let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
        payload["text"].as_str().map(str::to_owned)
    };
    let first = usize::try_from(head).unwrap();
    assert_eq!(text(&stored[first]), Some(tenant.message.text.clone()));
    assert_eq!(text(&stored[first + 1]), Some(String::new()));
    assert_eq!(text(&stored[first + 2]), None);
    db.migrate().await.unwrap();
    assert_eq!(after(db, tenant.id, head).await, log);
}
