//! A database that has been in use for long.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::on_file;

const POSTGRES: usize = 0;
const SQLITE: usize = 1;

/// Copies all that the workspaces of a database have into so many further workspaces, and lets the
/// database count what it holds, as it does by itself in the course of time. Rows that may be there
/// only once stay alone.
///
/// # Panics
///
/// When the database refuses.
pub async fn age(url: &str, copies: usize) {
    if let Some(path) = url.strip_prefix("sqlite:") {
        on_file(path.as_ref(), move |connection| age_file(connection, copies)).await;
    } else {
        age_server(url, copies).await;
    }
}

fn age_file(connection: &rusqlite::Connection, copies: usize) -> rusqlite::Result<()> {
    const COLUMNS: &str = "
        SELECT t.name, group_concat('\"' || c.name || '\"', ', ')
          FROM sqlite_master t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%'
           AND NOT (c.pk = 1 AND c.type = 'INTEGER')
         GROUP BY t.name HAVING SUM(c.name = 'workspace_id') = 1";
    let workspaces = format!(
        "WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < {copies})
         INSERT INTO workspaces (id, name, created_at)
         SELECT randomblob(16), 'aged', '2026-01-01T00:00:00.000000+00:00' FROM copies"
    );
    connection.execute_batch("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE")?;
    connection.execute_batch(&workspaces)?;

    let mut listed = connection.prepare(COLUMNS)?;
    let tables = listed.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (table, columns) in tables.collect::<rusqlite::Result<Vec<(String, String)>>>()? {
        connection.execute_batch(&copy(SQLITE, &table, &columns))?;
    }
    connection.execute_batch("COMMIT; ANALYZE")
}

async fn age_server(url: &str, copies: usize) {
    const COLUMNS: &str = "
        SELECT c.table_name::text, string_agg('\"' || c.column_name || '\"', ', ')
          FROM information_schema.columns c
         WHERE c.table_schema = 'public' AND c.is_generated = 'NEVER' AND c.is_identity = 'NO'
         GROUP BY c.table_name HAVING bool_or(c.column_name = 'workspace_id')";
    let workspaces = format!(
        "INSERT INTO workspaces (id, name, created_at)
         SELECT gen_random_uuid(), 'aged', '2026-01-01' FROM generate_series(1, {copies})"
    );
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
    // Tables may be filled in any order: no foreign key is looked at.
    let mut run = async |sql: &str| {
        let sql = AssertSqlSafe(sql.to_owned());
        connection.execute(sqlx::raw_sql(sql)).await.expect("the statement can be run");
    };
    run("SET session_replication_role = replica").await;
    run(&workspaces).await;

    let mut reader = PgConnection::connect(url).await.expect("PostgreSQL answers");
    let tables: Vec<(String, String)> =
        sqlx::query_as(COLUMNS).fetch_all(&mut reader).await.expect("tables are listed");
    for (table, columns) in tables {
        run(&copy(POSTGRES, &table, &columns)).await;
    }
    run("ANALYZE").await;
}

/// What may be there only once in an installation: a table, or none where one table alone has such
/// a column, the column, and what each copy has there.
const UNIQUE: [(&str, &str, [&str; 2]); 4] = [
    ("jobs", "\"share\"", ["w.id", "w.id"]),
    ("jobs", "\"id\"", ["gen_random_uuid()", "randomblob(16)"]),
    ("", "\"hook_path\"", ["gen_random_uuid()::text", "hex(randomblob(16))"]),
    ("", "\"released_at\"", ["'2026-01-01'", "'2026-01-01T00:00:00.000000+00:00'"]),
];

/// Copies the rows of a table into every workspace.
fn copy(home: usize, table: &str, columns: &str) -> String {
    let value = |column: &str| {
        let unique = UNIQUE
            .iter()
            .find(|unique| (unique.0.is_empty() || unique.0 == table) && unique.1 == column);
        match unique {
            Some((.., values)) => values[home].to_owned(),
            None if column == "\"workspace_id\"" => "w.id".to_owned(),
            None => format!("t.{column}"),
        }
    };
    let values = columns.split(", ").map(value).collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO \"{table}\" ({columns})
         SELECT {values} FROM \"{table}\" t CROSS JOIN workspaces w WHERE w.name = 'aged'
             ON CONFLICT DO NOTHING"
    )
}
