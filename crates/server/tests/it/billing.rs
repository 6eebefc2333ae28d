//! Money, from outside.

use replyx_billing::books;
use replyx_core::{
    clock::Clock,
    ids::WorkspaceId,
    ledger::{Credit, CreditSource, EntryKind, Subject},
    money::Money,
};
use replyx_storage::testing::tamper;
use replyx_testkit::api::Api;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Home, PASSWORD, SECRET, Shop, admin, assert_problem, on_every_home, run};

/// Runs `replyx billing verify` on a home: whether the ledger is sound, and what was said.
async fn verify(home: &Home) -> (bool, String) {
    let folder = home.folder.path().to_str().unwrap();
    let variables =
        [("DATABASE_URL", home.db.url.as_str()), ("DATA_DIR", folder), ("SECRET_KEY", SECRET)];
    let (sound, out, err) = run(&["billing", "verify"], &variables).await;
    (sound, out + &err)
}

/// Adds 5.00 to a balance.
async fn pay(home: &Home, workspace: WorkspaceId) {
    let clock = Clock::system();
    let credit = Credit {
        id: clock.id(),
        workspace_id: workspace,
        source: CreditSource::Transfer,
        source_id: workspace.to_string(),
        amount: Money::from_micros(5_000_000),
        remaining: Money::from_micros(5_000_000),
        created_at: clock.now(),
    };
    let subject = Subject::default();
    let mut tx = home.db.db.begin().await.unwrap();
    books::credit(&mut tx, &credit, EntryKind::Credit, &subject, clock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

#[on_every_home]
async fn the_ledger_is_proved_on_the_command_line_while_the_program_runs(home: &Home) {
    let _program = home.launch().start().await;
    let (sound, said) = verify(home).await;
    assert!(sound && said.contains("0 workspaces, 0 entries"), "{said}");

    let workspace = Clock::system().id::<WorkspaceId>();
    pay(home, workspace).await;
    let (sound, said) = verify(home).await;
    assert!(sound && said.contains("1 workspaces, 1 entries, 0 holds, 1 credits: sound"), "{said}");

    // A credit may be drawn from: no trigger refuses that.
    assert_eq!(tamper(&home.db.url, "UPDATE ledger_credits SET remaining = 1").await, 1);
    let (sound, said) = verify(home).await;
    let named = format!("workspace {workspace}: credit");
    assert!(!sound && said.contains(&named) && said.contains("2 FAULTS"), "{said}");
}

/// Lets commits wait for the disk: the server of the tests does not.
async fn make_durable(home: &Home) {
    if home.redis.is_some() {
        let name = home.db.url.rsplit('/').next().unwrap();
        tamper(&home.db.url, &format!("ALTER DATABASE {name} SET synchronous_commit = on")).await;
    }
}

/// The shop of an installation where workspaces pay.
async fn paying(home: &Home) -> (Shop, Api, String) {
    make_durable(home).await;
    // What there is, is what a test puts there.
    let launch = home
        .launch()
        .with("BILLING", "on")
        .with("TRIAL_MESSAGE_LIMIT", "0")
        .with("WELCOME_BONUS", "0");
    let shop = home.open_with(launch).await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    let workspace = me["workspace"]["id"].as_str().unwrap().to_owned();
    (shop, root, workspace)
}

#[on_every_home]
async fn while_billing_is_off_there_is_nothing_and_nothing_is_spent(home: &Home) {
    let shop = home.open().await;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    let workspace = me["workspace"]["id"].as_str().unwrap();

    let balance = shop.owner.get("/api/v1/balance").await.expect(200).body;
    let zeros = json!({
        "billing": "off", "currency": "USD", "balance": "0.00", "held": "0.00", "available": "0.00",
        "bonus": "0.00", "paid": "0.00", "trial_answers": 0, "trial": null, "answers_left": null, "days_left": null,
        "low_balance": false,
    });
    assert_eq!(balance, zeros);
    let entries = shop.owner.get("/api/v1/balance/entries").await.expect(200).body;
    assert_eq!(entries, json!({"items": [], "next_cursor": null}));
    let prices = shop.owner.get("/api/v1/prices").await.expect(200).body;
    assert_eq!(prices, json!({"billing": "off", "currency": "USD", "items": []}));

    let of = format!("/api/v1/admin/workspaces/{workspace}");
    let money = json!({"amount": "5.00", "reason": "a test"});
    for what in ["credits", "refunds", "corrections"] {
        let refused = root.post(&format!("{of}/{what}"), &money).await;
        assert_problem(&refused, 409, "billing_off");
    }
    let prices = json!({"answer": "0.10", "document": "0.10"});
    assert_problem(&root.post("/api/v1/admin/prices", &prices).await, 409, "billing_off");
    let rate = json!({"rate": "90"});
    assert_problem(&root.post("/api/v1/admin/dollar-rates", &rate).await, 409, "billing_off");
}

#[on_every_home]
async fn an_admin_credits_refunds_and_corrects_and_the_owner_sees_why(home: &Home) {
    let (shop, root, workspace) = paying(home).await;
    let of = format!("/api/v1/admin/workspaces/{workspace}");
    let credit =
        json!({"amount": "10.00", "source_id": "invoice 7", "reason": "=paid, \"by transfer\""});
    let after = root.post(&format!("{of}/credits"), &credit).await.expect(200).body;
    assert_eq!((&after["available"], &after["paid"]), (&json!("10.00"), &json!("10.00")));
    let again = root.post(&format!("{of}/credits"), &credit).await;
    assert_problem(&again, 409, "already_credited");
    let gift = json!({"amount": "0.000001", "source": "goodwill", "reason": "sorry"});
    let after = root.post(&format!("{of}/credits"), &gift).await.expect(200).body;
    assert_eq!((&after["available"], &after["bonus"]), (&json!("10.000001"), &json!("0.000001")));

    // What was given is not paid out.
    let refund = |amount: &str| json!({"amount": amount, "reason": "the contract ended"});
    let refused = root.post(&format!("{of}/refunds"), &refund("10.000001")).await;
    assert_problem(&refused, 402, "insufficient_funds");
    assert_eq!(refused.body["available"], "10.00");
    assert_eq!(refused.body["needed"], "10.000001");
    root.post(&format!("{of}/refunds"), &refund("4")).await.expect(200);
    let correct = |amount: &str| json!({"amount": amount, "reason": "a slip"});
    let refused = root.post(&format!("{of}/corrections"), &correct("-6.01")).await;
    assert_problem(&refused, 402, "insufficient_funds");
    root.post(&format!("{of}/corrections"), &correct("-3.50")).await.expect(200);
    root.post(&format!("{of}/corrections"), &correct("0.25")).await.expect(200);

    let balance = shop.owner.get("/api/v1/balance").await.expect(200).body;
    assert_eq!(balance["available"], "2.750001");
    assert_eq!(balance["answers_left"], 55);
    assert_eq!(balance["low_balance"], false);
    assert_eq!(root.get(&format!("{of}/balance")).await.expect(200).body, balance);
    let list = "/api/v1/balance/entries";
    let entries = shop.owner.get(list).await.expect(200).body;
    let seen: Vec<_> = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            ["kind", "source", "target", "amount", "available_after"]
                .map(|field| entry[field].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ["correction", "corrections", "paid", "0.25", "2.750001"],
            ["correction", "paid", "corrections", "3.50", "2.500001"],
            ["refund", "paid", "bank", "4.00", "6.000001"],
            ["credit", "promo", "bonus", "0.000001", "10.000001"],
            ["credit", "bank", "paid", "10.00", "10.00"],
        ]
    );

    let page = shop.owner.get(&format!("{list}?limit=2&kind=credit")).await.expect(200).body;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let one = shop.owner.get(&format!("{list}?limit=1&kind=credit")).await.expect(200).body;
    let cursor = one["next_cursor"].as_str().unwrap();
    let next = format!("{list}?limit=1&kind=credit&cursor={cursor}");
    let next = shop.owner.get(&next).await.expect(200).body;
    assert_eq!(next["items"][0]["seq"], 1);
    let later = shop.owner.get(&format!("{list}?from=2200-01-01T00:00:00Z")).await.expect(200).body;
    assert_eq!(later["items"], json!([]));

    let request = shop.owner.request(Method::GET, list).header("accept", "text/csv");
    let table = request.send().await.unwrap();
    assert_eq!(table.headers()["content-type"], "text/csv; charset=utf-8");
    let table = table.text().await.unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 6);
    assert!(lines[0].starts_with("seq,created_at,kind,"), "{}", lines[0]);
    assert!(lines[5].ends_with(",\"'=paid, \"\"by transfer\"\"\""), "{}", lines[5]);

    let (sound, said) = verify(home).await;
    assert!(sound && said.contains("5 entries"), "{said}");
    let audit = root.get("/api/v1/admin/audit?action=balance").await.expect(200).body;
    assert_eq!(audit["items"].as_array().unwrap().len(), 5);
    assert_eq!(audit["items"][4]["details"]["source_id"], "invoice 7");
}

#[on_every_home]
async fn amounts_and_reasons_that_cannot_be_are_refused(home: &Home) {
    let (_shop, root, workspace) = paying(home).await;
    let of = format!("/api/v1/admin/workspaces/{workspace}");
    for amount in ["0", "-1", "1e3", "1.0000001", "", "9999999999999"] {
        let body = json!({"amount": amount, "reason": "a test"});
        for what in ["credits", "refunds"] {
            let refused = root.post(&format!("{of}/{what}"), &body).await;
            assert_problem(&refused, 422, "invalid");
            assert_eq!(refused.body["errors"][0]["field"], "amount", "{amount}");
        }
    }
    for amount in ["0", "--1", "-9999999999999"] {
        let body = json!({"amount": amount, "reason": "a test"});
        let refused = root.post(&format!("{of}/corrections"), &body).await;
        assert_problem(&refused, 422, "invalid");
    }
    let refused = root.post(&format!("{of}/credits"), &json!({"amount": "1", "reason": ""})).await;
    assert_problem(&refused, 422, "invalid");
    let nobody = "/api/v1/admin/workspaces/01890a5d-ac96-774b-bcce-b302099a8057";
    let body = json!({"amount": "1", "reason": "a test"});
    for what in ["credits", "refunds", "corrections"] {
        assert_problem(&root.post(&format!("{nobody}/{what}"), &body).await, 404, "not_found");
    }
    assert_problem(&root.get(&format!("{nobody}/balance")).await, 404, "not_found");
}

#[on_every_home]
async fn prices_have_versions_and_count_from_their_moment(home: &Home) {
    let (shop, root, _) = paying(home).await;
    let prices = shop.owner.get("/api/v1/prices").await.expect(200).body;
    assert_eq!((&prices["billing"], &prices["currency"]), (&json!("on"), &json!("USD")));
    assert_eq!(prices["items"][0]["answer"], "0.05");

    let path = "/api/v1/admin/prices";
    let now = json!({
        "answer": "0.10", "answer_by_channel": {"api": "0.02"}, "document": "0.5",
        "tokens": {"gpt-4o-mini": {"prompt": "0.0003", "completion": "0.0012"}},
        "margin_percent": 20, "free_answers": 3,
    });
    let set = root.post(path, &now).await.expect(200).body;
    assert_eq!((&set["version"], &set["document"]), (&json!(2), &json!("0.50")));
    let later = json!({"answer": "9", "document": "9", "in_force_from": "2200-01-01T00:00:00Z"});
    root.post(path, &later).await.expect(200);

    let prices = shop.owner.get("/api/v1/prices").await.expect(200).body;
    let versions: Vec<_> =
        prices["items"].as_array().unwrap().iter().map(|of| &of["version"]).collect();
    assert_eq!(versions, [2, 3]);
    assert_eq!(prices["items"][0]["answer_by_channel"]["api"], "0.02");
    assert_eq!(prices["items"][0]["tokens"]["gpt-4o-mini"]["completion"], "0.0012");
    let all = root.get(path).await.expect(200).body;
    assert_eq!(all["items"].as_array().unwrap().len(), 3);

    for bad in [
        json!({"answer": "-1", "document": "0"}),
        json!({"answer": "0", "document": "0", "in_force_from": "2020-01-01T00:00:00Z"}),
        json!({"answer": "0", "document": "0", "answer_by_channel": {"pigeon": "1"}}),
        json!({"answer": "0", "document": "0", "tokens": {"a b": {"prompt": "0", "completion": "0"}}}),
        json!({"answer": "0", "document": "0", "margin_percent": 10_001}),
    ] {
        assert_problem(&root.post(path, &bad).await, 422, "invalid");
    }
    let rates = "/api/v1/admin/dollar-rates";
    assert_problem(&root.post(rates, &json!({"rate": "0"})).await, 422, "invalid");
    root.post(rates, &json!({"rate": "90.50"})).await.expect(200);
    let listed = root.get(rates).await.expect(200).body;
    assert_eq!(listed["items"][0]["rate"], "90.50");
    assert_eq!(listed["items"][0]["set_by"], "root@example.org");
    let sums = root.get("/api/v1/admin/ledger?from=2030-01-01&to=2030-01-02").await.expect(200);
    assert_eq!(sums.body["items"], json!([]));
    let long = root.get("/api/v1/admin/ledger?from=2030-01-01&to=2031-01-03").await;
    assert_problem(&long, 422, "invalid");
}

#[on_every_home]
async fn a_transfer_is_credited_once_on_the_command_line(home: &Home) {
    let (shop, root, workspace) = paying(home).await;
    let folder = home.folder.path().to_str().unwrap().to_owned();
    let top_up = async |amount: &str, billing: &str| {
        let variables = [
            ("DATABASE_URL", home.db.url.as_str()),
            ("DATA_DIR", &folder),
            ("SECRET_KEY", SECRET),
            ("BILLING", billing),
        ];
        let arguments =
            ["admin", "topup", &workspace, amount, "--reason", "a transfer", "--number", "7"];
        let (done, out, err) = run(&arguments, &variables).await;
        (done, out + &err)
    };
    let (done, said) = top_up("12.5", "off").await;
    assert!(!done && said.contains("billing is off"), "{said}");
    let (done, said) = top_up("12.5", "on").await;
    assert!(done && said.contains("`12.50` USD were added; 12.50 are available"), "{said}");
    let (done, said) = top_up("12.5", "on").await;
    assert!(!done && said.contains("credited before"), "{said}");
    let (done, said) = top_up("much", "on").await;
    assert!(!done && said.contains("not an amount"), "{said}");

    let balance = shop.owner.get("/api/v1/balance").await.expect(200).body;
    assert_eq!(balance["available"], "12.50");
    let audit = root.get("/api/v1/admin/audit?action=balance.credited").await.expect(200).body;
    assert_eq!(audit["items"][0]["actor_name"], "command line");
    assert_eq!(audit["items"][0]["details"]["reason"], "a transfer");
}

#[on_every_home]
async fn a_currency_is_kept_once_there_is_an_entry_and_others_need_a_rate(home: &Home) {
    make_durable(home).await;
    let start = async |currency: &str, rate: &str| {
        let folder = home.folder.path().to_str().unwrap();
        let workspace = "01890a5d-ac96-774b-bcce-b302099a8057";
        let variables = [
            ("DATABASE_URL", home.db.url.as_str()),
            ("DATA_DIR", folder),
            ("SECRET_KEY", SECRET),
            ("BILLING", "on"),
            ("CURRENCY", currency),
            ("USD_RATE", rate),
        ];
        // There is no such workspace: what is said before that is what counts.
        let arguments = ["admin", "topup", workspace, "1", "--reason", "a test"];
        let (done, out, err) = run(&arguments, &variables).await;
        assert!(!done);
        out + &err
    };
    for (currency, rate, said) in [
        ("RUB", "", "USD_RATE must be set"),
        ("rub", "", "CURRENCY must be three capital letters"),
        ("RUB", "much", "USD_RATE `much` is not an amount"),
        ("RUB", "0", "USD_RATE must be more than 0"),
        ("USD", "2", "USD_RATE has no meaning"),
        ("RUB", "90.50", "no such workspace"),
        ("USD", "", "no such workspace"),
    ] {
        let heard = start(currency, rate).await;
        assert!(heard.contains(said), "{currency} {rate}: {heard}");
    }
    pay(home, Clock::system().id()).await;
    let heard = start("RUB", "90.50").await;
    assert!(heard.contains("the ledger is in `USD`"), "{heard}");
}

#[tokio::test]
async fn what_is_not_durable_does_not_take_money() {
    let variables = [("BILLING", "on"), ("DATABASE_SYNC", "normal"), ("SECRET_KEY", SECRET)];
    let (good, out, err) = run(&["config", "check"], &variables).await;
    assert!(!good && (out + &err).contains("DATABASE_SYNC must be `full`"));

    let home = Home::postgres().await;
    let name = home.db.url.rsplit('/').next().unwrap().to_owned();
    let lax = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    tamper(&home.db.url, &lax).await;
    let folder = home.folder.path().to_str().unwrap();
    let variables = [
        ("DATABASE_URL", home.db.url.as_str()),
        ("DATA_DIR", folder),
        ("SECRET_KEY", SECRET),
        ("BILLING", "on"),
    ];
    let workspace = "01890a5d-ac96-774b-bcce-b302099a8057";
    let arguments = ["admin", "topup", workspace, "1", "--reason", "a test"];
    let (done, out, err) = run(&arguments, &variables).await;
    let said = out + &err;
    assert!(!done && said.contains("synchronous_commit = off"), "{said}");
}

#[on_every_home]
async fn a_new_owner_has_a_trial_and_a_bonus_once(home: &Home) {
    make_durable(home).await;
    let shop = home.open_with(home.launch().with("BILLING", "on")).await;
    let balance = shop.owner.get("/api/v1/balance").await.expect(200).body;
    assert_eq!((&balance["available"], &balance["bonus"]), (&json!("2.50"), &json!("2.50")));
    assert_eq!((&balance["trial_answers"], &balance["answers_left"]), (&json!(50), &json!(50)));
    let trial = &balance["trial"];
    let seen = (&trial["status"], &trial["answers"], &trial["answers_left"]);
    assert_eq!(seen, (&json!("running"), &json!(50), &json!(50)));

    // A second workspace of the same person has neither.
    let second = shop.owner.post("/api/v1/workspaces", &json!({"name": "Second"})).await;
    let second = second.expect(201).body;
    admin(home, "root@example.org").await;
    let root = Api::new(shop.program.base()).login("root@example.org", PASSWORD).await;
    let id = second["id"].as_str().or_else(|| second["workspace"]["id"].as_str()).unwrap();
    let path = format!("/api/v1/admin/workspaces/{id}/balance");
    let balance = root.get(&path).await.expect(200).body;
    assert_eq!((&balance["available"], &balance["trial"]), (&json!("0.00"), &json!(null)));

    // Nor has the same mailbox under another name.
    let fresh = Api::new(shop.program.base());
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    let email = me["user"]["email"].as_str().or_else(|| me["email"].as_str()).unwrap();
    let alias = email.replacen('@', "+again@", 1);
    let body = json!({"email": alias, "password": PASSWORD});
    let registered = fresh.post("/api/v1/auth/register", &body).await.expect(201).body;
    let id = registered["workspace"]["id"].as_str().unwrap();
    let path = format!("/api/v1/admin/workspaces/{id}/balance");
    let balance = root.get(&path).await.expect(200).body;
    assert_eq!((&balance["available"], &balance["trial"]), (&json!("0.00"), &json!(null)));
    let (sound, said) = verify(home).await;
    assert!(sound, "{said}");
}

#[on_every_home]
async fn turning_billing_on_gives_each_workspace_a_trial_once(home: &Home) {
    make_durable(home).await;
    let shop = home.open().await;
    shop.program.kill().await;
    for _ in 0..2 {
        let program = home.launch().with("BILLING", "on").start().await;
        let mut tx = home.db.db.read().await.unwrap();
        assert_eq!(tx.system().trials().undecided(9).await.unwrap(), []);
        let balances = tx.system().ledger().balances(None, 9).await.unwrap();
        let trials: Vec<_> = balances.iter().map(|balance| balance.funds.trial).collect();
        drop(tx);
        assert_eq!(trials, [50]);
        program.kill().await;
    }
}
