use chrono::{Days, NaiveDate};
use replyx_core::{
    money::Money,
    usage::{ModelCall, PENDING, Purpose},
};
use replyx_storage::{Db, on_every_db, testing::TestDb};

use crate::given::{self, Tenant, at};

fn call(tenant: &Tenant, days: u64) -> ModelCall {
    ModelCall { created_at: at(0) + Days::new(days), ..given::call(tenant.assistant.id, None) }
}

async fn store(db: &Db, tenant: &Tenant, calls: &[ModelCall]) {
    commit!(db, |tx| tx.workspace(tenant.id).model_calls().insert(calls));
}

fn day(days: u64) -> NaiveDate {
    (at(0) + Days::new(days)).date_naive()
}

async fn days(db: &Db, tenant: &Tenant) -> Vec<NaiveDate> {
    let from = day(0);
    let to = day(1000);
    let rows = read!(db, |tx| tx.workspace(tenant.id).model_calls().by_day(None, from, to, 100));
    rows.into_iter().map(|row| row.day).collect()
}

#[on_every_db]
async fn calls_are_forgotten_by_their_day_in_every_workspace(home: &TestDb) {
    let db = &home.db;
    let first = given::tenant(&home.db).await;
    let second = given::tenant(&home.db).await;
    store(db, &first, &[call(&first, 0), call(&first, 1), call(&first, 2)]).await;
    store(db, &second, &[call(&second, 0)]).await;
    assert_eq!(
        commit!(db, |tx| tx.system().model_calls().forget(day(0))),
        0,
        "the day itself stays"
    );
    assert_eq!(commit!(db, |tx| tx.system().model_calls().forget(day(2))), 3);
    assert_eq!(days(db, &first).await, [day(2)]);
    assert_eq!(days(db, &second).await, []);
}

#[on_every_db]
async fn a_call_is_counted_once_and_in_its_own_workspace(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let dialog = tenant.dialog.id;
    let good = given::call(tenant.assistant.id, Some(dialog));
    let failed = ModelCall {
        id: given::id(),
        outcome: "refused".to_owned(),
        cost: Money::ZERO,
        ..good.clone()
    };
    for _ in 0..2 {
        store(db, &tenant, &[good.clone(), failed.clone()]).await;
    }
    let totals = read!(db, |tx| tx.workspace(tenant.id).model_calls().of_dialog(dialog));
    assert_eq!((totals.calls, totals.failed, totals.cost), (2, 1, good.cost));
    assert_eq!((totals.prompt_tokens, totals.completion_tokens), (200, 20));
    let other = given::tenant(db).await;
    let totals = read!(db, |tx| tx.workspace(other.id).model_calls().of_dialog(dialog));
    assert_eq!(totals.calls, 0);
    let of_other = Some(other.assistant.id);
    let rows =
        read!(db, |tx| tx.workspace(tenant.id).model_calls().by_day(of_other, day(0), day(9), 9));
    assert_eq!(rows.len(), 0);
}

#[on_every_db]
async fn days_are_apart_by_purpose_and_model_and_both_ends_count(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let evaluation = ModelCall { purpose: Purpose::Evaluation, ..call(&tenant, 1) };
    let other_model = ModelCall { model: "gpt-x".to_owned(), ..call(&tenant, 1) };
    store(
        db,
        &tenant,
        &[call(&tenant, 0), call(&tenant, 1), evaluation, other_model, call(&tenant, 2)],
    )
    .await;
    let rows =
        read!(db, |tx| tx.workspace(tenant.id).model_calls().by_day(None, day(0), day(1), 9));
    let seen: Vec<_> = rows.iter().map(|row| (row.day, row.purpose, row.model.as_str())).collect();
    assert_eq!(
        seen,
        [
            (day(0), Purpose::Answer, "gpt-4o-mini"),
            (day(1), Purpose::Answer, "gpt-4o-mini"),
            (day(1), Purpose::Answer, "gpt-x"),
            (day(1), Purpose::Evaluation, "gpt-4o-mini"),
        ]
    );
    let short =
        read!(db, |tx| tx.workspace(tenant.id).model_calls().by_day(None, day(0), day(1), 2));
    assert_eq!(short.len(), 2);
}

#[on_every_db]
async fn a_key_has_what_it_was_used_for_today_and_this_month(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let today = NaiveDate::from_ymd_opt(2026, 3, 15).unwrap();
    let on = |month, day| {
        let date = NaiveDate::from_ymd_opt(2026, month, day).unwrap();
        date.and_hms_opt(12, 0, 0).unwrap().and_utc()
    };
    let key = Some(given::id::<replyx_core::ids::ModelKeyId>().into_uuid());
    let times = [on(2, 28), on(3, 1), on(3, 15), on(3, 15), on(3, 16)];
    let calls = times.map(|created_at| ModelCall { key_id: key, created_at, ..call(&tenant, 0) });
    store(db, &tenant, &calls).await;
    store(db, &tenant, &[ModelCall { key_id: None, created_at: on(3, 15), ..call(&tenant, 0) }])
        .await;
    let used = read!(db, |tx| tx.system().model_calls().by_key(today));
    let [used] = used.as_slice() else { panic!("{used:?}") };
    assert_eq!((Some(used.key_id), used.day_requests, used.month_requests), (key, 2, 3));
    assert_eq!((used.day_cost.micros(), used.month_cost.micros()), (42, 63));
}

#[on_every_db]
async fn a_call_that_is_begun_is_counted_once_it_has_ended_or_was_lost(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let dead = given::process(db, at(0)).await;
    let alive = given::process(db, at(0)).await;
    let expected = ModelCall {
        outcome: PENDING.to_owned(),
        cost: Money::from_micros(900),
        ..call(&tenant, 0)
    };
    let others = ModelCall { id: given::id(), ..expected.clone() };
    commit!(db, |tx| tx
        .workspace(tenant.id)
        .model_calls()
        .begin(std::slice::from_ref(&expected), alive));
    commit!(db, |tx| tx
        .workspace(tenant.id)
        .model_calls()
        .begin(std::slice::from_ref(&others), dead));
    assert_eq!(days(db, &tenant).await, [], "what is under way has no cost yet");
    let used = read!(db, |tx| tx.system().model_calls().by_key(day(0)));
    assert_eq!(used, []);

    let ended =
        ModelCall { outcome: "ok".to_owned(), cost: Money::from_micros(21), ..expected.clone() };
    let message = ModelCall { message_id: Some(given::id()), ..ended.clone() };
    store(db, &tenant, &[message]).await;
    store(db, &tenant, &[ended]).await;
    commit!(db, |tx| tx.system().processes().leave(dead));
    let reaped = commit!(db, |tx| tx
        .system()
        .processes()
        .reap(std::time::Duration::from_hours(24 * 365 * 9), at(9)));
    assert_eq!(reaped.calls, 1);
    let used = read!(db, |tx| tx.system().model_calls().by_model(day(0), day(0), 9));
    let costs: i64 = used.iter().map(|usage| usage.totals.cost.micros()).sum();
    assert_eq!((costs, used.iter().map(|usage| usage.lost).sum::<i64>()), (921, 1), "{used:?}");

    // The dead one was only slow, and tells how it ended.
    let late = ModelCall { outcome: "ok".to_owned(), cost: Money::from_micros(7), ..others };
    store(db, &tenant, &[late]).await;
    let used = read!(db, |tx| tx.system().model_calls().by_model(day(0), day(0), 9));
    let costs: i64 = used.iter().map(|usage| usage.totals.cost.micros()).sum();
    assert_eq!((costs, used.iter().map(|usage| usage.lost).sum::<i64>()), (28, 0), "{used:?}");
}

#[on_every_db]
async fn what_was_paid_for_outlives_the_workspace(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let paid = given::call(tenant.assistant.id, Some(tenant.dialog.id));
    let nobodys = ModelCall { assistant_id: None, priced: false, ..call(&tenant, 0) };
    store(db, &tenant, &[paid.clone(), nobodys]).await;
    commit!(db, |tx| given::end(&mut tx, tenant.id));
    let late = ModelCall { id: given::id(), ..paid.clone() };
    store(db, &tenant, &[late]).await;
    let used = read!(db, |tx| tx.system().model_calls().by_key(day(0)));
    let used = used.iter().find(|used| Some(used.key_id) == paid.key_id).unwrap();
    assert_eq!((used.day_requests, used.day_cost.micros()), (2, 42));
    let used = read!(db, |tx| tx.system().model_calls().by_model(day(0), day(0), 9));
    assert_eq!(used.iter().map(|usage| usage.unpriced).sum::<i64>(), 1, "{used:?}");
}

#[on_every_db]
async fn absurd_figures_are_stored_as_the_largest_there_can_be_and_add_up(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let key = Some(given::id::<replyx_core::ids::ModelKeyId>().into_uuid());
    let absurd = || ModelCall {
        prompt_tokens: u64::MAX,
        completion_tokens: u64::MAX,
        cost: Money::from_micros(i64::MAX),
        key_id: key,
        ..call(&tenant, 0)
    };
    let negative = ModelCall { cost: Money::from_micros(-5), ..absurd() };
    store(db, &tenant, &[absurd(), absurd(), absurd(), negative]).await;
    let rows =
        read!(db, |tx| tx.workspace(tenant.id).model_calls().by_day(None, day(0), day(0), 9));
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(
        (row.totals.prompt_tokens, row.totals.cost),
        (4_000_000_000, Money::from_micros(3_000_000_000_000))
    );
    let used = read!(db, |tx| tx.system().model_calls().by_key(day(0)));
    assert_eq!(used[0].month_cost, Money::from_micros(3_000_000_000_000));
}
