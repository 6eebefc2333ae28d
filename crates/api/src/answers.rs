//! Answers written by people. Each is a document of its own kind: found by search like any
//! other, and shown here alone.

pub mod create;
pub mod delete;
pub mod import;
pub mod list;
pub mod read;
pub mod update;

use chrono::{DateTime, Utc};
use replyx_assistants::answers::{Pair, is_telling};
use replyx_core::knowledge::{Document, DocumentStatus};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::tagged::{Edition, Tagged};

/// A question and its answer, as clients see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairView {
    id: Uuid,
    #[schema(example = "Are you open on Sundays?")]
    question: String,
    #[schema(example = "Yes, from 10 to 16.")]
    answer: String,
    /// `queued`, `extracting`, `chunking`, `embedding`, `ready` or `failed`.
    #[schema(example = "ready")]
    status: DocumentStatus,
    /// Why it failed.
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl PairView {
    fn of(document: Document, pair: Pair) -> Self {
        Self {
            id: document.id.into_uuid(),
            question: pair.question,
            answer: pair.answer,
            status: document.status,
            error: document.error,
            created_at: document.created_at,
            updated_at: document.updated_at,
        }
    }
}

/// A pair with its `ETag`. Its editions differ in what people wrote.
fn tagged(document: Document, pair: Pair) -> Tagged<PairView> {
    Tagged::new(edition(&pair), PairView::of(document, pair))
}

fn edition(pair: &Pair) -> Edition {
    Edition::of(pair)
}

/// A text that says something.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
fn telling(text: &str, (): &()) -> garde::Result {
    if is_telling(text) { Ok(()) } else { Err(garde::Error::new("must hold a letter or a digit")) }
}
