//! `PUT /api/v1/admin/settings/{name}`

use axum::extract::State;
use garde::Validate;
use replyx_engine::providers;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::schema::{ObjectBuilder, Schema, SchemaType, Type},
};

use super::{SettingView, edition, tagged};
use crate::{
    caller::Admin,
    error::{ApiError, ApiResult, Problem},
    input::{Body, Id},
    state::AppState,
    tagged::{IfMatch, Tagged},
};

/// A setting's new value.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetSetting)]
pub struct Request {
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
    security(("bearer" = ["admin"])), params(("name" = String, Path, example = "session_days")),
    request_body = Request,
    responses(
        (status = 200, description = "the setting as it is now", body = SettingView),
        (status = 412, description = "somebody else has changed it", body = Problem),
    )
)]
#[tracing::instrument(name = "api.admin.settings.set", skip_all)]
pub async fn set(
    State(state): State<AppState>,
    admin: Admin,
    Id(name): Id<String>,
    expected: IfMatch,
    Body(request): Body<Request>,
) -> ApiResult<Tagged<SettingView>> {
    let spec = super::known(&name)?;
    let value = match request.value {
        Value::String(text) => text,
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        _ => return Err(ApiError::field("value", "must be a string, a number or a boolean")),
    };
    spec.kind
        .check(&value)
        .map_err(|expected| ApiError::field("value", format!("must be {expected}")))?;
    let now = state.clock().now();
    let mut tx = state.db().begin().await?;
    let stored = tx.system().settings().find(spec.name).await?;
    expected.check(&edition(stored.as_deref()))?;

    // There may be no row to lock, so what was read is compared once more by the statement that
    // writes.
    let author = admin.user_id();
    if expected.is_conditional() {
        let settings = tx.system().settings();
        if !settings.swap(spec.name, stored.as_deref(), &value, author, now).await? {
            return Err(ApiError::PreconditionFailed);
        }
    } else {
        tx.system().settings().set(spec.name, &value, author, now).await?;
    }
    let details = json!({"value": value});
    let act = admin.act(now, "setting.changed", ("setting", spec.name), details);
    tx.system().audit().append(&act).await?;
    tx.commit().await?;
    // Here it holds when this answers; the other processes hear of it.
    state.tuning.reload(state.db()).await?;
    providers::load(&state.engine).await?;
    Ok(tagged(&state, spec, Some(value)))
}
