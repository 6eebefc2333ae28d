//! Many keys to one provider, known to many processes.

use std::time::{Duration, Instant};

use futures::future::join_all;
use replyx_core::money::Money;
use replyx_live::Live;
use replyx_llm::{
    Dialect, KeyEvent, KeyUse, ModelError, Models, ModelsConfig, Provider, ProviderKey,
    configured_id,
};
use replyx_testkit::openai::{FakeOpenAi, ModelFault, RetryAfter};

use crate::failover::{ask, fake, key, models, to};

/// The state of two processes of one installation: on Redis.
pub(crate) async fn two_homes() -> (Live, Live) {
    let url = std::env::var("REPLYX_TEST_REDIS").expect(
        "REPLYX_TEST_REDIS names no Redis: run the tests through `make test` or `scripts/services run`",
    );
    let prefix = format!("test-{}", replyx_core::clock::random_hex::<8>());
    (Live::redis(&url, &prefix).await.unwrap(), Live::redis(&url, &prefix).await.unwrap())
}

fn keyless_openai(server: &FakeOpenAi) -> ModelsConfig {
    let provider = Provider {
        name: "openai".into(),
        protocol: Dialect::Completions,
        base_url: server.base_url(),
        keyless: false,
    };
    ModelsConfig { providers: vec![provider], ..ModelsConfig::default() }
}

fn with_keys(server: &FakeOpenAi, live: &Live, keys: &[ProviderKey]) -> Models {
    let models = models(keyless_openai(server), live);
    models.set_keys(keys.to_vec()).unwrap();
    models
}

/// The keys that were shown, in order.
fn shown(server: &FakeOpenAi) -> Vec<String> {
    server.requests().iter().map(|request| request.key.clone()).collect()
}

#[tokio::test]
async fn keys_are_used_by_priority_and_then_in_turn() {
    let server = fake("Nine.").await;
    let keys =
        [key("openai", "sk-three", 5), key("openai", "sk-one", 1), key("openai", "sk-two", 1)];
    let models = with_keys(&server, &Live::in_process(), &keys);
    for _ in 0..4 {
        ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();
    }
    let used = shown(&server);
    assert_eq!((&used[0], &used[1]), (&used[2], &used[3]), "{used:?}");
    assert!(used[0] != used[1] && !used.contains(&"sk-three".to_owned()), "{used:?}");
}

#[tokio::test]
async fn a_refused_key_is_taken_out_everywhere_until_its_secret_changes_or_it_is_readmitted() {
    let server = fake("Nine.").await;
    let (here, there) = two_homes().await;
    let wrong = key("openai", "sk-wrong", 0);
    let right = key("openai", "sk-one", 1);
    let keys = [wrong.clone(), right.clone()];
    let one = with_keys(&server, &here, &keys);
    let two = with_keys(&server, &there, &keys);
    let mut events = one.key_events();

    for models in [&one, &one, &two] {
        let answer = ask(models, &to(&["gpt-4o-mini"])).await.0.unwrap();
        assert_eq!(answer.key, Some(right.id));
    }
    // The fake remembers valid requests only.
    assert_eq!(shown(&server), ["sk-one"; 3]);
    let event = events.try_recv().unwrap();
    assert_eq!(event, KeyEvent::Refused { key: wrong.id, provider: "openai".into() });
    assert!(events.try_recv().is_err(), "it was asked once");

    two.readmit(wrong.id).await;
    ask(&two, &to(&["gpt-4o-mini"])).await.0.unwrap();
    let changed = ProviderKey { secret: "sk-two".into(), ..wrong.clone() };
    one.set_keys(vec![changed, right.clone()]).unwrap();
    let answer = ask(&one, &to(&["gpt-4o-mini"])).await.0.unwrap();
    assert_eq!(answer.key, Some(wrong.id), "another secret is another key");
}

#[tokio::test]
async fn a_key_that_an_admin_enables_is_used_again() {
    let server = fake("Nine.").await;
    let live = Live::in_process();
    let one = key("openai", "sk-one", 0);
    let models = with_keys(&server, &live, std::slice::from_ref(&one));
    server.inject(ModelFault::status(401));
    assert!(ask(&models, &to(&["gpt-4o-mini"])).await.0.is_err());
    let failure = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();
    assert!(matches!(failure.error, ModelError::Unavailable { .. }), "{failure:?}");

    models.set_keys(vec![ProviderKey { enabled: false, ..one.clone() }]).unwrap();
    let failure = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();
    assert!(matches!(failure.error, ModelError::NotConfigured { .. }), "{failure:?}");
    models.set_keys(vec![one]).unwrap();
    ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();
}

#[tokio::test]
async fn retry_after_is_obeyed_by_every_process() {
    for wait in [RetryAfter::Seconds(2), RetryAfter::Millis(2_000), RetryAfter::Date(3)] {
        let server = fake("Nine.").await;
        let (here, there) = two_homes().await;
        let keys = [key("openai", "sk-one", 0), key("openai", "sk-two", 1)];
        let one = with_keys(&server, &here, &keys);
        let two = with_keys(&server, &there, &keys);
        server.inject(ModelFault::RateLimited(wait));
        let begun = Instant::now();
        let answer = ask(&one, &to(&["gpt-4o-mini"])).await.0.unwrap();
        assert_eq!((answer.attempts, answer.key), (2, Some(keys[1].id)), "{wait:?}");
        let answer = ask(&two, &to(&["gpt-4o-mini"])).await.0.unwrap();
        assert_eq!((answer.attempts, answer.key), (1, Some(keys[1].id)), "{wait:?}");
        // Nothing else is left: the wait is sat out.
        two.set_keys(vec![keys[0].clone()]).unwrap();
        let answer = ask(&two, &to(&["gpt-4o-mini"])).await.0.unwrap();
        assert_eq!(answer.key, Some(keys[0].id));
        assert!(begun.elapsed() >= Duration::from_millis(1_900), "{wait:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_cool_down_that_was_only_guessed_does_not_silence_the_last_key() {
    let server = fake("Nine.").await;
    let one = key("openai", "sk-one", 0);
    let models = with_keys(&server, &Live::in_process(), &[one]);
    for _ in 0..3 {
        server.inject(ModelFault::status(429));
        // The cool-down is longer than a call may take.
        let answer = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();
        assert_eq!(answer.attempts, 2);
    }
}

#[tokio::test]
async fn a_daily_limit_is_exact_over_processes() {
    let server = fake("Nine.").await;
    let (here, there) = two_homes().await;
    let keys = [ProviderKey { daily_requests: Some(3), ..key("openai", "sk-one", 0) }];
    let one = with_keys(&server, &here, &keys);
    let two = with_keys(&server, &there, &keys);
    let mut events = one.key_events();
    let asked = to(&["gpt-4o-mini"]);
    let asking = (0..12).map(|number| ask(if number % 2 == 0 { &one } else { &two }, &asked));
    let answered = join_all(asking).await.into_iter().filter(|(answer, _)| answer.is_ok()).count();
    assert_eq!((answered, server.request_count()), (3, 3));
    let failure = ask(&one, &asked).await.0.unwrap_err();
    assert!(matches!(failure.error, ModelError::Unavailable { wait: Some(_) }), "{failure:?}");
    let event = events.try_recv().unwrap();
    assert!(matches!(event, KeyEvent::Exhausted { key, .. } if key == keys[0].id), "{event:?}");
    assert!(events.try_recv().is_err(), "it is told once");
}

#[tokio::test]
async fn money_is_limited_too_and_what_was_spent_before_a_restart_counts() {
    let server = fake("Nine.").await;
    let one = key("openai", "sk-one", 0);
    // An answer costs 211 micro-units.
    let limited = ProviderKey { daily_cost: Some(Money::from_micros(400)), ..one.clone() };
    let models = with_keys(&server, &Live::in_process(), &[limited]);
    let mut answered = 0;
    while ask(&models, &to(&["gpt-4o-mini"])).await.0.is_ok() {
        answered += 1;
        assert!(answered < 9);
    }
    assert_eq!(answered, 1, "the second one might have gone beyond");

    for used in [
        KeyUse { month_cost: Money::from_micros(9_000), ..KeyUse::default() },
        KeyUse { month_requests: 7, ..KeyUse::default() },
    ] {
        let limits = ProviderKey {
            monthly_cost: Some(Money::from_micros(9_000)),
            monthly_requests: Some(7),
            ..one.clone()
        };
        let models = with_keys(&server, &Live::in_process(), &[limits]);
        ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();
        models.seed_usage(one.id, used).await;
        models.seed_usage(one.id, KeyUse::default()).await;
        assert!(ask(&models, &to(&["gpt-4o-mini"])).await.0.is_err(), "{used:?}");
    }
}

#[tokio::test]
async fn keys_change_while_calls_are_under_way() {
    let server = fake("Nine.").await;
    server.inject(ModelFault::Silence { after: 0, time: Duration::from_millis(150) });
    let one = key("openai", "sk-one", 0);
    let two = key("openai", "sk-two", 0);
    let models = with_keys(&server, &Live::in_process(), std::slice::from_ref(&one));
    let asked = to(&["gpt-4o-mini"]);
    let change = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        models.set_keys(vec![two.clone()]).unwrap();
        ask(&models, &asked).await.0.unwrap().key
    };
    let (before, after) = tokio::join!(ask(&models, &asked), change);
    assert_eq!((before.0.unwrap().key, after), (Some(one.id), Some(two.id)));

    let ftp = Provider {
        name: "x".into(),
        protocol: Dialect::Completions,
        base_url: "ftp://example.org".into(),
        keyless: true,
    };
    assert!(matches!(models.set_providers(vec![ftp]), Err(ModelError::Settings(_))));
    assert_eq!(ask(&models, &asked).await.0.unwrap().key, Some(two.id), "nothing was replaced");
    assert_eq!(configured_id("openai"), configured_id("openai"));
    assert_ne!(configured_id("openai"), configured_id("anthropic"));
}

#[tokio::test]
async fn no_key_is_shown() {
    let server = fake("Nine.").await;
    let one = key("openai", "sk-secret", 0);
    let models = with_keys(&server, &Live::in_process(), std::slice::from_ref(&one));
    let failure = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();
    let told = format!("{models:?} {one:?} {failure:?} {failure} {}", failure.error);
    assert!(!told.contains("sk-secret"), "{told}");
}
