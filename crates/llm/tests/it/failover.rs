//! What a customer sees while keys and providers fail: one good answer.

use std::time::{Duration, Instant};

use replyx_core::{clock::Clock, money::Money};
use replyx_live::Live;
use replyx_llm::{
    ChatRequest, Completion, Dialect, Failure, Limits, ModelError, Models, ModelsConfig, Progress,
    ProviderKey, Source,
};
use replyx_testkit::{
    anthropic::FakeAnthropic,
    openai::{Answer, FakeOpenAi, ModelFault, RetryAfter},
};
use secrecy::SecretString;

use crate::provider::{KEY, install_tls, quick, request};

/// Bounds as in production, but for the waits.
pub(crate) fn limits() -> Limits {
    Limits { retry_after: Duration::from_secs(5), total: Duration::from_secs(20), ..quick() }
}

pub(crate) fn key(provider: &str, secret: &str, priority: i32) -> ProviderKey {
    let secret_text = SecretString::from(secret);
    let mut key = ProviderKey::configured(provider, secret_text);
    key.id = Clock::system().id();
    key.priority = priority;
    key
}

pub(crate) async fn fake(text: &'static str) -> FakeOpenAi {
    let keys = ["sk-test", "sk-one", "sk-two", "sk-three"];
    let server = FakeOpenAi::builder().keys(keys).start().await.unwrap();
    server.answer(move |_| Answer::text(text).costing(1_000, 101));
    server
}

pub(crate) fn models(config: ModelsConfig, live: &Live) -> Models {
    install_tls();
    let config = ModelsConfig { limits: limits(), ..config };
    Models::new(config, live.clone(), Clock::system()).unwrap()
}

/// Asks, and keeps what was shown; a restart is shown as `|`.
pub(crate) async fn ask(
    models: &Models,
    asked: &ChatRequest,
) -> (Result<Completion, Failure>, String) {
    let mut shown = String::new();
    let result = models
        .complete(asked, |progress| {
            shown.push_str(match progress {
                Progress::Text(text) => text,
                Progress::Restarted => "|",
            });
        })
        .await;
    (result, shown)
}

pub(crate) fn to(models: &[&str]) -> ChatRequest {
    ChatRequest {
        fallbacks: models[1..].iter().map(|name| (*name).to_owned()).collect(),
        sources: vec![Source::default(), Source::default()],
        ..request(models[0])
    }
}

/// Two providers, the second one with another protocol.
struct Pair {
    first: FakeOpenAi,
    second: FakeAnthropic,
    models: Models,
}

async fn pair() -> Pair {
    let first = fake("We open at nine [2].").await;
    let second = FakeAnthropic::start().await;
    second.answer(|_| Answer::text("At nine o'clock [1].").costing(900, 50));
    let config = ModelsConfig::default()
        .with("openai", Dialect::Completions, first.base_url(), KEY)
        .with("anthropic", Dialect::Messages, second.base_url(), KEY);
    let models = models(config, &Live::in_process());
    Pair { first, second, models }
}

#[tokio::test]
async fn whatever_fails_the_next_model_answers_once() {
    let quota = ModelFault::QuotaSpent;
    let late = ModelFault::DelayFirst(Duration::from_millis(600));
    let silent = ModelFault::Silence { after: 1, time: Duration::from_millis(600) };
    for (fault, shown_before, charged, reason) in [
        (ModelFault::status(401), "", false, "unauthorized"),
        (ModelFault::status(403), "", false, "unauthorized"),
        (ModelFault::status(402), "", false, "quota"),
        (ModelFault::status(400), "", false, "refused"),
        (ModelFault::status(404), "", false, "refused"),
        (quota, "", false, "quota"),
        (ModelFault::status(429), "", false, "rate_limited"),
        (ModelFault::RateLimited(RetryAfter::Seconds(600)), "", false, "rate_limited"),
        (ModelFault::status(500), "", false, "server_error"),
        (ModelFault::status(503), "", false, "server_error"),
        (ModelFault::status(529), "", false, "server_error"),
        (ModelFault::Break, "", true, "broken"),
        (ModelFault::Hang, "", true, "timeout"),
        (late, "", true, "timeout"),
        (silent, "We |", true, "timeout"),
        (ModelFault::BreakAfter(2), "We open |", true, "broken"),
        (ModelFault::EndAfter(2), "We open |", true, "broken"),
        (ModelFault::MalformedAfter(1), "We |", true, "malformed"),
        (ModelFault::ErrorAfter(1), "We |", true, "failed"),
        // It was answered and is charged, though nobody can read the answer.
        (ModelFault::WrongContentType, "", true, "content_type"),
        (ModelFault::Garbage, "", true, "malformed"),
    ] {
        let Pair { first, second, models } = pair().await;
        first.inject(fault.clone());

        let begun = Instant::now();
        let (answer, shown) = ask(&models, &to(&["gpt-4o-mini", "claude-haiku-4-5"])).await;

        let answer = answer.unwrap_or_else(|failure| panic!("{fault:?}: {failure:?}"));
        assert!(begun.elapsed() < Duration::from_mins(1), "{fault:?} delays");
        assert_eq!(shown, format!("{shown_before}At nine o'clock [1]."), "{fault:?}");
        assert_eq!((answer.provider.as_str(), answer.attempts), ("anthropic", 2), "{fault:?}");
        assert_eq!((answer.model.as_str(), answer.used_sources), ("claude-haiku-4-5", vec![0]));
        assert_eq!((first.request_count(), second.request_count()), (1, 1), "{fault:?}");
        let [failed, good] = &answer.spent[..] else { panic!("{:?}", answer.spent) };
        assert_eq!((failed.provider.as_str(), failed.outcome), ("openai", reason), "{fault:?}");
        assert_eq!(failed.cost > Money::ZERO, charged, "{fault:?}: {failed:?}");
        assert_eq!((good.outcome, good.cost, good.usage), ("ok", answer.cost, answer.usage));
        assert_eq!(answer.cost, Money::from_micros(900 + 250));
    }
}

#[tokio::test]
async fn a_dead_provider_is_no_longer_asked() {
    let Pair { first, second, models } = pair().await;
    drop(first);
    for round in 0..6 {
        let (answer, _) = ask(&models, &to(&["gpt-4o-mini", "claude-haiku-4-5"])).await;
        let attempts = answer.unwrap().attempts;
        assert_eq!(attempts, if round < 3 { 2 } else { 1 }, "three failures in a row are enough");
    }
    assert_eq!(second.request_count(), 6);
    let (answer, _) = ask(&models, &to(&["gpt-4o-mini"])).await;
    let failure = answer.unwrap_err();
    assert!(matches!(failure.error, ModelError::Unavailable { wait: Some(_) }), "{failure:?}");
    assert!(failure.spent.is_empty());
}

#[tokio::test]
async fn a_chain_without_a_good_end_tells_the_last_error_and_what_it_took() {
    let Pair { first, second, models } = pair().await;
    for _ in 0..9 {
        first.inject(ModelFault::status(500));
        second.inject(ModelFault::BreakAfter(2));
    }
    let (answer, _) = ask(&models, &to(&["gpt-4o-mini", "claude-haiku-4-5"])).await;
    let failure = answer.unwrap_err();
    assert!(matches!(failure.error, ModelError::Broken(_)), "{failure:?}");
    assert_eq!(failure.spent.len(), 6, "three rounds");
    assert_eq!(failure.spent.iter().filter(|spent| spent.cost > Money::ZERO).count(), 3);
}

#[tokio::test]
async fn installation_fallbacks_serve_who_names_none() {
    let Pair { first, second, .. } = pair().await;
    let config = ModelsConfig {
        fallback_models: vec![
            "gpt-4o-mini".into(),
            "no-such:x".into(),
            "anthropic:claude-haiku-4-5".into(),
        ],
        ..ModelsConfig::default()
    };
    let config = config.with("openai", Dialect::Completions, first.base_url(), KEY).with(
        "anthropic",
        Dialect::Messages,
        second.base_url(),
        KEY,
    );
    let models = models(config, &Live::in_process());
    first.inject(ModelFault::status(404));
    first.inject(ModelFault::status(404));
    let (answer, _) = ask(&models, &to(&["gpt-4o-mini"])).await;
    let answer = answer.unwrap();
    // The same model is not asked twice; what no provider knows goes to the default one.
    assert_eq!((answer.provider.as_str(), answer.attempts), ("anthropic", 3));
}

#[tokio::test]
async fn a_provider_of_ones_own_is_named_in_front_and_needs_no_key() {
    let server = fake("Nine.").await;
    let open = FakeOpenAi::builder().keys([""]).models(["llama3:8b"]).start().await.unwrap();
    open.answer(|_| Answer::text("Nine, says the llama."));
    let config = ModelsConfig::default()
        .with("openai", Dialect::Completions, server.base_url(), KEY)
        .with("ollama", Dialect::Completions, open.base_url(), "");
    let models = models(config, &Live::in_process());
    assert!(models.is_configured("ollama:llama3:8b"));
    let (answer, _) = ask(&models, &to(&["ollama:llama3:8b"])).await;
    if let Ok(answer) = answer {
        assert_eq!((answer.provider.as_str(), answer.model.as_str()), ("ollama", "llama3:8b"));
    }
    assert_eq!(server.request_count(), 0);
    let (answer, _) = ask(&models, &to(&["extractive"])).await;
    let answer = answer.unwrap();
    assert_eq!((answer.provider.as_str(), answer.key, answer.spent.len()), ("extractive", None, 1));
}
