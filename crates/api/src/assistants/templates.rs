//! `GET /api/v1/assistants/templates`

use axum::Json;
use replyx_assistants::templates;
use replyx_core::assistant::Language;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::{AssistantsRead, Authorized},
    error::Problem,
};

/// Every template.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Templates)]
pub struct Response {
    items: Vec<TemplateView>,
}

/// Instructions to begin with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct TemplateView {
    /// What `template` of a new assistant names.
    #[schema(example = "support.en")]
    id: &'static str,
    #[schema(example = "en")]
    language: Language,
    #[schema(example = "Customer support")]
    name: &'static str,
    #[schema(example = "Answers questions about orders, delivery and returns.")]
    description: &'static str,
    #[schema(example = "You are the support assistant of the company.")]
    system_prompt: &'static str,
    #[schema(example = "Hello! How can I help you?")]
    greeting: &'static str,
    #[schema(example = "I could not find this. A colleague can help you.")]
    unknown_text: &'static str,
    #[schema(example = 0.2)]
    temperature: f64,
}

/// Lists the templates for new assistants.
#[utoipa::path(
    get, path = "/assistants/templates", operation_id = "list_templates", tag = "assistants",
    responses(
        (status = 200, description = "every template", body = Response),
        (status = 401, description = "no valid token", body = Problem),
    )
)]
#[tracing::instrument(name = "api.assistants.templates", skip_all)]
pub async fn templates(_: Authorized<AssistantsRead>) -> Json<Response> {
    let items = templates::all().iter().map(|template| TemplateView {
        id: template.id,
        language: template.language,
        name: template.name,
        description: template.description,
        system_prompt: template.system_prompt,
        greeting: template.greeting,
        unknown_text: template.unknown_text,
        temperature: template.temperature,
    });
    Json(Response { items: items.collect() })
}
