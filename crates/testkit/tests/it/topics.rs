//! Topics of forums, and replies.

use serde_json::json;

use crate::Telegram;

const FORUM: i64 = -1_000_000_000_042;

#[tokio::test]
async fn a_topic_takes_messages_and_shows_itself_in_them() {
    let telegram = Telegram::start().await;
    let forum = telegram.bot.group(FORUM, "Club");
    let topic = forum.create_topic("Orders");
    forum.say_in(topic, 7, "hello");
    let updates = telegram.ok("getUpdates", json!({})).await;
    let said = &updates[1]["message"];
    assert_eq!(
        (&said["message_thread_id"], &said["is_topic_message"]),
        (&json!(topic), &json!(true))
    );
    assert_eq!(said["chat"]["is_forum"], true);

    let there = json!({"chat_id": FORUM, "text": "hi", "message_thread_id": topic});
    let sent = telegram.ok("sendMessage", there).await;
    assert_eq!(
        (&sent["message_thread_id"], &sent["is_topic_message"]),
        (&json!(topic), &json!(true))
    );
    assert_eq!(forum.sent()[0].topic, Some(topic));
    let typing = json!({"chat_id": FORUM, "action": "typing", "message_thread_id": topic});
    telegram.ok("sendChatAction", typing).await;
    assert_eq!(forum.chat_actions()[0].topic, Some(topic));
    assert!(telegram.fake.violations().is_empty());
}

#[tokio::test]
async fn topics_that_are_not_there_are_refused() {
    let telegram = Telegram::start().await;
    let forum = telegram.bot.group(FORUM, "Club");
    let topic = forum.create_topic("Orders");
    forum.delete_topic(topic);
    // "General" has a number that bots must not use.
    for missing in [topic, 1, 999] {
        for (method, more) in [("sendMessage", "text"), ("sendChatAction", "action")] {
            let call = json!({"chat_id": FORUM, "message_thread_id": missing, more: "typing"});
            let (status, why) = telegram.refused(method, call).await;
            assert_eq!(status, 400);
            assert_eq!(why, "Bad Request: message thread not found");
        }
    }
}

#[tokio::test]
async fn a_reply_needs_its_message_unless_it_may_be_sent_without() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    ann.say("hello");
    let asked = ann.last_message().unwrap();
    let reply = |more: bool| {
        let to = json!({"message_id": asked, "allow_sending_without_reply": more});
        json!({"chat_id": 7, "text": "hi", "reply_parameters": to})
    };
    telegram.ok("sendMessage", reply(false)).await;
    ann.delete(asked);
    let (_, why) = telegram.refused("sendMessage", reply(false)).await;
    assert_eq!(why, "Bad Request: message to be replied not found");
    telegram.ok("sendMessage", reply(true)).await;
    let sent: Vec<_> = ann.sent().iter().map(|sent| sent.reply_to).collect();
    assert_eq!(sent, [Some(asked), None]);
}
