//! What models cost.

use std::sync::LazyLock;

use replyx_core::money::Money;
use serde::Deserialize;

use crate::chat::Usage;

/// What a model's provider charges, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// For a million tokens read.
    pub input: Money,
    /// For a million tokens written.
    pub output: Money,
}

impl Price {
    /// What an answer costs; each kind of token is rounded up to a micro-unit.
    pub fn of(&self, usage: Usage) -> Money {
        self.input.per_million(usage.prompt_tokens)
            + self.output.per_million(usage.completion_tokens)
    }
}

/// The price of a model, or nothing when we do not know it. A dated name (`gpt-4o-2024-08-06`) has the
/// price of the longest known name it begins with; a name that goes on with anything but a date or
/// `latest` is another model.
pub fn price_of(model: &str) -> Option<Price> {
    PRICES
        .iter()
        .filter(|(name, _)| model.strip_prefix(name.as_str()).is_some_and(is_version))
        .max_by_key(|(name, _)| name.len())
        .map(|(_, price)| *price)
}

fn is_version(rest: &str) -> bool {
    rest.is_empty()
        || rest.strip_prefix('-').is_some_and(|version| {
            version == "latest"
                || !version.is_empty()
                    && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        })
}

static PRICES: LazyLock<Vec<(String, Price)>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Table {
        models: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        model: String,
        input: i64,
        output: i64,
    }
    let table: Table = serde_json::from_str(include_str!("../data/prices.json"))
        .expect("the embedded table is read by a test");
    let price = |row: &Row| Price {
        input: Money::from_micros(row.input),
        output: Money::from_micros(row.output),
    };
    table.models.into_iter().map(|row| (row.model.clone(), price(&row))).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_name_has_the_price_of_its_model_and_no_other() {
        assert_eq!(price_of("gpt-4o-2024-08-06"), price_of("gpt-4o"));
        assert_eq!(price_of("gpt-4o-mini-2024-07-18"), price_of("gpt-4o-mini"));
        assert_ne!(price_of("gpt-4o-mini"), price_of("gpt-4o"));
        assert_eq!(price_of("gpt-4.1-mini").unwrap().output, Money::from_micros(1_600_000));
        for unknown in ["gpt-4o-audio-preview", "gpt-4", "gpt-4.10", "llama3", "", "gpt-4o-"] {
            assert_eq!(price_of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn an_answer_costs_what_its_tokens_cost() {
        let usage = Usage { prompt_tokens: 1_000, completion_tokens: 101, estimated: false };
        // 1000 x 0.15 + 101 x 0.60 micro-units = 150 + 60.6, rounded up.
        assert_eq!(price_of("gpt-4o-mini").unwrap().of(usage), Money::from_micros(211));
        assert_eq!(price_of("extractive").unwrap().of(usage), Money::ZERO);
    }
}
