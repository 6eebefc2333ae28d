//! `PATCH /api/v1/me`

#![allow(clippy::option_option, reason = "a patch tells `null` from an absent field")]

use axum::{Json, extract::State};
use garde::Validate;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use utoipa::ToSchema;

use super::UserView;
use crate::{
    assistants::known_language,
    auth::proof,
    caller::Account,
    error::{ApiError, ApiResult},
    input::{Body, plain_name},
    state::AppState,
    words::LanguageWord,
};

/// What is to change. Absent fields stay as they are.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateMe)]
pub struct Request {
    /// What you are called; `null` takes the name away.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(length(chars, min = 1, max = 100), custom(plain_name))))]
    #[schema(value_type = Option<String>, example = "Ada", min_length = 1, max_length = 100)]
    name: Option<Option<String>>,
    /// The language of your mail: `en` or `ru`.
    #[garde(inner(custom(known_language)))]
    #[schema(value_type = Option<LanguageWord>, example = "en")]
    language: Option<String>,
}

/// Tells `null` (`Some(None)`) from an absent field (`None`).
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes what you say of yourself.
#[utoipa::path(
    patch, path = "/me", operation_id = "update_me", tag = "users",
    security(("bearer" = [])), request_body = Request,
    responses((status = 200, description = "you, as you are now", body = UserView))
)]
#[tracing::instrument(name = "api.users.update", skip_all)]
pub async fn update(
    state: State<AppState>,
    account: Account,
    body: Body<Request>,
) -> ApiResult<Json<UserView>> {
    let (State(state), Body(request)) = (state, body);
    let (id, now) = (account.user().id, state.clock().now());
    let mut tx = state.db().begin().await?;
    proof::still_signed_in(&mut tx, &account, now).await?;
    // What the caller is known by may be a moment old.
    let found = tx.system().users().find(id).await?;
    let mut user = found.ok_or(ApiError::Unauthenticated)?;
    let before = (user.name.clone(), user.language);
    if let Some(name) = request.name {
        user.name = name;
    }
    if let Some(language) = request.language {
        user.language = language.parse().unwrap_or(user.language);
    }
    if (&user.name, user.language) != (&before.0, before.1) {
        let name = user.name.as_deref();
        tx.system().users().set_profile(id, name, user.language).await?;
        let act = account.act(now, "account.updated", ("user", id), json!({}));
        tx.system().audit().append(&act).await?;
    }
    tx.commit().await?;
    Ok(Json(user.into()))
}
