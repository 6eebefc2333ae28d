//! Signing up and signing in.

pub mod login;
pub mod password;
pub mod register;
pub mod token;

use serde::Serialize;
use utoipa::ToSchema;

/// A token that opens the API for an hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessToken {
    /// Goes into `Authorization: Bearer ...`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// How long it opens the API, seconds.
    #[schema(example = 3600)]
    pub expires_in: u64,
}
