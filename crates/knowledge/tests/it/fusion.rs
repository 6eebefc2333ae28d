//! What is returned when several passages say the same, or nearly.

use std::fmt::Write;

use replyx_core::knowledge::DocumentKind::{Markdown, Text};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::shop::Shop;

#[on_every_db]
async fn what_says_the_same_again_is_returned_once(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let text = "Delivery within the city takes two days and costs 290 rubles, and every parcel can be followed on the way.";
    shop.learn("a.txt", Text, text.as_bytes()).await;
    shop.learn("copy.txt", Text, text.as_bytes()).await;
    shop.learn("again.txt", Text, format!("{text}\n").to_uppercase().as_bytes()).await;
    assert_eq!(shop.search("How long does delivery take?").await.len(), 1);
}

#[on_every_db]
async fn sayings_that_differ_in_a_number_or_a_name_are_two(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    let mut text = String::new();
    for (town, price) in [("Moscow", 290), ("Kazan", 490), ("Tver", 290)] {
        writeln!(text, "# Delivery to {town}\n\nDelivery to {town} costs {price} rubles.\n")
            .unwrap();
    }
    shop.learn("delivery.md", Markdown, text.as_bytes()).await;
    let hits = shop.search("What does delivery cost?").await;
    assert_eq!(hits.len(), 3);
    assert!(shop.search("delivery to Kazan").await[0].passage.text.contains("490"));
}
