use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use replyx_core::{
    act::Actor,
    ids::DocumentId,
    knowledge::{
        DocumentKind::{self, Markdown, Text},
        DocumentStatus,
    },
};
use replyx_knowledge::search::{Hit, MAX_HITS, Query, Search};
use replyx_llm::Embeddings;
use replyx_storage::{
    on_every_db,
    testing::TestDb,
    testing::{postgres, sqlite},
};

use crate::shop::Shop;

const FAQ: &str = "# Lamps\n\nAll about our lamps.\n\n## Delivery\n\nDelivery to Moscow costs 290 rubles. Delivery elsewhere costs 490 rubles.\n\n\
    ## Returns\n\nA lamp can be returned within 30 days. Bulbs cannot.\n\n## Warranty\n\nThe warranty of a lamp is 36 months.\n\n\
    ## Часы работы\n\nМагазин открыт с 9 до 21 часа без выходных.\n";

#[on_every_db]
async fn the_passage_with_the_questions_words_comes_first(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("faq.md", Markdown, FAQ.as_bytes()).await;

    for (question, heading) in [
        ("How much does delivery to Moscow cost?", "Lamps > Delivery"),
        ("can I return a lamp", "Lamps > Returns"),
        ("warranty?", "Lamps > Warranty"),
        ("Во сколько открывается магазин?", "Lamps > Часы работы"),
    ] {
        let hits = shop.search(question).await;
        assert_eq!(hits[0].passage.headings, heading, "{question}");
    }
}

#[on_every_db]
async fn scores_fall_from_one_to_nothing(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("faq.md", Markdown, FAQ.as_bytes()).await;

    let hits = shop.search("delivery of a lamp to Moscow").await;
    assert!(hits.len() > 2);
    assert!(hits.iter().all(|hit| hit.score > 0.0 && hit.score <= 1.0));
    assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    let partly = shop.search("delivery of elephants by submarine to Antarctica").await;
    assert!(partly[0].score < 0.25, "{}", partly[0].score);
    assert!(hits[0].score > 0.4, "{}", hits[0].score);
    assert!(shop.search("quantum chromodynamics").await.is_empty());
    assert!(shop.search("?!").await.is_empty());
    assert!(shop.search("").await.is_empty());
}

#[on_every_db]
async fn neighbours_of_the_question_that_stay_neighbours_count_more(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("a.txt", Text, b"The card is green, we say, and a gift it is.").await;
    shop.learn("b.txt", Text, b"The gift card is green, we say, and so it is.").await;

    let hits = shop.search("gift card").await;
    assert!(hits[0].passage.text.starts_with("The gift card"));
    assert!(hits[0].score > hits[1].score);
}

#[on_every_db]
async fn the_name_of_a_document_finds_it(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("Гарантия.txt", Text, "Срок составляет 36 месяцев.".as_bytes()).await;
    shop.learn("Доставка.txt", Text, "Срок составляет 3 дня.".as_bytes()).await;
    assert!(shop.search("срок гарантии").await[0].passage.text.contains("36"));
    assert!(shop.search("срок доставки").await[0].passage.text.contains("3 дня"));
}

#[on_every_db]
async fn another_assistants_and_another_workspaces_passages_are_not_found(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let stranger = Shop::open(&db.db).await;
    stranger.learn("a.txt", Text, b"The secret word is swordfish.").await;
    let colleague = shop.clock.id();
    shop.hire(colleague).await;
    let job = shop.upload_for(colleague, "b.txt", Text, b"Our word is swordfish too.").await;
    shop.index(job).await;

    assert!(shop.search("swordfish").await.is_empty());
    let crossed = shop.find(stranger.assistant, &Query::new("swordfish", 5)).await.hits;
    assert!(crossed.is_empty());
    let own = shop.find(colleague, &Query::new("swordfish", 5)).await.hits;
    assert_eq!(own.len(), 1);
    assert!(own[0].passage.text.starts_with("Our"));
}

#[on_every_db]
async fn bounds_hold_for_endless_questions_and_greedy_limits(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let mut text = String::new();
    for number in 0..600 {
        writeln!(text, "# Article {number}\n\nThe lamp number {number} is in stock.\n").unwrap();
    }
    shop.learn("stock.md", Markdown, text.as_bytes()).await;

    let hits = shop.find(shop.assistant, &Query::new("lamp in stock", 10_000)).await.hits;
    assert_eq!(hits.len(), MAX_HITS);
    assert!(shop.find(shop.assistant, &Query::new("lamp", 0)).await.hits.is_empty());
    // Every passage holds `lamp`; the number must still find its own.
    let hits = shop.search("is lamp number 437 in stock").await;
    assert!(hits[0].passage.text.contains("number 437 "));
    let endless = "лампа stock ".repeat(20_000);
    assert!(!shop.search(&endless).await.is_empty());
}

/// One order on both homes, also where words are common and many passages score alike.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_rank_alike() {
    let sqlite = sqlite().await;
    let postgres = postgres().await;
    let here = Shop::open(&sqlite.db).await;
    let there = Shop::open(&postgres.db).await;
    let words = [
        "lamp",
        "delivery",
        "price",
        "доставка",
        "возврат",
        "гарантия",
        "days",
        "4 990",
        "RX-200",
        "card",
    ];
    let mut text = String::new();
    for number in 0..300_usize {
        let pick = |step: usize| words[(number * step + number / 7) % words.len()];
        writeln!(
            text,
            "## Item {number}\n\nThe {} and the {} of the {} come with {} {} and {number}.\n",
            pick(1),
            pick(3),
            pick(7),
            pick(2),
            pick(5)
        )
        .unwrap();
    }
    for shop in [&here, &there] {
        shop.learn("items.md", Markdown, text.as_bytes()).await;
        shop.learn("faq.md", Markdown, FAQ.as_bytes()).await;
    }

    for question in [
        "lamp",
        "price of a lamp",
        "доставка и возврат",
        "сколько стоит доставка RX-200",
        "гарантия 4 990 days card item 17",
        "delivery to Moscow",
        "the and of",
        "Items with RX 200",
    ] {
        let order = async |shop: &Shop<'_>| -> Vec<(String, String)> {
            let hits = shop.find(shop.assistant, &Query::new(question, 50)).await.hits;
            hits.into_iter().map(|hit| (hit.passage.text, format!("{:.12}", hit.score))).collect()
        };
        let one = order(&here).await;
        let other = order(&there).await;
        assert!(!one.is_empty(), "{question}");
        assert_eq!(one, other, "{question}");
    }
}

/// Gives a document other tags, as its owner would.
async fn tag(shop: &Shop<'_>, id: DocumentId, tags: &[&str]) {
    let mut tx = shop.db.begin().await.unwrap();
    let found = tx.workspace(shop.workspace).documents().lock(id).await.unwrap().unwrap();
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let change = found.set_tags(tags, &Actor::command_line(), shop.clock.now());
    tx.apply(change).await.unwrap();
    tx.workspace(shop.workspace).knowledge().changed(id).await.unwrap();
    tx.commit().await.unwrap();
}

#[on_every_db]
async fn tags_choose_what_is_found_in_memory_and_in_the_database(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let retail = shop.learn("retail.md", Markdown, b"A lamp costs 20 euros.").await.id;
    let trade = shop.learn("trade.md", Markdown, b"A lamp costs 12 euros.").await.id;
    let large = Search::new(Arc::new(Embeddings::none()), 64 << 20).large_above(0);
    let found = async |tags: &[&str]| {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let query = Query { tags: &tags, ..Query::new("What does a lamp cost?", 5) };
        let held = shop.find(shop.assistant, &query).await.hits;
        let asked = large.find(shop.db, shop.workspace, shop.assistant, &query).await.unwrap();
        let ids = |hits: Vec<Hit>| -> BTreeSet<_> {
            hits.into_iter().map(|hit| hit.passage.document_id).collect()
        };
        let held = ids(held);
        assert_eq!(ids(asked.hits), held, "the ways differ");
        held
    };
    assert_eq!(found(&[]).await, [retail, trade].into());
    assert_eq!(found(&["retail"]).await, [].into());

    tag(&shop, retail, &["retail"]).await;
    tag(&shop, trade, &["b2b", "trade"]).await;
    assert_eq!(found(&["retail"]).await, [retail].into());
    assert_eq!(found(&["trade", "else"]).await, [trade].into());
    assert_eq!(found(&["retail", "trade"]).await, [retail, trade].into());
    assert_eq!(found(&[]).await, [retail, trade].into());

    tag(&shop, retail, &[]).await;
    assert_eq!(found(&["retail"]).await, [].into(), "earlier tags are still searched by");
}

#[on_every_db]
async fn answers_that_people_wrote_need_no_tag(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let written = b"{\"question\":\"Is there parking?\",\"answer\":\"Yes, behind the house.\"}";
    let answer = shop.learn("Is there parking?", DocumentKind::Answer, written).await;
    assert_eq!(answer.status, DocumentStatus::Ready, "{:?}", answer.error);
    let tags = ["prices".to_owned()];
    let query = Query { tags: &tags, ..Query::new("Is there parking?", 5) };
    let found = shop.find(shop.assistant, &query).await.hits;
    assert_eq!(found.len(), 1);
}
