//! What a message was taken for is shown, can be corrected, and is the workspace's own business.

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::{Home, PATIENCE, assert_problem, on_every_home, until},
    webhooks::hooked,
};

#[on_every_home]
async fn an_operator_corrects_what_a_message_was_taken_for(home: &Home) {
    let shop = home.open().await;
    let bot = home.bot();
    shop.connect().await;
    let ann = bot.customer(7);
    ann.ask("Спасибо!", PATIENCE).await.unwrap();
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let dialog = dialogs["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/dialogs/{dialog}/messages");
    let messages = shop.owner.get(&path).await.expect(200).body;
    assert_eq!(messages["items"][0]["act"], "thanks");
    assert_eq!(messages["items"][1]["act"], json!(null));
    assert_eq!(messages["items"][1]["answer"]["act"], "thanks");

    let act = |at: usize| {
        let id = messages["items"][at]["id"].as_str().unwrap();
        format!("/api/v1/messages/{id}/act")
    };
    let put = async |path: &str, act: &str| {
        let request = shop.owner.request(Method::PUT, path).json(&json!({"act": act}));
        shop.owner.send(request).await
    };
    let corrected = put(&act(0), "farewell").await.expect(200).body;
    assert_eq!(corrected["act"], "farewell");
    let messages = shop.owner.get(&path).await.expect(200).body;
    assert_eq!(messages["items"][0]["act"], "farewell");
    let log = shop.owner.get("/api/v1/audit").await.expect(200).body;
    assert_eq!(log["items"][0]["action"], "message.act_corrected");

    let not_theirs = put(&act(1), "thanks").await;
    assert_problem(&not_theirs, 404, "not_found");
    let unknown = put(&act(0), "poem").await;
    assert_eq!(unknown.status, 422);
}

#[on_every_home]
async fn a_button_below_an_offer_brings_in_a_human_however_updates_come(home: &Home) {
    let (shop, bot, id) = hooked(home).await;
    let label = "Позовите нам кого-нибудь, пожалуйста, кто умеет";
    shop.set(&json!({"texts": {"ru": {"human_button": label}}})).await;

    for (mode, customer) in [("webhook", 7), ("polling", 8)] {
        shop.owner.patch(&format!("/api/v1/bots/{id}"), &json!({"mode": mode})).await.expect(200);
        let is_hooked = mode == "webhook";
        until("the mode has changed", async || (bot.has_webhook() == is_hooked).then_some(()))
            .await;
        let ann = bot.customer(customer);
        let greeted = ann.ask("Привет!", PATIENCE).await.unwrap();
        assert!(greeted.buttons.is_empty(), "nobody is offered");
        let offered = ann.ask("Где мой заказ?", PATIENCE).await.unwrap();
        let labels = offered.buttons.iter().flatten().map(|button| button.label.as_str());
        assert_eq!(labels.collect::<Vec<_>>(), [label]);

        let press = ann.press(&offered, label);
        let reply = ann.wait_for_reply(offered.seq, PATIENCE).await.unwrap();
        assert!(reply.text.contains("коллега"), "{}", reply.text);
        assert!(reply.buttons.is_empty(), "one is on the way");
        assert!(bot.wait_until_answered(&press, PATIENCE).await);
        assert_eq!(bot.press_answers(&press), 1);
    }

    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let dialogs = dialogs["items"].as_array().unwrap();
    assert_eq!(dialogs.len(), 2);
    for dialog in dialogs {
        assert_eq!(dialog["control"], "waiting");
        let path = format!("/api/v1/dialogs/{}/messages", dialog["id"].as_str().unwrap());
        let said = shop.owner.get(&path).await.expect(200).body;
        let mut said = said["items"].as_array().unwrap().iter();
        let pressed = said.rfind(|message| message["author"] == "customer").unwrap();
        assert_eq!(pressed["act"], "wants_human");
        assert!(label.starts_with(pressed["text"].as_str().unwrap()), "{pressed}");
    }
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
    assert_eq!(bot.refused(), []);
}

#[on_every_home]
async fn the_policy_and_the_texts_are_set_and_shown(home: &Home) {
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let read = shop.owner.get(&path).await.expect(200).body;
    let policy = json!({
        "on_request": true, "on_unknown": 0, "on_failed_check": false, "topics": [],
        "assignment": "none", "announce_operator": true, "waiting_hours": 4,
    });
    assert_eq!(read["handoff"], policy);
    assert_eq!(read["texts"], json!({}));

    let change = json!({
        "handoff": {"on_unknown": 2, "on_failed_check": true},
        "texts": {"ru": {"thanks": "Всегда рады!"}},
    });
    let changed = shop.owner.patch(&path, &change).await.expect(200).body;
    assert_eq!(
        (&changed["handoff"]["on_unknown"], &changed["unverified"]),
        (&json!(2), &json!("handoff"))
    );
    let apart = json!({"unverified": "unknown", "handoff": {"on_unknown": 1}});
    let changed = shop.owner.patch(&path, &apart).await.expect(200).body;
    assert_eq!(changed["handoff"]["on_failed_check"], false);
    let apart = json!({"unverified": "handoff", "handoff": {"on_unknown": 1}});
    let changed = shop.owner.patch(&path, &apart).await.expect(200).body;
    assert_eq!(changed["unverified"], "handoff", "what the policy leaves out is set apart");
    let said = shop.owner.post(&format!("{path}/preview"), &json!({"text": "спасибо"})).await;
    let said = said.expect(200).body;
    assert_eq!((&said["text"], &said["act"]), (&json!("Всегда рады!"), &json!("thanks")));

    for bad in [
        json!({"handoff": {"on_unknown": 21}}),
        json!({"handoff": {"waiting_hours": 721}}),
        json!({"handoff": {"sometimes": true}}),
        json!({"handoff": {"topics": [""]}}),
        json!({"texts": {"ru": {"thanks": " "}}}),
        json!({"texts": {"ru": {"human_button": "Позвать\nсотрудника"}}}),
        json!({"texts": {"ru": {"human_button": "ж".repeat(65)}}}),
        json!({"texts": {"xx": {"thanks": "a"}}}),
        json!({"texts": {"en": {"poem": "a"}}}),
    ] {
        let refused = shop.owner.patch(&path, &bad).await;
        assert!(matches!(refused.status.as_u16(), 400 | 422), "{bad}: {refused:?}");
    }
}

#[on_every_home]
async fn for_how_long_an_answer_may_come_late_is_set_and_shown(home: &Home) {
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    let read = shop.owner.get(&path).await.expect(200).body;
    assert_eq!(read["late_answer_minutes"], 10);

    let changed = shop.owner.patch(&path, &json!({"late_answer_minutes": 0})).await;
    assert_eq!(changed.expect(200).body["late_answer_minutes"], 0);
    let new = json!({"name": "Night", "late_answer_minutes": 60});
    let made = shop.owner.post("/api/v1/assistants", &new).await.expect(201).body;
    assert_eq!(made["late_answer_minutes"], 60);
    for minutes in [-1, 1_441] {
        let refused = shop.owner.patch(&path, &json!({"late_answer_minutes": minutes})).await;
        assert_eq!(refused.status, 422);
    }
}
