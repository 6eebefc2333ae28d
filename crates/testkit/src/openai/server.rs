//! The HTTP side of the server.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{ConnectInfo, Request as HttpRequest, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Answer, Request, Usage, World, fault::Fault, lock, remember, request::Invalid, stream,
};
use crate::net::Connection;

const BODY_LIMIT: usize = 4 << 20;

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/models", get(list_models))
        .fallback(unknown_path)
        .with_state(world)
}

impl From<Usage> for Value {
    fn from(usage: Usage) -> Self {
        json!({
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        })
    }
}

async fn unknown_path(State(world): State<Arc<World>>, request: HttpRequest) -> Response {
    let what = format!("{} {}", request.method(), request.uri().path());
    world.violation(format!("`{what}` is not a path of the API"));
    let message = format!("Invalid URL ({what})");
    error(StatusCode::NOT_FOUND, "invalid_request_error", None, None, &message)
}

async fn list_models(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = unauthorized(&world, &headers) {
        return refusal;
    }
    let models: Vec<Value> = world
        .models
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "fake"}))
        .collect();
    Json(json!({"object": "list", "data": models})).into_response()
}

async fn complete(
    State(world): State<Arc<World>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: HttpRequest,
) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(refusal) = unauthorized(&world, &parts.headers) {
        return refusal;
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        let message = "The request is too large.";
        return error(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", None, None, message);
    };
    let request = match serde_json::from_slice(&body).map(Request::read) {
        Ok(Ok(request)) => Arc::new(request),
        Ok(Err(invalid)) => return invalid_request(&world, &invalid),
        Err(_) => {
            let message = "We could not parse the JSON body of your request.".to_owned();
            return invalid_request(&world, &Invalid { parameter: String::new(), message });
        }
    };
    if !world.models.contains(&request.model) {
        let message = format!("The model `{}` does not exist.", request.model);
        let code = Some("model_not_found");
        return error(StatusCode::NOT_FOUND, "invalid_request_error", None, code, &message);
    }
    let number = world.count.fetch_add(1, Ordering::Relaxed) + 1;
    remember(&world.requests, Arc::clone(&request), world.history);
    let fault = lock(&world.faults).pop_front();
    if let Some(fault) = &fault
        && let Some(response) = fail(fault, &connection).await
    {
        return response;
    }
    let script = Arc::clone(&lock(&world.script));
    let mut answer = script(&request);
    if let Some(Fault::Huge(bytes)) = fault {
        answer =
            Answer { piece: 8 * 1024, text: "lorem ipsum ".repeat(bytes.div_ceil(12)), ..answer };
    }
    let id = format!("chatcmpl-{number}");
    if request.stream {
        let body = stream::body(&request, &answer, &id, fault.as_ref(), connection);
        return ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response();
    }
    whole(&request, &answer, &id, fault.as_ref(), &connection).await
}

/// A fault that takes the place of the answer, or comes before it.
async fn fail(fault: &Fault, connection: &Connection) -> Option<Response> {
    match fault {
        Fault::Status { code, retry_after } => Some(status(*code, *retry_after)),
        Fault::WrongContentType => Some(Html("<html><body>Welcome</body></html>").into_response()),
        Fault::Break => {
            connection.cut();
            std::future::pending().await
        }
        Fault::Hang => std::future::pending().await,
        Fault::DelayFirst(time) => {
            tokio::time::sleep(*time).await;
            None
        }
        _ => None,
    }
}

/// The answer in one piece. Faults in the middle of a stream befall it as a whole.
async fn whole(
    request: &Request,
    answer: &Answer,
    id: &str,
    fault: Option<&Fault>,
    connection: &Connection,
) -> Response {
    match fault {
        Some(Fault::Silence { time, .. }) => tokio::time::sleep(*time).await,
        Some(Fault::BreakAfter(_)) => {
            connection.cut();
            return std::future::pending().await;
        }
        Some(Fault::EndAfter(_) | Fault::MalformedAfter(_)) => {
            return ([(header::CONTENT_TYPE, "application/json")], "{\"choices\":[")
                .into_response();
        }
        Some(Fault::ErrorAfter(_)) => return status(500, None),
        _ => {}
    }
    let usage: Value = answer.usage(request).into();
    Json(json!({
        "id": id,
        "object": "chat.completion",
        "created": 0,
        "model": request.model,
        "system_fingerprint": "fp_fake",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": answer.text, "refusal": null},
            "logprobs": null,
            "finish_reason": answer.finish_reason,
        }],
        "usage": usage,
    }))
    .into_response()
}

fn unauthorized(world: &World, headers: &HeaderMap) -> Option<Response> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match shown.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(key) if key == world.key => None,
        Some(_) => Some(status(401, None)),
        None => {
            let message = "You didn't provide an API key.";
            Some(error(StatusCode::UNAUTHORIZED, "invalid_request_error", None, None, message))
        }
    }
}

fn invalid_request(world: &World, invalid: &Invalid) -> Response {
    world.violation(match invalid.parameter.as_str() {
        "" => invalid.message.clone(),
        parameter => format!("`{parameter}`: {}", invalid.message),
    });
    let parameter = Some(invalid.parameter.as_str()).filter(|parameter| !parameter.is_empty());
    error(StatusCode::BAD_REQUEST, "invalid_request_error", parameter, None, &invalid.message)
}

/// A failure with the words that the API has for it.
fn status(code: u16, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (kind, name, message) = match code {
        401 => ("invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided."),
        429 => ("requests", Some("rate_limit_exceeded"), "Rate limit reached for requests."),
        503 => {
            ("server_error", None, "The engine is currently overloaded, please try again later.")
        }
        500.. => ("server_error", None, "The server had an error while processing your request."),
        _ => ("invalid_request_error", None, "The request was refused."),
    };
    let mut response = error(status, kind, None, name, message);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn error(
    status: StatusCode,
    kind: &str,
    parameter: Option<&str>,
    code: Option<&str>,
    message: &str,
) -> Response {
    let error = json!({"message": message, "type": kind, "param": parameter, "code": code});
    (status, Json(json!({ "error": error }))).into_response()
}
