//! The tables themselves, behind the storage's back.

use std::collections::BTreeMap;

use replyx_core::ids::WorkspaceId;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

/// Every row of every table as text, by table; of one workspace or of all.
pub(crate) async fn rows(url: &str, of: Option<WorkspaceId>) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let mut conn = SqliteConnection::connect(path).await.unwrap();
        for (table, columns) in sqlite_tables(&mut conn).await {
            let Some(filter) = filter(&table, &columns, of, |hex| format!("x'{hex}'")) else {
                continue;
            };
            let shown = columns.iter().map(|c| format!("quote({c})")).collect::<Vec<_>>();
            let sql = format!("SELECT {} FROM {table} {filter}", shown.join(" || ', ' || "));
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap();
            all.insert(table, sorted(rows.iter().map(|row| row.get(0)).collect()));
        }
    } else {
        let mut conn = PgConnection::connect(url).await.unwrap();
        for (table, columns) in postgres_tables(&mut conn).await {
            let Some(filter) = filter(&table, &columns, of, |hex| format!("'{hex}'")) else {
                continue;
            };
            let sql = format!("SELECT row_to_json(t)::text FROM {table} t {filter}");
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap();
            all.insert(table, sorted(rows.iter().map(|row| row.get(0)).collect()));
        }
    }
    all
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

/// The condition for rows of one workspace; nothing when the table knows no workspaces, or only
/// some that are yet to be.
fn filter(
    table: &str,
    columns: &[String],
    of: Option<WorkspaceId>,
    literal: impl Fn(&str) -> String,
) -> Option<String> {
    let Some(of) = of else { return Some(String::new()) };
    let has = |name: &str| columns.iter().any(|column| column == name);
    if has("chain") {
        return Some(format!("WHERE chain = '{of}'"));
    }
    let hex = of.into_uuid().simple().to_string();
    (has("workspace_id") && table != "registrations")
        .then(|| format!("WHERE workspace_id = {}", literal(&hex)))
}

async fn sqlite_tables(conn: &mut SqliteConnection) -> Vec<(String, Vec<String>)> {
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
            AND name NOT LIKE 'passages_fts%' AND name <> '_sqlx_migrations' ORDER BY name",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let mut found = Vec::new();
    for (table,) in tables {
        let columns: Vec<(String,)> =
            sqlx::query_as("SELECT name FROM pragma_table_info($1) ORDER BY cid")
                .bind(&table)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        found.push((table, columns.into_iter().map(|(name,)| name).collect()));
    }
    found
}

async fn postgres_tables(conn: &mut PgConnection) -> Vec<(String, Vec<String>)> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
          WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'
          ORDER BY table_name, ordinal_position",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for (table, column) in columns {
        found.entry(table).or_default().push(column);
    }
    found.into_iter().collect()
}

/// The numbers that a query of one column finds.
pub(crate) async fn numbers(url: &str, sql: &'static str) -> Vec<i64> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let mut conn = SqliteConnection::connect(path).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap()
    } else {
        let mut conn = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap()
    }
}

/// Fails when the full-text index of `SQLite` is not what its table says.
pub(crate) async fn check_full_text(url: &str) {
    let Some(path) = url.strip_prefix("sqlite:") else { return };
    let mut conn = SqliteConnection::connect(path).await.unwrap();
    sqlx::query("INSERT INTO passages_fts (passages_fts, rank) VALUES ('integrity-check', 1)")
        .execute(&mut conn)
        .await
        .unwrap();
}
