//! Setting the second factor up, and taking it away.

pub mod begin;
pub mod confirm;
pub mod read;
pub mod recovery_codes;
pub mod remove;

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;

/// Proof that it is the person who asks.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProvePassword)]
pub struct PasswordProof {
    /// The password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7", max_length = 128)]
    password: String,
}

/// Codes for who has lost the device. They are shown once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewRecoveryCodes)]
pub struct RecoveryCodes {
    /// Ten codes; each takes the place of six digits, once.
    #[schema(example = json!(["k3vq-8m2x-p0zt", "7hcd-w9ra-4jne"]))]
    recovery_codes: Vec<String>,
}

fn exists() -> ApiError {
    let detail = "there is a second factor already; remove it first".to_owned();
    ApiError::Conflict { code: "second_factor_exists", detail }
}

fn missing() -> ApiError {
    let detail = "there is no second factor".to_owned();
    ApiError::Conflict { code: "no_second_factor", detail }
}
