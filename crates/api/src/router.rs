//! Joins all routes and the layers around them.

use std::sync::Arc;

use axum::{Router, extract::Request, middleware, routing::get};
use tokio::sync::Semaphore;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};
use utoipa::openapi::OpenApi as Document;

use crate::{
    address, docs, error::ApiError, headers, idempotency, identity, landing, limits, measure,
    openapi, query, rates, repeat, state::AppState,
};

mod routes;

/// All routes with their layers.
///
/// From the outside in: a request gets an id, a span and a time; headers are set; panics and overload become
/// answers; the caller's address and identity are found; limits are kept; unknown query parameters are refused; a
/// repeated request is answered as before; what the database undid is done again.
pub fn router(state: &AppState) -> Router {
    let (routes, mut document) = routes::all().split_for_parts();
    openapi::complete(&mut document);
    let known = Arc::new(query::Known::of(&document));
    let room = Arc::new(Semaphore::new(state.settings.concurrency));
    let documents = Router::new()
        .route("/api/openapi.json", get(openapi::serve))
        .with_state(Arc::new(document))
        .merge(docs::routes())
        .merge(landing::routes());
    let inner = routes
        .layer(middleware::from_fn(repeat::undone))
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::keyed))
        .layer(middleware::from_fn_with_state(known, query::known))
        .layer(middleware::from_fn_with_state(state.clone(), rates::general))
        .layer(middleware::from_fn_with_state(state.clone(), identity::find))
        .layer(middleware::from_fn_with_state(state.clone(), address::find))
        .with_state(state.clone())
        .merge(documents)
        .fallback(async || ApiError::NotFound("path"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(room, limits::bounded))
        .layer(CatchPanicLayer::custom(limits::panicked));
    headers::layers(inner, state)
        .layer(middleware::from_fn(measure::requests))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_failure(()))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(limits::NewRequestId))
        .layer(middleware::from_fn(limits::sane_request_id))
}

/// The `OpenAPI` document of all routes.
pub fn document() -> Document {
    let mut document = routes::all().into_openapi();
    openapi::complete(&mut document);
    document
}

fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|value| value.to_str().ok());
    tracing::info_span!(
        "http.request",
        request.id = id.unwrap_or_default(),
        http.method = %request.method(),
    )
}
