//! `POST /api/v1/events/ticket`

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    caller::{Authorized, EventsRead},
    location::Location,
    state::AppState,
    streams::ticket,
};

/// A ticket, and until when it may be used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventTicket)]
pub struct Response {
    /// Goes into `GET events?ticket=`. It opens one stream.
    #[schema(example = "q5Fh0aUQ3JcYvGxV7o1uRkD2nWb8sTz4")]
    ticket: String,
    /// When it expires, a minute from now.
    expires_at: DateTime<Utc>,
}

/// Creates a ticket that opens one event stream within a minute, for clients that cannot set
/// headers.
///
/// The stream has your access in the current workspace, and ends when your session, token or key
/// does.
#[utoipa::path(
    post, path = "/events/ticket", operation_id = "create_event_ticket", tag = "events",
    responses((status = 201, description = "the ticket", body = Response))
)]
#[tracing::instrument(name = "api.events.ticket", skip_all)]
pub async fn create(
    state: State<AppState>,
    caller: Authorized<EventsRead>,
) -> (StatusCode, Location, Json<Response>) {
    let (ticket, expires_at) = ticket::make(&state, &caller, caller.pass());
    // Where it is used; the ticket itself goes into no header, which logs might keep.
    let location = Location("/api/v1/events".to_owned());
    (StatusCode::CREATED, location, Json(Response { ticket, expires_at }))
}
