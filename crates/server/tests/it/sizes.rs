//! How large the database is, as it is told to people and to monitors.

use replyx_testkit::api::Api;
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Home, SECRET, on_every_home, run, until};

fn rows(size: &Value, table: &str) -> Option<i64> {
    let tables = size["tables"].as_array()?;
    tables.iter().find(|one| one["name"] == table)?["rows"].as_i64()
}

#[on_every_home]
async fn the_size_of_the_database_is_told_by_the_api_the_metrics_the_command_and_the_doctor(
    home: &Home,
) {
    let folder = home.folder.path().display().to_string();
    let variables =
        [("DATABASE_URL", &*home.db.url), ("DATA_DIR", &*folder), ("SECRET_KEY", SECRET)];
    let shop = home.open().await;
    let size = until("it is measured", async || {
        let size = shop.owner.get("/metrics/db-size").await.expect(200).body;
        size["measured_at"].is_string().then_some(size)
    })
    .await;
    assert!(size["bytes"].as_i64().unwrap() > 100_000, "{size}");
    assert!(size["growth_bytes_per_day"].is_null(), "nothing is known of the first day: {size}");
    assert!(size["disk_free_bytes"].as_u64().is_some_and(|free| free > 0), "{size}");
    assert!(rows(&size, "messages").is_some(), "{size}");

    let (good, out, err) = run(&["db", "size", "--json"], &variables).await;
    assert!(good, "{err}");
    let measured: Value = serde_json::from_str(&out).unwrap();
    assert!(rows(&measured, "users").is_some_and(|rows| rows >= 0), "{measured}");
    let (good, out, err) = run(&["db", "size"], &variables).await;
    assert!(good && out.contains("iB, its growth is known after a day"), "{out}{err}");
    assert!(out.lines().any(|line| line.starts_with("users ") && line.contains(" rows")), "{out}");
    let (_, out, _) = run(&["doctor"], &variables).await;
    assert!(out.lines().any(|line| line.contains("database size") && line.contains("iB")), "{out}");

    // A process that starts later reads what was measured before.
    shop.program.terminate().await;
    let program = home.launch().start().await;
    let api = Api::new(program.base());
    until("the gauges are there", async || {
        let metrics = api.request(Method::GET, "/metrics").send().await.unwrap();
        let text = metrics.text().await.unwrap();
        (text.contains("\ndb_size_bytes ") && text.contains("\ndb_table_rows{table=\"users\"} "))
            .then_some(())
    })
    .await;
}

#[on_every_home]
async fn the_size_is_for_those_who_may_read_the_metrics(home: &Home) {
    let shop = home.open_with(home.launch().with("METRICS_TOKEN", "a token of many letters")).await;
    shop.owner.get("/metrics/db-size").await.expect(401);
    let right = shop.owner.with_token("a token of many letters".to_owned());
    right.get("/metrics/db-size").await.expect(200);
}
