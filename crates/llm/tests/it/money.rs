//! Nobody spends what is not theirs: what may be asked, what is set aside, what is written down,
//! and who sees a key.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::join_all;
use replyx_core::{
    clock::Clock,
    ids::WorkspaceId,
    money::Money,
    usage::{ModelCall, PENDING, Purpose},
};
use replyx_live::Live;
use replyx_llm::{
    Book, Caller, ChatRequest, Dialect, KeyUse, ModelError, Models, ModelsConfig, Note, Provider,
    ProviderKey,
};
use replyx_testkit::openai::{Answer, FakeOpenAi, ModelFault};
use tokio::time::timeout;

use crate::{
    failover::{ask, fake, key, models, to},
    keys::two_homes,
};

/// Long enough for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn provider(name: &str, server: &FakeOpenAi) -> Provider {
    Provider {
        name: name.to_owned(),
        protocol: Dialect::Completions,
        base_url: server.base_url(),
        keyless: false,
    }
}

fn with_keys(server: &FakeOpenAi, live: &Live, keys: &[ProviderKey]) -> Models {
    let providers = vec![provider("openai", server), provider("other", server)];
    let models = models(ModelsConfig { providers, ..ModelsConfig::default() }, live);
    models.set_keys(keys.to_vec()).unwrap();
    models
}

fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

fn limited(key: ProviderKey, daily: &str) -> ProviderKey {
    ProviderKey { daily_cost: Some(dollars(daily)), ..key }
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked_where_money_is_limited() {
    let server =
        FakeOpenAi::builder().keys(["sk-one", "sk-two"]).models(["local"]).start().await.unwrap();
    server.answer(|_| Answer::text("Nine."));
    let one = limited(key("openai", "sk-one", 0), "100");
    let two = key("other", "sk-two", 0);
    let unpriced = [
        "o1-pro",
        "gpt-5.5-pro",
        "ft:gpt-4o:acme::x",
        "gpt-4o-audio-preview",
        "GPT-4O",
        "openai/gpt-4o",
        "openai:extractive",
        "openai:multilingual-e5-small",
        "text-embedding-3-small-x",
    ];
    let list: Vec<String> = unpriced.iter().map(|name| (*name).to_owned()).collect();
    let models = with_keys(&server, &Live::in_process(), &[one, two]);
    models.set_allowed(Some([list, vec!["other:local".to_owned()]].concat()));
    for name in unpriced {
        let failure = ask(&models, &to(&[name])).await.0.unwrap_err();
        assert!(matches!(failure.error, ModelError::NoPrice { .. }), "{name}: {failure:?}");
    }
    assert_eq!(server.request_count(), 0);
    // Where money is not limited it is asked, and is told to have no price.
    let answer = ask(&models, &to(&["o1-pro", "other:local"])).await.0.unwrap();
    assert_eq!((answer.model.as_str(), answer.price_known), ("local", false));
    assert_eq!(server.request_count(), 1);
}

async fn at_once(one: &Models, other: &Models, asked: &ChatRequest) -> usize {
    let asking = (0..32).map(|number| ask(if number % 2 == 0 { one } else { other }, asked));
    join_all(asking).await.into_iter().filter(|(answer, _)| answer.is_ok()).count()
}

/// Tells of much more than was asked for.
async fn greedy() -> FakeOpenAi {
    let server = fake("Nine.").await;
    server.answer(|_| Answer::text("Nine.").costing(400_000, 400_000));
    server
}

async fn never_beyond(here: &Live, there: &Live) {
    let server = greedy().await;
    // An answer is bounded by some 1,020 tokens read and 300 written: 0.00034 dollars at the most.
    for (limit, fits) in [("0.002", 5), ("0.0003", 0)] {
        let keys = [limited(key("openai", "sk-one", 0), limit)];
        let one = with_keys(&server, here, &keys);
        let other = with_keys(&server, there, &keys);
        let before = server.request_count();
        let answered = at_once(&one, &other, &to(&["gpt-4o-mini"])).await;
        assert_eq!(server.request_count() - before, answered as u64);
        assert!(answered <= fits && (answered > 0) == (fits > 0), "{limit}: {answered}");
        let failure = ask(&one, &to(&["gpt-4o"])).await.0.unwrap_err();
        assert!(matches!(failure.error, ModelError::LimitReached { wait: Some(_) }), "{failure:?}");
        assert_eq!(failure.error.reason(), "limit_reached");
    }
}

#[tokio::test]
async fn thirty_two_at_once_never_spend_more_than_the_limit_in_one_process() {
    let live = Live::in_process();
    never_beyond(&live, &live).await;
}

#[tokio::test]
async fn thirty_two_at_once_never_spend_more_than_the_limit_over_processes() {
    let (here, there) = two_homes().await;
    never_beyond(&here, &there).await;
}

#[tokio::test]
async fn what_was_set_aside_comes_back_when_a_call_fails_or_is_dropped() {
    let server = fake("Nine.").await;
    // Room for one call at a time.
    let keys = [limited(key("openai", "sk-one", 0), "0.0005")];
    let models = with_keys(&server, &Live::in_process(), &keys);
    server.inject(ModelFault::status(400));
    ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();

    server.inject(ModelFault::Hang);
    let asked = to(&["gpt-4o-mini"]);
    let dropped = timeout(Duration::from_millis(200), ask(&models, &asked));
    assert!(dropped.await.is_err(), "it hangs");
    let answer = ask(&models, &asked).await.0.unwrap();
    // What was dropped counts with what was sent: a few dozen tokens.
    let left = 500 - answer.cost.micros();
    assert!(left > 250, "{left}");
    let failure = ask(&models, &asked).await.0;
    assert!(failure.is_err() || left > 340, "{failure:?}");
}

#[tokio::test]
async fn a_provider_is_believed_within_what_can_be() {
    let server = fake("Nine.").await;
    let models = with_keys(&server, &Live::in_process(), &[key("openai", "sk-one", 0)]);
    for (prompt, completion) in
        [(u64::MAX, u64::MAX), (1 << 63, 1), (1_000_000_000, 0), (0, 1 << 62)]
    {
        server.answer(move |_| Answer::text("At nine o'clock.").costing(prompt, completion));
        let usage = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap().usage;
        assert!((1..2_000).contains(&usage.prompt_tokens), "{prompt}: {usage:?}");
        assert!((1..=300).contains(&usage.completion_tokens), "{completion}: {usage:?}");
        assert!(usage.estimated);
    }
    server.answer(|_| Answer::text("At nine o'clock.").costing(1_000, 101));
    let usage = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap().usage;
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens, usage.estimated),
        (1_000, 101, false)
    );
}

#[tokio::test]
async fn a_key_is_shown_to_its_own_origin_alone() {
    let home = fake("Nine.").await;
    let elsewhere = FakeOpenAi::builder().start().await.unwrap();
    let config =
        ModelsConfig::default().with("openai", Dialect::Completions, home.base_url(), "sk-one");
    let models = models(config, &Live::in_process());
    ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();

    // Another port is another origin. A key without one goes along, as before.
    models.set_providers(vec![provider("openai", &elsewhere)]).unwrap();
    let failure = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();
    assert!(matches!(failure.error, ModelError::NotConfigured { .. }), "{failure:?}");
    let stored = key("openai", "sk-two", 0).for_address(&home.base_url());
    models.set_keys(vec![stored]).unwrap();
    ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();
    assert_eq!(elsewhere.request_count() + elsewhere.refusals(), 0);

    // A redirect is not followed.
    models.set_providers(Vec::new()).unwrap();
    for path in ["/chat/completions", ""] {
        home.inject(ModelFault::Redirect(format!("{}{path}", elsewhere.base_url())));
        ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();
    }
    assert_eq!(elsewhere.request_count() + elsewhere.refusals(), 0);
    ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();
}

#[tokio::test]
async fn only_allowed_models_are_asked_however_they_are_spelled() {
    let server = fake("Nine.").await;
    let keys = [key("openai", "sk-one", 0), key("other", "sk-two", 0)];
    let models = with_keys(&server, &Live::in_process(), &keys);
    for good in ["gpt-4o", "openai:gpt-4o", "gpt-4o-2024-08-06", "extractive", "other:gpt-4o"] {
        assert!(models.allows(good, None), "{good}");
    }
    for bad in [
        "",
        "o1-pro",
        "ft:gpt-4o:acme::x",
        "openai:ft:gpt-4o",
        "GPT-4o",
        " gpt-4o",
        "gpt-4o ",
        "gpt-4o\n",
        "gpt\u{2011}4o",
        "gpt-4\u{43e}",
        "gpt-4o\u{200b}",
        "openai/gpt-4o",
        "openai:openai:gpt-4o",
        "openai:extractive",
        "other:extractive-latest",
        "nobody:gpt-4o",
        "text-embedding-3-small",
    ] {
        assert!(!models.allows(bad, None), "{bad:?}");
        let failure = ask(&models, &to(&[bad])).await.0.unwrap_err();
        assert!(matches!(failure.error, ModelError::NotAllowed { .. }), "{bad:?}: {failure:?}");
    }
    assert_eq!(server.request_count(), 0);

    models.set_allowed(Some(vec!["openai:gpt-4o-mini".to_owned(), "ft:gpt-4o:acme::x".to_owned()]));
    assert!(models.allows("gpt-4o-mini", None) && models.allows("openai:ft:gpt-4o:acme::x", None));
    assert!(!models.allows("gpt-4o", None) && !models.allows("extractive", None));
    let only = ["gpt-4o-mini".to_owned(), "gpt-4o".to_owned()];
    assert!(models.allows("gpt-4o-mini", Some(&only)));
    assert!(
        !models.allows("ft:gpt-4o:acme::x", Some(&only)) && !models.allows("gpt-4o", Some(&only))
    );
    assert_eq!(models.resolve_for(None, Some(&only)), "gpt-4o-mini");
    // What is not allowed is passed over for what is.
    let answer = ask(&models, &to(&["gpt-4o", "gpt-4o-mini"])).await.0.unwrap();
    assert_eq!((answer.model.as_str(), server.request_count()), ("gpt-4o-mini", 1));

    models.set_allowed(None);
    let names: Vec<String> = models.list(None).into_iter().map(|model| model.name).collect();
    assert!(names.contains(&"gpt-4o".to_owned()) && names.contains(&"extractive".to_owned()));
    assert!(
        names.iter().all(|name| !name.starts_with("claude") && !name.contains("embedding")),
        "{names:?}"
    );
    assert!(models.list(Some(&only)).iter().all(|model| only.contains(&model.name)));
}

#[tokio::test]
async fn limits_count_as_reached_while_nobody_knows_what_was_used() {
    let server = fake("Nine.").await;
    let keys = [limited(key("openai", "sk-one", 0), "5"), key("other", "sk-two", 0)];
    let models = with_keys(&server, &Live::in_process(), &keys);
    models.distrust();
    let failure = timeout(PATIENCE, ask(&models, &to(&["gpt-4o-mini"]))).await;
    assert!(failure.is_err() || failure.unwrap().0.is_err());
    assert_eq!(server.request_count(), 0);
    ask(&models, &to(&["other:gpt-4o-mini"])).await.0.unwrap();
    models.seed_usage(keys[0].id, KeyUse::default()).await;
    models.trust();
    ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();
}

/// What was written down, in order.
type Written = Arc<Mutex<Vec<ModelCall>>>;

fn caller() -> Caller {
    let workspace: WorkspaceId = Clock::system().id();
    Caller { workspace: Some(workspace), purpose: Purpose::Rewrite, ..Caller::default() }
}

/// A book whose writer tells everybody that it lasts.
fn written() -> (Book, Written) {
    let (book, mut notes) = Book::open(Clock::system());
    let all = Written::default();
    let kept = Arc::clone(&all);
    tokio::spawn(async move {
        while let Some(note) = notes.recv().await {
            match note {
                Note::Begin { call, written, .. } => {
                    kept.lock().unwrap().push(call);
                    let _ = written.send(());
                }
                Note::End { call, .. } => kept.lock().unwrap().push(call),
                Note::Flush(done) => drop(done.send(())),
            }
        }
    });
    (book, all)
}

#[tokio::test]
async fn a_call_is_written_down_before_it_is_made_and_however_it_ends() {
    let server = fake("Nine.").await;
    let (book, written) = written();
    let models =
        with_keys(&server, &Live::in_process(), &[key("openai", "sk-one", 0)]).recorded(book);
    let asked = ChatRequest { caller: caller(), ..to(&["gpt-4o-mini"]) };
    let answer = ask(&models, &asked).await.0.unwrap();
    models.flush().await;
    {
        let calls = written.lock().unwrap();
        let [begun, ended] = calls.as_slice() else { panic!("{calls:?}") };
        assert_eq!((begun.id, begun.outcome.as_str()), (ended.id, PENDING));
        assert!(begun.cost >= ended.cost && begun.purpose == Purpose::Rewrite, "{begun:?}");
        assert_eq!((ended.outcome.as_str(), ended.cost), ("ok", answer.cost));
        assert_eq!(answer.spent[0].id, ended.id);
    }
    written.lock().unwrap().clear();

    server.inject(ModelFault::Hang);
    assert!(timeout(Duration::from_millis(200), ask(&models, &asked)).await.is_err(), "it hangs");
    models.flush().await;
    let calls = std::mem::take(&mut *written.lock().unwrap());
    let ended = calls.last().unwrap();
    assert_eq!((calls.len(), ended.outcome.as_str(), ended.estimated), (2, "cancelled", true));
    assert!(ended.cost > Money::ZERO && ended.prompt_tokens < 100, "{ended:?}");
}

#[tokio::test]
async fn an_answer_that_is_lost_or_cannot_be_read_is_in_the_ledger_with_what_was_sent() {
    for (fault, outcome) in [
        (ModelFault::WrongContentType, "content_type"),
        (ModelFault::Garbage, "malformed"),
        (ModelFault::Break, "broken"),
        (ModelFault::BreakAfter(0), "broken"),
        (ModelFault::EndAfter(0), "broken"),
    ] {
        let server = fake("Nine.").await;
        let (book, written) = written();
        let models =
            with_keys(&server, &Live::in_process(), &[key("openai", "sk-one", 0)]).recorded(book);
        server.inject(fault.clone());
        ask(&models, &ChatRequest { caller: caller(), ..to(&["gpt-4o-mini"]) }).await.0.unwrap();
        models.flush().await;

        let calls = std::mem::take(&mut *written.lock().unwrap());
        let lost = calls.iter().find(|call| call.outcome == outcome).unwrap();
        assert!(lost.cost > Money::ZERO && lost.estimated, "{fault:?}: {lost:?}");
        assert!(lost.prompt_tokens > 0 && lost.prompt_tokens < 100, "{fault:?}: {lost:?}");
    }
}

#[tokio::test]
async fn without_being_written_down_no_call_is_made() {
    let server = fake("Nine.").await;
    let (book, notes) = Book::open(Clock::system());
    drop(notes);
    let models =
        with_keys(&server, &Live::in_process(), &[key("openai", "sk-one", 0)]).recorded(book);
    let asked = ChatRequest { caller: caller(), ..to(&["gpt-4o-mini"]) };
    let failure = ask(&models, &asked).await.0.unwrap_err();
    assert!(matches!(failure.error, ModelError::Unrecorded), "{failure:?}");
    assert_eq!(server.request_count(), 0);
}
