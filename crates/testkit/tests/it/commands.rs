//! Menus of commands.

use serde_json::{Value, json};

use crate::Telegram;

fn menu(command: &str, description: &str) -> Value {
    json!({"commands": [{"command": command, "description": description}]})
}

#[tokio::test]
async fn a_menu_is_kept_for_its_language_until_it_is_deleted() {
    let telegram = Telegram::start().await;
    assert_eq!(telegram.ok("getMyCommands", json!({})).await, json!([]));
    telegram.ok("setMyCommands", menu("help", "Help")).await;
    let mut russian = menu("help", "Помощь");
    russian["language_code"] = "ru".into();
    telegram.ok("setMyCommands", russian.clone()).await;

    let shown = telegram.ok("getMyCommands", json!({"language_code": "ru"})).await;
    assert_eq!(shown, russian["commands"]);
    let scope = json!({"scope": {"type": "all_group_chats"}});
    assert_eq!(telegram.ok("getMyCommands", scope).await, json!([]));
    assert_eq!((telegram.bot.menu("ru"), telegram.bot.menus_set()), (vec!["help".to_owned()], 2));
    telegram.ok("deleteMyCommands", json!({"language_code": "ru"})).await;
    assert_eq!(telegram.ok("getMyCommands", json!({"language_code": "ru"})).await, json!([]));
    assert_eq!(telegram.bot.menu(""), ["help"]);
    assert!(telegram.fake.violations().is_empty());
}

#[tokio::test]
async fn a_menu_that_telegram_refuses_is_refused() {
    let telegram = Telegram::start().await;
    let long = "a".repeat(33);
    for (command, description) in [
        ("Help", "Help"),
        ("помощь", "Help"),
        ("/help", "Help"),
        ("", "Help"),
        (long.as_str(), "Help"),
        ("help", " "),
        ("help", &"я".repeat(257)),
    ] {
        let (status, _) = telegram.refused("setMyCommands", menu(command, description)).await;
        assert_eq!(status, 400, "{command}");
    }
    let many: Vec<_> =
        (0..101).map(|n| json!({"command": format!("c{n}"), "description": "x"})).collect();
    let (status, _) = telegram.refused("setMyCommands", json!({"commands": many})).await;
    assert_eq!(status, 400);
    let language = json!({"language_code": "english"});
    assert_eq!(telegram.refused("getMyCommands", language).await.0, 400);
    telegram.ok("setMyCommands", json!({"commands": many[..100]})).await;
}
