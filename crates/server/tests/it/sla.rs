//! Promised replies: set by the owner, shown with the dialog.

use serde_json::{Value, json};

use crate::harness::{Home, PATIENCE, assert_problem, on_every_home, until};

#[on_every_home]
async fn a_promised_reply_is_shown_until_a_person_has_replied(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let promise = format!("/api/v1/assistants/{}/sla", shop.assistant);
    let put = async |body: Value| {
        let request = shop.owner.request(reqwest::Method::PUT, &promise).json(&body);
        shop.owner.send(request).await
    };
    let none = json!({"first_reply_minutes": null, "next_reply_minutes": null});
    assert_eq!(shop.owner.get(&promise).await.expect(200).body, none);
    for bad in [json!({"first_reply_minutes": 0}), json!({"next_reply_minutes": 43_201})] {
        assert_problem(&put(bad).await, 422, "invalid");
    }
    let set = json!({"first_reply_minutes": 15, "next_reply_minutes": null});
    put(set.clone()).await.expect(200);
    assert_eq!(shop.owner.get(&promise).await.expect(200).body, set);
    let log = shop.owner.get("/api/v1/audit").await.expect(200).body;
    assert_eq!(log["items"][0]["action"], "assistant.sla_set");

    bot.customer(7).ask("I want to talk to a human", PATIENCE).await.unwrap();
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let dialog = format!("/api/v1/dialogs/{}", dialogs["items"][0]["id"].as_str().unwrap());
    let sla = async |is_there: bool| {
        until("the sweep has seen it", async || {
            let sla = shop.owner.get(&dialog).await.expect(200).body["sla"].clone();
            (sla.is_object() == is_there).then_some(sla)
        })
        .await
    };
    let running = sla(true).await;
    assert_eq!(running["awaited"], "first");
    assert_eq!((&running["status"], &running["target_minutes"]), (&json!("running"), &json!(15)));

    let reply = json!({"client_id": "r-1", "text": "Hello, this is Kim."});
    shop.owner.post(&format!("{dialog}/messages"), &reply).await.expect(201);
    sla(false).await;
}
