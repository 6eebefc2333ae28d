//! `GET /problems/{code}`: what a kind of problem means. The `type` of a problem is this address.

use std::fmt::Write;

use axum::{
    Json,
    extract::{Path, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Problem},
    html,
    openapi::problems::{CODES, Code},
};

/// A kind of problem.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProblemKind)]
pub struct Kind {
    /// Its stable name.
    #[schema(example = "not_found")]
    code: &'static str,
    /// Its address, which problems of this kind have as their `type`.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found")]
    address: String,
    /// How it occurs: usually with one status.
    occurrences: Vec<Occurrence>,
}

/// How a kind of problem occurs.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProblemOccurrence)]
pub struct Occurrence {
    /// The HTTP status it comes with.
    #[schema(example = 404)]
    status: u16,
    /// What that status is called: the `title` of the problem.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// What it means.
    #[schema(example = "it does not exist or belongs to another workspace")]
    explanation: &'static str,
    /// What a client can do.
    #[schema(example = "Check the id, and the workspace that you act in.")]
    remedy: &'static str,
}

/// Explains a kind of problem.
///
/// Browsers get a page, other clients JSON.
#[utoipa::path(
    get, path = "/problems/{code}", operation_id = "read_problem", tag = "ops",
    params(("code" = String, Path, description = "the `code` of a problem", example = "not_found")),
    responses(
        (status = 200, description = "what it means", content(
            (Kind = "application/json"), (String = "text/html", example = "<!doctype html>"),
        )),
        (status = 404, description = "no such kind of problem", body = Problem),
    )
)]
pub async fn read(code: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    let code = code.map(|Path(code)| code).unwrap_or_default();
    let Some(kind) = Kind::of(&code) else {
        return ApiError::NotFound("kind of problem").into_response();
    };
    let mut response =
        if html::wanted(&headers) { kind.page() } else { Json(kind).into_response() };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    response
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let found: Vec<&Code> = CODES.iter().filter(|code| code.name == name).collect();
        let code = found.first()?.name;
        let occurrences = found.into_iter().map(Occurrence::of).collect();
        Some(Self { code, address: format!("/problems/{code}"), occurrences })
    }

    fn page(&self) -> Response {
        let mut content = String::new();
        for Occurrence { status, title, explanation, remedy } in &self.occurrences {
            let _ = writeln!(
                content,
                "<dl><dt>Status</dt><dd>{status} {title}</dd><dt>What it means</dt><dd>{explanation}</dd>\
                 <dt>What to do</dt><dd>{remedy}</dd></dl>"
            );
        }
        content.push_str("<p><a href=\"/api/docs/\">Documentation of the API</a></p>\n");
        html::page(&format!("Problem: {}", self.code), &content)
    }
}

impl Occurrence {
    fn of(code: &Code) -> Self {
        let status = StatusCode::from_u16(code.status).ok();
        Self {
            status: code.status,
            title: status.and_then(|status| status.canonical_reason()).unwrap_or("Error"),
            explanation: code.meaning,
            remedy: remedy(code),
        }
    }
}

/// What a client can do. The status says nearly all of it.
fn remedy(code: &Code) -> &'static str {
    match (code.status, code.name) {
        (401, "unauthenticated") => {
            "Sign in, or renew the access token with `POST /api/v1/auth/refresh`, and repeat the request with it."
        }
        (401, "refresh_reused") => {
            "Sign in again. If your own client did not repeat the request, the token was stolen: change the password."
        }
        (401, _) => "Sign in again with the right credentials.",
        (403, "csrf_failed") => "Repeat the cookie `__Host-rx_csrf` in the header `X-CSRF-Token`.",
        (403, _) => {
            "Ask somebody who may: an owner of the workspace, or an admin of the installation."
        }
        (404, _) => {
            "Check the address and the id, and the workspace that you act in (`X-Workspace`)."
        }
        (405, _) => "Use one of the methods that the header `Allow` names.",
        (408, _) => "Send the body without pauses, or in smaller parts.",
        (409, "idempotency_key_in_use") => {
            "Wait until the first request has been answered, then repeat it."
        }
        (409, _) => "Change what stands in the way, then repeat the request.",
        (412, _) => {
            "Read it again, apply your change to what it is now, and send that with its new `ETag`."
        }
        (413, _) => "Send less: `detail` says how much is taken.",
        (415, _) => "Send another kind of content: `detail` says which.",
        (422, "idempotency_key_reused") => "Use a new key for a new request.",
        (422, "wrong_code" | "wrong_token") => "Ask for a new one.",
        (400 | 422, _) => "Correct what `detail` and `errors` name, then send it again.",
        (429 | 503, _) => "Wait as long as `Retry-After` says, then repeat the request.",
        (502, _) => {
            "Repeat the request later. If it keeps failing, ask the operator of the other service."
        }
        _ => {
            "Repeat the request later. If it keeps failing, send the `X-Request-Id` to the operator of this installation."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_with_every_status_it_has() {
        for code in CODES {
            let kind = Kind::of(code.name).unwrap();
            let found = kind.occurrences.iter().find(|one| one.status == code.status).unwrap();
            assert!(found.title != "Error" && !found.explanation.is_empty(), "{}", code.name);
            assert!(found.remedy.ends_with('.'), "{}", code.name);
        }
        assert_eq!(Kind::of("wrong_totp").unwrap().occurrences.len(), 3);
        assert!(Kind::of("nothing").is_none());
    }
}
