//! How often callers may call: per user, per API key, or per address for who shows no credentials;
//! and less often where an operation costs more or invites guessing. The numbers are settings.
//!
//! Answers carry what is left of each limit that the request counted against (the `RateLimit`
//! fields of the IETF draft); a refusal names the limit that refused.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use replyx_core::{
    session::{Access, Principal},
    setting::{self, RateSetting},
};
use replyx_live::{Quota, RemainingQuota};

use crate::{
    address::ClientAddress,
    door::Payer,
    error::{ApiError, ApiResult},
    identity::Identity,
    rate_headers,
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

/// How many times the limit of one address its network may use: one line often has a whole /56 of
/// addresses, and an office or a mobile network shares a few.
const OF_A_NETWORK: u32 = 8;
/// How many times the limit of one user or key their workspace may use: it may have many keys.
const OF_A_WORKSPACE: u32 = 4;

/// The limit of an operation, besides the general one.
fn special(method: &Method, path: &str) -> Option<(&'static str, For)> {
    let post = method == Method::POST;
    match path {
        "/metrics" | "/metrics/db-size" => Some((setting::RATE_METRICS, For::Address)),
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
        "/api/v1/assistants/{id}/search" if post => Some((setting::RATE_SEARCH, For::Caller)),
        "/api/v1/assistants/{id}/documents"
        | "/api/v1/assistants/{id}/answers/import"
        | "/api/v1/assistants/{id}/sources"
        | "/api/v1/attachments"
        | "/api/v1/sources/{id}/fetch"
            if post =>
        {
            Some((setting::RATE_UPLOAD, For::Caller))
        }
        // All passages of the document are written again.
        "/api/v1/assistants/{id}/documents/{document_id}"
            if method == Method::PUT || method == Method::DELETE =>
        {
            Some((setting::RATE_JOBS, For::Caller))
        }
        "/api/v1/documents/{id}" | "/api/v1/assistants/{id}" if method == Method::DELETE => {
            Some((setting::RATE_JOBS, For::Caller))
        }
        "/api/v1/documents/{id}/reindex"
        | "/api/v1/assistants/{id}/answers"
        | "/api/v1/question-sets/{id}/runs"
        | "/api/v1/assistants/{id}/publish"
        | "/api/v1/assistants/{id}/rollback"
            if post =>
        {
            Some((setting::RATE_JOBS, For::Caller))
        }
        "/api/v1/assistants/{id}/answers/{answer_id}" | "/api/v1/documents/{id}"
            if method == Method::PATCH =>
        {
            Some((setting::RATE_JOBS, For::Caller))
        }
        "/api/v1/documents/{id}/file" if method == Method::PUT => {
            Some((setting::RATE_UPLOAD, For::Caller))
        }
        "/api/v1/invitations" if post => Some((setting::RATE_INVITE, For::Caller)),
        _ => None,
    }
}

/// Those around an address or a caller, for whom a multiple of its limit is kept as well.
#[derive(Debug)]
struct Wider {
    key: String,
    times: u32,
}

impl Wider {
    fn network(address: ClientAddress) -> Self {
        Self { key: format!("network:{}", address.network()), times: OF_A_NETWORK }
    }

    fn workspace(caller: &Access) -> Option<Self> {
        let place = caller.place.as_ref()?;
        let key = format!("workspace:{}", place.workspace.id);
        Some(Self { key, times: OF_A_WORKSPACE })
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
    let payer = Payer(format!("{name}:{key}").into());
    let mut request = request;
    request.extensions_mut().insert(payer.clone());
    let mut counted = Vec::new();
    if is_api {
        match state.spend(&[(name, &key)]).await {
            Ok(left) => counted.extend(left),
            Err(refusal) => return refused(refusal, caller.as_deref()),
        }
    }

    if let Some((name, whose)) = special {
        let (key, wider) = match whose {
            For::Address => (address.key(), Some(Wider::network(address))),
            For::Caller => (key, caller.as_deref().and_then(Wider::workspace)),
        };
        match state.spend_also(name, &key, wider).await {
            Ok(left) => counted.extend(left),
            Err(refusal) => return refused(refusal, caller.as_deref()),
        }
    }

    let mut response = next.run(request).await;
    rate_headers::write(&counted, response.headers_mut());
    response.extensions_mut().insert(payer);

    response
}

/// Counts a request that leads nowhere for its address, as one without credentials.
pub(crate) fn astray(
    state: AppState,
    request: &Request,
    otherwise: ApiError,
) -> impl Future<Output = Response> + Send + use<> {
    let address = request.extensions().get::<ClientAddress>().copied().unwrap_or_default();
    async move {
        match state.limit(setting::RATE_ADDRESS, &address.key()).await {
            Ok(()) => otherwise.into_response(),
            Err(refusal) => refused(refusal, None),
        }
    }
}

/// The answer to a request beyond a limit. A stranger's connection is closed with it: what they
/// sent ahead on it is not worked on, and each further guess costs them a connection.
fn refused(refusal: ApiError, caller: Option<&Access>) -> Response {
    let mut response = refusal.into_response();
    if caller.is_none() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn whose(caller: Option<&Access>, address: ClientAddress) -> (&'static str, String) {
    match caller.map(|access| &access.principal) {
        Some(Principal::User { user, .. }) => (setting::RATE_USER, user.id.to_string()),
        Some(Principal::Key { id, .. }) => (setting::RATE_KEY, id.to_string()),
        None => (setting::RATE_ADDRESS, address.key()),
    }
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
        self.spend(wanted).await.map(drop)
    }

    /// Charges limits for one request, and says what is left of them.
    async fn spend(&self, wanted: &[(&'static str, &str)]) -> ApiResult<Vec<RemainingQuota>> {
        let quotas: Vec<Quota<'_>> = wanted
            .iter()
            .map(|&(setting, key)| Quota { setting, rate: self.tuning.rate(setting), key })
            .collect();
        self.engine.live.charge(&quotas).await.map_err(ApiError::TooManyRequests)
    }

    /// Charges a limit for one request, and a multiple of it for those around the caller. Says what
    /// is left of the caller's own.
    async fn spend_also(
        &self,
        setting: &'static str,
        key: &str,
        wider: Option<Wider>,
    ) -> ApiResult<Vec<RemainingQuota>> {
        let left = self.spend(&[(setting, key)]).await?;
        if let Some(Wider { key, times }) = wider {
            let rate = self.tuning.rate(setting);
            let rate = RateSetting { count: rate.count.saturating_mul(times), ..rate };
            let quota = Quota { setting, rate, key: &key };
            self.engine.live.charge(&[quota]).await.map_err(ApiError::TooManyRequests)?;
        }
        Ok(left)
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
            "DELETE /assistants/{id} rate_jobs Caller",
            "DELETE /assistants/{id}/documents/{document_id} rate_jobs Caller",
            "DELETE /auth/totp rate_password_change Caller",
            "DELETE /documents/{id} rate_jobs Caller",
            "GET /metrics rate_metrics Address",
            "GET /metrics/db-size rate_metrics Address",
            "PATCH /assistants/{id}/answers/{answer_id} rate_jobs Caller",
            "PATCH /documents/{id} rate_jobs Caller",
            "POST /assistants/{id}/answers rate_jobs Caller",
            "POST /assistants/{id}/answers/import rate_upload Caller",
            "POST /assistants/{id}/documents rate_upload Caller",
            "POST /assistants/{id}/preview rate_preview Caller",
            "POST /assistants/{id}/publish rate_jobs Caller",
            "POST /assistants/{id}/rollback rate_jobs Caller",
            "POST /assistants/{id}/search rate_search Caller",
            "POST /assistants/{id}/sources rate_upload Caller",
            "POST /attachments rate_upload Caller",
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
            "POST /documents/{id}/reindex rate_jobs Caller",
            "POST /invitations rate_invite Caller",
            "POST /invitations/accept rate_register Address",
            "POST /question-sets/{id}/runs rate_jobs Caller",
            "POST /sources/{id}/fetch rate_upload Caller",
            "PUT /assistants/{id}/documents/{document_id} rate_jobs Caller",
            "PUT /documents/{id}/file rate_upload Caller",
        ];
        assert_eq!(limited, expected);
    }
}
