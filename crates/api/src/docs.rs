//! The page that shows the `OpenAPI` document: Swagger UI, out of the program itself, so that it works offline.

use axum::Router;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the page is.
pub(crate) const PATH: &str = "/api/docs";

/// `GET /api/docs` and what the page loads.
pub(crate) fn routes() -> Router {
    let config = Config::from("/api/openapi.json")
        // By default it sends the document to a validator on the internet.
        .validator_url("none")
        .deep_linking(true)
        .display_request_duration(true)
        .doc_expansion("none")
        .filter(true)
        .try_it_out_enabled(true)
        // Tokens that are typed in are forgotten with the page.
        .persist_authorization(false)
        .use_base_layout();
    SwaggerUi::new(PATH).config(config).into()
}
