//! The default model on the documents of an invented shop: what a customer asks and what may be
//! quoted.

use proptest::prelude::*;
use replyx_extractive::{Fit, Source, quote};

/// What is quoted, and from which sources; nothing where they do not hold the answer.
fn answered(question: &str, sources: &[Source]) -> (String, Vec<usize>) {
    quote(question, sources).map(|found| (found.text, found.sources)).unwrap_or_default()
}

fn source(title: &str, headings: &[&str], text: &str) -> Source {
    let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
    Source { title: title.to_owned(), headings, text: text.to_owned(), ..Source::default() }
}

#[test]
fn what_is_near_in_meaning_is_quoted_though_no_word_is_shared() {
    let mut sources = english();
    let question = "What about parcels that got lost at sea?";
    assert_eq!(answered(question, &sources).0, "");
    for (source, meaning) in sources.iter_mut().zip([0.1, 0.6, 0.2, 0.0, 0.1]) {
        source.fit = Some(Fit { score: meaning, meaning });
    }
    let (answer, cited) = answered(question, &sources);
    assert_eq!(cited, [1]);
    assert!(answer.starts_with("You can return any unused item within 30 days"), "{answer}");
    assert!(answer.chars().count() <= 300, "{answer}");
    sources[1].fit = Some(Fit { score: 0.25, meaning: 0.25 });
    assert_eq!(answered(question, &sources).0, "");
}

#[test]
fn words_that_search_thinks_nothing_of_are_shared_by_chance() {
    let mut sources = english();
    let question = "How long is the warranty of a lamp?";
    assert!(answered(question, &sources).0.contains("24 months"));
    for source in &mut sources {
        source.fit = Some(Fit { score: 0.1, meaning: 0.0 });
    }
    assert_eq!(answered(question, &sources).0, "");
    sources[4].fit = Some(Fit { score: 0.5, meaning: 0.4 });
    assert!(answered(question, &sources).0.contains("24 months"));
}

#[test]
fn a_question_in_a_list_is_answered_by_what_stands_behind_it() {
    let listed = source(
        "Questions",
        &[],
        "- Can I return an item?\n\nYes, within 30 days. Bring the receipt.\n\n- Do you deliver abroad?\n\nNo, we do not.",
    );
    for (question, expected) in [
        ("Can I return an item?", "Yes, within 30 days. Bring the receipt."),
        ("Do you deliver abroad?", "No, we do not."),
    ] {
        assert_eq!(answered(question, std::slice::from_ref(&listed)).0, expected);
    }
    let asked_in_vain = source("Questions", &[], "- Can I return an item?");
    assert_eq!(answered("Can I return an item?", &[asked_in_vain]).0, "");
}

/// A catalogue as search gives it: passages from the middle of a table, its header among the
/// headings.
#[test]
fn the_row_that_is_asked_for_is_quoted_with_its_columns_and_not_its_neighbours() {
    let header = "Артикул | Товар | Цена, ₽ | Остаток";
    let passages: Vec<Source> = [12_340, 3_120, 20_010]
        .iter()
        .map(|first| {
            let row = |number: u32| {
                format!("KS-{number} | Товар номер {number} | {} | 4", 100 + number % 977)
            };
            let rows: Vec<String> = (*first..first + 12).map(row).collect();
            source("price", &["Прайс", header], &rows.join("\n"))
        })
        .collect();

    let (answer, used) = answered("Сколько стоит товар номер 12345?", &passages);
    let price = 100 + 12_345 % 977;
    assert_eq!(
        answer,
        format!("Артикул: KS-12345; Товар: Товар номер 12345; Цена, ₽: {price}; Остаток: 4")
    );
    assert_eq!(used, [0]);

    let (answer, _) = answered("Сколько стоит KS-3125?", &passages);
    assert!(answer.contains("KS-3125") && !answer.contains("KS-3124"), "{answer}");
}

#[test]
fn a_row_without_known_columns_is_quoted_alone() {
    let rows = "Замена молнии вид 6 | 410\nЗамена молнии вид 7 | 730\nЗамена молнии вид 8 | 520";
    let (answer, _) =
        answered("Сколько стоит замена молнии вид 7?", &[source("Ремонт", &[], rows)]);
    assert_eq!(answer, "Замена молнии вид 7; 730");
}

#[test]
fn a_clause_is_quoted_by_its_number() {
    let contract = "Статья 2 Оплата\n\n2.1. За просрочку — 0,2 процента в день.\n2.2. Оплата:\na) наличными\n\
                    b) картой\n2.3. Счёт выставляется раз в месяц.";
    let contract = [source("Договор", &[], contract)];
    for (question, expected) in [
        ("Что сказано в пункте 2.1 договора?", "2.1. За просрочку — 0,2 процента в день."),
        ("Что в п. 2.2?", "2.2. Оплата:\na) наличными\nb) картой"),
        ("Процитируйте пункт 2.3", "2.3. Счёт выставляется раз в месяц."),
    ] {
        assert_eq!(answered(question, &contract).0, expected);
    }
    assert_ne!(
        answered("Что сказано в пункте 9.1?", &contract).0,
        "2.1. За просрочку — 0,2 процента в день."
    );
}

#[test]
fn an_introduction_is_said_once() {
    for (text, question) in [
        (
            "We accept the following payment methods:\nVisa and Mastercard\nCash",
            "Which payment methods do you accept?",
        ),
        ("Способы оплаты:\nкартой онлайн\nналичными", "Какие есть способы оплаты?"),
    ] {
        let (answer, _) = answered(question, &[source("Payment", &[], text)]);
        let intro = text.split(':').next().unwrap();
        assert_eq!(answer.matches(intro).count(), 1, "{answer}");
        assert!(answer.contains(text.rsplit('\n').next().unwrap()), "{answer}");
    }
}

#[test]
fn a_long_source_near_in_meaning_is_quoted_within_the_bound() {
    let text = "Our parcels leave on Tuesday. ".repeat(60);
    let fit = Some(Fit { score: 0.9, meaning: 0.9 });
    for text in [text, "слово ".repeat(900), "Is it so?".to_owned(), String::new()] {
        let source = Source { text, fit, ..Source::default() };
        let (answer, _) = answered("When is it sent?", &[source]);
        assert!(answer.chars().count() <= 300, "{answer}");
    }
}

fn english() -> Vec<Source> {
    vec![
        source(
            "Delivery",
            &["Delivery and pickup", "Prices"],
            "| Region | Price | Time |\n|---|---|---|\n| Riga | 3.50 € | 1 day |\n| Latvia | 5.90 € | 2–3 days |\n\
             | European Union | 14.90 € | 5–7 days |\n\nDelivery is **free** for orders over 80 €, e.g. two blankets. \
             You can also collect your order yourself at 12 Harbour Street.",
        ),
        source(
            "Returns",
            &["Returns"],
            "You can return any unused item within 30 days of delivery. The money is refunded to your card within \
             5 working days after we receive the parcel. Opened cosmetics cannot be returned.",
        ),
        source(
            "About us",
            &["Contacts"],
            "We are open Monday to Friday from 9:00 to 18:00, on Saturday from 10:00 to 15:00.\n\n\
             Phone: +371 6700 1234. E-mail: help@northlight.example.\n\n\
             The shop was founded by Anna Ozola in 2011. Our address is 12 Harbour Street, Riga.",
        ),
        source(
            "Payment",
            &["Payment"],
            "We accept:\n\n- Visa and Mastercard\n- bank transfer\n- cash in the shop\n\nInvoices are sent by e-mail.",
        ),
        source(
            "Warranty",
            &["Warranty"],
            "## How long is the warranty?\n\nLamps have a warranty of 24 months, candles have none.\n\n\
             ## What is not covered?\n\nDamage by water is not covered by the warranty.",
        ),
    ]
}

fn russian() -> Vec<Source> {
    vec![
        source(
            "Доставка",
            &["Доставка и самовывоз"],
            "Доставка по г. Москва стоит 300 ₽ и занимает 1–2 рабочих дня. Доставка по России стоит от 450 ₽, \
             срок — 3–7 дней. При заказе от 5 000 ₽ доставка бесплатна.\n\n\
             Самовывоз возможен из магазина на ул. Лесная, д. 7, стр. 2.",
        ),
        source(
            "Возврат",
            &["Возврат товара"],
            "Вернуть товар можно в течение 14 дней, т.е. двух недель, с момента получения. \
             Деньги возвращаем на карту за 3 рабочих дня. Нижнее бельё возврату не подлежит.",
        ),
        source(
            "О магазине",
            &["Контакты", "Часы работы"],
            "Мы открыты ежедневно с 10:00 до 21:00, в воскресенье — до 18:00.\n\n\
             Телефон: 8 800 555-01-23. Почта: help@sever.example.\n\n\
             Магазин основал И. П. Лебедев в 2009 г. Сейчас у нас работают 24 человека.",
        ),
        source(
            "Оплата",
            &["Способы оплаты"],
            "- картой онлайн\n- наличными курьеру\n- по счёту для организаций",
        ),
        source(
            "Гарантия",
            &["Гарантия"],
            "| Товар | Гарантия |\n|---|---|\n| Чайники | 12 месяцев |\n| Пылесосы | 24 месяца |\n| Лампы | 6 месяцев |",
        ),
    ]
}

fn check(sources: &[Source], cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (question, fact) in cases {
        let (answer, used) = answered(question, sources);
        let quoted = used.iter().any(|source| {
            sources[*source].text.replace("**", "").contains(fact) || fact.contains(':')
        });
        if !answer.contains(fact) || !quoted || answer.chars().count() > 300 {
            wrong.push(format!("{question}\n  wants {fact}\n  got   {answer} {used:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn check_declined(sources: &[Source], questions: &[&str]) {
    let mut wrong = Vec::new();
    for question in questions {
        let (answer, used) = answered(question, sources);
        if !answer.is_empty() || !used.is_empty() {
            wrong.push(format!("{question}\n  got {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), questions.len(), wrong.join("\n"));
}

#[test]
fn english_questions_are_answered_with_the_fact() {
    check(
        &english(),
        &[
            ("How much does delivery to Riga cost?", "3.50 €"),
            ("What is the shipping price within the European Union?", "14.90 €"),
            ("how long does delivery in latvia take", "2–3 days"),
            ("Is delivery free?", "free for orders over 80 €"),
            ("Can I return an item?", "within 30 days of delivery"),
            ("When do I get my refund?", "5 working days"),
            ("What are your opening hours?", "9:00 to 18:00"),
            ("Are you open on Saturday?", "10:00 to 15:00"),
            ("Who founded the shop?", "Anna Ozola"),
            ("When was the shop founded?", "2011"),
            ("What is your phone number?", "+371 6700 1234"),
            ("What's your email?", "help@northlight.example"),
            ("Where is your shop?", "12 Harbour Street"),
            ("Which payment methods do you accept?", "bank transfer"),
            ("How can I pay?", "Visa and Mastercard"),
            ("How long is the warranty on lamps?", "24 months"),
            ("Is water damage covered?", "Damage by water is not covered"),
            ("Can I return opened cosmetics?", "Opened cosmetics cannot be returned"),
        ],
    );
}

#[test]
fn russian_questions_are_answered_with_the_fact() {
    check(
        &russian(),
        &[
            ("Сколько стоит доставка по Москве?", "300 ₽"),
            ("сколько стоит доставка по россии", "450 ₽"),
            ("Какой срок доставки по России?", "3–7 дней"),
            ("Есть ли бесплатная доставка?", "5 000 ₽"),
            ("Откуда можно забрать заказ самовывозом?", "ул. Лесная, д. 7"),
            ("Как вернуть товар?", "14 дней"),
            ("Когда вернут деньги?", "3 рабочих дня"),
            ("Через сколько дней придут деньги за возврат?", "3 рабочих дня"),
            ("Можно ли вернуть нижнее белье?", "возврату не подлежит"),
            ("До скольки вы работаете?", "21:00"),
            ("Вы работаете в воскресенье?", "18:00"),
            ("Какой у вас телефон?", "8 800 555-01-23"),
            ("Напишите вашу почту", "help@sever.example"),
            ("Кто основал магазин?", "Лебедев"),
            ("В каком году основан магазин?", "2009"),
            ("Как можно оплатить заказ?", "наличными курьеру"),
            ("Какая гарантия на пылесосы?", "24 месяца"),
            ("Сколько гарантия на чайник?", "12 месяцев"),
        ],
    );
}

#[test]
fn what_the_documents_do_not_say_is_declined() {
    check_declined(
        &english(),
        &[
            "Do you sell bicycles?",
            "What is the capital of France?",
            "Do you have a loyalty programme?",
            "Can I bring my dog?",
            "How do I become a supplier?",
            "Is there parking nearby?",
            "hello",
            "",
            "???",
        ],
    );
    check_declined(
        &russian(),
        &[
            "Есть ли у вас парковка?",
            "Кто президент Франции?",
            "Продаёте ли вы велосипеды?",
            "Есть ли вакансии?",
            "Какая погода завтра?",
            "Привет",
            "Расскажи анекдот",
        ],
    );
}

#[test]
fn without_sources_there_is_no_answer() {
    assert_eq!(answered("How much is delivery?", &[]), (String::new(), vec![]));
    assert_eq!(answered("price", &[Source::default()]).0, "");
}

#[test]
fn what_is_told_beside_a_question_does_not_hide_it() {
    check(
        &english(),
        &[
            ("Hi! I bought a lamp from you last week. How long is the warranty?", "24 months"),
            ("If I do not like the blanket, how many days do I have to return it?", "30 days"),
        ],
    );
    check(
        &russian(),
        &[("Здравствуйте! Хочу сделать подарок. Сколько стоит доставка по Москве?", "300 ₽")],
    );
}

#[test]
fn what_a_sentence_names_as_left_out_is_not_what_it_is_about() {
    let list = [
        "Work on bags:\n",
        "- Replacing the slider without replacing the whole zip costs 8 euros.",
        "- For 24 euros the workshop puts a new zip into a tent or backpack.",
        "- Washing without drying costs 15 euros.",
    ]
    .join("\n");
    let sources = [source("Repairs", &[], &list)];
    check(
        &sources,
        &[
            ("My backpack needs a new zip. How much is that in your workshop?", "24 euros"),
            ("What does it cost to replace the slider?", "8 euros"),
            ("How much is washing without drying?", "15 euros"),
        ],
    );
    let list = [
        "- Замену молнии на палатке или рюкзаке мастерская делает за 24 евро.",
        "- Замена бегунка без замены всей молнии стоит 8 евро.",
    ]
    .join("\n");
    check(
        &[source("Ремонт", &[], &list)],
        &[
            ("Сколько стоит заменить молнию?", "24 евро"),
            (
                "У рюкзака разошлась молния. Сколько стоит замена всей молнии в вашей мастерской?",
                "24 евро",
            ),
            ("Сколько стоит замена бегунка?", "8 евро"),
            ("Можно заменить бегунок без замены молнии?", "8 евро"),
        ],
    );
}

#[test]
fn a_sentence_too_long_to_quote_whole_is_cut_around_the_answer() {
    let filler =
        "and then there is much more to be said about the weather in these parts, ".repeat(8);
    let text = format!(
        "It is known, {filler}the lighthouse was built by Maria Berg in 1911, {filler}so be it."
    );
    let (answer, _) = answered("Who built the lighthouse?", &[source("", &[], &text)]);
    assert!(
        answer.contains("Maria Berg") && answer.starts_with('…') && answer.ends_with('…'),
        "{answer}"
    );
    assert!(answer.chars().count() <= 300);
}

#[test]
fn other_languages_are_compared_word_by_word() {
    let sources = [
        source(
            "Lieferung",
            &[],
            "Die Lieferung nach Österreich kostet 7 Euro. Wir öffnen um 9 Uhr.",
        ),
        source("配送", &[], "送料は500円です。営業時間は九時から六時までです。"),
    ];
    let (german, _) = answered("Was kostet die Lieferung nach Österreich?", &sources);
    assert!(german.contains("7 Euro"), "{german}");
    let (japanese, _) = answered("営業時間は？", &sources);
    assert!(japanese.contains("九時"), "{japanese}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever it is given, it quotes: each line and sentence of plain prose stands in a source.
    #[test]
    fn an_answer_is_short_and_quoted(
        question in "[a-zа-я ]{0,40}\\?",
        texts in prop::collection::vec("([A-ZА-Я][a-zа-яё ,]{0,60}[.!?] ){0,6}", 0..4),
    ) {
        let sources: Vec<Source> = texts.iter().map(|text| source("", &[], text)).collect();
        let (answer, used) = answered(&question, &sources);
        prop_assert!(answer.chars().count() <= 300);
        prop_assert_eq!(answer.is_empty(), used.is_empty());
        let single = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let known = texts.iter().map(|text| single(text)).collect::<Vec<_>>().join(" ");
        for sentence in answer.split_inclusive(['.', '!', '?']).filter(|_| !answer.is_empty()) {
            prop_assert!(known.contains(sentence.trim()), "{}", sentence);
        }
    }

    #[test]
    fn no_text_breaks_it(question in ".{0,60}", text in "[\\PC\n|#*_\\[\\]()<>`~\\-. 0-9]{0,300}") {
        let sources = [source(&text, &[&question], &text)];
        for asked in [&question, &text] {
            let (answer, _) = answered(asked, &sources);
            prop_assert!(answer.chars().count() <= 300);
        }
    }
}
