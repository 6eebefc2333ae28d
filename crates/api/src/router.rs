//! Joins all routes and the layers around them.

use std::sync::Arc;

use axum::{Router, extract::Request, middleware, routing::get};
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};
use utoipa::openapi::OpenApi as Document;

use crate::{
    address, console, docs,
    door::{self, Door},
    error::ApiError,
    headers, idempotency, identity, landing, limits, measure, openapi, page, query, rates,
    state::AppState,
    transfer,
};

#[macro_use]
mod gate;
mod routes;

/// All routes with their layers.
///
/// From the outside in: a request gets an id, a span and a time; headers are set; panics become
/// answers; the caller's address is found; the request takes a place; the caller's identity is
/// found; limits are kept; unknown query parameters are refused; a repeated request is answered as
/// before.
pub fn router(state: &AppState) -> Router {
    let (routes, mut document) = routes::all().split_for_parts();
    openapi::complete(&mut document);
    let known = query::Known::of(&document);

    let documents = Router::new()
        .route("/api/openapi.json", get(openapi::serve))
        .with_state(openapi::Served::new(document))
        .merge(docs::routes())
        .merge(landing::routes())
        .merge(console::routes());
    with_layers(routes, known, documents, state)
}

/// Health and metrics with the layers of [`router`], for a process that serves nothing else.
pub fn probes(state: &AppState) -> Router {
    let (routes, document) = routes::probes().split_for_parts();
    with_layers(routes, query::Known::of(&document), Router::new(), state)
}

fn with_layers(
    routes: Router<AppState>,
    known: query::Known,
    documents: Router,
    state: &AppState,
) -> Router {
    let known = Arc::new(known);
    let door = Arc::new(Door::new(&state.settings));
    let nowhere = state.clone();
    let otherwise = state.clone();

    let inner = routes
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::keyed))
        .layer(middleware::from_fn(page::linked))
        .layer(middleware::from_fn_with_state(known, query::known))
        .layer(middleware::from_fn_with_state(state.clone(), rates::general))
        .layer(middleware::from_fn_with_state(state.clone(), identity::find))
        .with_state(state.clone())
        .merge(documents)
        .fallback(move |request: Request| {
            rates::astray(nowhere, &request, ApiError::NotFound("path"))
        })
        .method_not_allowed_fallback(move |request: Request| {
            rates::astray(otherwise, &request, ApiError::MethodNotAllowed)
        })
        .layer(middleware::from_fn(transfer::travel))
        .layer(middleware::from_fn_with_state(door, door::bounded))
        .layer(middleware::from_fn_with_state(state.clone(), address::find))
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
