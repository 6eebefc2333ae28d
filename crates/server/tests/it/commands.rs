//! Commands that customers write in Telegram.

use std::time::Duration;

use replyx_testkit::telegram::TelegramFault;
use serde_json::{Value, json};

use crate::harness::{Home, PATIENCE, Shop, a_moment, assert_problem, on_every_home, until};

/// A moment in which others are answered.
const SOON: Duration = Duration::from_millis(300);

const QUESTION: &str = "How many days do I have to return an item?";

fn prices(text: &str) -> Value {
    json!({"commands": [{"command": "prices", "description": "Our prices", "text": text}]})
}

/// The only dialog, with its contact.
async fn dialog(shop: &Shop) -> Value {
    let dialogs = shop.owner.get("/api/v1/dialogs").await.expect(200).body;
    let id = dialogs["items"][0]["id"].as_str().expect("a dialog").to_owned();
    shop.owner.get(&format!("/api/v1/dialogs/{id}")).await.expect(200).body
}

#[on_every_home]
async fn commands_are_answered_in_the_language_of_the_customer(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let id = shop.connect().await;
    let set = shop.owner.patch(&format!("/api/v1/bots/{id}"), &prices("See **the list**.")).await;
    assert_eq!(set.expect(200).body["commands"][0]["command"], "prices");

    let ann = bot.person(7, "Анна", "ru");
    let ask = async |text: &str| ann.ask(text, PATIENCE).await.expect("a reply").plain.clone();
    let help = ask("/help").await;
    assert!(help.contains("/prices - Our prices") && help.contains("/human - Позвать"), "{help}");
    assert_eq!(ask("/unheard").await, help, "who knows no command is told those there are");
    assert_eq!(ask("/prices").await, "See the list.");
    assert_eq!(ask("/language en").await, "I will write to you in English.");
    assert!(ask("/help").await.contains("/human - Talk to a person"));
    assert!(ask("/language de").await.starts_with("Write /language en"));
    // With words behind it, it is a question.
    let asked = ask("/returns how many days do I have to return an item?").await;
    assert!(asked.contains("30 days"), "{asked}");
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}

#[on_every_home]
async fn a_person_is_brought_in_by_a_command_and_a_fresh_start_does_not_send_them_away(
    home: &Home,
) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let ann = bot.customer(7);
    ann.say("/start ad-42");
    assert!(ann.wait_for_reply(0, PATIENCE).await.is_some());
    let before = ann.sent_total();
    ann.say("/human");
    assert!(ann.wait_for_reply(before, PATIENCE).await.is_some());
    let waiting = dialog(&shop).await;
    assert_eq!(waiting["control"], "waiting", "{waiting}");
    assert_eq!(waiting["contact"]["source"], "ad-42", "{waiting}");

    for command in ["/reset", "/start other", "/language ru"] {
        ann.say(command);
    }
    until("all are stored", async || {
        let messages = shop.messages().await;
        let is_last = |message: &Value| message["text"] == "/language ru";
        messages.iter().any(is_last).then_some(())
    })
    .await;
    a_moment().await;
    let still = dialog(&shop).await;
    assert_eq!(still["control"], "waiting", "{still}");
    assert_eq!(still["contact"]["source"], "ad-42", "the first link counts");
    assert_eq!(ann.sent_total(), before + 1, "nobody but a person answers");
}

#[on_every_home]
async fn after_a_fresh_start_the_assistant_knows_nothing_of_what_was_said(home: &Home) {
    let bot = home.bot();
    let model = replyx_testkit::openai::FakeOpenAi::start().await;
    let shop = home.open_with(crate::harness::with_model(home.launch(), &model)).await;
    shop.set(&json!({"model": "gpt-4o-mini"})).await;
    shop.learn("returns.en.md").await;
    shop.connect().await;
    let ann = bot.customer(7);
    ann.ask("My parrot is called Koko. Can I return an item?", PATIENCE).await.unwrap();
    ann.ask("Can I return an item after a week?", PATIENCE).await.unwrap();
    let seen = |from: usize| {
        let requests = model.requests();
        requests[from..].iter().any(|request| format!("{request:?}").contains("Koko"))
    };
    assert!(seen(1), "it was context before");

    let reset = ann.ask("/reset", PATIENCE).await.unwrap();
    assert!(reset.plain.starts_with("All right"), "{}", reset.plain);
    let asked = model.requests().len();
    ann.ask(QUESTION, PATIENCE).await.unwrap();
    assert!(model.requests().len() > asked, "the model was asked");
    assert!(!seen(asked), "it is context no longer");
}

#[on_every_home]
async fn the_menu_is_set_when_it_changes_and_not_when_the_program_starts(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    let id = shop.connect().await;
    let house = ["help", "human", "reset", "language"];
    until("the menu is set", async || (bot.menu("ru") == house).then_some(())).await;
    assert_eq!((bot.menu(""), bot.menus_set()), (house.map(str::to_owned).to_vec(), 2));

    // What was set is noted after it was.
    a_moment().await;
    let shop = shop.crash().await;
    let path = format!("/api/v1/bots/{id}");
    shop.owner.patch(&path, &prices("one")).await.expect(200);
    let own = ["prices", "help", "human", "reset", "language"];
    until("the menu is in step", async || (bot.menu("ru") == own).then_some(())).await;
    assert_eq!(bot.menus_set(), 4, "the start has set nothing");
    // What is answered stands in no menu.
    shop.owner.patch(&path, &prices("two")).await.expect(200);
    assert_eq!(bot.customer(7).ask("/prices", PATIENCE).await.unwrap().plain, "two");
    assert_eq!(bot.menus_set(), 4);
    assert_eq!(home.telegram.violations(), Vec::<String>::new());
}

#[on_every_home]
async fn a_bot_whose_menu_cannot_be_set_costs_no_other_bot_its_menu(home: &Home) {
    let tokens: Vec<String> =
        (1..=8).map(|number| format!("500{number}:a-token-of-thirty-characters-or-so")).collect();
    let add = |token: &String| home.telegram.add_bot(token, &format!("shop_{}_bot", &token[..4]));
    let bots: Vec<_> = tokens.iter().map(add).collect();
    let shop = home.open().await;
    let path = format!("/api/v1/assistants/{}/bots", shop.assistant);
    home.telegram.inject(TelegramFault::Status(400).on("setMyCommands").forever());
    for token in &tokens {
        shop.owner.post(&path, &json!({"token": token, "mode": "polling"})).await.expect(201);
    }

    // All are to be set by the next process, and one is refused at once, while others wait for
    // their answer, whatever the order.
    home.telegram.clear_faults();
    let refusal = TelegramFault::Status(400).on("setMyCommands").of_bot(&tokens[0]);
    home.telegram.inject(refusal.forever());
    for token in &tokens[1..] {
        let later = TelegramFault::Delay(SOON).on("setMyCommands").of_bot(token);
        home.telegram.inject(later.forever());
    }
    let _shop = shop.crash().await;
    let are_set = || bots[1..].iter().all(|bot| bot.menus_set() == 2);
    until("the menus of the others are set", async || are_set().then_some(())).await;
    assert_eq!(bots[0].menus_set(), 0);
}

#[on_every_home]
async fn a_mode_and_commands_are_changed_together_or_not_at_all(home: &Home) {
    home.bot();
    let shop = home.open().await;
    let id = shop.connect().await;
    let path = format!("/api/v1/bots/{id}");
    let mut both = prices("one");
    both["mode"] = "polling".into();
    let changed = shop.owner.patch(&path, &both).await.expect(200).body;
    assert_eq!((&changed["mode"], &changed["commands"]), (&both["mode"], &both["commands"]));
    let again = shop.owner.patch(&path, &both).await.expect(200).body;
    assert_eq!(again["updated_at"], changed["updated_at"], "nothing changed");
}

#[on_every_home]
async fn commands_that_telegram_would_refuse_are_refused(home: &Home) {
    home.bot();
    let shop = home.open().await;
    let id = shop.connect().await;
    let path = format!("/api/v1/bots/{id}");
    let one = |name: &str| json!({"command": name, "description": "d", "text": "t"});
    for commands in [
        json!([one("Prices")]),
        json!([one("")]),
        json!([one("human")]),
        json!([one("reset")]),
        json!([one(&"a".repeat(33))]),
        json!([one("a"), one("a")]),
        json!([{"command": "a", "description": " ", "text": "t"}]),
        json!([{"command": "a", "description": "d".repeat(257), "text": "t"}]),
        json!([{"command": "a", "description": "d", "text": ""}]),
        json!([{"command": "a", "description": "d", "text": "t".repeat(4_001)}]),
        (0..51).map(|number| one(&format!("c{number}"))).collect(),
    ] {
        let refused = shop.owner.patch(&path, &json!({"commands": commands})).await;
        assert_problem(&refused, 422, "invalid");
    }
    let many: Value = (0..50).map(|number| one(&format!("c{number}"))).collect();
    shop.owner.patch(&path, &json!({"commands": many})).await.expect(200);
    assert_eq!(shop.owner.get(&path).await.body["commands"].as_array().unwrap().len(), 50);
}

#[on_every_home]
async fn in_a_group_only_a_command_with_our_name_is_ours(home: &Home) {
    let bot = home.bot();
    let shop = home.open().await;
    shop.connect().await;
    let group = bot.group(-77, "Club");
    group.say_as(5, "/help");
    group.say_as(5, "/help@other_bot");
    group.say_as(5, "/help@first_bot");
    assert!(group.wait_until(1, PATIENCE).await);
    a_moment().await;
    assert_eq!(group.sent_total(), 1);
    assert!(group.sent()[0].plain.contains("/reset"));
}
