//! What runs by the clock.

use replyx_storage::{sweep::BATCH, testing::tamper};

use crate::harness::{Home, on_every_home, until};

/// How many jobs run by the clock.
fn jobs() -> u64 {
    replyx_jobs::scheduled().count().try_into().unwrap()
}

async fn run_now(home: &Home) {
    let due = "UPDATE jobs SET due_at = created_at WHERE lane = 'scheduled'";
    assert_eq!(tamper(&home.db.url, due).await, jobs());
}

/// Waits until so many runs by the clock have ended since [`run_now`].
async fn ended(home: &Home, condition: &str, number: u64) {
    let waiting = format!(
        "UPDATE jobs SET error = error
          WHERE lane = 'scheduled' AND status = 'queued' AND due_at > created_at AND {condition}"
    );
    until(&format!("{number} runs have ended with {condition}"), async || {
        (tamper(&home.db.url, &waiting).await == number).then_some(())
    })
    .await;
}

#[on_every_home]
async fn what_is_old_is_forgotten_and_a_sweep_that_fails_holds_up_no_other(home: &Home) {
    let url = &home.db.url;
    let shop = home.open().await;
    ended(home, "error IS NULL", jobs()).await;

    // One sweep fails, and another has more than a batch to delete.
    tamper(url, "ALTER TABLE password_resets RENAME TO elsewhere").await;
    let old = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {BATCH})
         INSERT INTO login_attempts (account_hash, failures, last_at)
         SELECT CAST(n AS TEXT), 1, '2020-01-01T00:00:00.000000+00:00' FROM numbers"
    );
    assert_eq!(tamper(url, &old).await, BATCH + 1);
    run_now(home).await;
    ended(home, "error IS NULL", jobs() - 1).await;
    ended(home, "error IS NOT NULL AND kind = 'forget_password_resets'", 1).await;
    let left = "UPDATE login_attempts SET failures = 2 WHERE last_at < '2021-01-01'";
    assert_eq!(tamper(url, left).await, 0);

    let runs = |kind, outcome| {
        let kind = format!("kind=\"{kind}\"");
        let outcome = format!("outcome=\"{outcome}\"");
        let shop = &shop;
        async move { shop.metric("jobs_total", &[&kind, &outcome]).await }
    };
    assert!(runs("forget_login_attempts", "done").await >= 2.0);
    assert!(runs("forget_password_resets", "failed").await >= 1.0);
    let deleted = shop.metric("scheduled_rows_total", &["forget_login_attempts"]).await;
    assert!(deleted >= 5_001.0, "{deleted} rows were deleted");

    // It waits for its next time and is not given up for good.
    tamper(url, "ALTER TABLE elsewhere RENAME TO password_resets").await;
    run_now(home).await;
    ended(home, "error IS NULL", jobs()).await;
}
