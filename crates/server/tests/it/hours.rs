//! Business hours: who asks for a human outside of them hears when people are back.

use chrono::Days;
use replyx_core::clock::Clock;
use serde_json::json;

use crate::harness::{Home, PATIENCE, assert_problem, on_every_home};

#[on_every_home]
async fn outside_business_hours_a_handoff_says_when_people_are_back(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let wanted = "I want to talk to a human, please";
    let date = Clock::system().now().date_naive() + Days::new(30);
    let hours = json!({"week": {}, "dates": {date.to_string(): ["10:00-11:00"]}});
    shop.set(&json!({"hours": hours})).await;

    let said = bot.customer(7).ask(wanted, PATIENCE).await.unwrap();
    let when = date.format("on %A, %B %-d, after 10:00").to_string();
    assert!(said.plain.contains(&when), "{}", said.plain);
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    assert_eq!(dialogs["items"][0]["control"], "waiting");

    // In the assistant's zone and its owner's words, and not inside the hours.
    let always = json!({"mon": ["00:00-24:00"], "tue": ["00:00-24:00"], "wed": ["00:00-24:00"],
        "thu": ["00:00-24:00"], "fri": ["00:00-24:00"], "sat": ["00:00-24:00"], "sun": ["00:00-24:00"]});
    let texts = json!({"en": {"after_hours": "Closed until {when}.", "handoff": "Wait a moment."}});
    shop.set(&json!({"hours": {"week": always}, "texts": texts})).await;
    // What follows is the place in the queue.
    let said = bot.customer(8).ask(wanted, PATIENCE).await.unwrap();
    assert!(said.plain.starts_with("Wait a moment."), "{}", said.plain);
    shop.set(&json!({"hours": hours})).await;
    let said = bot.customer(9).ask(wanted, PATIENCE).await.unwrap();
    assert!(said.plain.starts_with(&format!("Closed until {when}.")), "{}", said.plain);

    shop.set(&json!({"hours": null})).await;
    let said = bot.customer(10).ask(wanted, PATIENCE).await.unwrap();
    assert!(said.plain.starts_with("Wait a moment."), "{}", said.plain);
}

#[on_every_home]
async fn hours_that_cannot_be_are_refused_and_those_that_can_are_shown(home: &Home) {
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}", shop.assistant);
    for hours in [
        json!({"week": {"mon": ["18:00-09:00"]}}),
        json!({"week": {"mon": ["9-18"]}}),
        json!({"week": {"mon": ["13:00-15:00", "14:00-16:00"]}}),
        json!({"dates": {"2026-12-25": ["09:00-25:00"]}}),
    ] {
        assert_problem(&shop.owner.patch(&path, &json!({"hours": hours})).await, 422, "invalid");
    }
    for hours in [json!({"week": {"monday": []}}), json!({"dates": {"2026-13-01": []}})] {
        let refused = shop.owner.patch(&path, &json!({"hours": hours})).await;
        assert!(refused.status.is_client_error(), "{hours}");
    }

    let hours =
        json!({"week": {"mon": ["09:00-12:30", "13:30-18:00"]}, "dates": {"2026-12-25": []}});
    shop.set(&json!({"hours": hours})).await;
    assert_eq!(shop.owner.get(&path).await.expect(200).body["hours"], hours);
    let versions = shop.owner.get(&format!("{path}/versions")).await.expect(200).body;
    assert_eq!(versions["items"][0]["settings"]["hours"], hours);
}
