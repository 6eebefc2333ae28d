//! The HTTP side of the server.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request as HttpRequest, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Answer, Request, World,
    dialect::Dialect,
    embeddings,
    fault::ModelFault,
    lock,
    refusal::{authorized, error, fail, invalid_request, known, read_json, status},
    remember,
    request::Invalid,
    stream,
};
use crate::net::Connection;

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/responses", post(respond))
        .route("/v1/embeddings", post(embeddings::embed))
        .route("/v1/models", get(list_models))
        .fallback(unknown_path)
        .with_state(world)
}

/// The server that speaks Anthropic's protocol.
pub(super) fn messages_router(world: Arc<World>) -> Router {
    Router::new().route("/v1/messages", post(message)).fallback(unknown_path).with_state(world)
}

async fn unknown_path(State(world): State<Arc<World>>, request: HttpRequest) -> Response {
    let what = format!("{} {}", request.method(), request.uri().path());
    world.violation(format!("`{what}` is not a path of the API"));
    let message = format!("Invalid URL ({what})");
    error(Dialect::Completions, 404, None, None, &message)
}

async fn list_models(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = authorized(&world, Dialect::Completions, &headers) {
        return *refusal;
    }
    let models: Vec<Value> = world
        .models
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "fake"}))
        .collect();
    Json(json!({"object": "list", "data": models})).into_response()
}

type From = ConnectInfo<Connection>;

async fn complete(world: State<Arc<World>>, from: From, request: HttpRequest) -> Response {
    converse(world.0, from.0, request, Dialect::Completions).await
}

async fn respond(world: State<Arc<World>>, from: From, request: HttpRequest) -> Response {
    converse(world.0, from.0, request, Dialect::Responses).await
}

async fn message(world: State<Arc<World>>, from: From, request: HttpRequest) -> Response {
    converse(world.0, from.0, request, Dialect::Messages).await
}

async fn converse(
    world: Arc<World>,
    connection: Connection,
    request: HttpRequest,
    dialect: Dialect,
) -> Response {
    let request = match read(&world, request, dialect).await {
        Ok(request) => Arc::new(request),
        Err(refusal) => return *refusal,
    };

    let number = world.count.fetch_add(1, Ordering::Relaxed) + 1;
    remember(&world.requests, Arc::clone(&request), world.history);
    let fault = world.next_fault(&request.key);
    if let Some(fault) = &fault
        && let Some(response) = fail(dialect, fault, &connection).await
    {
        return response;
    }
    let script = Arc::clone(&lock(&world.script));
    let mut answer = script(&request);
    match fault {
        Some(ModelFault::Huge(bytes)) => {
            let text = "lorem ipsum ".repeat(bytes.div_ceil(12));
            answer = Answer { piece: 8 * 1024, text, ..answer };
        }
        Some(ModelFault::Empty) => answer = Answer { text: String::new(), ..answer },
        _ => {}
    }

    let id = format!("fake-{number}");

    if request.stream && fault != Some(ModelFault::NotStreamed) {
        let usage = (fault != Some(ModelFault::NoUsage)).then(|| answer.usage(&request));
        let frames = dialect.frames(&request, &answer, &id, usage);
        let body = stream::body(frames, answer.pause, fault.as_ref(), connection);
        return ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response();
    }

    whole(dialect, &request, &answer, &id, fault.as_ref(), &connection).await
}

async fn read(
    world: &World,
    request: HttpRequest,
    dialect: Dialect,
) -> Result<Request, Box<Response>> {
    let (parts, body) = request.into_parts();
    let key = authorized(world, dialect, &parts.headers)?;

    if let Some(invalid) = dialect.header_fault(&parts.headers) {
        return Err(Box::new(invalid_request(world, dialect, &invalid)));
    }

    let body = read_json(body).await.map_err(|message| {
        let invalid = Invalid::new("", message);
        Box::new(invalid_request(world, dialect, &invalid))
    })?;

    if let Some((parameter, message)) = world.unsupported(&body) {
        let code = Some("unsupported_parameter");
        return Err(Box::new(error(dialect, 400, Some(&parameter), code, &message)));
    }

    let mut request = dialect
        .read(body)
        .map_err(|invalid| Box::new(invalid_request(world, dialect, &invalid)))?;
    request.key = key;
    known(world, dialect, &request.model)?;

    Ok(request)
}

/// The answer in one piece. Faults in the middle of a stream befall it as a whole.
async fn whole(
    dialect: Dialect,
    request: &Request,
    answer: &Answer,
    id: &str,
    fault: Option<&ModelFault>,
    connection: &Connection,
) -> Response {
    match fault {
        Some(ModelFault::Silence { time, .. }) => tokio::time::sleep(*time).await,
        Some(ModelFault::BreakAfter(_)) => {
            connection.cut();
            return std::future::pending().await;
        }
        Some(ModelFault::EndAfter(_) | ModelFault::MalformedAfter(_)) => {
            return ([(header::CONTENT_TYPE, "application/json")], "{\"choices\":[")
                .into_response();
        }
        Some(ModelFault::ErrorAfter(_)) => return status(dialect, 500),
        _ => {}
    }
    Json(dialect.whole(request, answer, id, answer.usage(request))).into_response()
}
