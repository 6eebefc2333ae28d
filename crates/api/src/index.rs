//! `GET /`: what this is, and where to go on.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::html;

const CONTENT: &str = "<p>ReplyX answers a business's customers from the business's own documents. \
    This is its API.</p>\n<dl>\n\
    <dt><a href=\"/app/\">Console</a></dt><dd>where people answer customers</dd>\n\
    <dt><a href=\"/api/docs/\">Documentation</a></dt><dd>every operation, to read and to try out</dd>\n\
    <dt><a href=\"/api/openapi.json\">OpenAPI</a></dt><dd>the same for programs</dd>\n\
    <dt><a href=\"/health/ready\">Health</a></dt><dd>whether requests can be served, part by part</dd>\n\
    <dt><a href=\"/metrics\">Metrics</a></dt><dd>for Prometheus</dd>\n</dl>\n\
    <h2>What next</h2>\n<ol>\n\
    <li>Create an account: <code>POST /api/v1/auth/register</code></li>\n\
    <li>Create an assistant: <code>POST /api/v1/assistants</code></li>\n\
    <li>Upload what it should know: <code>POST /api/v1/assistants/{id}/documents</code></li>\n\
    <li>Ask it: <code>POST /api/v1/assistants/{id}/preview</code></li>\n\
    <li>Connect a bot: <code>POST /api/v1/assistants/{id}/bots</code></li>\n</ol>\n";

/// The program and its entry points.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Index)]
pub struct Index {
    /// The name of the program.
    #[schema(example = "ReplyX")]
    name: &'static str,
    /// The version of the program.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// A page that describes every operation.
    #[schema(example = "/api/docs/")]
    documentation: &'static str,
    /// The same for programs.
    #[schema(example = "/api/openapi.json")]
    openapi: &'static str,
    /// Whether requests can be served.
    #[schema(example = "/health/ready")]
    health: &'static str,
    /// What to call first, in this order.
    #[schema(example = json!([
        "POST /api/v1/auth/register",
        "POST /api/v1/assistants",
        "POST /api/v1/assistants/{id}/documents",
        "POST /api/v1/assistants/{id}/preview",
        "POST /api/v1/assistants/{id}/bots",
    ]))]
    next: [&'static str; 5],
}

const INDEX: Index = Index {
    name: "ReplyX",
    version: env!("CARGO_PKG_VERSION"),
    documentation: "/api/docs/",
    openapi: "/api/openapi.json",
    health: "/health/ready",
    next: [
        "POST /api/v1/auth/register",
        "POST /api/v1/assistants",
        "POST /api/v1/assistants/{id}/documents",
        "POST /api/v1/assistants/{id}/preview",
        "POST /api/v1/assistants/{id}/bots",
    ],
};

/// Describes this installation and where to start.
///
/// Browsers get a page, other clients JSON.
#[utoipa::path(
    get, path = "/", operation_id = "read_index", tag = "ops",
    responses((status = 200, description = "where to go on", content(
        (Index = "application/json"), (String = "text/html", example = "<!doctype html>"),
    )))
)]
pub async fn index(headers: HeaderMap) -> Response {
    let mut response = if html::wanted(&headers) {
        html::page("ReplyX", CONTENT)
    } else {
        Json(INDEX).into_response()
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    response
}
