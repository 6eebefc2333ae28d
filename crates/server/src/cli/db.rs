//! `replyx db size`: how large the database is, and how fast it grows.

use anyhow::{Context, ensure};
use clap::Subcommand;
use replyx_core::clock::Clock;
use replyx_storage::{Db, PoolSize, Schema, sizes::DatabaseSize};
use replyx_terminal::say;
use serde_json::json;

use crate::config::Config;

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Measures the database now: all bytes, the rows and bytes of each table, and the growth per
    /// day. The program may be running.
    Size {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let Command::Size { json } = command;
    let db = Db::open(&config.database_url(), PoolSize { max: 1 }).await;
    let db = db.context("the database cannot be opened")?;
    let schema = db.schema().await?;
    ensure!(schema == Schema::Current, "the schema is not current: run `replyx migrate up`");

    let mut tx = db.read().await?;
    let size = tx.system().sizes().measure(Clock::system().now()).await?;
    let growth = tx.system().sizes().growth(&size).await?;
    drop(tx);
    db.close().await;
    if json {
        print_json(&size, growth);
    } else {
        print(&size, growth);
    }
    Ok(())
}

fn print_json(size: &DatabaseSize, growth: Option<i64>) {
    let document = json!({
        "measured_at": size.measured_at,
        "bytes": size.bytes,
        "growth_bytes_per_day": growth,
        "tables": size.tables,
    });
    say!("{document:#}");
}

fn print(size: &DatabaseSize, growth: Option<i64>) {
    let growth = match growth {
        Some(growth) => format!("grows by {} a day", amount(growth)),
        None => "its growth is known after a day".to_owned(),
    };
    say!("{}, {growth}\n", amount(size.bytes));

    let mut tables: Vec<_> = size.tables.iter().collect();
    tables.sort_by_key(|table| (-table.bytes.unwrap_or_default(), -table.rows));
    let wide = tables.iter().map(|table| table.name.len()).max().unwrap_or_default();
    for table in tables {
        let bytes = table.bytes.map(amount).unwrap_or_default();
        let line = format!("{:<wide$}  {:>12} rows  {bytes:>10}", table.name, table.rows);
        say!("{}", line.trim_end());
    }
}

/// Bytes for people.
pub(super) fn amount(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let sign = if bytes < 0 { "-" } else { "" };
    let bytes = bytes.unsigned_abs();
    if bytes < 1024 {
        return format!("{sign}{bytes} B");
    }
    let step = (bytes.ilog2() / 10).min(4) as usize;
    let unit = 1_u64 << (10 * step);
    format!("{sign}{}.{} {}", bytes / unit, bytes % unit * 10 / unit, UNITS[step - 1])
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn bytes_are_written_with_the_unit_that_leaves_few_digits() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (-1536, "-1.5 KiB"),
            (134_217_728, "128.0 MiB"),
            (5 << 40, "5.0 TiB"),
            (i64::MAX, "8388607.9 TiB"),
        ] {
            assert_eq!(amount(bytes), shown);
        }
    }
}
