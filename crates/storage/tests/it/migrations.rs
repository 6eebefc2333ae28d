use std::collections::BTreeMap;

use replyx_core::{
    act::Actor,
    change::New,
    dialog::Dialog,
    fixtures,
    job::{Kind, Lane},
};
use replyx_storage::{
    Db, Loss, PoolSize, Schema,
    fair::Places,
    on_every_db,
    testing::{self, TestDb},
};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tokio::task::JoinSet;

use crate::given::{self, Tenant, at, id};

async fn applied(db: &Db) -> Vec<bool> {
    db.migrations().await.unwrap().into_iter().map(|state| state.applied).collect()
}

#[on_every_db]
async fn migrating_again_changes_nothing(home: &TestDb) {
    given::tenant(&home.db).await.fill(&home.db).await;
    let before = given::rows(&home.url, None).await;
    home.db.migrate().await.unwrap();
    home.db.migrate().await.unwrap();
    assert_eq!(given::rows(&home.url, None).await, before);
    assert!(applied(&home.db).await.iter().all(|applied| *applied));
}

#[on_every_db]
async fn every_step_can_be_taken_back_and_again_over_data(home: &TestDb) {
    let db = &home.db;
    let steps = applied(db).await.len();
    let whole = schema(&home.url).await;
    for down in 0..=steps {
        given::tenant(db).await.fill(db).await;
        db.migrate_down(down).await.unwrap();
        let expected: Vec<_> = (0..steps).map(|step| step < steps - down).collect();
        assert_eq!(applied(db).await, expected);
        db.migrate().await.unwrap();
        assert_eq!(schema(&home.url).await, whole);
    }
    // One at a time, and further than there is to go.
    for left in (0..steps).rev() {
        db.migrate_down(1).await.unwrap();
        assert_eq!(applied(db).await.iter().filter(|applied| **applied).count(), left);
    }
    assert!(given::rows(&home.url, None).await.is_empty(), "nothing is left");
    db.migrate_down(99).await.unwrap();
    db.migrate().await.unwrap();
    given::tenant(db).await.fill(db).await;
}

/// A document that is being deleted in steps has rows that nothing but it refers to.
#[on_every_db]
async fn the_steps_of_a_deletion_are_taken_back_whole(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let texts: Vec<String> = (0..1_001).map(|number| format!("Lantern {number} glows")).collect();
    let passages: Vec<_> = texts.iter().map(|text| given::passage(text)).collect();
    let document = given::document(tenant.id, tenant.assistant.id);
    commit!(db, |tx| tx.apply(document.clone().store(b"x")));
    let changes = given::all_new(&passages);
    commit!(db, |tx| tx.workspace(tenant.id).passages().change(document.id, &changes));
    commit!(db, |tx| tx.apply(document.clone().delete(&Actor::system(), at(1))));
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).passages().of(document.id)).len(), 1_001);

    let states = db.migrations().await.unwrap();
    let newer = states.iter().filter(|state| state.number >= 21).count();
    db.migrate_down(newer).await.unwrap();
    db.migrate().await.unwrap();
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).passages().of(document.id)), []);
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).documents().original(document.id)), None);
}

#[on_every_db]
async fn older_bots_get_paths_that_name_them(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let states = db.migrations().await.unwrap();
    let newer = states.iter().filter(|state| state.number >= 14).count();
    db.migrate_down(newer).await.unwrap();
    let random = "0123456789abcdef".repeat(3);
    let old = format!("UPDATE telegram_bots SET hook_path = '{random}'");
    assert_eq!(given::tamper(&home.url, &old).await, 1);

    db.migrate().await.unwrap();
    let named = format!("{}0123456789abcdef", tenant.bot.id.into_uuid().simple());
    let mut tx = db.read().await.unwrap();
    let found = tx.system().bots().find_by_hook(&named).await.unwrap();
    assert_eq!(found.expect("it names its bot").bot.id, tenant.bot.id);
}

/// Before there was a lane for what runs by the clock.
const UNSCHEDULED: usize = 14;

#[on_every_db]
async fn jobs_keep_their_lanes_when_what_runs_by_the_clock_gets_its_own(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    for lane in Lane::ALL.into_iter().filter(|lane| *lane != Lane::Scheduled) {
        let kind = Kind { name: lane.as_str(), lane };
        let payload = serde_json::json!({});
        commit!(db, |tx| tx.workspace(tenant.id).jobs().enqueue(id(), kind, &payload, at(0)));
    }
    let scheduled = Kind { name: "forget_x", lane: Lane::Scheduled };
    commit!(db, |tx| tx.system().jobs().schedule(id(), scheduled, at(0)));
    let steps = applied(db).await.len();
    db.migrate_down(steps - UNSCHEDULED).await.unwrap();
    let unknown = given::tamper(&home.url, "UPDATE jobs SET kind = kind WHERE kind = 'forget_x'");
    assert_eq!(unknown.await, 0, "an older version could not run it");

    db.migrate().await.unwrap();
    commit!(db, |tx| tx.system().jobs().schedule(id(), scheduled, at(0)));
    for lane in Lane::ALL {
        let claimed = commit!(db, |tx| tx.system().jobs().claim(id(), at(9), lane, Places::of(9)));
        let kinds: Vec<_> = claimed.iter().map(|job| job.kind.as_str()).collect();
        let expected = if lane == Lane::Scheduled { "forget_x" } else { lane.as_str() };
        assert_eq!(kinds, [expected]);
    }
}

#[on_every_db]
async fn what_would_be_lost_and_how_the_schema_stands_is_told(home: &TestDb) {
    let db = &home.db;
    let steps = applied(db).await.len();
    given::tenant(db).await.fill(db).await;
    assert_eq!(db.schema().await.unwrap(), Schema::Current);

    let losses = db.losses(99).await.unwrap();
    let rows = |table: &str, column: Option<&str>| {
        let named = |loss: &&Loss| loss.table == table && loss.column.as_deref() == column;
        losses.iter().find(named).unwrap_or_else(|| panic!("{table}: {losses:?}")).rows
    };
    assert_eq!((rows("workspaces", None), rows("assistants", None)), (1, 1));
    assert_eq!(rows("installation", None), 0);
    assert_eq!(db.losses(0).await.unwrap(), []);
    let newest = db.losses(1).await.unwrap();
    assert!(newest.len() < losses.len(), "{newest:?}");

    // A migration that moves rows loses the columns that it adds as well.
    let states = db.migrations().await.unwrap();
    let since_control = states.iter().filter(|state| state.number >= CONTROL).count();
    let losses = db.losses(since_control).await.unwrap();
    let lost = |table: &str, column: Option<&str>| {
        let named = |loss: &&Loss| loss.table == table && loss.column.as_deref() == column;
        losses.iter().find(named).map(|loss| (loss.condition.as_str(), loss.rows))
    };
    assert_eq!(lost("messages", None), Some(("WHERE kind IN ('control', 'note')", 0)));
    assert_eq!(lost("assistants", Some("reopen_hours")), Some(("", 1)));
    assert_eq!(lost("dialogs", Some("assignee_name")), Some(("", 0)));

    db.migrate_down(1).await.unwrap();
    assert_eq!(db.schema().await.unwrap(), Schema::Behind(1));
    db.migrate_down(99).await.unwrap();
    assert_eq!(db.schema().await.unwrap(), Schema::Behind(steps));
    given::tamper(&home.url, "DROP TABLE _sqlx_migrations").await;
    assert_eq!(db.schema().await.unwrap(), Schema::Behind(steps));
    db.migrate().await.unwrap();
    given::tamper(&home.url, "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await;
    assert_eq!(
        db.schema().await.unwrap(),
        Schema::Behind(1),
        "one is missing, whatever else is there"
    );
}

/// The migration with which people began to answer in dialogs.
const CONTROL: i64 = 27;

/// The tables that held bots, chats and updates before there were channels.
const FORMER: usize = 11;

/// What the tables of the conversation hold.
async fn conversation(url: &str) -> BTreeMap<String, Vec<String>> {
    const TABLES: [&str; 9] = [
        "channels",
        "telegram_bots",
        "deliveries",
        "contacts",
        "contact_days",
        "dialogs",
        "messages",
        "turns",
        "outbox",
    ];
    let mut rows = given::rows(url, None).await;
    rows.retain(|table, _| TABLES.contains(&table.as_str()));
    assert_eq!(rows.len(), TABLES.len());
    rows
}

#[on_every_db]
async fn bots_become_channels_with_all_they_hold_and_back(home: &TestDb) {
    let db = &home.db;
    let tenants = [given::tenant(db).await, given::tenant(db).await, given::tenant(db).await];
    for tenant in &tenants {
        tenant.fill(db).await;
        tenant.reply::<2>(db, 2).await;
        commit!(db, |tx| tx
            .workspace(tenant.id)
            .channels()
            .set_poll_offset(tenant.bot.id, 1 << 40));
    }
    let [serving, moved, deleted] = &tenants;
    commit!(db, |tx| tx.workspace(serving.id).contacts().follow(
        serving.bot.id,
        &7.into(),
        &(-100_123).into()
    ));
    commit!(db, |tx| tx.workspace(serving.id).outbox().follow(
        serving.bot.id,
        &7.into(),
        &(-100_123).into(),
        None
    ));
    commit!(db, |tx| tx.apply(moved.bot.clone().move_away("elsewhere", at(5))));
    let change = fixtures::channel_of(&deleted.bot).delete(&Actor::command_line(), at(6));
    commit!(db, |tx| tx.apply(change));
    let before = conversation(&home.url).await;

    // What there was not before goes on the way back, and only that.
    let app = given::channel(serving.id, serving.assistant.id);
    commit!(db, |tx| tx.apply(fixtures::unexplained(New(app.clone()))));
    let of_app = given::inbound(7);
    let contact =
        commit!(db, |tx| tx.workspace(serving.id).contacts().meet(app.id, &of_app, id(), at(0)));
    let dialog =
        Dialog { channel_id: app.id, contact_id: contact.id, id: id(), ..serving.dialog.clone() };
    commit!(db, |tx| tx.apply(dialog.clone().open()));
    let app = Tenant {
        message: given::message(serving.id, dialog.id, 1),
        bot: replyx_core::bot::Bot { id: app.id, ..serving.bot.clone() },
        contact,
        dialog,
        ..serving.clone()
    };
    commit!(db, |tx| tx.apply(given::said(&app.message)));
    app.reply::<1>(db, 2).await;
    commit!(db, |tx| tx.workspace(app.id).turns().request(app.dialog.id, at(1), at(2)));
    commit!(db, |tx| tx.workspace(app.id).deliveries().take(app.bot.id, &"client-1".into(), at(0)));
    commit!(db, |tx| tx.workspace(app.id).contacts().answered(app.contact.id, at(0).date_naive()));

    let steps = applied(db).await.len();
    let losses = db.losses(steps - FORMER).await.unwrap();
    let channels = losses.iter().find(|loss| loss.table == "channels").unwrap();
    assert_eq!((channels.rows, channels.column.as_deref()), (1, None));
    let of_bots = losses.iter().filter(|loss| loss.table == "telegram_bots");
    // Only what came later, with the commands of bots.
    let columns: Vec<_> = of_bots.map(|loss| loss.column.as_deref()).collect();
    assert_eq!(columns, [Some("commands"), Some("commands_set")]);
    db.migrate_down(steps - FORMER).await.unwrap();

    let url = &home.url;
    assert_eq!(
        given::numbers(url, "SELECT chat_id FROM contacts ORDER BY chat_id").await,
        [-100_123, 7, 7]
    );
    assert_eq!(
        given::numbers(url, "SELECT former_chat_id FROM contacts WHERE former_chat_id IS NOT NULL")
            .await,
        [7]
    );
    assert_eq!(given::numbers(url, "SELECT update_id FROM updates").await, [100, 100, 100]);
    assert_eq!(given::numbers(url, "SELECT poll_offset FROM bots").await, [1 << 40; 3]);
    let sent = "SELECT CAST(COUNT(*) AS BIGINT) FROM outbox WHERE plain IN ('a', 'b') AND formatted LIKE '<b>_</b>'";
    assert_eq!(given::numbers(url, sent).await, [9]);
    let states = "SELECT CAST(COUNT(*) AS BIGINT) FROM bots WHERE (moved_at IS NULL) <> (deleted_at IS NULL)";
    assert_eq!(given::numbers(url, states).await, [2]);
    let heard = "SELECT channel_message_id FROM messages WHERE channel_message_id IS NOT NULL";
    assert_eq!(given::numbers(url, heard).await, [5, 5, 5]);

    db.migrate().await.unwrap();
    assert_eq!(conversation(url).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_migrate_once_on_postgres() {
    let home = testing::postgres().await;
    home.db.migrate_down(99).await.unwrap();
    let mut conn = PgConnection::connect(&home.url).await.unwrap();
    sqlx::query("DROP TABLE _sqlx_migrations").execute(&mut conn).await.unwrap();
    let mut processes = JoinSet::new();
    for _ in 0..4 {
        let url = home.url.clone();
        processes.spawn(async move {
            let db = Db::open(&url, PoolSize { max: 2 }).await.unwrap();
            db.migrate().await.unwrap();
            applied(&db).await
        });
    }
    for states in processes.join_all().await {
        assert!(states.iter().all(|applied| *applied));
    }
    given::tenant(&home.db).await.fill(&home.db).await;
}

/// A column: its type as `SQLite` would say it, and whether it may be empty.
type Columns = BTreeMap<String, (String, bool)>;

async fn schema(url: &str) -> BTreeMap<String, Columns> {
    const SQLITE: &str = "
        SELECT s.name, c.name, c.type, c.\"notnull\" = 0 FROM sqlite_schema s, pragma_table_info(s.name) c
         WHERE s.type = 'table' AND s.name NOT LIKE 'passages_fts%' AND s.name NOT LIKE 'sqlite_%'
           AND s.name <> '_sqlx_migrations'";
    const POSTGRES: &str = "
        SELECT table_name::text, column_name::text, udt_name::text, is_nullable = 'YES'
          FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'
           AND column_name <> 'terms_vector'";
    let columns: Vec<(String, String, String, bool)> =
        if let Some(path) = url.strip_prefix("sqlite:") {
            let mut conn = SqliteConnection::connect(path).await.unwrap();
            sqlx::query_as(SQLITE).fetch_all(&mut conn).await.unwrap()
        } else {
            let mut conn = PgConnection::connect(url).await.unwrap();
            sqlx::query_as(POSTGRES).fetch_all(&mut conn).await.unwrap()
        };
    let mut tables = BTreeMap::<_, Columns>::new();
    for (table, column, kind, nullable) in columns {
        let kind = match kind.as_str() {
            "uuid" | "bytea" => "BLOB",
            "text" | "timestamptz" | "jsonb" => "TEXT",
            "int8" | "bool" => "INTEGER",
            "float8" => "REAL",
            other => other,
        };
        tables.entry(table).or_default().insert(column, (kind.to_owned(), nullable));
    }
    tables
}

#[tokio::test]
async fn both_homes_have_the_same_columns() {
    let sqlite = testing::sqlite().await;
    let postgres = testing::postgres().await;
    let sqlite = schema(&sqlite.url).await;
    let postgres = schema(&postgres.url).await;
    assert!(sqlite.len() > 10, "{sqlite:?}");
    assert_eq!(sqlite, postgres);
}

/// The keys of a table: `name: columns` of each unique key and `-> table: columns` of each foreign
/// one.
async fn keys(url: &str) -> BTreeMap<String, Vec<String>> {
    const SQLITE: &str = "
        SELECT s.name, 'unique ' || (SELECT group_concat(name, ',') FROM
                   (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
               || CASE WHEN i.partial THEN ' partial' ELSE '' END
          FROM sqlite_schema s, pragma_index_list(s.name) i
         WHERE s.type = 'table' AND i.\"unique\"
         UNION ALL
        SELECT s.name, 'index ' || (SELECT group_concat(name, ',') FROM
                   (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
               || CASE WHEN i.partial THEN ' partial' ELSE '' END
          FROM sqlite_schema s, pragma_index_list(s.name) i
         WHERE s.type = 'table' AND NOT i.\"unique\"
         UNION ALL
        SELECT s.name, '-> ' || f.\"table\" || ' ' || group_concat(f.\"from\" || '=' || f.\"to\", ',')
               || ' ' || f.on_delete
          FROM sqlite_schema s, pragma_foreign_key_list(s.name) f
         WHERE s.type = 'table' GROUP BY s.name, f.id";
    const POSTGRES: &str = "
        SELECT t.relname::text,
               CASE WHEN i.indisunique THEN 'unique ' ELSE 'index ' END
               || (SELECT string_agg(a.attname, ',' ORDER BY k.n)
                     FROM unnest(i.indkey::int[]) WITH ORDINALITY k(att, n)
                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.att)
               || CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' END
          FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
          JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
         UNION ALL
        SELECT t.relname::text,
               '-> ' || f.relname || ' '
               || (SELECT string_agg(a.attname || '=' || b.attname, ',' ORDER BY k.n)
                     FROM unnest(c.conkey, c.confkey) WITH ORDINALITY k(x, y, n)
                     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.x
                     JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.y)
               || CASE c.confdeltype WHEN 'c' THEN ' CASCADE' WHEN 'n' THEN ' SET NULL'
                                      ELSE ' NO ACTION' END
          FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
          JOIN pg_class f ON f.oid = c.confrelid
         WHERE c.contype = 'f'";
    let found: Vec<(String, String)> = if let Some(path) = url.strip_prefix("sqlite:") {
        let mut conn = SqliteConnection::connect(path).await.unwrap();
        sqlx::query_as(SQLITE).fetch_all(&mut conn).await.unwrap()
    } else {
        let mut conn = PgConnection::connect(url).await.unwrap();
        sqlx::query_as(POSTGRES).fetch_all(&mut conn).await.unwrap()
    };
    let mut tables = BTreeMap::<_, Vec<_>>::new();
    for (table, key) in found {
        let ours = table != "_sqlx_migrations" && !table.starts_with("passages_fts");
        // SQLite's row number needs no index, and full text is indexed each in its own way.
        if ours && key != "unique number" && key != "index terms_vector" {
            tables.entry(table).or_default().push(key);
        }
    }
    for keys in tables.values_mut() {
        keys.sort();
    }
    tables
}

/// The tables that are no workspace's.
const COMMON: [&str; 30] = [
    "audit_entries",
    "audit_heads",
    "database_sizes",
    "dollar_rates",
    "idempotency_keys",
    "installation",
    "jobs",
    "ledger_balances",
    "ledger_credits",
    "ledger_currency",
    "ledger_entries",
    "ledger_holds",
    "ledger_seals",
    "ledger_totals",
    "ledger_trials",
    "login_attempts",
    "model_calls",
    "model_keys",
    "model_providers",
    "password_resets",
    "prices",
    "processes",
    "recovery_codes",
    "refresh_tokens",
    "registrations",
    "sessions",
    "settings",
    "trial_marks",
    "users",
    "workspaces",
];

/// What dialogs are found by goes with them.
const FOUND_BY: [&str; 2] = ["dialog_terms", "unindexed_dialogs"];

#[tokio::test]
async fn both_homes_have_the_same_keys() {
    let sqlite = testing::sqlite().await;
    let postgres = testing::postgres().await;
    let sqlite = keys(&sqlite.url).await;
    let postgres = keys(&postgres.url).await;
    assert_eq!(sqlite, postgres);
    for (table, keys) in &sqlite {
        if COMMON.contains(&table.as_str()) {
            let common =
                |key: &String| COMMON.iter().any(|to| key.starts_with(&format!("-> {to} ")));
            assert!(
                keys.iter().all(|key| !key.starts_with("-> ") || common(key)),
                "{table}: {keys:?}"
            );
            continue;
        }
        let own = |key: &&String| key.starts_with("unique workspace_id");
        assert!(keys.iter().any(|key| own(&key)), "{table}: {keys:?}");
        let to_workspace = "-> workspaces workspace_id=id CASCADE".to_owned();
        assert!(keys.contains(&to_workspace), "{table}: {keys:?}");
        for key in keys.iter().filter(|key| key.starts_with("-> ") && **key != to_workspace) {
            let composite = key.contains(" workspace_id=workspace_id,");
            assert!(composite || key.starts_with("-> users "), "{table}: {key}");
            let cascades = key.ends_with("CASCADE");
            let derived = key.starts_with("-> documents ")
                || key.starts_with("-> passages ")
                || FOUND_BY.contains(&table.as_str());
            assert_eq!(cascades, derived, "{table}: {key}");
        }
    }
}

/// `passages` is exempt: full text needs a number for each row.
#[tokio::test]
async fn the_workspace_comes_first_in_every_primary_key() {
    let home = testing::sqlite().await;
    let mut conn =
        SqliteConnection::connect(home.url.strip_prefix("sqlite:").unwrap()).await.unwrap();
    let others: Vec<(String,)> = sqlx::query_as(
        "SELECT s.name FROM sqlite_schema s, pragma_table_info(s.name) c
          WHERE s.type = 'table' AND c.pk = 1 AND c.name <> 'workspace_id'
            AND s.name NOT LIKE 'passages_fts%' AND s.name <> '_sqlx_migrations' ORDER BY s.name",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let others: Vec<_> = others.into_iter().map(|(name,)| name).collect();
    // What was paid for outlives its workspace, so nothing refers to that; its key begins with it
    // all the same.
    let mut expected = [&COMMON[..], &["passages"]].concat();
    const OUTLIVING: [&str; 7] = [
        "model_calls",
        "ledger_balances",
        "ledger_credits",
        "ledger_entries",
        "ledger_holds",
        "ledger_seals",
        "ledger_trials",
    ];
    expected.retain(|table| !OUTLIVING.contains(table));
    expected.sort_unstable();
    assert_eq!(others, expected);
}
