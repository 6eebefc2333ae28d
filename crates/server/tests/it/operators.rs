//! People answer customers: who has a dialog, and how it changes hands.

use replyx_core::role::Role;
use replyx_testkit::api::Api;
use serde_json::{Value, json};

use crate::harness::{Home, PASSWORD, PATIENCE, Shop, assert_problem, join, on_every_home, until};

/// The id of nobody.
const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Somebody else who works in the shop.
async fn colleague(home: &Home, shop: &Shop, email: &str) -> Api {
    let person = Api::new(shop.program.base()).register(email, PASSWORD).await;
    join(home, shop, &person, Role::Operator).await;
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    person.in_workspace(me["workspace"]["id"].as_str().unwrap())
}

/// The path of the only dialog.
async fn dialog(shop: &Shop) -> String {
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    format!("/api/v1/dialogs/{}", dialogs["items"][0]["id"].as_str().unwrap())
}

async fn control(who: &Api, dialog: &str, step: &str) -> Value {
    who.post(&format!("{dialog}/{step}"), &json!({})).await.expect(200).body
}

#[on_every_home]
async fn a_dialog_changes_hands_and_everybody_is_told_whose_it_is(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    let ann = bot.customer(7);
    ann.ask("How many days do I have to return an item?", PATIENCE).await.unwrap();
    let dialog = dialog(&shop).await;

    let taken =
        kim.post(&format!("{dialog}/takeover"), &json!({"epoch": 0})).await.expect(200).body;
    assert_eq!((&taken["control"], &taken["epoch"]), (&json!("human"), &json!(1)));
    assert_eq!(taken["assignee"]["name"], "kim@example.org");
    let refused = lee.post(&format!("{dialog}/takeover"), &json!({})).await;
    assert_problem(&refused, 409, "not_yours");
    assert_eq!(refused.body["holder"], taken["assignee"]);
    assert_problem(&lee.post(&format!("{dialog}/release"), &json!({})).await, 409, "not_yours");

    // The assistant is silent; what the customer says is there for Kim.
    ann.say("Is anybody there?");
    until("the words are stored", async || {
        let messages = shop.messages().await;
        (messages.last()?["text"] == "Is anybody there?").then_some(())
    })
    .await;
    let waiting = control(&kim, &dialog, "handoff").await;
    assert_eq!(
        (&waiting["control"], &waiting["handoff_reason"]),
        (&json!("waiting"), &json!("operator"))
    );
    assert!(waiting["waiting_since"].is_string() && waiting["assignee"].is_null());
    assert_eq!(control(&lee, &dialog, "handoff").await, waiting, "asking again changes nothing");
    let stale = lee.post(&format!("{dialog}/takeover"), &json!({"epoch": 1})).await;
    assert_problem(&stale, 409, "not_yours");

    let closed = control(&lee, &dialog, "close").await;
    assert_eq!(closed["control"], "closed");
    assert!(closed["closed_at"].is_string());
    assert_problem(&kim.post(&format!("{dialog}/takeover"), &json!({})).await, 409, "closed");
    assert_eq!(control(&kim, &dialog, "reopen").await["control"], "ai");
    assert_problem(&kim.post(&format!("{dialog}/reopen"), &json!({})).await, 409, "not_closed");

    let steps: Vec<_> = shop
        .messages()
        .await
        .iter()
        .filter(|message| message["author"] == "system")
        .map(|message| (message["text"].clone(), message["operator"]["name"].clone()))
        .collect();
    let kim = json!("kim@example.org");
    let lee = json!("lee@example.org");
    let told = |step: &str, who: &Value| (json!(step), who.clone());
    assert_eq!(
        steps,
        [
            told("take_over", &kim),
            told("hand_off", &kim),
            told("close", &lee),
            told("reopen", &kim)
        ]
    );
}

#[on_every_home]
async fn the_customers_next_words_reopen_a_closed_dialog_or_begin_another(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let ann = bot.customer(7);
    let question = "How many days do I have to return an item?";
    ann.ask(question, PATIENCE).await.unwrap();
    let dialog = dialog(&shop).await;
    control(&shop.owner, &dialog, "close").await;
    ann.ask(question, PATIENCE).await.unwrap();
    assert_eq!(shop.owner.get(&dialog).await.expect(200).body["control"], "ai");

    shop.set(&json!({"reopen_hours": 0})).await;
    control(&shop.owner, &dialog, "close").await;
    ann.ask(question, PATIENCE).await.unwrap();
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    assert_eq!(dialogs["items"].as_array().unwrap().len(), 2);
    assert_eq!(shop.owner.get(&dialog).await.expect(200).body["control"], "closed");

    // She is in another one now.
    assert_problem(
        &shop.owner.post(&format!("{dialog}/reopen"), &json!({})).await,
        409,
        "not_closed",
    );
}

#[on_every_home]
async fn nobody_changes_the_hands_of_a_dialog_of_another_workspace(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    bot.customer(7).ask("Hello?", PATIENCE).await.unwrap();
    let dialog = dialog(&shop).await;
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    for step in ["takeover", "handoff", "release", "close", "reopen"] {
        let refused = stranger.post(&format!("{dialog}/{step}"), &json!({})).await;
        assert_problem(&refused, 404, "not_found");
    }
    let bad = shop.owner.post(&format!("{dialog}/takeover"), &json!({"epoch": -1})).await;
    assert_problem(&bad, 422, "invalid");
    let bad = shop.owner.post(&format!("{dialog}/handoff"), &json!({"reason": "bored"})).await;
    assert_problem(&bad, 422, "invalid");
    assert_eq!(shop.owner.get(&dialog).await.expect(200).body["epoch"], 0);
}

#[on_every_home]
async fn a_reply_takes_over_and_is_delivered_once(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    let ann = bot.customer(7);
    ann.ask("How many days do I have to return an item?", PATIENCE).await.unwrap();
    let dialog = dialog(&shop).await;
    let messages = format!("{dialog}/messages");

    let stale = json!({"client_id": "k0", "text": "Hello", "epoch": 5});
    assert_problem(&kim.post(&messages, &stale).await, 409, "not_yours");
    let reply = json!({"client_id": "k1", "text": "Hello, this is *Kim*.", "epoch": 0});
    let stored = kim.post(&messages, &reply).await.expect(201).body;
    assert_eq!((&stored["author"], &stored["kind"]), (&json!("operator"), &json!("text")));
    assert_eq!(stored["operator"]["name"], "kim@example.org");
    let received = ann.wait_for_reply(1, PATIENCE).await.unwrap();
    assert_eq!(received.plain, "Hello, this is Kim.");
    let read = kim.get(&dialog).await.expect(200).body;
    assert_eq!((&read["control"], &read["epoch"]), (&json!("human"), &json!(1)));
    assert_eq!(read["answered_seq"], 1);

    // The same once more is the same message.
    let again = kim.post(&messages, &reply).await.expect(201).body;
    assert_eq!(again["id"], stored["id"]);
    let refused = lee.post(&messages, &json!({"client_id": "l1", "text": "Me too"})).await;
    assert_problem(&refused, 409, "not_yours");
    assert_eq!(refused.body["holder"]["name"], "kim@example.org");

    let parts = format!("/api/v1/messages/{}/deliveries", stored["id"].as_str().unwrap());
    let sent = until("the reply is delivered", async || {
        let parts = kim.get(&parts).await.expect(200).body;
        (parts["items"][0]["status"] == "sent").then_some(parts)
    })
    .await;
    assert_eq!(sent["items"].as_array().unwrap().len(), 1);
    assert_eq!(sent["items"][0]["attempts"], 1);
    assert_eq!(ann.sent_total(), 2, "nothing arrived twice");

    // What the customer says after the answer is the assistant's again after the release.
    control(&kim, &dialog, "release").await;
    let next = ann.ask("How many days do I have to return an item?", PATIENCE).await.unwrap();
    assert!(next.plain.contains("30 days"), "{}", next.plain);
}

#[on_every_home]
async fn a_newer_reply_of_a_colleague_is_shown_before_another_one_is_sent(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    bot.customer(7).ask("Hello?", PATIENCE).await.unwrap();
    let dialog = dialog(&shop).await;
    let messages = format!("{dialog}/messages");
    control(&kim, &dialog, "takeover").await;
    let seen = kim.get(&dialog).await.expect(200).body["last_seq"].clone();
    control(&kim, &dialog, "handoff").await;
    let first = json!({"client_id": "l1", "text": "Lee is faster"});
    let theirs = lee.post(&messages, &first).await.expect(201).body;
    control(&lee, &dialog, "handoff").await;

    let late = json!({"client_id": "k1", "text": "Kim is here", "seen_seq": seen});
    let refused = kim.post(&messages, &late).await;
    assert_problem(&refused, 409, "newer_reply");
    assert_eq!(refused.body["message"]["text"], "Lee is faster");
    let seen = json!({"client_id": "k1", "text": "Kim is here", "seen_seq": theirs["seq"]});
    kim.post(&messages, &seen).await.expect(201);
}

#[on_every_home]
async fn notes_are_for_colleagues_and_what_cannot_arrive_is_refused(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    let lee_id = lee.get("/api/v1/me").await.expect(200).body["user"]["id"].clone();
    let ann = bot.customer(7);
    ann.ask("Hello?", PATIENCE).await.unwrap();
    let dialog = dialog(&shop).await;
    let messages = format!("{dialog}/messages");
    let arrived = ann.sent_total();

    let note = json!({"client_id": "n1", "kind": "note", "text": "VIP", "mentions": [lee_id]});
    let stored = kim.post(&messages, &note).await.expect(201).body;
    assert_eq!((&stored["kind"], &stored["delivery"]), (&json!("note"), &json!("none")));
    assert_eq!(stored["mentions"], json!([lee_id]));
    assert_eq!(kim.get(&dialog).await.expect(200).body["control"], "ai", "a note changes nothing");
    let again = kim.post(&messages, &note).await.expect(201).body;
    assert_eq!(again["id"], stored["id"]);
    let other = json!({"client_id": "n1", "text": "Hello"});
    assert_problem(&kim.post(&messages, &other).await, 409, "client_id_taken");
    assert_problem(&shop.owner.post(&messages, &note).await, 409, "client_id_taken");
    let unknown = json!({"client_id": "n2", "kind": "note", "text": "?", "mentions": [UNKNOWN]});
    assert_problem(&kim.post(&messages, &unknown).await, 422, "invalid");
    let key = json!({"name": "App", "scopes": ["dialogs:read"]});
    let secret = shop.owner.post("/api/v1/api-keys", &key).await.expect(201).text("key");
    let program = Api::new(shop.program.base()).with_token(secret);
    let shown = program.get(&messages).await.expect(200).body;
    let shown = shown["items"].as_array().unwrap();
    assert!(shown.iter().all(|message| message["kind"] != "note"), "{shown:?}");

    ann.block();
    until("the block is known", async || {
        let read = kim.get(&dialog).await.expect(200).body;
        (read["contact"]["blocked"] == true).then_some(())
    })
    .await;
    let reply = json!({"client_id": "k1", "text": "Hello"});
    assert_problem(&kim.post(&messages, &reply).await, 409, "contact_blocked");
    control(&kim, &dialog, "close").await;
    assert_problem(&kim.post(&messages, &reply).await, 409, "closed");
    assert_eq!(ann.sent_total(), arrived, "nothing was sent");

    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    assert_problem(&stranger.post(&messages, &reply).await, 404, "not_found");
    assert_problem(&stranger.post(&messages, &note).await, 404, "not_found");
    let parts = format!("/api/v1/messages/{}/deliveries", stored["id"].as_str().unwrap());
    assert_problem(&stranger.get(&parts).await, 404, "not_found");
    for bad in [json!({"client_id": "b", "text": " "}), json!({"text": "no name"})] {
        assert_problem(&kim.post(&messages, &bad).await, 422, "invalid");
    }
}

/// The ids that a list of dialogs shows.
async fn listed(who: &Api, query: &str) -> Vec<String> {
    let list = who.get(&format!("/api/v1/dialogs{query}")).await.expect(200).body;
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[on_every_home]
async fn the_inbox_is_filtered_and_sorted_and_knows_what_each_member_has_read(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    for chat in [7, 8, 9] {
        bot.customer(chat).ask("Hello?", PATIENCE).await.unwrap();
    }
    let [newest, middle, oldest] = listed(&kim, "").await.try_into().unwrap();
    let path = |id: &str| format!("/api/v1/dialogs/{id}");
    // The newest asks for a human before the oldest does.
    control(&kim, &path(&newest), "handoff").await;
    control(&kim, &path(&oldest), "handoff").await;
    control(&lee, &path(&middle), "takeover").await;

    assert_eq!(listed(&kim, "?order=waiting").await, [&*newest, &*oldest]);
    assert_eq!(listed(&kim, "?view=waiting").await, [&*newest, &*oldest]);
    assert_eq!(listed(&kim, "?order=activity").await, [&*middle, &*oldest, &*newest]);
    assert_eq!(listed(&lee, "?view=mine").await, [&*middle]);
    assert_eq!(listed(&kim, "?view=mine").await, [""; 0]);
    assert_eq!(listed(&kim, "?assignee_id=none&control=human").await, [""; 0]);
    assert_eq!(listed(&kim, "?view=unassigned").await, [&*newest, &*oldest]);
    let lee_id = lee.get("/api/v1/me").await.expect(200).body["user"]["id"].clone();
    let of_lee = format!("?assignee_id={}", lee_id.as_str().unwrap());
    assert_eq!(listed(&kim, &of_lee).await, [&*middle]);
    assert_eq!(listed(&kim, &format!("?assistant_id={UNKNOWN}")).await, [""; 0]);
    for wrong in ["?assignee_id=x", "?order=waiting&cursor=x", "?view=ai&control=human", "?view=x"]
    {
        assert_problem(&kim.get(&format!("/api/v1/dialogs{wrong}")).await, 400, "malformed");
    }

    // Page by page nothing is missed and nothing comes twice.
    for order in ["newest", "activity"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let query = format!("/api/v1/dialogs?limit=1&order={order}{cursor}");
            let page = kim.get(&query).await.expect(200).body;
            seen.push(page["items"][0]["id"].as_str().unwrap().to_owned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, listed(&kim, &format!("?order={order}")).await);
        assert_eq!(seen.len(), 3);
    }

    let counts = lee.get("/api/v1/dialogs/counts").await.expect(200).body;
    let none = json!(
        {"mine": 1, "snoozed": 0, "waiting": 2, "ai": 0, "unassigned": 2, "closed_today": 0, "unread": 1}
    );
    assert_eq!(counts, none);
    let item = lee.get("/api/v1/dialogs?view=mine").await.expect(200).body["items"][0].clone();
    assert_eq!((&item["unread"], &item["last_message"]["kind"]), (&json!(1), &json!("control")));
    assert_eq!(item["contact"]["blocked"], false);
    let read = json!({"seq": item["last_seq"]});
    let marked =
        lee.send(lee.request(reqwest::Method::PUT, &format!("{}/read", path(&middle))).json(&read));
    marked.await.expect(204);
    assert_eq!(lee.get("/api/v1/dialogs/counts").await.expect(200).body["unread"], 0);
    let item = |who: Api| async move {
        let list = who.get("/api/v1/dialogs?control=human").await.expect(200).body;
        list["items"][0]["unread"].clone()
    };
    assert_eq!((item(lee.clone()).await, item(kim.clone()).await), (json!(0), json!(1)));
    assert_eq!(listed(&lee, "?unread=true&control=human").await, [""; 0]);
    assert_eq!(listed(&kim, "?unread=true&control=human").await, [&*middle]);

    control(&lee, &path(&middle), "close").await;
    let counts = lee.get("/api/v1/dialogs/counts").await.expect(200).body;
    assert_eq!((&counts["mine"], &counts["closed_today"]), (&json!(0), &json!(1)));
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let theirs = stranger.request(reqwest::Method::PUT, &format!("{}/read", path(&middle)));
    assert_problem(&stranger.send(theirs.json(&read)).await, 404, "not_found");
    assert_eq!(listed(&stranger, "").await, [""; 0]);
}

#[on_every_home]
async fn the_queue_shows_who_waits_and_a_customer_may_leave_it(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let ann = bot.customer(7);
    let bob = bot.customer(8);
    ann.ask("I want to talk to a human", PATIENCE).await.unwrap();
    let told = bob.ask("Please connect me to an operator", PATIENCE).await.unwrap();
    assert!(told.plain.contains("number 2 in the queue"), "{}", told.plain);

    let path = "/api/v1/operators/queue";
    let queue = shop.owner.get(path).await.expect(200).body;
    let items = queue["items"].as_array().unwrap();
    let places: Vec<_> = items.iter().map(|item| item["position"].clone()).collect();
    assert_eq!(places, [json!(1), json!(2)]);
    assert!(items[0]["expected_wait_s"].is_null() && items[0]["waiting_since"].is_string());
    assert_eq!(items[0]["reason"], "asked");
    let first = shop.owner.get(&format!("{path}?limit=1")).await.expect(200).body;
    let next = first["next_cursor"].as_str().unwrap();
    let second = shop.owner.get(&format!("{path}?limit=1&cursor={next}")).await.expect(200).body;
    assert_eq!((&second["items"][0], &second["next_cursor"]), (&items[1], &Value::Null));
    assert_problem(&shop.owner.get(&format!("{path}?cursor=x")).await, 400, "malformed");

    let anns = format!("/api/v1/dialogs/{}", items[0]["dialog_id"].as_str().unwrap());
    let bobs = format!("/api/v1/dialogs/{}", items[1]["dialog_id"].as_str().unwrap());
    let place = shop.owner.get(&bobs).await.expect(200).body["queue"].clone();
    assert_eq!(place, json!({"position": 2, "expected_wait_s": null}));
    let left = ann.ask("cancel", PATIENCE).await.unwrap();
    assert_eq!(left.plain, "All right, I am back. What would you like to know?");
    let read = shop.owner.get(&anns).await.expect(200).body;
    assert_eq!((&read["control"], &read["queue"]), (&json!("ai"), &Value::Null));
    let place = shop.owner.get(&bobs).await.expect(200).body["queue"].clone();
    assert_eq!(place["position"], 1);

    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let theirs = stranger.get(path).await.expect(200).body;
    assert_eq!(theirs["items"], json!([]));
}

#[on_every_home]
async fn operators_come_online_are_given_dialogs_and_end_their_shift(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    shop.set(&json!({"handoff": {"assignment": "round_robin"}})).await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    let lee = colleague(home, &shop, "lee@example.org").await;
    let presence = |who: &Api, body: Value| {
        let put = who.request(reqwest::Method::PUT, "/api/v1/operators/me/presence");
        let who = who.clone();
        async move { who.send(put.json(&body)).await }
    };
    let online = json!({"state": "online", "capacity": {"telegram": 1}});
    let said = presence(&kim, online).await.expect(200).body;
    assert_eq!((&said["state"], &said["capacity"]["telegram"]), (&json!("online"), &json!(1)));
    assert!(said["expires_at"].as_str() > said["since"].as_str());
    for wrong in
        [json!({"state": "asleep"}), json!({"state": "online", "capacity": {"telegram": 101}})]
    {
        assert_problem(&presence(&kim, wrong).await, 422, "invalid");
    }

    bot.customer(7).ask("I want to talk to a human", PATIENCE).await.unwrap();
    let mine = until("the dialog is given to Kim", async || {
        let mine = kim.get("/api/v1/dialogs?view=mine").await.expect(200).body;
        mine["items"].as_array()?.first().cloned()
    })
    .await;
    let path = format!("/api/v1/dialogs/{}", mine["id"].as_str().unwrap());
    let list = lee.get("/api/v1/operators").await.expect(200).body;
    let of = |name: &str| {
        let items = list["items"].as_array().unwrap();
        items.iter().find(|item| item["name"] == name).unwrap().clone()
    };
    let of_kim = of("kim@example.org");
    assert_eq!((&of_kim["state"], &of_kim["open"]), (&json!("online"), &json!(1)));
    let of_lee = of("lee@example.org");
    assert_eq!((&of_lee["state"], &of_lee["last_seen_at"]), (&json!("offline"), &Value::Null));

    // To a colleague, whom capacity does not bind.
    let to_lee = json!({"assignee_id": of_lee["user_id"]});
    let given = kim.patch(&path, &to_lee).await.expect(200).body;
    assert_eq!(given["assignee"]["name"], "lee@example.org");
    assert_problem(&kim.patch(&path, &json!({"assignee_id": null})).await, 409, "not_yours");
    assert_problem(&lee.patch(&path, &json!({"assignee_id": UNKNOWN})).await, 422, "invalid");
    lee.patch(&path, &json!({})).await.expect(200);

    let words = json!({"client_id": "1", "text": "Hello, this is Lee."});
    lee.post(&format!("{path}/messages"), &words).await.expect(201);
    let board = kim.get("/api/v1/operators/board").await.expect(200).body;
    assert_eq!((&board["waiting"], &board["oldest_waiting_since"]), (&json!(0), &Value::Null));
    let shown = board["operators"].as_array().unwrap();
    let shown = shown.iter().find(|item| item["user_id"] == of_lee["user_id"]).unwrap();
    assert_eq!(shown["dialog_ids"], json!([mine["id"]]));
    assert_eq!((&shown["sent_last_hour"], &shown["open"]), (&json!(1), &json!(1)));

    let ended = lee.post("/api/v1/operators/me/end-shift", &json!({})).await.expect(200).body;
    assert_eq!(ended, json!({"returned": 1}));
    let given = until("the dialog is given to Kim again", async || {
        let dialog = kim.get(&path).await.expect(200).body;
        (dialog["assignee"]["name"] == "kim@example.org").then_some(dialog)
    })
    .await;
    assert_eq!(given["control"], "human");

    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    assert_problem(&stranger.patch(&path, &to_lee).await, 404, "not_found");
    let theirs = stranger.get("/api/v1/operators").await.expect(200).body;
    assert_eq!(theirs["items"].as_array().unwrap().len(), 1);
}

#[on_every_home]
async fn a_customer_is_told_which_person_answers(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let kim = colleague(home, &shop, "kim@example.org").await;
    kim.patch("/api/v1/me", &json!({"name": "Kim"})).await.expect(200);
    let ann = bot.customer(7);
    ann.ask("Hello?", PATIENCE).await.unwrap();
    let dialog = dialog(&shop).await;
    control(&kim, &dialog, "takeover").await;
    until("the words arrive", async || {
        let sent = ann.sent();
        (sent.last()?.plain == "You are now talking to Kim.").then_some(())
    })
    .await;
    let said = shop.messages().await.pop().unwrap();
    assert_eq!((&said["author"], &said["operator"]["name"]), (&json!("system"), &json!("Kim")));
}
