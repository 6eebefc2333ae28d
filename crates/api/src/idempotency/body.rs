//! The request as a whole, and its hash.

use std::sync::LazyLock;

use axum::{
    body::Body,
    extract::{DefaultBodyLimit, FromRequest, MatchedPath, Request},
    http::{Extensions, HeaderMap, HeaderValue, header},
};
use bytes::Bytes;
use replyx_core::ids::WorkspaceId;
use replyx_live::{Seat, Seats};
use sha2::{Digest, Sha256};

use crate::{
    bulk,
    error::{ApiError, ApiResult},
    identity::Identity,
    input::{JSON_LIMIT, announced, whole},
    state::AppState,
};

/// How many uploads with keys are worked on at once; more wait once their bodies have been read.
const AT_ONCE: usize = 8;

/// Workspaces take turns: many uploads of one do not keep another's waiting.
static ROOM: LazyLock<Seats<Option<WorkspaceId>>> = LazyLock::new(|| Seats::new(AT_ONCE, AT_ONCE));

/// A place among the uploads; given back when the request is done.
type Room = Option<Seat<Option<WorkspaceId>>>;

/// Reads a request as a whole, and no more of it than its handler would.
///
/// # Errors
///
/// 413 for a body that is too large, 400 for one that breaks off.
pub(super) async fn read(state: &AppState, request: Request) -> ApiResult<(Request, String, Room)> {
    let (parts, body) = request.into_parts();
    let matched = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let ends_with = |end| matched.is_some_and(|path| path.ends_with(end));
    let is_form = ends_with(bulk::UPLOAD_PATH) || ends_with(bulk::ATTACHMENT_PATH);
    let is_table = ends_with(bulk::IMPORT_PATH);
    let is_upload = is_form || is_table;
    let limit = if is_upload { state.settings.upload_limit } else { JSON_LIMIT };
    let most = if is_form { bulk::longest_form(limit) } else { limit };
    if announced(&parts.headers).is_some_and(|length| length > most as u64) {
        return Err(ApiError::TooLarge(limit));
    }
    let mut bounded = Request::from_parts(parts.clone(), body);
    DefaultBodyLimit::max(most).apply(&mut bounded);
    let body = whole(Bytes::from_request(bounded, state).await, limit)?;
    // Not before: who sends slowly would keep others waiting. What is in memory until then the door
    // counts.
    let room = if is_upload { Some(ROOM.take(workspace(&parts.extensions)).await) } else { None };
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let head = format!("{} {target}", parts.method);
    let headers = parts.headers.clone();
    let bytes = body.clone();
    let hash = if body.len() > JSON_LIMIT {
        tokio::task::spawn_blocking(move || hash(&head, &headers, &bytes)).await?
    } else {
        hash(&head, &headers, &bytes)
    };
    Ok((Request::from_parts(parts, Body::from(body)), hash, room))
}

/// The workspace for which a request is made.
pub(super) fn workspace(extensions: &Extensions) -> Option<WorkspaceId> {
    let Some(Identity::Known(access)) = extensions.get::<Identity>() else { return None };
    access.place.as_ref().map(|place| place.workspace.id)
}

/// SHA-256 over all that makes a request what it is, lower-case hexadecimal.
fn hash(head: &str, headers: &HeaderMap, body: &Bytes) -> String {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let boundary = boundary(kind);
    // With the lengths before them, the parts cannot run into each other.
    let mut hash = Sha256::new();
    hash.update(format!("{}:{head}", head.len()));
    match &boundary {
        None => {
            hash.update(format!("{}:", kind.len()));
            hash.update(kind);
            hash.update(body);
        }
        // Clients choose a new boundary for every attempt to send the same form.
        Some(boundary) => {
            hash.update("form:");
            for line in body.split_inclusive(|byte| *byte == b'\n') {
                let rest = line
                    .strip_prefix(b"--")
                    .and_then(|line| line.strip_prefix(boundary.as_bytes()));
                match rest {
                    Some(rest) => {
                        hash.update(b"--");
                        hash.update(rest);
                    }
                    None => hash.update(line),
                }
            }
        }
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What stands between the fields of a form.
fn boundary(kind: &[u8]) -> Option<String> {
    let kind = std::str::from_utf8(kind).ok()?;
    let (kind, parameters) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let (name, value) = parameters.trim().split_once('=')?;
    let value = value.trim().trim_matches('"');
    let plain = name.trim().eq_ignore_ascii_case("boundary") && !value.contains([';', '"']);
    (plain && !value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use replyx_core::clock::Clock;

    use super::*;
    use crate::fair_places;

    fn of(head: &str, kind: &str, body: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        hash(head, &headers, &Bytes::from(body.to_owned()))
    }

    #[test]
    fn whatever_differs_shows() {
        let json = "application/json";
        let mut hashes = vec![
            of("POST /a", json, "{}"),
            of("POST /a?b", json, "{}"),
            of("POST /a", json, "{ }"),
            of("POST /a", "text/plain", "{}"),
            of("POST /a", "application/json{", "}"),
            of("POST /", "aapplication/json", "{}"),
        ];
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 6);
    }

    #[test]
    fn a_form_is_the_same_whatever_stands_between_its_fields() {
        let form = |boundary: &str, text: &str| {
            let kind = format!("multipart/form-data; boundary={boundary}");
            of(
                "POST /a",
                &kind,
                &format!("--{boundary}\r\nA: b\r\n\r\n{text}\r\n--{boundary}--\r\n"),
            )
        };
        assert_eq!(form("x", "text"), form("7-y", "text"));
        assert_ne!(form("x", "text"), form("x", "texts"));
        assert_ne!(form("x", "--"), form("x", "--\n"));
        assert_eq!(boundary(b"multipart/form-data; boundary=\"a b\"").as_deref(), Some("a b"));
        for none in [
            "multipart/form-data",
            "application/json; boundary=x",
            "multipart/form-data; boundary=",
        ] {
            assert_eq!(boundary(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn the_bodies_of_one_workspace_do_not_keep_anothers_waiting() {
        let workspace = || Some(Clock::system().id());
        fair_places::are_taken_in_turns(&ROOM, [workspace(), workspace()]);
    }
}
