//! A model that reads the passages has the last word, as long as it answers.

use std::{sync::Arc, time::Duration};

use replyx_core::knowledge::DocumentKind::Text;
use replyx_knowledge::search::{Mode, Query, Search};
use replyx_llm::{Embeddings, Limits, RerankConfig, Reranker};
use replyx_storage::{on_every_db, testing::TestDb};
use replyx_testkit::rerank::{FakeReranker, RerankFault};
use secrecy::SecretString;
use serde_json::json;

use crate::shop::Shop;

const QUESTION: &str = "battery of the lamp";
const KEY: &str = "rerank-key";

/// Search puts the passage that repeats one word first; who reads knows better.
async fn fill(shop: &Shop<'_>) {
    shop.learn("a.txt", Text, b"Lamp lamp lamp lamp: our lamp is a lamp.").await;
    shop.learn("b.txt", Text, b"The battery of the green lamp lasts a week, says the maker of it, and is charged at any socket of the house.").await;
    shop.learn("c.txt", Text, b"Candles burn for an hour; a lamp does not.").await;
}

fn search(fake: &FakeReranker, key: &str, patience: Duration) -> Search {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = RerankConfig {
        prices: replyx_llm::Prices::embedded(),
        base_url: fake.base_url(),
        model: "rerank-v3.5".to_owned(),
        api_key: SecretString::from(key),
        patience,
    };
    let reranker = Reranker::new(config, &Limits::default()).unwrap();
    Search::new(Arc::new(Embeddings::none()), 1 << 20).reranked(Some(reranker))
}

async fn found(shop: &Shop<'_>, search: &Search, query: &Query<'_>) -> Vec<(String, f64)> {
    let found = search.find(shop.db, shop.workspace, shop.assistant, query).await.unwrap();
    found.hits.into_iter().map(|hit| (hit.passage.title, hit.score)).collect()
}

#[on_every_db]
async fn the_model_orders_the_best_passages(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    fill(&shop).await;
    let fake = FakeReranker::start(KEY).await;
    let search = search(&fake, KEY, Duration::from_secs(5));
    let hits = found(&shop, &search, &Query::new(QUESTION, 2)).await;
    assert_eq!(hits[0].0, "b.txt");
    assert_eq!(hits.len(), 2, "no more than were asked for");
    assert!(hits[0].1 >= hits[1].1, "{hits:?}");
    let request = &fake.requests()[0];
    assert_eq!((request.query.as_str(), request.model.as_str()), (QUESTION, "rerank-v3.5"));
    assert_eq!((request.documents.len(), request.top_n), (3, 3), "all that were found are read");
    let words = Query { mode: Mode::FullText, ..Query::new(QUESTION, 2) };
    found(&shop, &search, &words).await;
    found(&shop, &search, &Query::new("candles", 2)).await;
    assert_eq!(fake.requests().len(), 1, "one mode alone, or one passage, is not reranked");
}

#[on_every_db]
async fn without_an_answer_the_order_of_search_stays(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    fill(&shop).await;
    let fake = FakeReranker::start(KEY).await;
    let plain = Search::new(Arc::new(Embeddings::none()), 1 << 20);
    let query = Query::new(QUESTION, 3);
    let expected = found(&shop, &plain, &query).await;
    let search = search(&fake, KEY, Duration::from_millis(300));
    let twice = json!({"results": [
        {"index": 0, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.4}]});
    let strange = json!({"results": [{"index": 9, "relevance_score": 0.5}]});
    for fault in [
        RerankFault::Status(500),
        RerankFault::Status(429),
        RerankFault::Delay(Duration::from_secs(3)),
        RerankFault::Body(json!({"results": "none"})),
        RerankFault::Body(twice),
        RerankFault::Body(strange),
    ] {
        fake.inject(fault.clone());
        assert_eq!(found(&shop, &search, &query).await, expected, "{fault:?}");
    }
    let stranger = self::search(&fake, "other", Duration::from_secs(5));
    assert_eq!(found(&shop, &stranger, &query).await, expected, "401");
    drop(fake);
    assert_eq!(found(&shop, &search, &query).await, expected, "refused");
}
