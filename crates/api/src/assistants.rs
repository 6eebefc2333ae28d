//! Who answers.

pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod search;
pub mod update;

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use replyx_core::assistant::Assistant;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::LanguageWord;

/// An assistant, as clients see one.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssistantView {
    id: Uuid,
    #[schema(example = "Support")]
    name: String,
    /// `extractive`, or a name the configured provider knows; `null` follows the installation's default.
    #[schema(example = "extractive")]
    model: Option<String>,
    #[schema(example = "You work for Green Lantern Shop. Be short and friendly.")]
    system_prompt: String,
    #[schema(example = 0.3)]
    temperature: f64,
    /// The language of the fixed texts: `en` or `ru`.
    #[schema(value_type = LanguageWord, example = "en")]
    language: &'static str,
    /// Said in answer to `/start`.
    #[schema(example = "Hello! What would you like to know?")]
    greeting: String,
    /// Said when the documents do not hold the answer.
    #[schema(example = "I do not know that. A colleague will answer.")]
    unknown_text: String,
    /// Said when no model could be reached.
    #[schema(example = "I cannot answer at the moment. Please try again later.")]
    fallback_text: String,
    /// Grows with every change; also the `ETag`.
    #[schema(example = 3)]
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Assistant> for AssistantView {
    fn from(assistant: Assistant) -> Self {
        let settings = assistant.settings;
        Self {
            id: assistant.id.into_uuid(),
            greeting: settings.greeting().to_owned(),
            unknown_text: settings.unknown_text().to_owned(),
            fallback_text: settings.fallback_text().to_owned(),
            name: settings.name,
            model: settings.model,
            system_prompt: settings.system_prompt,
            temperature: settings.temperature,
            language: settings.language.as_str(),
            version: assistant.version,
            created_at: assistant.created_at,
            updated_at: assistant.updated_at,
        }
    }
}

/// An assistant with its `ETag`.
#[derive(Debug)]
pub struct Tagged(Assistant);

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        let tag = [(header::ETAG, etag(self.0.version))];
        (tag, Json(AssistantView::from(self.0))).into_response()
    }
}

/// The `ETag` of a version.
fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("a quoted number is a header value")
}

/// A language by its code.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
pub(crate) fn known_language(code: &str, (): &()) -> garde::Result {
    code.parse::<replyx_core::assistant::Language>()
        .map(drop)
        .map_err(|_| garde::Error::new("must be `en` or `ru`"))
}
