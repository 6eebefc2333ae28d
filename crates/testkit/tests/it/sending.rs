//! What a bot sends and where it arrives.

use serde_json::json;

use crate::{LONG, Telegram};

#[tokio::test]
async fn a_message_arrives_with_and_without_its_markup() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.person(7, "Ann", "ru");
    ann.say("Сколько?");
    let asked = ann.last_message().unwrap();
    let text = "<b>Цена</b> &lt; 5 &amp; <i>меньше</i>\n";
    let parameters = json!({
        "chat_id": 7, "text": text, "parse_mode": "HTML", "reply_parameters": {"message_id": asked},
    });
    let message = telegram.ok("sendMessage", parameters).await;
    assert_eq!(message["text"], "Цена < 5 & меньше");
    assert_eq!(message["chat"], json!({"id": 7, "type": "private", "first_name": "Ann"}));
    assert_eq!(message["from"]["username"], "shop_bot");
    assert_eq!(
        message["entities"],
        json!([
            {"type": "bold", "offset": 0, "length": 4},
            {"type": "italic", "offset": 11, "length": 6},
        ])
    );
    let [sent] = &ann.sent()[..] else { panic!("one message") };
    assert_eq!((sent.text.as_str(), sent.plain.as_str()), (text, "Цена < 5 & меньше"));
    assert_eq!(sent.parse_mode.as_deref(), Some("HTML"));
    assert_eq!((sent.seq, sent.reply_to, sent.answered), (1, Some(asked), true));
    assert_eq!(message["message_id"], sent.message_id);
    assert!(telegram.fake.violations().is_empty());
}

#[tokio::test]
async fn chats_are_told_apart_and_keep_their_order() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let group = telegram.bot.group(-1_000_000_000_042, "Staff");
    for (chat, text) in [(7, "a"), (-1_000_000_000_042_i64, "b"), (7, "c")] {
        telegram.ok("sendMessage", json!({"chat_id": chat, "text": text})).await;
    }
    let texts = |chat: &replyx_testkit::telegram::Chat| -> Vec<String> {
        chat.sent().iter().map(|sent| sent.text.clone()).collect()
    };
    assert_eq!(texts(&ann), ["a", "c"]);
    assert_eq!(texts(&group), ["b"]);
    assert_eq!(telegram.bot.sent_total(), 3);
}

#[tokio::test]
async fn a_bot_reaches_only_the_chats_it_knows() {
    let telegram = Telegram::start().await;
    let other = telegram.fake.add_bot("1002:TEST", "other_bot");
    other.customer(7);
    for chat in [json!(7), json!("@nobody"), json!(-5)] {
        let refusal = telegram.refused("sendMessage", json!({"chat_id": chat, "text": "hi"})).await;
        assert_eq!(refusal, (400, "Bad Request: chat not found".to_owned()));
    }
    assert!(telegram.fake.violations().is_empty());
    assert_eq!(telegram.bot.refused().len(), 3);
    assert!(other.refused().is_empty());
}

#[tokio::test]
async fn a_text_is_measured_after_parsing_in_utf16_units() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let send = async |text: String| {
        let parameters = json!({"chat_id": 7, "text": text, "parse_mode": "HTML"});
        telegram.call("sendMessage", parameters).await
    };
    let fits = format!("<b>{}</b>&amp;", "x".repeat(4095));
    assert_eq!(send(fits).await.0, 200);
    assert_eq!(send("😀".repeat(2048)).await.0, 200);
    for long in ["x".repeat(4097), "😀".repeat(2048) + "x"] {
        let (status, body) = send(long).await;
        assert_eq!(status, 400);
        assert_eq!(body["description"], "Bad Request: message is too long");
    }
    for empty in ["", " \n ", "<b></b>", "<i> </i>"] {
        let (status, body) = send(empty.to_owned()).await;
        assert_eq!(status, 400);
        assert_eq!(body["description"], "Bad Request: message text is empty");
    }
    assert_eq!(ann.sent_total(), 2);
    assert!(telegram.fake.violations().is_empty());
}

#[tokio::test]
async fn markup_that_cannot_be_read_is_refused_and_sent_nowhere() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let parameters = json!({"chat_id": 7, "text": "2 <b>3", "parse_mode": "html"});
    let refusal = telegram.refused("sendMessage", parameters).await;
    let why =
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"";
    assert_eq!(refusal, (400, why.to_owned()));
    assert_eq!(ann.sent_total(), 0);
    telegram.ok("sendMessage", json!({"chat_id": 7, "text": "2 <b>3"})).await;
    assert_eq!(ann.sent()[0].plain, "2 <b>3");
}

#[tokio::test]
async fn a_bot_that_is_blocked_is_told_so_and_refused_until_it_is_unblocked() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let hi = json!({"chat_id": 7, "text": "hi"});
    let update = ann.block();
    let refusal = telegram.refused("sendMessage", hi.clone()).await;
    assert_eq!(refusal, (403, "Forbidden: bot was blocked by the user".to_owned()));
    let typing = json!({"chat_id": 7, "action": "typing"});
    assert_eq!(telegram.refused("sendChatAction", typing).await.0, 403);
    let updates = telegram.ok("getUpdates", json!({})).await;
    assert_eq!(updates[0]["update_id"], update);
    assert_eq!(updates[0]["my_chat_member"]["new_chat_member"]["status"], "kicked");
    ann.unblock();
    telegram.ok("sendMessage", hi).await;
    assert_eq!(ann.sent_total(), 1);
}

#[tokio::test]
async fn chat_actions_are_seen() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    assert_eq!(
        telegram.ok("sendChatAction", json!({"chat_id": 7, "action": "typing"})).await,
        true
    );
    let wrong =
        telegram.refused("sendChatAction", json!({"chat_id": 7, "action": "thinking"})).await;
    assert_eq!(wrong, (400, "Bad Request: wrong parameter action in request".to_owned()));
    let actions: Vec<String> = ann.chat_actions().into_iter().map(|seen| seen.action).collect();
    assert_eq!(actions, ["typing"]);
}

#[tokio::test]
async fn one_can_wait_for_a_reply_that_comes_and_for_one_that_does_not() {
    let telegram = Telegram::start().await;
    let ann = telegram.bot.customer(7);
    let hi = |text: &str| json!({"chat_id": 7, "text": text});
    telegram.ok("sendMessage", hi("old")).await;
    let (reply, ()) = tokio::join!(ann.wait_for_reply(1, LONG), async {
        tokio::task::yield_now().await;
        telegram.ok("sendMessage", hi("new")).await;
    });
    assert_eq!(reply.unwrap().text, "new");
    assert!(ann.wait_until(2, LONG).await);
    let short = std::time::Duration::from_millis(20);
    assert!(ann.wait_for_reply(2, short).await.is_none());
    assert!(!ann.wait_until(3, short).await);
    assert!(telegram.bot.wait_until_sent(2, LONG).await);
    assert!(!telegram.bot.wait_until_sent(3, short).await);
}

#[tokio::test]
async fn the_history_is_bounded_and_the_counts_go_on() {
    let telegram = Telegram::start_with(|builder| builder.history(3)).await;
    let ann = telegram.bot.customer(7);
    for i in 0..5 {
        telegram.ok("sendMessage", json!({"chat_id": 7, "text": i.to_string()})).await;
        telegram.refused("sendMessage", json!({"chat_id": 7})).await;
    }
    let seqs: Vec<u64> = ann.sent().iter().map(|sent| sent.seq).collect();
    assert_eq!(seqs, [3, 4, 5]);
    assert_eq!(ann.sent_total(), 5);
    assert_eq!(telegram.fake.violations().len(), 3);
    assert_eq!(telegram.bot.refused().len(), 3);
}
