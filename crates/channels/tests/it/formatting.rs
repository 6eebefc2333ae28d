//! What we write is what Telegram reads.

use std::cell::Cell;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use replyx_channels::telegram::{BotClient, TEXT_LIMIT, Words, format};
use replyx_core::channel::OutboundText;
use replyx_testkit::telegram::{Chat, Enforcement, FakeTelegram, Limits};

use crate::{TOKEN, client};

/// Sends a part in both of its forms, and fails unless people see the same text twice.
async fn deliver(part: &OutboundText, client: &BotClient, chat: &Chat) -> Result<(), String> {
    let refused = |error| format!("{error} for {part:?}");
    let mut seen = Vec::new();
    let forms = [part.markup.as_deref().map(Words::Html), Some(Words::Plain(&part.plain))];
    for words in forms.into_iter().flatten() {
        client.send_message(&chat.id().into(), words, &[], None).await.map_err(refused)?;
        seen.push(chat.sent().last().expect("a message was sent just now").plain.trim().to_owned());
    }
    if seen.iter().all(|text| text == part.plain.trim()) {
        Ok(())
    } else {
        Err(format!("{seen:?} for {part:?}"))
    }
}

/// Text that looks like Markdown, and goes wrong in all the ways it can.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zа-я]{1,12}[ .,!?]",
        3 => prop::sample::select(vec![
            "**", "*", "_", "~~", "`", "```\n", "```c++\n", "\n", "\n\n", "> ", "- ", "1. ", "# ", "| a | b |\n|---|---|\n",
            "| a | b | c |\n|---|---|---|\n", "|", "[", "](https://x.example/?a=\"b\"&c=<d>)", "](tg://x)", "![", "<b>",
            "</pre>", "<br>", "&amp;lt;", "&#60;", "&", "<", ">", "\"", "'", "\\", "    ", "---\n", "😀", "e\u{301}", "\u{0}",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => prop::sample::select(vec!["слово ", "& ", "**b** ", "`c` "]).prop_map(|piece| piece.repeat(1500)),
    ];
    prop::collection::vec(piece, 0..50).prop_map(|pieces| pieces.concat())
}

#[test]
fn every_part_is_accepted_and_shows_its_plain_text() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fake = runtime.block_on(
        FakeTelegram::builder().limits(Limits::published(Enforcement::Off)).history(4).start(),
    );
    let fake = fake.unwrap();
    let chat = fake.add_bot(TOKEN, "shop_bot").customer(7);
    let client = client(&fake.url());
    let formatted = Cell::new(0);

    let mut runner =
        TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&markdown(), |markdown| {
        for part in format::outbound(&markdown) {
            prop_assert!(part.plain.encode_utf16().count() <= TEXT_LIMIT);
            formatted.set(formatted.get() + usize::from(part.markup.is_some()));
            let delivered = runtime.block_on(deliver(&part, &client, &chat));
            prop_assert_eq!(delivered, Ok(()));
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(formatted.get() > 25, "only {} parts had formatting", formatted.get());
    assert_eq!(fake.violations(), Vec::<String>::new());
}
