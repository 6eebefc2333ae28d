use proptest::prelude::*;
use replyx_core::channel::{Attachment, Quoted};
use serde_json::{Map, json};

use super::*;

const US: BotIdentity<'_> = BotIdentity { id: 42, username: "shop_bot" };

fn read_raw(raw: Value) -> Read {
    read(&RawUpdate { update_id: 7, raw }, US)
}

fn message_in(chat: &Value, fields: Value) -> Value {
    let mut message = json!({
        "message_id": 5,
        "date": 1_700_000_000,
        "chat": chat,
        "from": {"id": 9, "is_bot": false, "first_name": "Анна", "last_name": "К.", "language_code": "ru"},
    });
    if let (Value::Object(message), Value::Object(fields)) = (&mut message, fields) {
        message.extend(fields);
    }
    json!({"update_id": 7, "message": message})
}

fn private(fields: Value) -> Read {
    read_raw(message_in(&json!({"id": 9, "type": "private"}), fields))
}

fn group(fields: Value) -> Read {
    read_raw(message_in(&json!({"id": -100, "type": "supergroup"}), fields))
}

fn content(read: Read) -> InboundContent {
    match read {
        Read::Inbound(inbound) => inbound.content,
        Read::Ignored { reason, .. } => panic!("ignored: {reason}"),
    }
}

fn text(text: &str) -> InboundContent {
    InboundContent::Text { text: text.to_owned(), message_id: 5.into() }
}

fn unsupported(what: &str) -> InboundContent {
    InboundContent::Unsupported { what: what.to_owned(), message_id: 5.into() }
}

fn command(name: &str, arguments: &str) -> InboundContent {
    let name = name.to_owned();
    InboundContent::Command { name, arguments: arguments.to_owned(), message_id: 5.into() }
}

fn start() -> InboundContent {
    InboundContent::Start { payload: None, message_id: 5.into() }
}

fn reason(read: Read) -> &'static str {
    match read {
        Read::Ignored { update_id: 7, reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_private_message_is_read_with_all_we_keep() {
    let Read::Inbound(inbound) = private(json!({"text": "  Где\u{0} заказ?\u{7}\r\n "}))
    else {
        panic!()
    };
    assert_eq!(
        inbound,
        Inbound {
            key: 7.into(),
            order: 7,
            address: 9.into(),
            chat_kind: ChatKind::Private,
            display_name: "Анна К.".to_owned(),
            language_code: Some("ru".to_owned()),
            sent_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            content: text("Где заказ?"),
            quoted: None,
        }
    );
}

#[test]
fn long_texts_are_cut_at_telegrams_limit() {
    let InboundContent::Text { text, .. } = content(private(json!({"text": "😀".repeat(3000)})))
    else {
        panic!()
    };
    assert_eq!(text.encode_utf16().count(), 4096);
}

#[test]
fn commands_are_told_from_words() {
    for said in ["/start", "/START", "/start two words", "/start@shop_bot", "/start@Shop_Bot цена"]
    {
        assert_eq!(content(private(json!({"text": said}))), start(), "{said}");
    }
    for said in ["/start ad-1_x", "/start@shop_bot\nad-1_x "] {
        let payload = Some("ad-1_x".to_owned());
        let start = InboundContent::Start { payload, message_id: 5.into() };
        assert_eq!(content(private(json!({"text": said}))), start, "{said}");
    }
    for (said, name, arguments) in [
        ("/startle", "startle", ""),
        ("/Help@shop_bot", "help", ""),
        ("/language  ru ", "language", "ru"),
        ("/price iPhone\n15", "price", "iPhone\n15"),
    ] {
        assert_eq!(content(private(json!({"text": said}))), command(name, arguments), "{said}");
    }
    for said in
        ["start", "/start@other_bot", "/help@other_bot", "/ start", "/", "see /start", "/да"]
    {
        assert_eq!(content(private(json!({"text": said}))), text(said), "{said}");
    }
    assert_eq!(content(private(json!({"sticker": {}, "caption": "/help"}))), text("/help"));
}

#[test]
fn captions_are_words_and_the_rest_is_named() {
    let photo = json!([{"file_id": "x"}]);
    assert_eq!(content(private(json!({"sticker": {}, "caption": " this? "}))), text("this?"));
    let shown = |caption: Option<&str>| InboundContent::Attachment {
        file: Attachment {
            what: "photo".to_owned(),
            name: None,
            media_type: None,
            size: None,
            reference: "x".to_owned(),
        },
        caption: caption.map(str::to_owned),
        message_id: 5.into(),
    };
    let said = json!({"photo": photo, "caption": " this? "});
    assert_eq!(content(private(said)), shown(Some("this?")));
    assert_eq!(content(private(json!({"photo": photo, "caption": "  "}))), shown(None));
    assert_eq!(content(private(json!({"photo": photo}))), shown(None));
    for what in ["voice", "sticker", "video_note", "document", "contact", "poll", "dice"] {
        assert_eq!(content(private(json!({what: {}}))), unsupported(what));
    }
    let gif = json!({"document": {}, "animation": {}});
    assert_eq!(content(private(gif)), unsupported("animation"));
    assert_eq!(content(private(json!({"location": {}, "venue": {}}))), unsupported("location"));
}

#[test]
fn files_are_read_with_what_is_said_of_them() {
    let file = |message: Value| match content(private(message)) {
        InboundContent::Attachment { file, .. } => file,
        other => panic!("{other:?}"),
    };
    let document = json!({
        "file_id": "D1", "file_unique_id": "u", "file_name": "../Прайс\u{7}.pdf",
        "mime_type": "application/pdf", "file_size": 12,
    });
    assert_eq!(
        file(json!({"document": document})),
        Attachment {
            what: "document".to_owned(),
            name: Some(".._Прайс.pdf".to_owned()),
            media_type: Some("application/pdf".to_owned()),
            size: Some(12),
            reference: "D1".to_owned(),
        }
    );
    // The largest size of a photo; an animation is a document for old clients.
    let photo = json!([{"file_id": "small"}, {"file_id": "large"}]);
    assert_eq!(file(json!({"photo": photo})).reference, "large");
    let gif = json!({"document": {"file_id": "D"}, "animation": {"file_id": "A"}});
    assert_eq!(
        file(json!({"animation": gif["animation"], "document": gif["document"]})).reference,
        "A"
    );
    for kind in ["voice", "audio", "video", "video_note"] {
        assert_eq!(file(json!({kind: {"file_id": "F"}})).what, kind);
    }
    // Nobody could fetch these.
    assert_eq!(content(private(json!({"photo": []}))), unsupported("photo"));
    let long = "x".repeat(513);
    assert_eq!(content(private(json!({"voice": {"file_id": long}}))), unsupported("voice"));
}

#[test]
fn in_groups_only_what_is_meant_for_us_is_ours() {
    let reply = json!({"message_id": 4, "from": {"id": 42, "is_bot": true}});
    let other = json!({"message_id": 4, "from": {"id": 43, "is_bot": true}});
    assert_eq!(content(group(json!({"text": "@shop_bot where?"}))), text("where?"));
    assert_eq!(content(group(json!({"text": "and?", "reply_to_message": reply}))), text("and?"));
    assert_eq!(content(group(json!({"text": "/help@shop_bot me"}))), command("help", "me"));
    assert_eq!(content(group(json!({"text": "@shop_bot /help"}))), command("help", ""));
    assert_eq!(content(group(json!({"text": "/start@shop_bot"}))), start());
    assert_eq!(content(group(json!({"text": "@shop_bot"}))), start());
    assert_eq!(
        content(group(json!({"voice": {}, "reply_to_message": reply}))),
        unsupported("voice")
    );
    let photo = json!({"photo": [], "caption": "@shop_bot"});
    assert_eq!(content(group(photo)), unsupported("photo"));

    for ignored in [
        json!({"text": "hello"}),
        json!({"text": "/start"}),
        json!({"text": "/start@other_bot"}),
        json!({"text": "/help@other_bot @shop_bot"}),
        json!({"text": "hm", "reply_to_message": other}),
        json!({"voice": {}}),
    ] {
        assert_eq!(reason(group(ignored.clone())), "not_addressed", "{ignored}");
    }
}

#[test]
fn people_and_topics_of_a_chat_have_places_of_their_own() {
    let place = |read: Read| match read {
        Read::Inbound(inbound) => inbound.address.to_string(),
        Read::Ignored { reason, .. } => panic!("{reason}"),
    };
    let asked = |more: Value| {
        let mut fields = json!({"text": "@shop_bot hi"});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    assert_eq!(place(group(asked(json!({})))), "-100@9");
    let bob = json!({"from": {"id": 10, "is_bot": false, "first_name": "Bob"}});
    assert_eq!(place(group(asked(bob))), "-100@10");
    let topic = json!({"message_thread_id": 3, "is_topic_message": true});
    assert_eq!(place(group(asked(topic.clone()))), "-100/3@9");
    assert_eq!(place(private(asked(topic))), "9/3");
    assert_eq!(place(private(asked(json!({})))), "9");

    // A thread of replies is no topic.
    for thread in [
        json!({"message_thread_id": 3}),
        json!({"message_thread_id": 3, "is_topic_message": false}),
        json!({"message_thread_id": "3", "is_topic_message": true}),
    ] {
        assert_eq!(place(group(asked(thread.clone()))), "-100@9", "{thread}");
    }
}

#[test]
fn who_speaks_as_the_group_or_as_a_channel_is_answered() {
    let speaks = |sender: Value, more: Value| {
        let mut fields = json!({
            "text": "@shop_bot hi", "sender_chat": sender,
            "from": {"id": 1_087_968_824, "is_bot": true, "first_name": "Group"},
        });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        group(fields)
    };
    let Read::Inbound(admin) = speaks(json!({"id": -100, "title": " The Club "}), json!({})) else {
        panic!()
    };
    assert_eq!((admin.address.as_str(), &*admin.display_name), ("-100@-100", "The Club"));
    assert_eq!((admin.language_code.as_deref(), admin.content), (None, text("hi")));
    let channel = json!({"id": -200, "type": "channel", "title": "News"});
    let Read::Inbound(writer) = speaks(channel.clone(), json!({})) else { panic!() };
    assert_eq!(writer.address.as_str(), "-100@-200");

    let unasked = speaks(channel, json!({"is_automatic_forward": true}));
    assert_eq!(reason(unasked), "from_chat");
    assert_eq!(reason(speaks(json!({"title": "?"}), json!({}))), "from_chat");
    let silent = json!({"text": "hi", "sender_chat": {"id": -100}});
    assert_eq!(reason(group(silent)), "not_addressed");
}

#[test]
fn the_words_to_which_a_message_replies_come_with_it() {
    let quoted = |read: Read| match read {
        Read::Inbound(inbound) => (inbound.content, inbound.quoted),
        Read::Ignored { reason, .. } => panic!("{reason}"),
    };
    let said = |text: &str, ours: bool| Some(Quoted { text: text.to_owned(), ours });
    let asked = json!({"from": {"id": 8, "is_bot": false}, "text": " Do you deliver? "});
    let answer = json!({"from": {"id": 42, "is_bot": true}, "caption": "Yes, we do."});
    let reply = |words: &str, earlier: &Value| json!({"text": words, "reply_to_message": earlier});

    let please = group(reply("@shop_bot can you answer this?", &asked));
    assert_eq!(quoted(please), (text("can you answer this?"), said("Do you deliver?", false)));
    let more = group(reply("and to Finland?", &answer));
    assert_eq!(quoted(more), (text("and to Finland?"), said("Yes, we do.", true)));
    assert_eq!(quoted(private(reply("why?", &answer))), (text("why?"), said("Yes, we do.", true)));

    // Nothing but our name: what it replies to is the question.
    let called = group(reply("@shop_bot", &asked));
    assert_eq!(quoted(called), (text("Do you deliver?"), None));
    assert_eq!(quoted(group(reply("@shop_bot", &answer))).0, start());

    // The part that they chose, also of a message of another chat.
    let mut chosen = reply("@shop_bot and this?", &asked);
    chosen["quote"] = json!({"text": "deliver", "position": 8});
    assert_eq!(quoted(group(chosen)).1, said("deliver", false));
    let elsewhere = json!({"text": "this?", "quote": {"text": "Two days", "position": 0}});
    assert_eq!(quoted(private(elsewhere)).1, said("Two days", false));
    let photo = json!({"from": {"id": 8, "is_bot": false}, "photo": []});
    assert_eq!(quoted(private(reply("this?", &photo))).1, None);
}

#[test]
fn an_edited_message_is_read_like_another_one() {
    let edited = |chat: Value, fields: Value| {
        let mut update = message_in(&chat, fields);
        let message = update["message"].take();
        read_raw(json!({"update_id": 7, "edited_message": message}))
    };
    let ann = json!({"id": 9, "type": "private"});
    let club = json!({"id": -100, "type": "group"});
    let edit = |text: &str| InboundContent::Edit { text: text.to_owned(), message_id: 5.into() };
    assert_eq!(content(edited(ann.clone(), json!({"text": " b "}))), edit("b"));
    let photo = json!({"photo": [{"file_id": "x"}], "caption": "b"});
    assert_eq!(content(edited(ann.clone(), photo)), edit("b"));
    assert_eq!(content(edited(club.clone(), json!({"text": "@shop_bot b"}))), edit("b"));

    assert_eq!(reason(edited(club, json!({"text": "b"}))), "not_addressed");
    for other in [json!({"location": {}}), json!({"text": "/start"}), json!({"voice": {}})] {
        assert_eq!(reason(edited(ann.clone(), other.clone())), "edited_message", "{other}");
    }
    let ours = json!({"text": "b", "from": {"id": 1, "is_bot": true}});
    assert_eq!(reason(edited(ann, ours)), "from_bot");
}

#[test]
fn a_topic_that_we_created_is_no_message_of_ours() {
    let created = json!({"from": {"id": 42, "is_bot": true}, "forum_topic_created": {"name": "x"}});
    assert_eq!(reason(group(json!({"text": "hm", "reply_to_message": created}))), "not_addressed");
}

#[test]
fn a_group_that_became_a_supergroup_is_told_in_both_chats() {
    const NEW: i64 = -1_001_234_567_890;
    let told = |chat: i64, kind: &str, fields: Value| match read_raw(message_in(
        &json!({"id": chat, "type": kind}),
        fields,
    )) {
        Read::Inbound(inbound) => (inbound.address, inbound.chat_kind, inbound.content),
        other @ Read::Ignored { .. } => panic!("{other:?}"),
    };
    let expected = (Address::from(-77), ChatKind::Group, InboundContent::Moved { to: NEW.into() });
    let anonymous = json!({"id": 1_087_968_824, "is_bot": true, "first_name": "Group"});
    for from in [json!({"id": 9, "is_bot": false, "first_name": "A"}), anonymous, Value::Null] {
        let to = json!({"migrate_to_chat_id": NEW, "from": from, "sender_chat": {"id": -77}});
        assert_eq!(told(-77, "group", to), expected);
        let came = json!({"migrate_from_chat_id": -77, "from": from});
        assert_eq!(told(NEW, "supergroup", came), expected);
    }
    assert_eq!(reason(private(json!({"migrate_to_chat_id": NEW}))), "malformed");
    assert_eq!(reason(group(json!({"migrate_to_chat_id": -100}))), "service_message");
    assert_eq!(reason(group(json!({"migrate_to_chat_id": "x"}))), "service_message");
}

#[test]
fn blocking_is_a_matter_of_private_chats() {
    let change = |kind: &str, status: &str| {
        json!({"update_id": 7, "my_chat_member": {
            "chat": {"id": 9, "type": kind},
            "from": {"id": 9, "is_bot": false, "first_name": "A"},
            "date": 1,
            "old_chat_member": {"status": "x"},
            "new_chat_member": {"status": status},
        }})
    };
    assert_eq!(content(read_raw(change("private", "kicked"))), InboundContent::Blocked);
    assert_eq!(content(read_raw(change("private", "member"))), InboundContent::Unblocked);
    assert_eq!(reason(read_raw(change("private", "left"))), "membership");
    assert_eq!(reason(read_raw(change("group", "kicked"))), "group_membership");
}

#[test]
fn the_rest_is_ignored_under_a_reason() {
    let from_bot = json!({"text": "hi", "from": {"id": 1, "is_bot": true, "first_name": "B"}});
    assert_eq!(reason(private(from_bot)), "from_bot");
    assert_eq!(reason(private(json!({"text": "hi", "sender_chat": {}}))), "from_chat");
    assert_eq!(reason(private(json!({"text": "hi", "from": null}))), "no_sender");
    assert_eq!(reason(private(json!({"text": " \u{0}"}))), "empty");
    assert_eq!(reason(private(json!({"pinned_message": {}}))), "service_message");
    assert_eq!(reason(private(json!({"text": "hi", "date": i64::MAX}))), "malformed");
    assert_eq!(reason(private(json!({"text": "hi", "message_id": "5"}))), "malformed");
    for (kind, expected) in [
        ("edited_message", "no_sender"),
        ("channel_post", "channel_post"),
        ("edited_channel_post", "channel_post"),
        ("something_new", "unknown_kind"),
    ] {
        assert_eq!(reason(read_raw(json!({"update_id": 7, kind: {}}))), expected);
    }
    assert_eq!(reason(read_raw(Value::Null)), "malformed");
    assert_eq!(reason(read_raw(json!({"message": 5}))), "malformed");
}

#[test]
fn a_press_says_what_its_button_stands_for_below_which_message() {
    let message = json!({
        "message_id": 5, "date": 1_700_000_000, "chat": {"id": 9, "type": "private"},
        "from": {"id": 42, "is_bot": true, "first_name": "shop"},
    });
    let query = json!({
        "id": "q1", "from": {"id": 9, "is_bot": false, "first_name": "Анна", "language_code": "ru"},
        "chat_instance": "1", "message": message, "data": " Позвать\u{0} сотрудника ",
    });
    let pressed = |change: Value| {
        let mut query = query.clone();
        if let (Value::Object(query), Value::Object(change)) = (&mut query, change) {
            query.extend(change);
        }
        RawUpdate { update_id: 7, raw: json!({"update_id": 7, "callback_query": query}) }
    };

    let update = pressed(json!({}));
    let Read::Inbound(inbound) = read(&update, US) else { panic!() };
    assert_eq!((inbound.address, inbound.display_name.as_str()), (9.into(), "Анна"));
    let data = "Позвать сотрудника".to_owned();
    assert_eq!(inbound.content, InboundContent::Button { data, message_id: 5.into() });
    assert_eq!(press(&update), Some("q1"));

    // A message that Telegram no longer gives out has neither words nor a time.
    let bare = json!({"message_id": 5, "date": 0, "chat": {"id": 9, "type": "private"}});
    assert!(matches!(read(&pressed(json!({"message": bare})), US), Read::Inbound(_)));

    for (change, expected) in [
        (json!({"from": null}), "no_sender"),
        (json!({"message": null}), "callback_query"),
        (json!({"data": null}), "callback_query"),
        (json!({"data": " \u{7} "}), "empty"),
        (json!({"message": {"date": 0, "chat": {"id": 9, "type": "private"}}}), "malformed"),
    ] {
        let update = pressed(change);
        assert_eq!(reason(read(&update, US)), expected);
        assert_eq!(press(&update), Some("q1"), "its app waits all the same");
    }
    for id in [json!(null), json!(""), json!(5), json!("x".repeat(129))] {
        assert_eq!(press(&pressed(json!({"id": id}))), None);
    }
}

#[test]
fn names_are_bounded_and_fall_back_to_the_username() {
    let named = |from: Value| match private(json!({"text": "hi", "from": from})) {
        Read::Inbound(inbound) => (inbound.display_name, inbound.language_code),
        Read::Ignored { reason, .. } => panic!("{reason}"),
    };
    assert_eq!(named(json!({"first_name": " ", "username": "anna"})).0, "anna");
    assert_eq!(named(json!({"first_name": "я".repeat(500)})).0, "я".repeat(128));
    assert_eq!(named(json!({})), (String::new(), None));
    assert_eq!(named(json!({"language_code": "pt-BR"})).1.as_deref(), Some("pt-BR"));
    assert_eq!(named(json!({"language_code": "<script>"})).1, None);
}

/// JSON made of the names that the code looks for, in any places and of any types.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "message",
        "my_chat_member",
        "from",
        "chat",
        "type",
        "id",
        "date",
        "text",
        "caption",
        "photo",
        "is_bot",
        "reply_to_message",
        "new_chat_member",
        "status",
        "message_id",
        "first_name",
        "language_code",
        "sender_chat",
        "voice",
        "message_thread_id",
        "is_topic_message",
        "quote",
        "is_automatic_forward",
    ]);

    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "private",
            "group",
            "supergroup",
            "kicked",
            "/start@",
            "@shop_bot я"
        ])
        .prop_map(Value::from),
    ];

    leaf.prop_recursive(5, 64, 10, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..10).prop_map(|fields| {
                let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
                Value::from(fields.collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(raw in any_json()) {
        read_raw(raw);
    }

    #[test]
    fn no_message_makes_it_panic(fields in any_json(), words in any::<String>(), in_group: bool) {
        let with = |mut fields: Value| {
            if let Some(fields) = fields.as_object_mut() {
                fields.insert("text".to_owned(), words.clone().into());
            }
            fields
        };
        let found = if in_group { group(with(fields)) } else { private(with(fields)) };
        if let Read::Inbound(Inbound { content: InboundContent::Text { text, .. }, .. }) = found {
            prop_assert!(!text.is_empty() && text == text.trim());
            prop_assert!(!text.contains('\0') && text.encode_utf16().count() <= 4096);
        }
    }

    #[test]
    fn mentions_never_cut_a_character(before in any::<String>(), after in any::<String>()) {
        group(json!({"text": format!("{before}@shop_bot{after}@SHOP_BOT @shop_bo{after}")}));
        group(json!({"text": format!("/{before}@shop_bot{after}")}));
    }
}
