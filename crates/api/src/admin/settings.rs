//! `/api/v1/admin/settings`: settings of the installation that change while it runs.

use std::collections::HashMap;

use axum::extract::State;
use garde::Validate;
use replyx_accounts::admin::settings;
use replyx_core::setting::{SETTINGS, SettingKind, SettingSpec};
use replyx_engine::providers;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::schema::{ObjectBuilder, Schema, SchemaType, Type},
};

use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    page::List,
    state::AppState,
    tagged::{Edition, IfMatch, Tagged},
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

/// Lists all settings with their current values.
#[utoipa::path(
    get, path = "/admin/settings", operation_id = "list_settings", tag = "admin",
    responses((status = 200, description = "all settings", body = List<SettingView>))
)]
#[tracing::instrument(name = "api.admin.settings.list", skip_all)]
pub async fn list(State(state): State<AppState>, admin: Admin) -> ApiResult<List<SettingView>> {
    let stored = settings::stored(&state.accounts, &admin).await?;
    let mut stored: HashMap<String, String> = stored.into_iter().collect();
    let items = SETTINGS.iter().map(|spec| SettingView::of(&state, spec, stored.remove(spec.name)));
    Ok(List { items: items.collect(), next_cursor: None })
}

/// Shows a setting with its current value.
#[utoipa::path(
    get, path = "/admin/settings/{name}", operation_id = "read_setting", tag = "admin",
    params(("name" = String, Path, example = "session_days")),
    responses(
        (status = 200, description = "the setting", body = SettingView),
        (status = 304, description = "not modified"),
    )
)]
#[tracing::instrument(name = "api.admin.settings.read", skip_all)]
pub async fn read(
    State(state): State<AppState>,
    admin: Admin,
    Id(name): Id<String>,
) -> ApiResult<Tagged<SettingView>> {
    let spec = settings::known(&name)?;
    let stored = settings::read(&state.accounts, &admin, spec).await?;
    Ok(tagged(&state, spec, stored))
}

/// A setting's new value.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetSetting)]
pub struct SetRequest {
    /// `true` or `false`, a whole number, one of the words, a rate such as `20/5m`, or names of
    /// models separated by commas, as the setting's kind asks.
    #[garde(skip)]
    #[schema(schema_with = scalar)]
    value: Value,
}

fn scalar() -> Schema {
    let types = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean]);
    ObjectBuilder::new().schema_type(types).examples([json!("30")]).build().into()
}

/// Changes a setting. Every process applies it immediately.
#[utoipa::path(
    put, path = "/admin/settings/{name}", operation_id = "set_setting", tag = "admin",
    params(("name" = String, Path, example = "session_days")),
    request_body = SetRequest,
    responses(
        (status = 200, description = "the setting as it is now", body = SettingView),
        (status = 412, description = "it was changed in the meantime", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.settings.set", skip_all)]
pub async fn set(
    State(state): State<AppState>,
    admin: Admin,
    Id(name): Id<String>,
    expected: IfMatch,
    Body(request): Body<SetRequest>,
) -> ApiResult<Tagged<SettingView>> {
    let spec = settings::known(&name)?;
    let value = match request.value {
        Value::String(text) => text,
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        _ => return Err(ApiError::field("value", "must be a string, a number or a boolean")),
    };
    let is_as_read = |stored: Option<&str>| expected.check(&edition(stored)).is_ok();
    let is_as_read = expected.is_conditional().then_some(&is_as_read as _);

    settings::set(&state.accounts, &admin, spec, &value, is_as_read).await?;
    // One of them says which models may be used.
    providers::load(&state.engine).await?;
    Ok(tagged(&state, spec, Some(value)))
}

/// Resets a setting to its default.
#[utoipa::path(
    delete, path = "/admin/settings/{name}", operation_id = "reset_setting", tag = "admin",
    params(("name" = String, Path, example = "session_days")),
    responses(
        (status = 200, description = "the setting as it is now", body = SettingView),
        (status = 412, description = "it was changed in the meantime", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.settings.remove", skip_all)]
pub async fn remove(
    State(state): State<AppState>,
    admin: Admin,
    Id(name): Id<String>,
    expected: IfMatch,
) -> ApiResult<Tagged<SettingView>> {
    let spec = settings::known(&name)?;
    let is_as_read = |stored: Option<&str>| expected.check(&edition(stored)).is_ok();
    let is_as_read = expected.is_conditional().then_some(&is_as_read as _);

    settings::reset(&state.accounts, &admin, spec, is_as_read).await?;
    providers::load(&state.engine).await?;
    Ok(tagged(&state, spec, None))
}
