//! The protocols that models are asked in: how a request is read, an answer sent and a failure
//! told.

mod completions;
mod messages;
mod responses;

use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

use super::{Answer, Request, Usage, request::Invalid};

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `OpenAI`'s `/chat/completions`.
    Completions,
    /// `OpenAI`'s `/responses`.
    Responses,
    /// Anthropic's `/v1/messages`.
    Messages,
}

/// An answer as events: each is ready to be sent.
pub(super) struct Frames {
    pub(super) opening: Vec<String>,
    pub(super) pieces: Vec<String>,
    pub(super) closing: Vec<String>,
    pub(super) error: String,
    pub(super) malformed: String,
}

impl Dialect {
    pub(super) fn read(self, body: Value) -> Result<Request, Invalid> {
        match self {
            Self::Completions => Request::read(body),
            Self::Responses => responses::read(body),
            Self::Messages => messages::read(body),
        }
    }

    /// The answer as events. `usage` is nothing where it is not to be told.
    pub(super) fn frames(
        self,
        request: &Request,
        answer: &Answer,
        id: &str,
        usage: Option<Usage>,
    ) -> Frames {
        match self {
            Self::Completions => completions::frames(request, answer, id, usage),
            Self::Responses => responses::frames(request, answer, id, usage),
            Self::Messages => messages::frames(request, answer, id, usage),
        }
    }

    /// The answer in one piece.
    pub(super) fn whole(self, request: &Request, answer: &Answer, id: &str, usage: Usage) -> Value {
        match self {
            Self::Completions => completions::whole(request, answer, id, usage),
            Self::Responses => responses::whole(request, answer, id, Some(usage)),
            Self::Messages => messages::whole(request, answer, id, usage),
        }
    }

    /// The key that a request shows.
    pub(super) fn key(self, headers: &HeaderMap) -> Option<&str> {
        match self {
            Self::Messages => headers.get("x-api-key")?.to_str().ok(),
            _ => headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer "),
        }
    }

    /// What is wrong with the headers of a request.
    pub(super) fn header_fault(self, headers: &HeaderMap) -> Option<Invalid> {
        if self == Self::Messages && headers.get("anthropic-version").is_none() {
            return Some(Invalid::new("", "anthropic-version: header is required"));
        }
        None
    }

    /// The body of an error.
    pub(super) fn error(self, error: &Failure<'_>) -> Value {
        let Failure { status, code, parameter, message } = *error;
        if self == Self::Messages {
            let error = json!({"type": messages::kind(status), "message": message});
            return json!({"type": "error", "error": error, "request_id": "req_fake"});
        }
        let kind = match status {
            429 if code == Some("insufficient_quota") => "insufficient_quota",
            429 => "requests",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        json!({"error": {"message": message, "type": kind, "param": parameter, "code": code}})
    }
}

/// A failure to be told.
#[derive(Clone, Copy)]
pub(super) struct Failure<'a> {
    pub(super) status: u16,
    pub(super) code: Option<&'a str>,
    pub(super) parameter: Option<&'a str>,
    pub(super) message: &'a str,
}

/// An event without a name.
fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event named after its type.
fn named(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default())
}
