//! Groups: several people, topics, and what they point to.

use replyx_testkit::telegram::{Chat, Sent};
use serde_json::Value;

use crate::harness::{Home, PATIENCE, Shop, a_moment, on_every_home, until};

const FORUM: i64 = -1_001_234_567_890;
const RETURNS: &str = "@first_bot how many days do I have to return an item?";

/// The replies in a group, once there are so many.
async fn replies(group: &Chat, count: u64) -> Vec<std::sync::Arc<Sent>> {
    assert!(group.wait_until(count, PATIENCE).await, "{} of {count} replies", group.sent_total());
    group.sent()
}

/// The dialogs of the workspace.
async fn dialogs(shop: &Shop) -> Vec<Value> {
    let answer = shop.owner.get("/api/v1/dialogs").await;
    answer.body["items"].as_array().cloned().unwrap_or_default()
}

#[on_every_home]
async fn two_people_of_a_group_are_answered_each_and_apart(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let group = bot.group(-77, "Club");
    // Both are there before the bot looks: one batch, one moment.
    group.say_as(5, RETURNS);
    let first = group.last_message();
    group.say_as(6, "@first_bot thanks!");
    let second = group.last_message();
    shop.connect().await;

    let sent = replies(&group, 2).await;
    let to = |message: Option<i64>| {
        sent.iter().find(|sent| sent.reply_to == message).expect("a reply to it").plain.clone()
    };
    assert!(to(first).contains("30 days"), "{}", to(first));
    assert!(!to(second).contains("30 days"), "{}", to(second));
    assert_eq!(dialogs(&shop).await.len(), 2, "a dialog each");
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}

#[on_every_home]
async fn a_topic_is_answered_in_it_and_general_without_one(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let forum = bot.group(FORUM, "Club");
    let orders = forum.create_topic("Orders");
    let returns = forum.create_topic("Returns");
    forum.say_in(orders, 5, RETURNS);
    forum.say_in(returns, 5, RETURNS);
    forum.say_as(5, RETURNS);
    shop.connect().await;

    let sent = replies(&forum, 3).await;
    let mut topics: Vec<_> = sent.iter().map(|sent| sent.topic).collect();
    topics.sort_unstable();
    assert_eq!(topics, [None, Some(orders), Some(returns)]);
    assert!(sent.iter().all(|sent| sent.plain.contains("30 days")));
    assert_eq!(dialogs(&shop).await.len(), 3, "a dialog each");
    assert_eq!(bot.refused(), [], "nothing was sent where no topic is");
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}

#[on_every_home]
async fn a_quoted_question_is_part_of_the_question(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let group = bot.group(-77, "Club");
    let question = "How many days do I have to return an item?";
    group.reply_to_words(5, question, "@first_bot can you answer this?");
    let sent = replies(&group, 1).await;
    assert!(sent[0].plain.contains("30 days"), "{}", sent[0].plain);
    let quoted = until("the messages", async || {
        let messages = shop.messages().await;
        messages.into_iter().find(|message| !message["quoted"].is_null())
    })
    .await;
    assert_eq!(quoted["quoted"], serde_json::json!({"text": question, "ours": false}));
    assert_eq!(quoted["text"], "can you answer this?");

    group.reply_to_words(7, question, "@first_bot");
    let sent = replies(&group, 2).await;
    assert!(sent[1].plain.contains("30 days"), "{}", sent[1].plain);
}

#[on_every_home]
async fn an_anonymous_admin_is_answered(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let group = bot.group(-77, "Club");
    group.say_as_admin("not for the bot");
    group.say_as_admin(RETURNS);
    let asked = group.last_message();
    let sent = replies(&group, 1).await;
    assert!(sent[0].plain.contains("30 days"), "{}", sent[0].plain);
    assert_eq!(sent[0].reply_to, asked);
    let found = dialogs(&shop).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["contact"]["display_name"], "Club");
}

#[on_every_home]
async fn people_of_a_group_keep_their_dialogs_when_it_becomes_a_supergroup(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let group = bot.group(-77, "Club");
    group.say_as(5, RETURNS);
    replies(&group, 1).await;
    group.say_as(6, RETURNS);
    replies(&group, 2).await;

    let supergroup = group.upgrade(FORUM);
    supergroup.say_as(5, RETURNS);
    replies(&supergroup, 1).await;
    supergroup.say_as(6, RETURNS);
    let sent = replies(&supergroup, 2).await;
    assert!(sent.iter().all(|sent| sent.plain.contains("30 days")));
    assert_eq!(dialogs(&shop).await.len(), 2, "those that they had");
}

#[on_every_home]
async fn an_answer_arrives_though_its_question_was_deleted(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let group = bot.group(-77, "Club");
    group.say_as(5, RETURNS);
    group.delete(group.last_message().unwrap());
    shop.connect().await;
    let sent = replies(&group, 1).await;
    assert!(sent[0].plain.contains("30 days"), "{}", sent[0].plain);
    assert_eq!(sent[0].reply_to, None);
}

#[on_every_home]
async fn an_edit_counts_until_the_answer_and_is_stored_after_it(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let ann = bot.customer(7);
    ann.say("Where is the moon?");
    let asked = ann.last_message().unwrap();
    ann.edit(asked, "How many days do I have to return an item?");
    shop.connect().await;
    let first = ann.wait_for_reply(0, PATIENCE).await.expect("an answer");
    assert!(first.plain.contains("30 days"), "{}", first.plain);
    assert_eq!(ann.sent_total(), 1);

    ann.edit(asked, "How many days?");
    let edited = until("the edit is stored", async || {
        let first = shop.messages().await.remove(0);
        (first["text"] == "How many days?").then_some(first)
    })
    .await;
    assert_eq!(edited["revisions"][0]["text"], "Where is the moon?");
    assert_eq!(edited["revisions"].as_array().unwrap().len(), 2);
    a_moment().await;
    assert_eq!(ann.sent_total(), 1, "nothing is said twice");
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}
