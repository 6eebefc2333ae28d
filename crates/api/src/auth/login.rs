//! `POST /api/v1/auth/login`

use axum::{Json, extract::State};
use garde::Validate;
use replyx_core::user::normal_email;
use serde::Deserialize;
use utoipa::ToSchema;

use super::AccessToken;
use crate::{
    caller::Caller,
    error::{ApiError, ApiResult, Problem},
    input::Body,
    state::AppState,
};

/// Who wants in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginUser)]
pub struct Request {
    /// The e-mail address of the account.
    #[garde(length(max = 254))]
    #[schema(example = "owner@example.org")]
    email: String,
    /// Its password.
    #[garde(length(chars, max = 128))]
    #[schema(example = "green lantern 7")]
    password: String,
}

/// Opens the API with an e-mail address and a password.
#[utoipa::path(
    post, path = "/auth/login", operation_id = "login_user", tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "a token", body = AccessToken),
        (status = 400, description = "the body cannot be read", body = Problem),
        (status = 401, description = "`wrong_credentials`", body = Problem),
        (status = 422, description = "a field is not acceptable", body = Problem),
    )
)]
#[tracing::instrument(name = "api.auth.login", skip_all)]
pub async fn login(state: State<AppState>, body: Body<Request>) -> ApiResult<Json<AccessToken>> {
    let (State(state), Body(request)) = (state, body);
    let email = normal_email(&request.email);
    let found = state.db().read().await?.system().users().find_by_email(&email).await?;
    let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
    let verified = state.passwords.verify(request.password, hash).await?;
    let Some(user) = user.filter(|_| verified) else { return Err(ApiError::WrongCredentials) };

    let memberships = state.db().read().await?.system().users().memberships(user.id).await?;
    let Some((workspace_id, role)) = memberships.into_iter().next() else {
        return Err(ApiError::WrongCredentials);
    };
    Ok(Json(state.tokens.issue(&Caller { user_id: user.id, workspace_id, role })?))
}
