//! The admin side: users, workspaces, settings and the audit logs of all. Nothing here
//! is reached without the [`Admin`](crate::caller::Admin) extractor, and every change is in the
//! platform's audit log.

pub mod audit;
pub mod balances;
pub mod jobs;
pub mod model_keys;
pub mod model_providers;
pub mod model_usage;
pub mod prices;
pub mod settings;
pub mod system;
pub mod users;
pub mod workspaces;

use crate::error::{ApiError, ApiResult};

/// A text that is searched for: at most 100 characters, and none at all when it is empty.
fn search_text(text: Option<&str>) -> ApiResult<Option<&str>> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > 100) {
        return Err(ApiError::Malformed("`q` has at most 100 characters".to_owned()));
    }
    Ok(text)
}
