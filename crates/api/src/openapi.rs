//! The `OpenAPI` document, made from the handlers themselves.

use axum::{Json, extract::State};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

/// The document's head; paths and schemas come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ReplyX",
        description = "Answers a business's customers in Telegram from the business's own documents.\n\n\
                       Errors are RFC 9457 problems with a stable `code`. Lists take `limit` and `cursor`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    modifiers(&Bearer),
    tags(
        (name = "auth", description = "signing up and signing in"),
        (name = "users", description = "people"),
        (name = "assistants", description = "who answers"),
        (name = "documents", description = "what they know"),
        (name = "bots", description = "their ways into Telegram"),
        (name = "dialogs", description = "conversations with customers"),
        (name = "events", description = "what happens, as it happens"),
        (name = "hooks", description = "what the outside world calls"),
        (name = "ops", description = "how we are"),
    )
)]
pub(crate) struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// `GET /api/openapi.json`
pub(crate) async fn serve(
    document: State<std::sync::Arc<utoipa::openapi::OpenApi>>,
) -> Json<utoipa::openapi::OpenApi> {
    Json(utoipa::openapi::OpenApi::clone(&document))
}
