use chrono::TimeDelta;
use replyx_storage::{
    on_every_db,
    sizes::{DatabaseSize, TableSize},
    testing::{TestDb, tamper},
};

use crate::given::{self, at};

/// PostgreSQL counts rows later, unless it is asked to.
async fn count_now(home: &TestDb) {
    if home.url.starts_with("postgres") {
        tamper(&home.url, "ANALYZE").await;
    }
}

#[on_every_db]
async fn the_database_tells_how_large_it_and_its_tables_are(home: &TestDb) {
    given::tenant(&home.db).await;
    given::tenant(&home.db).await;
    count_now(home).await;

    let size = read!(home.db, |tx| tx.system().sizes().measure(at(0)));
    assert_eq!(size.measured_at, at(0));
    assert!(size.bytes > 100_000, "{size:?}");
    let workspaces = size.tables.iter().find(|table| table.name == "workspaces").unwrap();
    let is_server = home.url.starts_with("postgres");
    // PostgreSQL estimates, and counts what was written a moment ago once or twice.
    assert!(workspaces.rows == 2 || is_server && workspaces.rows > 2, "{workspaces:?}");
    assert!(size.tables.iter().all(|table| table.bytes.is_some() == is_server), "{size:?}");
    assert!(size.tables.is_sorted_by_key(|table| &table.name), "{size:?}");
    let derived = ["passages_fts", "sqlite_", "_sqlx"];
    let is_derived = |name: &str| derived.iter().any(|start| name.starts_with(start));
    assert!(!size.tables.iter().any(|table| is_derived(&table.name)), "{size:?}");
}

fn of(day: i64, bytes: i64) -> DatabaseSize {
    let tables = vec![TableSize { name: "users".to_owned(), rows: bytes / 10, bytes: None }];
    DatabaseSize { measured_at: at(day * 86_400), bytes, tables }
}

#[on_every_db]
async fn growth_is_that_of_at_most_thirty_days_and_unknown_on_the_first(home: &TestDb) {
    let db = &home.db;
    assert_eq!(read!(db, |tx| tx.system().sizes().newest()), None);
    let growth = async |size: DatabaseSize| read!(db, |tx| tx.system().sizes().growth(&size));
    assert_eq!(growth(of(0, 5)).await, None);

    commit!(db, |tx| tx.system().sizes().keep(&of(0, 1_000)));
    assert_eq!(growth(of(0, 5_000)).await, None, "an hour of a new database says nothing");
    assert_eq!(growth(of(2, 5_000)).await, Some(2_000));
    assert_eq!(growth(of(2, 400)).await, Some(-300));

    // The last measurement of a day is the one that is kept.
    commit!(db, |tx| tx.system().sizes().keep(&of(40, 9_000)));
    let later =
        DatabaseSize { measured_at: of(40, 0).measured_at + TimeDelta::hours(1), ..of(0, 9_500) };
    commit!(db, |tx| tx.system().sizes().keep(&later));
    assert_eq!(read!(db, |tx| tx.system().sizes().newest()), Some(later.clone()));
    assert_eq!(growth(later).await, None, "the day before is too long ago");
    assert_eq!(growth(of(50, 19_500)).await, Some(10_000 * 24 / 239));

    let before = of(40, 0).measured_at.date_naive();
    assert_eq!(commit!(db, |tx| tx.system().sizes().forget(before)), 1);
    assert_eq!(commit!(db, |tx| tx.system().sizes().forget(before)), 0);
}

#[test]
fn tables_are_stored_in_the_form_in_which_they_are_read() {
    let stored = r#"[{"name":"users","rows":3,"bytes":null}]"#;
    let tables = vec![TableSize { name: "users".to_owned(), rows: 3, bytes: None }];
    assert_eq!(serde_json::to_string(&tables).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Vec<TableSize>>(stored).unwrap(), tables);
}
