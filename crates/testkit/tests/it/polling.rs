//! `getUpdates`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{LONG, Telegram};

fn ids(updates: &Value) -> Vec<i64> {
    updates.as_array().unwrap().iter().map(|update| update["update_id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn an_update_is_given_until_a_higher_offset_confirms_it() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.person(7, "Ann", "ru");
    let said: Vec<i64> = ["a", "b", "c"].map(|text| ann.say(text)).into();
    assert_eq!(said[2], said[0] + 2);
    let updates = telegram.ok("getUpdates", json!({})).await;
    assert_eq!(ids(&updates), said);
    assert_eq!(updates[0]["message"]["text"], "a");
    assert_eq!(updates[0]["message"]["from"]["language_code"], "ru");
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"limit": 2})).await), said[..2]);
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"offset": said[1]})).await), said[1..]);
    // What is confirmed does not come back for a lower offset.
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"offset": said[0]})).await), said[1..]);
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"offset": said[2] + 1})).await), [0_i64; 0]);
    assert_eq!(telegram.bot.pending_updates(), 0);
}

#[tokio::test]
async fn a_negative_offset_counts_from_the_end_and_forgets_the_rest() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let said: Vec<i64> = ["a", "b", "c"].map(|text| ann.say(text)).into();
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"offset": -2})).await), said[1..]);
    assert_eq!(ids(&telegram.ok("getUpdates", json!({})).await), said[1..]);
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"offset": -9})).await), said[1..]);
}

#[tokio::test]
async fn a_poll_waits_for_what_happens_and_no_longer_than_it_may() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let start = Instant::now();
    let (updates, id) = tokio::join!(telegram.ok("getUpdates", json!({"timeout": 30})), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ann.say("late")
    });
    assert_eq!(ids(&updates), [id]);
    assert!(start.elapsed() >= Duration::from_millis(100) && start.elapsed() < LONG);
    let start = Instant::now();
    let nothing = telegram.ok("getUpdates", json!({"offset": id + 1, "timeout": 1})).await;
    assert_eq!(nothing, json!([]));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn of_two_pollers_the_older_one_is_told_of_the_conflict() {
    let telegram = Telegram::start().await;
    let older = telegram.refused("getUpdates", json!({"timeout": 30}));
    let newer = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        telegram.ok("getUpdates", json!({"timeout": 1})).await
    };
    let (older, newer) = tokio::join!(older, newer);
    let why = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    assert_eq!(older, (409, why.to_owned()));
    assert_eq!(newer, json!([]));
}

#[tokio::test]
async fn a_poller_that_went_away_is_in_nobodys_way() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let poll = telegram.ok("getUpdates", json!({"timeout": 30}));
    assert!(tokio::time::timeout(Duration::from_millis(100), poll).await.is_err());
    let id = ann.say("hello");
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"timeout": 30})).await), [id]);
}

#[tokio::test]
async fn only_the_kinds_that_were_asked_for_are_given() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    telegram.ok("getUpdates", json!({"allowed_updates": ["edited_message"]})).await;
    ann.say("unwanted");
    let edit = ann.edit(1, "wanted");
    // Not to say again is to leave it as it was.
    let updates = telegram.ok("getUpdates", json!({})).await;
    assert_eq!(ids(&updates), [edit]);
    assert_eq!(updates[0]["edited_message"]["text"], "wanted");
    telegram.ok("getUpdates", json!({"offset": edit + 1, "allowed_updates": []})).await;
    let said = ann.say("wanted again");
    assert_eq!(ids(&telegram.ok("getUpdates", json!({})).await), [said]);
}

#[tokio::test]
async fn a_confirmed_update_can_be_given_again() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let first = ann.say("a");
    let second = ann.say("b");
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"offset": second})).await), [second]);
    assert!(telegram.bot.redeliver(first));
    assert!(!telegram.bot.redeliver(first - 1));
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"offset": second + 1})).await), [first]);
    assert_eq!(ids(&telegram.ok("getUpdates", json!({"offset": second + 1})).await), [0_i64; 0]);
}

#[tokio::test]
async fn odd_updates_reach_the_bot_as_they_are() {
    let telegram = Telegram::start().await;
    let known = telegram.bot.send_update(json!({"poll_answer": {
        "poll_id": "5", "option_ids": [0], "option_persistent_ids": ["a"],
    }}));
    let odd = telegram.bot.send_odd_update(json!({"of_next_year": {"x": null}}));
    let numbered = telegram.bot.send_odd_update(json!({"update_id": odd + 10}));
    let updates = telegram.ok("getUpdates", json!({})).await;
    assert_eq!(ids(&updates), [known, odd, odd + 10]);
    assert_eq!(updates[1]["of_next_year"], json!({"x": null}));
    assert_eq!(numbered, odd + 10);
    assert!(telegram.bot.customer(7).say("next") > numbered);
}

#[tokio::test]
async fn messages_other_than_text_are_messages_too() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    ann.send(json!({"voice": {"file_id": "f", "file_unique_id": "u", "duration": 3}}));
    let group = telegram.bot.group(-42, "Staff");
    group.say_as(9, "/start all");
    let updates = telegram.ok("getUpdates", json!({})).await;
    assert_eq!(updates[0]["message"]["voice"]["duration"], 3);
    assert_eq!(updates[1]["message"]["from"]["id"], 9);
    assert_eq!(updates[1]["message"]["chat"]["type"], "group");
    let command = json!([{"type": "bot_command", "offset": 0, "length": 6}]);
    assert_eq!(updates[1]["message"]["entities"], command);
    assert!(!telegram.bot.wait_until_confirmed(Duration::from_millis(20)).await);
    assert!(
        updates[0]["message"]["message_id"].as_i64() < updates[1]["message"]["message_id"].as_i64()
    );
}

#[tokio::test]
async fn bots_do_not_see_each_others_updates_though_the_ids_are_the_same() {
    let telegram = Telegram::start().await;
    let other = telegram.fake.add_bot("1002:TEST", "other_bot");
    let ours = telegram.bot.customer(7).say("to us");
    let theirs = other.customer(7).say("to them");
    assert_eq!(ours, theirs);
    let updates = telegram.ok("getUpdates", json!({})).await;
    assert_eq!(updates.as_array().unwrap().len(), 1);
    assert_eq!(updates[0]["message"]["text"], "to us");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_updates_that_happen_at_once_none_is_passed_over() {
    const EACH: usize = 500;
    let telegram = Telegram::start().await;
    let talking: Vec<_> = (1..=4)
        .map(|id| {
            let customer = telegram.bot.customer(id);
            tokio::task::spawn_blocking(move || (0..EACH).map(|_| customer.say("x")).max())
        })
        .collect();
    let mut seen = 0;
    let mut offset = 0;
    while seen < 4 * EACH {
        let updates = telegram.ok("getUpdates", json!({"offset": offset, "timeout": 5})).await;
        let ids = ids(&updates);
        assert!(!ids.is_empty(), "only {seen} updates were given");
        seen += ids.len();
        offset = ids.iter().max().unwrap() + 1;
    }
    for task in talking {
        assert!(task.await.unwrap().unwrap() < offset);
    }
}
