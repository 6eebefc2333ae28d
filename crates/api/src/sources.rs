//! Web pages that assistants learn from.

pub mod create;
pub mod delete;
pub mod fetch;
pub mod list;
pub mod read;
pub mod update;

use chrono::{DateTime, Utc};
use replyx_core::knowledge::{Source, SourceKind, SourceStatus};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::tagged::{Edition, Tagged};

/// A source, as clients see one. Its pages are documents with its `source_id`.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceView {
    id: Uuid,
    assistant_id: Uuid,
    /// How its pages are found: `page`, `site` or `sitemap`.
    #[schema(example = "site")]
    kind: SourceKind,
    /// Its start address.
    #[schema(example = "https://example.org/help/")]
    url: String,
    /// How many links away from there.
    #[schema(example = 2)]
    depth: i64,
    /// How many pages at most.
    #[schema(example = 200)]
    max_pages: i64,
    /// The refresh interval, hours; `null`: it is not refreshed automatically.
    #[schema(example = 24)]
    refresh_hours: Option<i64>,
    /// `queued`, `fetching`, `ready` or `failed`.
    #[schema(example = "ready")]
    status: SourceStatus,
    /// Why it failed.
    error: Option<String>,
    /// How many pages it has.
    #[schema(example = 42)]
    pages: i64,
    /// How large they are, bytes.
    #[schema(example = 1_048_576)]
    bytes: i64,
    /// When it was last fetched to its end.
    fetched_at: Option<DateTime<Utc>>,
    /// When it is due again.
    next_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Source> for SourceView {
    fn from(source: Source) -> Self {
        Self {
            id: source.id.into_uuid(),
            assistant_id: source.assistant_id.into_uuid(),
            kind: source.kind,
            url: source.url,
            depth: source.depth,
            max_pages: source.max_pages,
            refresh_hours: source.every_hours,
            status: source.status,
            error: source.error,
            pages: source.pages,
            bytes: source.bytes,
            fetched_at: source.fetched_at,
            next_at: source.next_at,
            created_at: source.created_at,
            updated_at: source.updated_at,
        }
    }
}

/// The edition of a source: what people may change of it. How far its fetching is does not matter.
fn edition(source: &Source) -> Edition {
    Edition::of(&(source.depth, source.max_pages, source.every_hours))
}

/// A source with its `ETag`.
fn tagged(source: Source) -> Tagged<SourceView> {
    Tagged::new(edition(&source), source.into())
}
