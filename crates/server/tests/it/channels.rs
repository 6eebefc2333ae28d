//! The channel of an owner's own program: it posts what its users say, and reads the replies.

use replyx_core::{change::New, clock::Clock, fixtures};
use replyx_testkit::api::Api;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Home, Shop, assert_problem, on_every_home, until};

const QUESTION: &str = "How many days do I have to return an item?";

/// A channel of the kind `api`, and its id.
async fn channel(shop: &Shop) -> String {
    let path = format!("/api/v1/assistants/{}/channels", shop.assistant);
    let request = json!({"kind": "api", "name": "Mobile app"});
    let answer = shop.owner.post(&path, &request).await.expect(201);
    let id = answer.body["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.headers["location"], format!("/api/v1/channels/{id}"));
    assert_eq!(answer.body["kind"], "api");
    assert_eq!(answer.body["status"], "running");
    id
}

fn said(contact: &str, text: &str, client_id: &str) -> Value {
    json!({"contact": contact, "text": text, "client_id": client_id})
}

async fn messages(who: &Api, dialog: &str) -> Vec<Value> {
    let path = format!("/api/v1/dialogs/{dialog}/messages?limit=200");
    who.get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
}

/// The replies of a dialog, as soon as the last of them has been delivered and nothing is open.
async fn replies(who: &Api, dialog: &str, least: usize) -> Vec<String> {
    until("the replies are delivered", async || {
        let mut all = messages(who, dialog).await;
        all.retain(|message| message["author"] == "assistant");
        let done = all.len() >= least && all.iter().all(|one| one["delivery"] == "delivered");
        let text = |message: &Value| message["text"].as_str().unwrap().to_owned();
        done.then(|| all.iter().map(text).collect())
    })
    .await
}

#[on_every_home]
async fn a_program_posts_a_question_and_reads_the_reply(home: &Home) {
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let channel = channel(&shop).await;
    let path = format!("/api/v1/channels/{channel}/messages");

    let mut question = said("user-42", QUESTION, "m-1");
    question["name"] = "Ann".into();
    let stored = shop.owner.post(&path, &question).await.expect(202).body;
    assert_eq!(stored["seq"], 1);
    let dialog = stored["dialog_id"].as_str().unwrap();
    let replies = replies(&shop.owner, dialog, 1).await;
    assert!(replies[0].contains("30 days"), "{replies:?}");

    let shown = shop.owner.get(&format!("/api/v1/dialogs/{dialog}")).await.expect(200).body;
    assert_eq!(shown["channel_id"], json!(channel));
    assert_eq!(shown["contact"]["display_name"], "Ann");
    assert_eq!(shown["contact"]["id"], stored["contact_id"]);

    // The same events as in every other channel.
    let mut stream = crate::events::Events::open(&shop.owner, Some(0)).await;
    let events = stream.until("message.delivered").await;
    let names: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    for name in
        ["channel.status", "dialog.opened", "message.stored", "reply.settled", "message.delivered"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

#[on_every_home]
async fn a_repeated_message_is_stored_once_and_answered_as_before(home: &Home) {
    let shop = home.open().await;
    let channel = channel(&shop).await;
    let path = format!("/api/v1/channels/{channel}/messages");
    let question = said("user-42", "Hello?", "m-1");

    let mut posts = JoinSet::new();
    for _ in 0..16 {
        let owner = shop.owner.clone();
        let path = path.clone();
        let question = question.clone();
        posts.spawn(async move { owner.post(&path, &question).await.expect(202).body });
    }
    let answers = posts.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let again = shop.owner.post(&path, &question).await.expect(202).body;
    assert_eq!(again, answers[0]);

    let dialog = again["dialog_id"].as_str().unwrap();
    replies(&shop.owner, dialog, 1).await;
    let all = messages(&shop.owner, dialog).await;
    assert_eq!(all.iter().filter(|message| message["author"] == "customer").count(), 1);

    // The name belongs to one message of one contact.
    let stolen = shop.owner.post(&path, &said("user-43", "Hello?", "m-1")).await;
    assert_problem(&stolen, 422, "invalid");
}

#[on_every_home]
async fn each_contact_has_a_dialog_of_its_own_in_the_order_it_was_posted(home: &Home) {
    let shop = home.open().await;
    let channel = channel(&shop).await;
    let path = format!("/api/v1/channels/{channel}/messages");
    let mut dialogs = Vec::new();
    for number in 0..6 {
        let contact = format!("user-{}", number % 2);
        let message = said(&contact, &format!("word {number}"), &format!("m-{number}"));
        let stored = shop.owner.post(&path, &message).await.expect(202).body;
        dialogs.push(stored["dialog_id"].as_str().unwrap().to_owned());
    }
    assert_ne!(dialogs[0], dialogs[1]);

    for contact in 0..2 {
        assert!((0..3).all(|turn| dialogs[contact + 2 * turn] == dialogs[contact]));
        replies(&shop.owner, &dialogs[contact], 1).await;
        let all = messages(&shop.owner, &dialogs[contact]).await;
        let heard: Vec<&str> = all
            .iter()
            .filter(|message| message["author"] == "customer")
            .map(|message| message["text"].as_str().unwrap())
            .collect();
        let expected: Vec<String> =
            (0..3).map(|turn| format!("word {}", contact + 2 * turn)).collect();
        assert_eq!(heard, expected);
    }
}

#[on_every_home]
async fn a_key_that_may_post_may_do_nothing_else(home: &Home) {
    let shop = home.open().await;
    let channel = channel(&shop).await;
    let path = format!("/api/v1/channels/{channel}/messages");
    let key = async |scopes: Value| {
        let request = json!({"name": "App", "scopes": scopes});
        let made = shop.owner.post("/api/v1/api-keys", &request).await.expect(201).body;
        Api::new(shop.program.base()).with_token(made["key"].as_str().unwrap().to_owned())
    };

    let app = key(json!(["messages:write"])).await;
    app.post(&path, &said("user-42", "Hello?", "m-1")).await.expect(202);
    assert_problem(&app.get("/api/v1/dialogs").await, 403, "forbidden");
    assert_problem(&app.get("/api/v1/channels").await, 403, "forbidden");
    assert_problem(&app.delete(&format!("/api/v1/channels/{channel}")).await, 403, "forbidden");

    let reader = key(json!(["dialogs:read", "bots:read"])).await;
    let refused = reader.post(&path, &said("user-42", "Hello?", "m-2")).await;
    assert_problem(&refused, 403, "forbidden");
    let found = reader.get(&format!("/api/v1/channels/{channel}")).await.expect(200).body;
    assert_eq!(found["name"], "Mobile app");
}

#[on_every_home]
async fn a_bot_is_a_channel_to_which_nobody_posts(home: &Home) {
    home.bot();
    let shop = home.open().await;
    let bot = shop.connect().await;
    let app = channel(&shop).await;

    let list = shop.owner.get("/api/v1/channels").await.expect(200).body;
    let kinds: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|channel| (channel["id"].clone(), channel["kind"].clone(), channel["name"].clone()))
        .collect();
    let expected = [
        (json!(bot), json!("telegram"), json!("first_bot")),
        (json!(app), json!("api"), json!("Mobile app")),
    ];
    assert_eq!(kinds, expected);

    let path = format!("/api/v1/channels/{bot}/messages");
    let refused = shop.owner.post(&path, &said("7", "Hello?", "m-1")).await;
    assert_problem(&refused, 404, "not_found");
    let bots = shop.owner.get("/api/v1/bots").await.expect(200).body;
    assert_eq!(bots["items"].as_array().unwrap().len(), 1, "the program's channel is no bot");
    assert_problem(&shop.owner.get(&format!("/api/v1/bots/{app}")).await, 404, "not_found");
}

#[on_every_home]
async fn a_deleted_channel_takes_nothing_and_keeps_its_dialogs(home: &Home) {
    let shop = home.open().await;
    let channel = channel(&shop).await;
    let path = format!("/api/v1/channels/{channel}");
    let posts = format!("{path}/messages");
    let stored = shop.owner.post(&posts, &said("user-42", "Hello?", "m-1")).await.expect(202);
    let dialog = stored.body["dialog_id"].as_str().unwrap();
    replies(&shop.owner, dialog, 1).await;

    let assistant = format!("/api/v1/assistants/{}", shop.assistant);
    assert_problem(&shop.owner.delete(&assistant).await, 409, "assistant_in_use");
    shop.owner.delete(&path).await.expect(204);
    assert_problem(&shop.owner.delete(&path).await, 404, "not_found");
    assert_problem(&shop.owner.get(&path).await, 404, "not_found");
    let refused = shop.owner.post(&posts, &said("user-42", "Hello?", "m-2")).await;
    assert_problem(&refused, 404, "not_found");
    assert_eq!(messages(&shop.owner, dialog).await.len(), 2);
}

#[on_every_home]
async fn what_is_not_acceptable_is_refused_and_stores_nothing(home: &Home) {
    let shop = home.open().await;
    let create = format!("/api/v1/assistants/{}/channels", shop.assistant);
    for wrong in [
        json!({"kind": "telegram", "name": "x"}),
        json!({"kind": "api"}),
        json!({"kind": "api", "name": ""}),
        json!({"kind": "api", "name": "x".repeat(101)}),
    ] {
        assert_problem(&shop.owner.post(&create, &wrong).await, 422, "invalid");
    }

    let channel = channel(&shop).await;
    let path = format!("/api/v1/channels/{channel}/messages");
    let long = "x".repeat(4097);
    for wrong in [
        said("", "Hello?", "m-1"),
        said("user-42", "  ", "m-1"),
        said("user-42", &long, "m-1"),
        said("user-42", "Hello?", ""),
        said("user-42", "Hello?", &"x".repeat(201)),
        said("user-42", "Hello?", "m\u{1}1"),
        said("user 42", "Hello?", "m-1"),
        said("\u{ca}", "Hello?", "m-1"),
        json!({"contact": "user-42", "text": "Hello?"}),
    ] {
        assert_problem(&shop.owner.post(&path, &wrong).await, 422, "invalid");
    }
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    assert_eq!(dialogs["items"], json!([]));
}

#[on_every_home]
async fn a_workspace_has_at_most_a_hundred_channels_of_programs(home: &Home) {
    home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let me = shop.owner.get("/api/v1/me").await.expect(200).body;
    let workspace = me["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let assistant = shop.assistant.parse().unwrap();
    let mut tx = home.db.db.begin().await.unwrap();
    for _ in 0..99 {
        let channel = fixtures::channel(&Clock::system(), workspace, assistant);
        tx.apply(fixtures::unexplained(New(channel))).await.unwrap();
    }
    tx.commit().await.unwrap();

    // Bots do not count.
    let last = channel(&shop).await;
    let path = format!("/api/v1/assistants/{}/channels", shop.assistant);
    let request = json!({"kind": "api", "name": "One more"});
    assert_problem(&shop.owner.post(&path, &request).await, 409, "too_many_channels");
    shop.owner.delete(&format!("/api/v1/channels/{last}")).await.expect(204);
    shop.owner.post(&path, &request).await.expect(201);
}
