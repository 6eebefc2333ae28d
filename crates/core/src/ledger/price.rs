//! What the platform charges, and what a dollar is worth.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::money::Money;

/// What the platform charges. Stored as JSON; amounts are decimal strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceList {
    /// An answer in a channel that has no price of its own.
    pub answer: Money,
    /// An answer by the kind of channel.
    #[serde(default)]
    pub answer_by_channel: BTreeMap<String, Money>,
    /// A document that is read for the first time.
    pub document: Money,
    /// Tokens by model. A model that is not here costs what its provider charges, with the margin.
    #[serde(default)]
    pub tokens: BTreeMap<String, TokenPrice>,
    /// What is added to the cost of a model without a price of its own, per cent.
    #[serde(default)]
    pub margin_percent: u32,
    /// Answers that cost nothing, per workspace and month (UTC).
    #[serde(default)]
    pub free_answers: u32,
    /// Documents that cost nothing, per workspace and month (UTC).
    #[serde(default)]
    pub free_documents: u32,
}

/// What 1,000 tokens of a model cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPrice {
    /// Tokens that it reads.
    pub prompt: Money,
    /// Tokens that it writes.
    pub completion: Money,
}

/// Prices that are in force from a moment until the next ones are. They are never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceVersion {
    /// Its number, from 1.
    pub version: i64,
    /// From when on they count.
    pub in_force_from: DateTime<Utc>,
    /// The prices.
    pub prices: PriceList,
    /// Who set them.
    pub set_by: String,
    /// When they were set.
    pub created_at: DateTime<Utc>,
}

/// What a dollar is worth from a moment until the next rate is in force. It is never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateVersion {
    /// Its number, from 1.
    pub version: i64,
    /// From when on it counts.
    pub in_force_from: DateTime<Utc>,
    /// What a US dollar is worth in the installation's currency.
    pub rate: Money,
    /// Who set it.
    pub set_by: String,
    /// When it was set.
    pub created_at: DateTime<Utc>,
}
