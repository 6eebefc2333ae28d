//! The body of somebody's request, as long as they may send it.
//!
//! A body may take a minute to arrive. A caller who loses access in that time must not have the
//! request done, and not be given the stored answer to an earlier one: with every piece of the
//! body, and at its end, the access is looked at again.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use futures::{StreamExt, stream};
use replyx_core::session::Access;

use super::Pass;
use crate::{access::Freshness, error::ApiError, state::AppState};

/// Why the rest of a body was not taken, if it was not.
pub(super) type Lost = Arc<OnceLock<ApiError>>;

/// The rest of a body.
struct Rest {
    pieces: axum::body::BodyDataStream,
    state: AppState,
    before: Arc<Access>,
    pass: Pass,
    lost: Lost,
}

/// A body that ends with an error once its sender's access is less than it was.
pub(super) fn guarded(
    state: AppState,
    before: Arc<Access>,
    pass: Pass,
    body: Body,
) -> (Body, Lost) {
    let lost = Lost::default();
    let pieces = body.into_data_stream();
    let rest = Rest { pieces, state, before, pass, lost: Arc::clone(&lost) };
    let guarded = stream::unfold(Some(rest), |rest| async {
        let mut rest = rest?;
        let piece = rest.pieces.next().await;
        if let Err(error) = rest.still_may().await {
            let _ = rest.lost.set(error);
            return Some((Err("the access of the sender has ended".into()), None));
        }
        let piece: Result<Bytes, axum::BoxError> = piece?.map_err(Into::into);
        Some((piece, Some(rest)))
    });
    (Body::from_stream(guarded), lost)
}

impl Rest {
    async fn still_may(&mut self) -> Result<(), ApiError> {
        still_may(&self.state, &self.before, &self.pass).await
    }
}

/// Looks again whether somebody may do all that they might before.
///
/// # Errors
///
/// 401 when they have no access any more, 403 when they have less.
pub(super) async fn still_may(
    state: &AppState,
    before: &Access,
    pass: &Pass,
) -> Result<(), ApiError> {
    let now = state.clock().now();
    let seen = state.accesses.look(state.db(), &pass.credential, now, Freshness::Lately).await?;
    let seen = seen.ok_or(ApiError::Unauthenticated)?;
    if seen.access.covers(before) { Ok(()) } else { Err(ApiError::Forbidden) }
}
