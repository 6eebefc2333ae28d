//! How often callers may call: per user, per API key, or per address for who shows no credentials; and less often
//! where an operation costs more or invites guessing. The numbers are settings.
//!
//! Answers carry what is left (the `RateLimit` fields of the IETF draft); a refusal carries the limit that refused.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use replyx_core::{
    session::{Access, Actor},
    setting,
};
use replyx_live::{Limit, Permit, Spent};

use crate::{
    address::ClientAddress,
    error::{ApiError, ApiResult},
    identity::Identity,
    state::AppState,
};

/// For whom an operation's limit is kept.
#[derive(Clone, Copy, Debug)]
enum For {
    /// The address, also of who is signed in.
    Address,
    /// The user or key.
    Caller,
}

/// The limit of an operation, besides the general one.
fn special(method: &Method, path: &str) -> Option<(&'static str, For)> {
    let post = method == Method::POST;
    match path {
        "/metrics" => Some((setting::RATE_METRICS, For::Address)),
        "/api/v1/auth/register" | "/api/v1/auth/confirm" | "/api/v1/invitations/accept" if post => {
            Some((setting::RATE_REGISTER, For::Address))
        }
        "/api/v1/auth/login" if post => Some((setting::RATE_LOGIN, For::Address)),
        "/api/v1/auth/refresh" if post => Some((setting::RATE_REFRESH, For::Address)),
        "/api/v1/auth/password/forgot"
        | "/api/v1/auth/password/reset"
        | "/api/v1/auth/confirm/resend"
            if post =>
        {
            Some((setting::RATE_PASSWORD_RESET, For::Address))
        }
        "/api/v1/auth/password/change" if post => {
            Some((setting::RATE_PASSWORD_CHANGE, For::Caller))
        }
        path if path.starts_with("/api/v1/auth/totp") && method != Method::GET => {
            Some((setting::RATE_PASSWORD_CHANGE, For::Caller))
        }
        "/api/v1/auth/logout" if post => Some((setting::RATE_LOGOUT, For::Caller)),
        "/api/v1/assistants/{id}/preview" if post => Some((setting::RATE_PREVIEW, For::Caller)),
        "/api/v1/assistants/{id}/documents"
        | "/api/v1/assistants/{id}/answers/import"
        | "/api/v1/assistants/{id}/sources"
        | "/api/v1/sources/{id}/fetch"
            if post =>
        {
            Some((setting::RATE_UPLOAD, For::Caller))
        }
        "/api/v1/invitations" if post => Some((setting::RATE_INVITE, For::Caller)),
        _ => None,
    }
}

/// Keeps the limits of a request to the API (and of `/metrics`).
pub(crate) async fn general(state: State<AppState>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_api = path.starts_with("/api/v1");
    let special = special(request.method(), path);
    if !is_api && special.is_none() {
        return next.run(request).await;
    }
    let address = request.extensions().get::<ClientAddress>().copied().unwrap_or_default();
    let caller = match request.extensions().get::<Identity>() {
        Some(Identity::Known(access)) => Some(Arc::clone(access)),
        _ => None,
    };
    let (name, key) = whose(caller.as_deref(), address);
    let mut shown = None;
    if is_api {
        match spend(&state, name, &key).await {
            Ok(left) => shown = Some(left),
            Err(refusal) => return refusal,
        }
    }
    if let Some((name, whose)) = special {
        let key = match whose {
            For::Address => address.key(),
            For::Caller => key,
        };
        if let Err(refusal) = spend(&state, name, &key).await {
            return refusal;
        }
    }
    let mut response = next.run(request).await;
    if let Some(left) = shown {
        left.write(response.headers_mut());
    }
    response
}

fn whose(caller: Option<&Access>, address: ClientAddress) -> (&'static str, String) {
    match caller.map(|access| &access.actor) {
        Some(Actor::User { user, .. }) => (setting::RATE_USER, user.id.to_string()),
        Some(Actor::Key { id, .. }) => (setting::RATE_KEY, id.to_string()),
        None => (setting::RATE_ADDRESS, address.key()),
    }
}

/// What is left of a limit.
struct Left {
    name: &'static str,
    count: u32,
    window: u64,
    spent: Spent,
}

impl Left {
    fn write(&self, headers: &mut HeaderMap) {
        let name = self.name.trim_start_matches("rate_");
        let policy = format!("\"{name}\";q={};w={}", self.count, self.window);
        let reset = self.spent.reset.as_millis().div_ceil(1000);
        let state = format!("\"{name}\";r={};t={reset}", self.spent.left);
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

async fn spend(state: &AppState, name: &'static str, key: &str) -> Result<Left, Response> {
    let rate = state.tuning.rate(name);
    let limit = Limit { key: format!("{name}:{}:{}:{key}", rate.count, rate.per.as_secs()), rate };
    let spent = state.engine.live.spend(&[limit]).await;
    let left = Left { name, count: rate.count, window: rate.per.as_secs(), spent };
    let Permit::Wait(wait) = spent.permit else { return Ok(left) };
    metrics::counter!("rate_limited_total", "limit" => name).increment(1);
    let mut refusal = ApiError::TooManyRequests(wait).into_response();
    left.write(refusal.headers_mut());
    Err(refusal)
}

impl AppState {
    /// Keeps a limit that is not of an address or a caller but, say, of an account.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooManyRequests`] when there have been too many.
    pub async fn limit(&self, setting: &'static str, key: &str) -> ApiResult<()> {
        self.limits(&[(setting, key)]).await
    }

    /// Keeps several such limits: either all let it through, or none is charged.
    ///
    /// # Errors
    ///
    /// [`ApiError::TooManyRequests`] when there have been too many for one of them.
    pub async fn limits(&self, wanted: &[(&'static str, &str)]) -> ApiResult<()> {
        let limit = |(setting, key): &(&'static str, &str)| {
            let rate = self.tuning.rate(setting);
            let key = format!("{setting}:{}:{}:{key}", rate.count, rate.per.as_secs());
            Limit { key, rate }
        };
        let limits: Vec<Limit> = wanted.iter().map(limit).collect();
        match self.engine.live.take(&limits).await {
            Permit::Granted => Ok(()),
            Permit::Wait(wait) => {
                let settings: Vec<&str> = wanted.iter().map(|(setting, _)| *setting).collect();
                metrics::counter!("rate_limited_total", "limit" => settings.join("+")).increment(1);
                Err(ApiError::TooManyRequests(wait))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::path::PathItem;

    use super::*;

    fn operations(item: &PathItem) -> Vec<Method> {
        let operations = [
            (&item.get, Method::GET),
            (&item.post, Method::POST),
            (&item.put, Method::PUT),
            (&item.patch, Method::PATCH),
            (&item.delete, Method::DELETE),
        ];
        let there = operations.into_iter().filter(|(operation, _)| operation.is_some());
        there.map(|(_, method)| method).collect()
    }

    #[test]
    fn every_operation_that_has_a_limit_of_its_own_is_known() {
        let mut limited = Vec::new();
        for (path, item) in &crate::router::document().paths.paths {
            for method in operations(item) {
                if let Some((name, whose)) = special(&method, path) {
                    let path = path.trim_start_matches("/api/v1");
                    limited.push(format!("{method} {path} {name} {whose:?}"));
                }
            }
        }
        limited.sort();
        let expected = [
            "DELETE /auth/totp rate_password_change Caller",
            "GET /metrics rate_metrics Address",
            "POST /assistants/{id}/answers/import rate_upload Caller",
            "POST /assistants/{id}/documents rate_upload Caller",
            "POST /assistants/{id}/preview rate_preview Caller",
            "POST /assistants/{id}/sources rate_upload Caller",
            "POST /auth/confirm rate_register Address",
            "POST /auth/confirm/resend rate_password_reset Address",
            "POST /auth/login rate_login Address",
            "POST /auth/logout rate_logout Caller",
            "POST /auth/password/change rate_password_change Caller",
            "POST /auth/password/forgot rate_password_reset Address",
            "POST /auth/password/reset rate_password_reset Address",
            "POST /auth/refresh rate_refresh Address",
            "POST /auth/register rate_register Address",
            "POST /auth/totp rate_password_change Caller",
            "POST /auth/totp/confirm rate_password_change Caller",
            "POST /auth/totp/recovery-codes rate_password_change Caller",
            "POST /invitations rate_invite Caller",
            "POST /invitations/accept rate_register Address",
            "POST /sources/{id}/fetch rate_upload Caller",
        ];
        assert_eq!(limited, expected);
    }

    #[test]
    fn what_is_left_is_told_in_the_form_of_the_draft() {
        let spent = Spent {
            permit: Permit::Granted,
            left: 1199,
            reset: std::time::Duration::from_millis(50),
        };
        let left = Left { name: setting::RATE_USER, count: 1200, window: 60, spent };
        let mut headers = HeaderMap::new();
        left.write(&mut headers);
        assert_eq!(headers["ratelimit-policy"], r#""user";q=1200;w=60"#);
        assert_eq!(headers["ratelimit"], r#""user";r=1199;t=1"#);
    }
}
