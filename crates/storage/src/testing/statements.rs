//! The statements that a database was sent, and how it executes them.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::on_file;
use crate::Db;

/// The texts of the statements that this database was sent, by it and its clones.
pub fn statements(db: &Db) -> Vec<String> {
    db.statements.texts().into_iter().filter(|text| !text.is_empty()).collect()
}

/// What this handle of a database and its clones have sent since the last call, and how often:
/// statements, and `BEGIN` for each transaction.
pub fn take_sent(db: &Db) -> BTreeMap<String, u64> {
    db.statements.take_sent()
}

/// How the database goes about a statement, whatever it is sent with: a line for each step.
/// `PostgreSQL` is told to read a table from end to end, and to sort, only where it knows no other
/// way, because in a test all tables are short.
///
/// # Panics
///
/// When the database does not explain it.
pub async fn explain(url: &str, sql: &str) -> Vec<String> {
    let Some(path) = url.strip_prefix("sqlite:") else { return explain_on_server(url, sql).await };
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    on_file(path.as_ref(), move |connection| {
        let mut explained = connection.prepare(&sql)?;
        let mut found = explained.raw_query();
        let mut steps = Vec::new();
        while let Some(step) = found.next()? {
            steps.push(step.get(3)?);
        }
        Ok(steps)
    })
    .await
}

async fn explain_on_server(url: &str, sql: &str) -> Vec<String> {
    const GENERIC: &str = "
        SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_sort = off;
        SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";
    const PARAMETERS: &str =
        "SELECT COALESCE(array_length(parameter_types, 1), 0) FROM pg_prepared_statements
          WHERE name = 'explained'";
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
    let prepare = AssertSqlSafe(format!("PREPARE explained AS {sql}"));
    connection.execute(sqlx::raw_sql(GENERIC)).await.expect("settings can be set");
    connection.execute(sqlx::raw_sql(prepare)).await.expect("it can be prepared");
    let count: i32 = sqlx::query_scalar(PARAMETERS)
        .fetch_one(&mut connection)
        .await
        .expect("what is prepared is listed");

    let nulls = vec!["NULL"; usize::try_from(count).unwrap_or_default()].join(", ");
    let values = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    let explain = AssertSqlSafe(format!("EXPLAIN (COSTS OFF) EXECUTE explained {values}"));
    let steps =
        connection.fetch_all(sqlx::raw_sql(explain)).await.expect("the statement is explained");
    steps.iter().map(|step| step.get(0)).collect()
}
