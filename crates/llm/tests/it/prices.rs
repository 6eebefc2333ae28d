//! What models cost, and what an operator may say about it.

use std::{error::Error, fs, path::PathBuf};

use replyx_core::money::Money;
use replyx_llm::{Price, PriceFileError, Prices, Usage, price_of};

/// A file of this test alone, gone when it ends.
struct File(PathBuf);

impl File {
    fn holding(name: &str, text: &str) -> Self {
        let name = format!("replyx-prices-{}-{name}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn told(error: &PriceFileError) -> String {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

#[test]
fn a_dated_name_has_the_price_of_its_model_and_no_other() {
    assert_eq!(price_of("gpt-4o-2024-08-06"), price_of("gpt-4o"));
    assert_eq!(price_of("gpt-4o-mini-2024-07-18"), price_of("gpt-4o-mini"));
    assert_eq!(price_of("claude-haiku-4-5-20251001"), price_of("claude-haiku-4-5"));
    assert_ne!(price_of("gpt-4o-mini"), price_of("gpt-4o"));
    assert_eq!(price_of("gpt-4.1-mini").unwrap().output, Money::from_micros(1_600_000));
    for unknown in [
        "gpt-4o-audio-preview",
        "gpt-4",
        "gpt-4.10",
        "llama3",
        "",
        "gpt-4o-",
        "claude-opus-5-9",
        "gpt-5-pro",
    ] {
        assert_eq!(price_of(unknown), None, "{unknown}");
    }
}

#[test]
fn an_answer_costs_what_its_tokens_cost() {
    let usage = Usage { prompt_tokens: 1_000, completion_tokens: 101, estimated: false };
    // 1000 x 0.15 + 101 x 0.60 micro-units = 150 + 60.6, rounded up.
    assert_eq!(price_of("gpt-4o-mini").unwrap().of(usage), Money::from_micros(211));
    // 1000 x 1.00 + 101 x 5.00 micro-units.
    assert_eq!(price_of("claude-haiku-4-5").unwrap().of(usage), Money::from_micros(1_505));
    // 1000 x 0.02 micro-units; nothing is written.
    assert_eq!(price_of("text-embedding-3-small").unwrap().of(usage), Money::from_micros(20));
    for free in ["extractive", "multilingual-e5-small"] {
        assert_eq!(price_of(free).unwrap().of(usage), Money::ZERO);
    }
}

#[test]
fn a_provider_in_front_does_not_change_the_price_unless_it_has_its_own() {
    let file = File::holding(
        "named",
        r#"{"groups": [{"models": [{"model": "openrouter:gpt-4o", "input": 1, "output": 2}]}]}"#,
    );
    let prices = Prices::with_file(&file.0).unwrap();
    assert_eq!(prices.of("openai:gpt-4o"), price_of("gpt-4o"));
    let own = Price { input: Money::from_micros(1), output: Money::from_micros(2) };
    assert_eq!(prices.of("openrouter:gpt-4o"), Some(own));
    assert_eq!(prices.of("openrouter:gpt-4o-2024-08-06"), Some(own));
    assert_eq!(prices.of("gpt-4o"), price_of("gpt-4o"));
    assert_eq!(prices.of("ollama:llama3:8b"), None);
}

#[test]
fn an_operators_table_adds_and_overrides() {
    let file = File::holding(
        "own",
        r#"{"about": "ours", "groups": [{"source": "contract", "as_of": "2026-11-01", "models": [
            {"model": "gpt-4o", "input": 1000000, "output": 4000000},
            {"model": "llama3:8b", "input": 0, "output": 0}]}]}"#,
    );
    let prices = Prices::with_file(&file.0).unwrap();
    assert_eq!(prices.of("gpt-4o").unwrap().input, Money::from_micros(1_000_000));
    assert_eq!(prices.of("ollama:llama3:8b").unwrap().output, Money::ZERO);
    assert_eq!(prices.of("gpt-4o-mini"), price_of("gpt-4o-mini"));
    assert_ne!(prices.of("gpt-4o"), price_of("gpt-4o"));
}

#[test]
fn a_table_that_is_wrong_says_where() {
    let row = |row: &str| format!("{{\"groups\": [{{\"models\": [\n{row}]}}]}}");
    for (name, text, says) in [
        ("typo", row(r#"{"model": "a", "input": 1, "ouput": 2}"#), "`ouput`"),
        ("line", row(r#"{"model": "a", "input": "1", "output": 2}"#), "line 2"),
        ("short", row(r#"{"model": "a", "input": 1}"#), "`output`"),
        ("fraction", row(r#"{"model": "a", "input": 0.15, "output": 2}"#), "line 2"),
        ("negative", row(r#"{"model": "a", "input": -1, "output": 2}"#), "negative price for `a`"),
        (
            "twice",
            row(&[r#"{"model": "a", "input": 1, "output": 2}"#; 2].join(",")),
            "two prices for `a`",
        ),
        ("empty", String::new(), "line 1"),
        ("other", r#"{"models": []}"#.to_owned(), "`models`"),
        ("huge", format!("\"{}\"", "x".repeat(1 << 20)), "bytes"),
    ] {
        let file = File::holding(name, &text);
        let error = Prices::with_file(&file.0).unwrap_err();
        let told = told(&error);
        assert!(told.contains(says) && told.contains("prices-"), "{name}: {told}");
    }
    let missing = Prices::with_file(&std::env::temp_dir().join("replyx-no-such-prices.json"));
    assert!(matches!(missing.unwrap_err(), PriceFileError::Read { .. }));
}
