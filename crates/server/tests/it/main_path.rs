//! The main job, as its owner and a customer see it.

use serde_json::json;

use crate::harness::{EMAIL, Home, PASSWORD, PATIENCE, Shop, TOKEN, on_every_home, sample};
use replyx_testkit::api::Api;

/// The best hit of a search: its document, page and text.
async fn best(shop: &Shop, query: &str) -> serde_json::Value {
    let path = format!("/api/v1/assistants/{}/search", shop.assistant);
    let found = shop.owner.post(&path, &json!({"query": query, "limit": 3})).await.expect(200).body;
    let hits = found["hits"].as_array().unwrap();
    assert!((1..=3).contains(&hits.len()), "{found}");
    hits[0].clone()
}

/// What a passage or a citation points at.
async fn pointed_at(shop: &Shop, place: &serde_json::Value) -> String {
    let path = format!("/api/v1/documents/{}/text", place["document_id"].as_str().unwrap());
    let text = shop.owner.get(&path).await.expect(200).text("text");
    let at = |field: &str| usize::try_from(place[field].as_i64().unwrap()).unwrap();
    text[at("start")..at("end")].to_owned()
}

#[on_every_home]
async fn an_owner_signs_up_signs_in_and_is_known(home: &Home) {
    let program = home.launch().start().await;
    let stranger = Api::new(program.base());
    let body = json!({"email": " Owner@Example.org".trim(), "password": PASSWORD, "name": "Ann"});
    let registered = stranger.post("/api/v1/auth/register", &body).await.expect(201);
    assert_eq!(registered.body["user"]["email"], EMAIL);
    assert_eq!(registered.body["token_type"], "Bearer");
    assert_eq!(registered.body["expires_in"], 3600);

    let body = json!({"email": EMAIL, "password": PASSWORD});
    let login = stranger.post("/api/v1/auth/login", &body).await.expect(200);
    for token in [registered.text("access_token"), login.text("access_token")] {
        let me = stranger.with_token(token).get("/api/v1/me").await.expect(200).body;
        assert_eq!(me["user"], registered.body["user"]);
        for field in ["id", "name", "created_at"] {
            assert_eq!(me["workspace"][field], registered.body["workspace"][field]);
        }
        assert_eq!(
            (&me["role"], &registered.body["workspace"]["role"]),
            (&json!("owner"), &json!("owner"))
        );
    }
}

#[on_every_home]
async fn a_question_in_telegram_is_answered_from_an_uploaded_document(home: &Home) {
    let shop = home.open().await;
    let returns = shop.learn("returns.en.md").await;
    shop.learn("gift-cards.en.txt").await;
    let rental = shop.learn("rental.en.pdf").await;
    assert!(String::from_utf8(sample("payment.ru.txt")).is_err(), "it is in windows-1251");
    let payment = shop.learn("payment.ru.txt").await;

    let list = shop.owner.get("/api/v1/documents").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 4);
    for item in list["items"].as_array().unwrap() {
        assert!(item["passages"].as_i64().unwrap() > 0, "{item}");
        assert_eq!(item["assistant_ids"], json!([shop.assistant]), "{item}");
    }
    let kinds: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|item| &item["kind"]).collect();
    assert_eq!(kinds, ["markdown", "text", "pdf", "text"]);

    let hit = best(&shop, "return within how many days of receiving").await;
    assert_eq!(hit["document_id"], returns, "{hit}");
    assert!(pointed_at(&shop, &hit).await.contains("30 days"), "{hit}");
    let hit = best(&shop, "рассрочка").await;
    assert_eq!(hit["document_id"], payment, "{hit}");
    assert!(hit["text"].as_str().unwrap().contains("150 евро"), "{hit}");
    let hit = best(&shop, "deposit for a tent").await;
    assert_eq!(hit["document_id"], rental, "{hit}");
    assert!(hit["page"].as_i64().unwrap() >= 1, "{hit}");

    let bot = home.bot();
    let id = shop.connect().await;
    let seen = shop.owner.get(&format!("/api/v1/bots/{id}")).await.expect(200).body;
    assert_eq!(seen["username"], "first_bot");
    assert_eq!(seen["telegram_id"], 4001);
    assert_eq!(seen["status"], "running");

    let ann = bot.person(7, "Ann", "en");
    let reply = ann.ask("How many days do I have to return an item?", PATIENCE).await.unwrap();
    assert!(reply.plain.contains("30 days"), "{}", reply.plain);
    let reply = ann.ask("How big a deposit must I leave for a tent?", PATIENCE).await.unwrap();
    assert!(reply.plain.contains("80 euros"), "{}", reply.plain);

    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let dialog = &dialogs["items"][0];
    assert_eq!((&dialog["control"], &dialog["last_seq"]), (&json!("ai"), &json!(4)));
    let path = format!("/api/v1/dialogs/{}", dialog["id"].as_str().unwrap());
    let dialog = shop.owner.get(&path).await.expect(200).body;
    assert_eq!(dialog["contact"]["display_name"], "Ann");
    assert_eq!(dialog["contact"]["blocked"], false);

    let replies = shop.replies().await;
    let messages = shop.messages().await;
    let numbers: Vec<_> = messages.iter().map(|message| message["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(messages[0]["delivery"], "none");
    assert_eq!(messages[0]["answer"], json!(null));
    for (reply, document, fact) in
        [(&replies[0], &returns, "30 days"), (&replies[1], &rental, "80 euros")]
    {
        let answer = &reply["answer"];
        assert_eq!(answer["outcome"], "answered", "{reply}");
        assert_eq!(answer["model"], "extractive");
        assert_eq!(answer["cost"], "0.00");
        let citation = answer["citations"].as_array().unwrap().iter();
        let citation = citation.clone().find(|citation| citation["document_id"] == **document);
        let citation = citation.unwrap_or_else(|| panic!("{document} is cited: {reply}"));
        assert!(pointed_at(&shop, citation).await.contains(fact), "{citation}");
        let has_page = citation["page"].is_i64();
        assert_eq!(has_page, **document == rental, "{citation}");
    }
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
    assert_eq!(ann.sent_total(), 2);
}

#[on_every_home]
async fn what_no_document_says_gets_the_assistants_own_words(home: &Home) {
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let texts = json!({"unknown_text": "Ask Kim about that.", "greeting": "Hello from the shop!"});
    shop.set(&texts).await;
    let bot = home.bot();
    shop.connect().await;
    let ann = bot.customer(7);

    let reply = ann.ask("/start", PATIENCE).await.unwrap();
    assert_eq!(reply.plain, "Hello from the shop!");
    let reply = ann.ask("Are you hiring interns this summer?", PATIENCE).await.unwrap();
    assert_eq!(reply.plain, "Ask Kim about that.");
    let before = ann.sent_total();
    ann.send(json!({"sticker": {
        "file_id": "x", "file_unique_id": "y", "type": "regular", "width": 1, "height": 1,
        "is_animated": false, "is_video": false
    }}));
    let reply = ann.wait_for_reply(before, PATIENCE).await.unwrap();
    assert!(reply.plain.contains("only read text"), "{}", reply.plain);

    let outcomes: Vec<_> = shop
        .replies()
        .await
        .iter()
        .map(|reply| reply["answer"]["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes, ["fixed", "unknown", "fixed"]);
}

#[on_every_home]
async fn a_deleted_document_is_forgotten_and_one_read_again_is_found(home: &Home) {
    let shop = home.open().await;
    let returns = shop.learn("returns.en.md").await;
    let again = shop.owner.post(&format!("/api/v1/documents/{returns}/reindex"), &json!({})).await;
    assert_eq!(again.expect(202).body["status"], "queued");
    let document = shop.owner.processed(&returns, PATIENCE).await;
    assert_eq!(document["status"], "ready");
    assert_eq!(best(&shop, "return an item").await["document_id"], returns);

    shop.owner.delete(&format!("/api/v1/documents/{returns}")).await.expect(204);
    shop.owner.get(&format!("/api/v1/documents/{returns}")).await.expect(404);
    let path = format!("/api/v1/assistants/{}/search", shop.assistant);
    let found = shop.owner.post(&path, &json!({"query": "return an item"})).await.expect(200);
    assert_eq!(found.body["hits"], json!([]));
}

#[on_every_home]
async fn an_assistant_is_changed_by_who_has_seen_it_and_deleted_without_bots(home: &Home) {
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let tag = shop.owner.get(&path).await.expect(200).headers["etag"].clone();
    let change = |name: &str, tag: &reqwest::header::HeaderValue| {
        let request = shop.owner.request(reqwest::Method::PATCH, &path);
        request.header("if-match", tag).json(&json!({"name": name}))
    };
    let changed = shop.owner.send(change("First", &tag)).await.expect(200);
    assert_ne!(changed.headers["etag"], tag);
    assert_eq!(changed.body["name"], "First");
    shop.owner.send(change("Second", &tag)).await.expect(412);
    assert_eq!(shop.owner.get(&path).await.body["name"], "First");

    home.bot();
    let bot = shop.connect().await;
    let refused = shop.owner.delete(&path).await.expect(409);
    assert_eq!(refused.body["code"], "assistant_in_use");
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    let refused = shop.owner.post(&path, &json!({"token": TOKEN})).await.expect(409);
    assert_eq!(refused.body["code"], "bot_exists");
    shop.owner.delete(&format!("/api/v1/bots/{bot}")).await.expect(204);
    shop.owner.delete(&format!("/api/v1/assistants/{}", shop.assistant)).await.expect(204);
    shop.owner.get(&format!("/api/v1/assistants/{}", shop.assistant)).await.expect(404);
}

#[on_every_home]
async fn lists_come_in_pages_without_gap_or_repeat(home: &Home) {
    let shop = home.open().await;
    for number in 0..6 {
        shop.owner.assistant(&json!({"name": format!("Assistant {number}")})).await;
    }
    let mut names = Vec::new();
    let mut path = "/api/v1/assistants?limit=3".to_owned();
    loop {
        let page = shop.owner.get(&path).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        assert!((1..=3).contains(&items.len()), "{page}");
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/assistants?limit=3&cursor={cursor}");
    }
    let expected: Vec<String> = std::iter::once("Support".to_owned())
        .chain((0..6).map(|number| format!("Assistant {number}")))
        .collect();
    assert_eq!(names, expected);
    for bad in ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=%00", "limit=-1"] {
        let answer = shop.owner.get(&format!("/api/v1/assistants?{bad}")).await;
        assert_eq!(answer.expect(400).body["code"], "malformed", "{bad}");
    }
}
