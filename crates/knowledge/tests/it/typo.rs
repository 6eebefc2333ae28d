//! Words that were meant otherwise than they were typed.

use replyx_core::knowledge::DocumentKind::{Markdown, Text};
use replyx_knowledge::search::Query;
use replyx_storage::{on_every_db, testing::TestDb};

use crate::shop::Shop;

const FAQ: &str = "# Магазин\n\n## Доставка\n\nДоставка по городу стоит 290 рублей, дней пути — два.\n\n\
    ## Возврат\n\nТовар принимаем назад в течение тридцати суток, деньги перечислим сразу.\n\n\
    ## Warranty\n\nThe Samsung vacuum cleaner carries a guarantee of 36 months.\n\n\
    ## Gift cards\n\nCertificates never expire.\n\n## Скидки\n\nПенсионерам уступим десятую часть.\n";

#[on_every_db]
async fn a_misspelt_word_finds_what_was_meant(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("faq.md", Markdown, FAQ.as_bytes()).await;
    for (question, heading) in [
        ("доствака", "Магазин > Доставка"),
        ("дастафка по городу", "Магазин > Доставка"),
        ("Certifictes", "Магазин > Gift cards"),
        ("garantee", "Магазин > Warranty"),
        ("вакуум самсунг", "Магазин > Warranty"),
        ("пенсеонерам", "Магазин > Скидки"),
        ("ljcnfdrf", "Магазин > Доставка"),
        ("пгфкфтеуу", "Магазин > Warranty"),
        ("сколько денег", "Магазин > Возврат"),
        ("сколько скидок", "Магазин > Скидки"),
        ("за какой день", "Магазин > Доставка"),
    ] {
        let hits = shop.search(question).await;
        assert!(!hits.is_empty(), "{question}");
        assert_eq!(hits[0].passage.headings, heading, "{question}");
    }
}

#[on_every_db]
async fn a_correction_counts_less_than_the_word_itself(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("a.txt", Text, b"The certificate is green.").await;
    shop.learn("b.txt", Text, b"The invoice is green.").await;
    let right = shop.search("certificate").await[0].score;
    let wrong = shop.search("certificcate").await[0].score;
    assert!(wrong > 0.0 && wrong < right, "{wrong} {right}");
}

#[on_every_db]
async fn numbers_codes_and_short_words_are_not_corrected(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("a.txt", Text, b"Article RX2000 costs 4990, the cat is free.").await;
    for question in ["4991", "RX2001", "car", "quantum chromodynamics"] {
        assert!(shop.search(question).await.is_empty(), "{question}");
    }
    for question in ["4990", "rx2000", "cats"] {
        assert_eq!(shop.search(question).await.len(), 1, "{question}");
    }
}

#[on_every_db]
async fn each_language_is_searched_by_its_own_rules(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    for (name, text) in [
        (
            "de.txt",
            "Die Rückgabe der Häuser und Lampen ist innerhalb von dreißig Tagen möglich, wenn sie nicht benutzt wurden.",
        ),
        (
            "fr.txt",
            "Les livraisons sont effectuées dans les trois jours qui suivent la commande, sauf pour les colis volumineux.",
        ),
        (
            "es.txt",
            "Las devoluciones se aceptan durante los treinta días siguientes a la compra, siempre con el recibo original.",
        ),
        (
            "it.txt",
            "Il negozio è aperto tutti i giorni dalle nove alle venti, tranne la domenica e i giorni festivi nazionali.",
        ),
    ] {
        shop.learn(name, Text, text.as_bytes()).await;
    }
    for (question, language) in [
        ("Rueckgabe", "de"),
        ("Haus", "de"),
        ("livraison", "fr"),
        ("devolución", "es"),
        ("devolucion", "es"),
        ("negozio", "it"),
    ] {
        let hits = shop.search(question).await;
        assert_eq!(
            hits.first().map(|hit| hit.passage.title.as_str()),
            Some(format!("{language}.txt").as_str()),
            "{question}"
        );
    }
}

#[on_every_db]
async fn a_question_in_other_letters_is_told_as_it_was_meant(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("faq.md", Markdown, FAQ.as_bytes()).await;
    for (asked, meant) in [
        ("skolko stoit dostavka po gorodu?", "стоит доставка по городу?"),
        ("cnjbn ljcnfdrf gj ujhjle", "стоит доставка по городу"),
    ] {
        let found = shop.find(shop.assistant, &Query::new(asked, 5)).await;
        let understood = found.understood.unwrap_or_default();
        assert!(understood.ends_with(meant), "{asked}: {understood}");
        assert_eq!(found.hits[0].passage.headings, "Магазин > Доставка", "{asked}");
    }
    for plain in ["Сколько стоит доставка?", "How long is the Samsung guarantee?", "Where is Oslo?"]
    {
        let found = shop.find(shop.assistant, &Query::new(plain, 5)).await;
        assert_eq!(found.understood, None, "{plain}");
    }
}

#[on_every_db]
async fn a_misspelt_question_is_told_as_the_passages_spell_it(db: &TestDb) {
    let shop = Shop::open(&db.db).await;
    shop.learn("faq.md", Markdown, FAQ.as_bytes()).await;
    for (asked, meant) in [
        ("Сколько стоит доствака?", "Сколько стоит доставка?"),
        ("Is there a garantee for vacum cleaners?", "Is there a guarantee for vacuum cleaners?"),
        ("skidka pensioneram", "скидка пенсионерам"),
    ] {
        let found = shop.find(shop.assistant, &Query::new(asked, 5)).await;
        assert_eq!(found.understood.as_deref(), Some(meant), "{asked}");
    }
    // Words that nothing is like, codes, short words, and words that begin otherwise stay as they
    // are: they are more often words that the passages lack than misspelt ones.
    shop.learn("more.md", Markdown, b"# Prices\n\nBooking a visit will cost three euros.").await;
    for plain in [
        "Do you sell lamps?",
        "RX2001",
        "Is the car free?",
        "My parcel is lost",
        "Looking for a present",
    ] {
        let found = shop.find(shop.assistant, &Query::new(plain, 5)).await;
        assert_eq!(found.understood, None, "{plain}");
    }
}
