//! Copies of all tables, from each database into each.

use std::collections::BTreeMap;

use replyx_core::job::Kind;
use replyx_storage::{
    Db, StorageError,
    copy::{Cell, Table},
    testing::{self, TestDb},
};
use serde_json::Value;

use crate::given::{self, at, id};

/// Every row of every table. JSON is compared by what it says.
type Rows = BTreeMap<String, Vec<Vec<String>>>;

async fn read(db: &Db) -> (Vec<Table>, BTreeMap<String, Vec<Vec<Cell>>>) {
    let mut snapshot = db.snapshot().await.unwrap();
    let tables = snapshot.tables().await.unwrap();
    let mut found = BTreeMap::new();
    for table in &tables {
        let mut rows = Vec::new();
        let each = |row: &[Cell]| {
            rows.push(row.to_vec());
            Ok::<_, StorageError>(())
        };
        snapshot.rows(table, each).await.unwrap();
        found.insert(table.name.clone(), rows);
    }
    (tables, found)
}

async fn said(db: &Db) -> Rows {
    let shown = |cell: &Cell| match cell {
        Cell::Text(text) if text.starts_with(['{', '[']) => serde_json::from_str::<Value>(text)
            .map_or_else(|_| text.clone(), |json| json.to_string()),
        other => format!("{other:?}"),
    };
    let (_, tables) = read(db).await;
    let said = tables.into_iter().map(|(name, rows)| {
        let mut rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(shown).collect()).collect();
        rows.sort();
        (name, rows)
    });
    said.collect()
}

async fn copy(from: &Db, to: &Db) {
    let (tables, rows) = read(from).await;
    let mut loading = to.load().await.unwrap();
    for table in &tables {
        for part in rows[&table.name].chunks(3) {
            loading.insert(table, part).await.unwrap();
        }
    }
    loading.commit().await.unwrap();
}

/// Something in every table that a program fills.
async fn fill(db: &Db) {
    given::tenant(db).await.fill(db).await;
    given::tenant(db).await.fill(db).await;
    given::process(db, at(0)).await;
    db.join_installation(id::<replyx_core::ids::FileId>().into_uuid(), at(0)).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let words = "tab\t, line\nand \\ \\N \"quoted\" ё";
    tx.system().settings().set("a", words, None, at(1)).await.unwrap();
    let kind = Kind::light("odd");
    let payload = serde_json::json!({"n": words});
    tx.system().jobs().enqueue(id(), kind, &payload, None, at(2)).await.unwrap();
    tx.commit().await.unwrap();
}

/// How many triggers work.
async fn triggers(home: &TestDb) -> i64 {
    let sql = if home.url.starts_with("sqlite:") {
        "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'trigger'"
    } else {
        "SELECT COUNT(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
    };
    given::numbers(&home.url, sql).await[0]
}

async fn is_the_same_in(from: TestDb, to: TestDb) {
    assert!(from.db.is_unused().await.unwrap() && to.db.is_unused().await.unwrap());
    fill(&from.db).await;
    assert!(!from.db.is_unused().await.unwrap());
    let empty: Vec<_> = said(&from.db)
        .await
        .into_iter()
        .filter_map(|(name, rows)| rows.is_empty().then_some(name))
        .collect();
    assert!(empty.len() < 20, "most tables have rows: {empty:?}");
    let working = triggers(&to).await;

    copy(&from.db, &to.db).await;
    let found = said(&to.db).await;
    for (table, rows) in said(&from.db).await {
        assert_eq!(found[&table], rows, "{table}");
    }

    // The home goes on: rules and numbers are those of before.
    assert_eq!(triggers(&to).await, working);
    given::check_full_text(&to.url).await;
    given::tenant(&to.db).await.fill(&to.db).await;
    let forged = "UPDATE ledger_entries SET amount = amount + 1";
    assert!(
        tokio::spawn({
            let url = to.url.clone();
            async move { given::tamper(&url, forged).await }
        })
        .await
        .is_err(),
        "what the ledger says stays"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_rows_of_a_file_are_the_same_in_another_file() {
    is_the_same_in(testing::sqlite().await, testing::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_rows_of_a_file_are_the_same_on_a_server() {
    is_the_same_in(testing::sqlite().await, testing::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_rows_of_a_server_are_the_same_in_a_file() {
    is_the_same_in(testing::postgres().await, testing::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_rows_of_a_server_are_the_same_on_another() {
    is_the_same_in(testing::postgres().await, testing::postgres().await).await;
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let [file, server] = [testing::sqlite().await, testing::pgvector().await];
    let mut found = Vec::new();
    for home in [&file, &server] {
        let mut tables = home.db.snapshot().await.unwrap().tables().await.unwrap();
        tables.sort_by(|one, two| one.name.cmp(&two.name));
        found.push(tables);
    }
    assert!(found[0].len() > 40, "{}", found[0].len());
    assert_eq!(found[0], found[1]);
    // Whose rows name files is known to those who copy files.
    let naming = found[0].iter().filter(|table| table.columns.iter().any(|one| one == "file_id"));
    let naming: Vec<_> = naming.map(|table| table.name.as_str()).collect();
    assert_eq!(naming, ["attachments", "document_files", "document_replacements", "uploads"]);
}

#[replyx_storage::on_every_db]
async fn rows_that_do_not_fit_are_refused_and_nothing_of_them_lasts(home: &TestDb) {
    let row = |name: &str, cells: Vec<Cell>| {
        let columns = ["created_at", "id", "name"].map(str::to_owned).to_vec();
        (Table { name: name.to_owned(), columns }, cells)
    };
    let text = |text: &str| Cell::Text(text.to_owned());
    let time = text("2030-01-01T00:00:00+00:00");
    let key = Cell::Blob(vec![7; 16]);
    let good = row("workspaces", vec![time.clone(), key.clone(), text("x")]);
    for (table, cells) in [
        row("nothing", vec![time.clone(), key.clone(), text("x")]),
        row("workspaces", vec![time.clone(), key.clone(), Cell::Null]),
        row("workspaces", vec![time.clone(), Cell::Real(0.5), text("x")]),
        row("workspaces", vec![Cell::Integer(1), key.clone(), text("x")]),
    ] {
        let mut loading = home.db.load().await.unwrap();
        loading.insert(&good.0, std::slice::from_ref(&good.1)).await.unwrap();
        let mut other = cells.clone();
        if let Some(Cell::Blob(bytes)) = other.get_mut(1) {
            bytes[0] = 8;
        }
        let refused = loading.insert(&table, &[other]).await;
        // A file holds any number for a time, as it does for the program.
        if home.db.is_shared() || !matches!(cells[0], Cell::Integer(_)) {
            refused.unwrap_err();
        }
        drop(loading);
        assert!(home.db.is_unused().await.unwrap(), "{table:?}");
    }

    let member = Table {
        name: "members".to_owned(),
        columns: ["created_at", "role", "user_id", "workspace_id"].map(str::to_owned).to_vec(),
    };
    let mut loading = home.db.load().await.unwrap();
    let orphan = vec![time, text("owner"), key.clone(), key];
    let loaded = loading.insert(&member, &[orphan]).await;
    assert!(loaded.is_err() || loading.commit().await.is_err(), "it belongs to nobody");
    assert!(home.db.is_unused().await.unwrap());
}
