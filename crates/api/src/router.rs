//! Joins all routes and the layers around them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    routing::get,
};
use tokio::sync::Semaphore;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};
use utoipa::{OpenApi, openapi::OpenApi as Document};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    assistants, auth, bots, dialogs, documents, error::ApiError, events, health, hooks,
    input::JSON_LIMIT, limits, measure, openapi, state::AppState, users,
};

/// The base of the API.
const BASE: &str = "/api/v1";

/// All routes with their layers.
pub fn router(state: AppState) -> Router {
    let (routes, document) = routes().split_for_parts();
    let room = Arc::new(Semaphore::new(state.settings.concurrency));
    let document = Router::new()
        .route("/api/openapi.json", get(openapi::serve))
        .with_state(Arc::new(document));
    routes
        .with_state(state)
        .merge(document)
        .fallback(async || ApiError::NotFound("path"))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(room, limits::bounded))
        .layer(CatchPanicLayer::custom(limits::panicked))
        .layer(middleware::from_fn(measure::requests))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_failure(()))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(limits::NewRequestId))
        .layer(middleware::from_fn(limits::sane_request_id))
}

/// The `OpenAPI` document of all routes.
pub fn document() -> Document {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::new()
        .routes(routes!(auth::register::register))
        .routes(routes!(auth::login::login))
        .routes(routes!(users::me::me))
        .routes(routes!(assistants::create::create, assistants::list::list))
        .routes(routes!(
            assistants::read::read,
            assistants::update::update,
            assistants::delete::delete
        ))
        .routes(routes!(assistants::search::search))
        .routes(routes!(documents::list::list))
        .routes(routes!(documents::read::read, documents::delete::delete))
        .routes(routes!(documents::text::text))
        .routes(routes!(documents::reindex::reindex))
        .routes(routes!(bots::create::create))
        .routes(routes!(bots::list::list))
        .routes(routes!(bots::read::read, bots::update::update, bots::delete::delete))
        .routes(routes!(bots::start::start))
        .routes(routes!(bots::stop::stop))
        .routes(routes!(dialogs::list::list))
        .routes(routes!(dialogs::read::read))
        .routes(routes!(dialogs::messages::messages))
        .routes(routes!(events::stream_events))
        .layer(DefaultBodyLimit::max(JSON_LIMIT));
    // The handler bounds an upload itself, before it reads one.
    let uploads = OpenApiRouter::new()
        .routes(routes!(documents::upload::upload))
        .layer(DefaultBodyLimit::disable());
    let hooks = OpenApiRouter::new()
        .routes(routes!(hooks::telegram::receive))
        .layer(DefaultBodyLimit::max(replyx_channels::telegram::webhook::BODY_LIMIT));
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .nest(BASE, api.merge(uploads))
        .merge(hooks)
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(measure::metrics))
}

fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|value| value.to_str().ok());
    tracing::info_span!(
        "http.request",
        request.id = id.unwrap_or_default(),
        http.method = %request.method(),
    )
}
