//! Settings of the installation that change while it runs.

pub mod list;
pub mod read;
pub mod remove;
pub mod set;

use replyx_core::setting::{SettingKind, SettingSpec};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, ApiResult},
    state::AppState,
    tagged::{Edition, Tagged},
};

/// A setting.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingView {
    /// Its name.
    #[schema(example = "rate_login")]
    name: &'static str,
    /// What it does.
    #[schema(example = "Attempts to sign in, per address.")]
    description: &'static str,
    /// What values it takes: `bool`, `int`, `choice`, `rate` or `models`.
    #[schema(example = "rate")]
    kind: &'static str,
    /// The least value of an `int`.
    minimum: Option<i64>,
    /// The largest value of an `int`.
    maximum: Option<i64>,
    /// The words of a `choice`.
    choices: Vec<&'static str>,
    /// Its current value.
    #[schema(example = "100/5m")]
    value: String,
    /// The value if it were not set here: that of the configuration, or the built-in default.
    #[schema(example = "100/5m")]
    default: String,
    /// Whether it was set through the API.
    overridden: bool,
}

impl SettingView {
    fn of(state: &AppState, spec: &'static SettingSpec, stored: Option<String>) -> Self {
        let (minimum, maximum) = match spec.kind {
            SettingKind::Int { min, max } => (Some(min), Some(max)),
            _ => (None, None),
        };
        let default = state.tuning.default_of(spec);
        let stored = stored.filter(|value| spec.kind.check(value).is_ok());
        Self {
            name: spec.name,
            description: spec.description,
            kind: spec.kind.as_str(),
            minimum,
            maximum,
            choices: match spec.kind {
                SettingKind::Choice(words) => words.to_vec(),
                _ => Vec::new(),
            },
            overridden: stored.is_some(),
            value: stored.unwrap_or_else(|| default.clone()),
            default,
        }
    }
}

/// The edition of a setting: what is stored.
fn edition(stored: Option<&str>) -> Edition {
    Edition::of(&stored)
}

/// A setting with its `ETag`.
fn tagged(
    state: &AppState,
    spec: &'static SettingSpec,
    stored: Option<String>,
) -> Tagged<SettingView> {
    let edition = edition(stored.as_deref());
    Tagged::new(edition, SettingView::of(state, spec, stored))
}

/// The definition of the setting that an act is about.
fn known(name: &str) -> ApiResult<&'static SettingSpec> {
    replyx_core::setting::spec(name).ok_or(ApiError::NotFound("setting"))
}
