//! The `OpenAPI` document, made from the handlers themselves.
//!
//! A handler says what is special to it: its fields, its answers and the codes that only it gives.
//! What a caller needs (a permission, being an admin, or nothing but being signed in) is read from
//! its signature when its route is made (`router::gate`). What follows from that is the same
//! everywhere, and `complete` adds it once all routes are joined: how callers show who they are,
//! the problems that any such operation may answer with, headers, and examples.

mod examples;
mod headers;
mod links;
mod lists;
mod operations;
mod overview;
pub(crate) mod problems;
mod shapes;
mod shared;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use tokio::{sync::OnceCell, task::spawn_blocking};
use utoipa::OpenApi;

pub(crate) use operations::of as operations_of;
pub(crate) use shared::BEARER;

use crate::{
    asset::{Asset, AssetLifetime},
    error::{ApiError, ApiResult, FieldError, Problem},
};

/// The document's head; paths and schemas come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ReplyX",
        contact(name = "The operator of this installation"),
        license(name = "Apache-2.0", url = "https://www.apache.org/licenses/LICENSE-2.0"),
    ),
    servers((url = "/", description = "this installation")),
    components(schemas(Problem, FieldError)),
    tags(
        (name = "auth", description = "Signing up, signing in, sessions, passwords and the second factor."),
        (name = "users", description = "Your account."),
        (name = "workspaces", description = "Members, invitations, API keys and audit log."),
        (name = "assistants", description = "Who answers."),
        (name = "documents", description = "The knowledge of assistants."),
        (name = "answers", description = "Answers written by people."),
        (name = "sources", description = "Web pages that assistants learn from."),
        (name = "evaluation", description = "Evaluation of assistants."),
        (name = "bots", description = "The Telegram bots of assistants."),
        (name = "channels", description = "Channels through which customers write; bots are one kind."),
        (name = "dialogs", description = "Conversations with customers."),
        (name = "operators", description = "People who answer customers."),
        (name = "usage", description = "Model use and its cost."),
        (name = "billing", description = "The balance, what moved, and prices."),
        (name = "events", description = "The stream of events."),
        (name = "admin", description = "The installation, for platform admins."),
        (name = "hooks", description = "Webhooks of other services."),
        (name = "ops", description = "Health and metrics."),
    )
)]
pub(crate) struct Document;

/// Adds what all operations have in common. To be called once, when all routes are joined.
pub(crate) fn complete(document: &mut utoipa::openapi::OpenApi) {
    document.info.description = Some(overview::text());
    let components = document.components.get_or_insert_default();
    shared::add(components);
    lists::refer(components);
    operations::complete(&mut document.paths, components);
    shapes::complete(&mut document.paths, components);
    examples::add(&mut document.paths, components);
    links::add(&mut document.paths, components);
}

/// The document, and what is sent of it once it has been asked for.
pub(crate) struct Served {
    document: utoipa::openapi::OpenApi,
    asset: OnceCell<Asset>,
}

impl Served {
    /// Serves a document that is complete.
    pub(crate) fn new(document: utoipa::openapi::OpenApi) -> Arc<Self> {
        Arc::new(Self { document, asset: OnceCell::new() })
    }
}

/// `GET /api/openapi.json`
pub(crate) async fn serve(served: State<Arc<Served>>, headers: HeaderMap) -> ApiResult<Response> {
    let State(served) = served;
    // Not at the start, which has more important things to do.
    let making = Arc::clone(&served);
    let make = async || {
        let make = move || {
            let text = serde_json::to_vec(&making.document)?;
            let kind = HeaderValue::from_static("application/json");
            Ok::<_, serde_json::Error>(Asset::new(kind, AssetLifetime::Never, text))
        };
        let asset = spawn_blocking(make).await?;
        asset.map_err(|error| ApiError::Internal(Box::new(error)))
    };
    Ok(served.asset.get_or_try_init(make).await?.answer(&headers))
}
