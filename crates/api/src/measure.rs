//! Measures requests: `http_requests_total`, `http_request_duration_seconds`; and `GET /metrics`.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use replyx_core::secret::same;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::{
    error::{ApiError, ApiResult, Problem},
    state::AppState,
};

/// Counts, times and logs a request under the template of its route.
pub(crate) async fn requests(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = method(request.method());
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    log(&path, response.status(), begun);
    let labels = [("method", method.to_owned()), ("path", path), ("status", status)];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels)
        .record(begun.elapsed().as_secs_f64());
    response
}

/// One line for what people and their programs ask; what Telegram and monitors call is too frequent
/// for INFO.
fn log(path: &str, status: StatusCode, begun: Instant) {
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if path.starts_with("/api/") {
        tracing::info!(http.route = path, http.status = status.as_u16(), duration_ms, "request");
    } else {
        tracing::debug!(http.route = path, http.status = status.as_u16(), duration_ms, "request");
    }
}

/// A client may invent methods; a label may not grow without bound.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Shows the metrics in Prometheus text format.
///
/// If `METRICS_TOKEN` is set, it is required as a bearer token.
#[utoipa::path(
    get, path = "/metrics", operation_id = "read_metrics", tag = "ops",
    responses(
        (status = 200, description = "the metrics", content_type = "text/plain", body = String,
            example = "# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",path=\"/health\",status=\"200\"} 42\n"),
        (status = 401, description = "the token is missing or wrong", body = Problem),
    )
)]
pub(crate) async fn metrics(state: State<AppState>, headers: HeaderMap) -> ApiResult<Response> {
    let State(state) = state;
    permitted(&state, &headers)?;
    let (open, idle, most) = state.db().connections();
    metrics::gauge!("db_pool_size").set(f64::from(most));
    metrics::gauge!("db_pool_open").set(f64::from(open));
    let busy = f64::from(open) - f64::from(u32::try_from(idle).unwrap_or(open));
    metrics::gauge!("db_pool_checked_out").set(busy.max(0.0));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], (state.metrics)()).into_response())
}

/// May what is measured be read? With `METRICS_TOKEN` by those who show it.
pub(crate) fn permitted(state: &AppState, headers: &HeaderMap) -> ApiResult<()> {
    let Some(token) = &state.settings.metrics_token else { return Ok(()) };
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    if same(shown, token.expose_secret()) { Ok(()) } else { Err(ApiError::Unauthenticated) }
}
