//! The HTTP side of the server.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{ConnectInfo, Request as HttpRequest, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Answer, Request, World,
    dialect::{Dialect, Failure},
    embeddings,
    fault::{ModelFault, RetryAfter},
    lock, remember,
    request::Invalid,
    stream,
};
use crate::net::Connection;

const BODY_LIMIT: usize = 16 << 20;

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

pub(super) async fn read_json(body: axum::body::Body) -> Result<Value, &'static str> {
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| "The request is too large.")?;
    serde_json::from_slice(&body).map_err(|_| "We could not parse the JSON body of your request.")
}

/// The response for a model that there is not.
pub(super) fn known(world: &World, dialect: Dialect, model: &str) -> Result<(), Box<Response>> {
    if world.models.iter().any(|known| known == model) {
        return Ok(());
    }
    let message = format!("The model `{model}` does not exist.");
    Err(Box::new(error(dialect, 404, None, Some("model_not_found"), &message)))
}

/// A fault that takes the place of the answer, or comes before it.
pub(super) async fn fail(
    dialect: Dialect,
    fault: &ModelFault,
    connection: &Connection,
) -> Option<Response> {
    match fault {
        ModelFault::Status { code, retry_after } => {
            let mut response = status(dialect, *code);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
            }
            Some(response)
        }
        ModelFault::Redirect(to) => {
            let mut response = status(dialect, 307);
            if let Ok(to) = to.parse() {
                response.headers_mut().insert(header::LOCATION, to);
            }
            Some(response)
        }
        ModelFault::RateLimited(wait) => Some(rate_limited(dialect, *wait)),
        ModelFault::QuotaSpent => {
            let message = match dialect {
                Dialect::Messages => "Your credit balance is too low to access the Anthropic API.",
                _ => "You exceeded your current quota, please check your plan and billing details.",
            };
            let code = if dialect == Dialect::Messages { 400 } else { 429 };
            Some(error(dialect, code, None, Some("insufficient_quota"), message))
        }
        ModelFault::WrongContentType => {
            Some(Html("<html><body>Welcome</body></html>").into_response())
        }
        ModelFault::Garbage => {
            let bytes: &[u8] = b"\x00\xff\xfe{]\ndata: }{\n\n\x9f\x92\x96\n\n";
            Some(([(header::CONTENT_TYPE, "text/event-stream")], bytes).into_response())
        }
        ModelFault::Break => {
            connection.cut();
            std::future::pending().await
        }
        ModelFault::Hang => std::future::pending().await,
        ModelFault::DelayFirst(time) => {
            tokio::time::sleep(*time).await;
            None
        }
        _ => None,
    }
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

/// The key of a request, or the response for one that is not known.
pub(super) fn authorized(
    world: &World,
    dialect: Dialect,
    headers: &HeaderMap,
) -> Result<String, Box<Response>> {
    match dialect.key(headers) {
        Some(key) if lock(&world.keys).contains(key) => Ok(key.to_owned()),
        Some(_) => Err(Box::new(status(dialect, 401))),
        None => Err(Box::new(error(dialect, 401, None, None, "You didn't provide an API key."))),
    }
}

pub(super) fn invalid_request(world: &World, dialect: Dialect, invalid: &Invalid) -> Response {
    world.violation(match invalid.parameter.as_str() {
        "" => invalid.message.clone(),
        parameter => format!("`{parameter}`: {}", invalid.message),
    });
    let parameter = Some(invalid.parameter.as_str()).filter(|parameter| !parameter.is_empty());
    error(dialect, 400, parameter, None, &invalid.message)
}

fn rate_limited(dialect: Dialect, wait: RetryAfter) -> Response {
    let mut response = status(dialect, 429);
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::try_from(text).expect("digits can stand in a header");
    match wait {
        RetryAfter::Seconds(seconds) => {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        RetryAfter::Millis(millis) => {
            headers.insert("retry-after-ms", millis.into());
            headers.insert(header::RETRY_AFTER, millis.div_ceil(1_000).into());
        }
        RetryAfter::Date(seconds) => {
            let date = |second| text(format!("Wed, 21 Oct 2026 07:28:{second:02} GMT"));
            headers.insert(header::DATE, date(0));
            headers.insert(header::RETRY_AFTER, date(seconds.min(59)));
        }
    }
    response
}

/// A failure with the words that the API has for it.
fn status(dialect: Dialect, code: u16) -> Response {
    let (name, message) = match code {
        401 if dialect == Dialect::Messages => (None, "invalid x-api-key"),
        401 => (Some("invalid_api_key"), "Incorrect API key provided."),
        429 => (Some("rate_limit_exceeded"), "Rate limit reached for requests."),
        503 => (None, "The engine is currently overloaded, please try again later."),
        529 => (None, "Overloaded"),
        500.. => (None, "The server had an error while processing your request."),
        _ => (None, "The request was refused."),
    };
    error(dialect, code, None, name, message)
}

fn error(
    dialect: Dialect,
    status: u16,
    parameter: Option<&str>,
    code: Option<&str>,
    message: &str,
) -> Response {
    let body = dialect.error(&Failure { status, code, parameter, message });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(body)).into_response()
}
