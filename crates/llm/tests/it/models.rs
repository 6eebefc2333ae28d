//! One model with one key: asking again, the bounds of it, and what an answer is said to have
//! taken.

use std::time::{Duration, Instant};

use replyx_core::{clock::Clock, money::Money, retry::Backoff};
use replyx_live::Live;
use replyx_llm::{
    Dialect, EXTRACTIVE, Fit, Limits, ModelError, Models, ModelsConfig, NO_ANSWER, Source, Waited,
    declines,
};
use replyx_testkit::openai::{Answer, FakeOpenAi, ModelFault};

use crate::{
    failover::{ask, to},
    provider::{KEY, event_stream, install_tls, quick, request, serve, told},
};

fn models(base_url: String, limits: Limits) -> Models {
    install_tls();
    let config = ModelsConfig { limits, ..ModelsConfig::default() };
    let config = config.with("openai", Dialect::Completions, base_url, KEY);
    Models::new(config, Live::in_process(), Clock::system()).unwrap()
}

async fn fake() -> (FakeOpenAi, Models) {
    let server = crate::failover::fake("We open at nine [2].").await;
    let models = models(server.base_url(), quick());
    (server, models)
}

#[tokio::test]
async fn an_answer_is_streamed_counted_and_priced() {
    let (server, models) = fake().await;
    let (answer, shown) = ask(&models, &to(&["gpt-4o-mini"])).await;
    let answer = answer.unwrap();
    assert_eq!(answer.text, "We open at nine [2].");
    assert_eq!(shown, answer.text);
    assert_eq!((answer.usage.prompt_tokens, answer.usage.completion_tokens), (1_000, 101));
    assert!(!answer.usage.estimated);
    assert_eq!((answer.cost, answer.price_known), (Money::from_micros(211), true));
    assert_eq!((answer.attempts, answer.model.as_str()), (1, "gpt-4o-mini"));
    assert_eq!(answer.used_sources, [1]);
    assert!(answer.first_token > Duration::ZERO);
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_was_shown_is_taken_back() {
    let silence = ModelFault::Silence { after: 1, time: Duration::from_millis(600) };
    for (fault, shown_before) in [
        (ModelFault::status(500), ""),
        (ModelFault::status(429), ""),
        (ModelFault::status(408), ""),
        (ModelFault::status(409), ""),
        (ModelFault::Break, ""),
        (ModelFault::Hang, ""),
        (ModelFault::WrongContentType, ""),
        (ModelFault::EndAfter(0), ""),
        (ModelFault::BreakAfter(2), "We open |"),
        (ModelFault::EndAfter(2), "We open |"),
        (ModelFault::MalformedAfter(1), "We |"),
        (silence, "We |"),
    ] {
        let (server, models) = fake().await;
        server.inject(fault.clone());
        let (answer, shown) = ask(&models, &to(&["gpt-4o-mini"])).await;
        let answer = answer.unwrap_or_else(|failure| panic!("{fault:?}: {failure:?}"));
        assert_eq!((answer.attempts, answer.spent.len()), (2, 2), "{fault:?}");
        assert_eq!(shown, format!("{shown_before}We open at nine [2]."), "{fault:?}");
        assert_eq!(server.request_count(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn what_cannot_pass_is_asked_once() {
    for code in [400, 401, 402, 403, 404, 422] {
        let (server, models) = fake().await;
        server.inject(ModelFault::status(code));
        let (answer, shown) = ask(&models, &to(&["gpt-4o-mini"])).await;
        let error = answer.unwrap_err().error;
        assert!(matches!(error, ModelError::Refused { status, .. } if status == code), "{error:?}");
        assert_eq!((server.request_count(), shown.as_str()), (1, ""));
    }
}

#[tokio::test]
async fn a_fault_that_stays_ends_after_all_attempts_with_its_error() {
    let (server, models) = fake().await;
    for _ in 0..3 {
        server.inject(ModelFault::Silence { after: 2, time: Duration::from_mins(1) });
    }
    let (answer, shown) = ask(&models, &to(&["gpt-4o-mini"])).await;
    assert!(matches!(answer.unwrap_err().error, ModelError::Timeout(Waited::Silence)));
    assert_eq!(shown, "We open |We open |We open ");
    assert_eq!((server.request_count(), server.faults_left()), (3, 0));
}

#[tokio::test]
async fn retry_after_is_obeyed_up_to_its_bound() {
    let (server, models) = fake().await;
    server.inject(ModelFault::Status { code: 429, retry_after: Some(1) });
    let begun = Instant::now();
    assert_eq!(ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap().attempts, 2);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    for code in [429, 503] {
        let (server, models) = fake().await;
        server.inject(ModelFault::Status { code, retry_after: Some(3) });
        let error = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err().error;
        // It was not asked again after the wait, which would have succeeded.
        assert_eq!(server.request_count(), 1);
        let wish = Some(Duration::from_secs(3));
        assert!(matches!(error, ModelError::Refused { retry_after, .. } if retry_after == wish));
    }
}

#[tokio::test]
async fn all_attempts_together_are_bounded() {
    let server = FakeOpenAi::start().await;
    let total = Duration::from_millis(500);
    let limits = Limits { total, first_token: Duration::from_mins(2), ..quick() };
    let models = models(server.base_url(), limits);
    server.inject(ModelFault::Hang);
    server.inject(ModelFault::Hang);
    let begun = Instant::now();
    let error = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err().error;
    assert!(matches!(error, ModelError::Timeout(Waited::Attempt)), "{error:?}");
    // Sooner than the first token would have been given up for.
    assert!(begun.elapsed() < Duration::from_mins(1));
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn an_answer_that_trickles_for_ever_is_cut() {
    let server = FakeOpenAi::start().await;
    server.answer(|_| Answer::text("word ".repeat(500)).paced(Duration::from_millis(20)));
    let backoff = Backoff { attempts: 1, ..quick().backoff };
    let limits = Limits { attempt: Duration::from_millis(300), backoff, ..quick() };
    let (answer, shown) = ask(&models(server.base_url(), limits), &to(&["gpt-4o-mini"])).await;
    assert!(matches!(answer.unwrap_err().error, ModelError::Timeout(Waited::Attempt)));
    assert!(shown.starts_with("word word "));
}

#[tokio::test]
async fn an_endless_answer_is_refused() {
    let (server, models) = fake().await;
    server.inject(ModelFault::Huge(1 << 20));
    let (answer, shown) = ask(&models, &to(&["gpt-4o-mini"])).await;
    assert!(matches!(answer.unwrap_err().error, ModelError::TooLong { limit: 4096 }));
    assert!(shown.len() <= 4096);
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn an_empty_answer_is_tried_again() {
    let (server, models) = fake().await;
    server.answer(|_| Answer::text(" "));
    let failure = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();
    assert!(matches!(failure.error, ModelError::Empty));
    assert_eq!((server.request_count(), failure.spent.len()), (3, 3));
}

#[tokio::test]
async fn a_model_that_declines_uses_no_sources() {
    let (server, models) = fake().await;
    server.answer(|_| Answer::text("\"[[no-answer]].\""));
    let answer = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();
    assert!(declines(&answer.text));
    assert_eq!(answer.used_sources, Vec::<usize>::new());
}

#[tokio::test]
async fn usage_is_counted_by_us_when_the_provider_is_silent() {
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Nine o'clock\"}}]}\n\n\
                  data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let base = serve(event_stream(stream)).await;
    let models = models(base, quick());
    models.set_allowed(Some(vec!["llama3".to_owned()]));
    let answer = models.complete(&request("llama3"), |_| ()).await.unwrap();
    assert!(answer.usage.estimated);
    assert!((3..=5).contains(&answer.usage.completion_tokens), "{:?}", answer.usage);
    assert!((14..=24).contains(&answer.usage.prompt_tokens), "{:?}", answer.usage);
    assert_eq!((answer.cost, answer.price_known), (Money::ZERO, false));
}

#[tokio::test]
async fn no_error_tells_an_address() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let models = models(format!("http://127.0.0.1:{port}/v1/secret-path"), quick());
    let error = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err().error;
    assert!(matches!(error, ModelError::Unreachable(_)), "{error:?}");
    let told = format!("{} {models:?}", told(&error));
    assert!(!told.contains("secret-path") && !told.contains(KEY), "{told}");
}

#[tokio::test]
async fn a_model_without_a_provider_is_not_configured_and_the_default_needs_none() {
    install_tls();
    let models = Models::new(ModelsConfig::default(), Live::in_process(), Clock::system()).unwrap();
    assert_eq!(models.resolve(None), "extractive");
    assert_eq!(models.resolve(Some(" ")), "extractive");
    assert!(!models.is_configured("gpt-4o") && models.is_configured("extractive"));
    let error = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err().error;
    assert!(matches!(error, ModelError::NotConfigured { model } if model == "gpt-4o-mini"));

    let answer = ask(&models, &to(&["extractive"])).await.0.unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.cost, answer.price_known),
        (NO_ANSWER, Money::ZERO, true)
    );
}

#[tokio::test]
async fn the_default_model_follows_what_is_configured() {
    let (_server, models) = fake().await;
    assert_eq!(models.resolve(None), "gpt-4o-mini");
    assert_eq!(models.resolve(Some("extractive")), "extractive");
    let new = |config| Models::new(config, Live::in_process(), Clock::system());
    let url = "http://127.0.0.1:9";
    let claude = ModelsConfig::default().with("anthropic", Dialect::Messages, url, KEY);
    assert_eq!(new(claude.clone()).unwrap().resolve(None), "claude-haiku-4-5");
    let named = ModelsConfig { default_model: Some("gpt-4.1".to_owned()), ..claude };
    assert_eq!(new(named).unwrap().resolve(None), "gpt-4.1");
    let ftp = ModelsConfig::default().with("openai", Dialect::Completions, "ftp://x", KEY);
    assert!(matches!(new(ftp).unwrap_err(), ModelError::Settings(_)));
}

#[tokio::test]
async fn the_model_that_quotes_says_when_it_is_not_sure() {
    let (_server, models) = fake().await;
    let source = |near: f64, whole: f64| Source {
        text: "We repair bicycles within two days.".to_owned(),
        fit: Some(Fit { score: whole, meaning: whole }),
        runs: vec![near],
        ..Source::default()
    };
    for (near, unsure) in [(0.6, false), (0.38, true)] {
        let mut asked = to(&[EXTRACTIVE]);
        asked.question = "Is there a shower?".to_owned();
        asked.sources = vec![source(near, 0.6), source(0.2, 0.3), source(0.2, 0.3)];
        let (answer, _) = ask(&models, &asked).await;
        let answer = answer.unwrap();
        assert_eq!((answer.unsure, answer.used_sources), (unsure, vec![0]), "{near}");
        assert!(!declines(&answer.text));
    }
}
