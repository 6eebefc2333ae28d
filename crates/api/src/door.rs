//! The door: how many requests at once, how long each, how fast bodies come, and how much waits to
//! be sent.
//!
//! Every request but those of monitors passes [`bounded`]:
//!
//! 1. It takes a place, among all and among those of its address. Webhooks have places of their
//!    own, so that neither keeps the other out; their senders are checked before anything of a body
//!    is read.
//! 2. [`arrival`]: its body is counted in memory as it comes and until the request is done, and
//!    given up when it comes too slowly.
//! 3. It has [`LONGEST`](crate::limits::LONGEST).
//! 4. [`departure`]: its answer keeps the place and is counted in memory until the last byte of it
//!    has been sent.

mod arrival;
mod departure;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

pub(crate) use arrival::Arrival;
use arrival::Pace;
use departure::Purpose;
pub(crate) use departure::{Outgoing, Payer, Resident};

use crate::{
    address::ClientAddress,
    bounds::Bounds,
    bulk,
    error::ApiError,
    limits::LONGEST,
    shares::{Place, Places, ShareRefusal, Shares},
    state::ApiSettings,
};

/// What monitors ask. They must see how a server is that has no place for anybody.
const MONITORS: [&str; 4] = ["/health", "/health/live", "/health/ready", "/metrics"];
/// Webhooks are sent by POST below this path. Whatever else asks there takes an ordinary place.
const HOOKS: &str = replyx_fleet::hooks::PATH;

const MIB: u64 = 1024 * 1024;
/// Bodies in memory beside uploads, in all and of one address.
const OTHER_BODIES: (u64, u64) = (64 * MIB, 16 * MIB);
/// How many of the largest uploads may be in memory at once, in all and of one address: a form with
/// an `Idempotency-Key` is read as a whole and may be as large as five.
const UPLOADS: (u64, u64) = (16, 5);
/// How long a body waits until others leave room for it.
const ROOM: Duration = Duration::from_secs(10);
/// Answers on their way, in all and to one caller.
const ANSWERS: (u64, u64) = (256 * MIB, 16 * MIB);
/// Answers on their way to one address, no matter who calls from there: one caller may have many
/// keys.
const ANSWERS_PER_ADDRESS: u64 = 64 * MIB;
/// An answer of at most this size is sent even when [`ANSWERS`] are on their way, bytes. The places
/// bound how many.
const SMALL_ANSWER: u64 = 64 * 1024;

/// The bounds of a process and what is held of them.
#[derive(Debug)]
pub(crate) struct Door {
    bounds: Bounds,
    places: Places,
    hooks: Places,
    incoming: Shares,
    outgoing: Shares,
    /// The same bytes as in `outgoing`, by address.
    outgoing_by_address: Shares,
    /// So much of one body without an `Idempotency-Key` is counted at most: of several files in one
    /// form no more than two are in memory at once.
    largest_body: u64,
    /// How long a body waits until others leave room for it.
    patience: Duration,
}

/// Which places a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    /// None.
    Monitor,
    /// Those of webhooks.
    Hook,
    /// Those of everything else.
    Rest,
}

impl Zone {
    fn of(method: &Method, path: &str) -> Self {
        if MONITORS.contains(&path) {
            Self::Monitor
        } else if method == Method::POST && path.starts_with(HOOKS) {
            Self::Hook
        } else {
            Self::Rest
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Hook => "hook",
            Self::Rest => "request",
        }
    }
}

impl Door {
    /// A door that nobody has passed yet.
    pub(crate) fn new(settings: &ApiSettings) -> Self {
        let bounds = settings.bounds.clone();
        let upload = settings.upload_limit.saturating_add(bulk::ENVELOPE) as u64;
        let uploads = |count: u64, others: u64| upload.saturating_mul(count).saturating_add(others);
        Self {
            places: Places::new(bounds.requests, bounds.requests_per_address),
            hooks: Places::new(bounds.requests, bounds.requests),
            incoming: Shares::new(
                uploads(UPLOADS.0, OTHER_BODIES.0),
                uploads(UPLOADS.1, OTHER_BODIES.1),
            ),
            outgoing: Shares::new(ANSWERS.0, ANSWERS.1),
            outgoing_by_address: Shares::new(u64::MAX, ANSWERS_PER_ADDRESS),
            largest_body: upload.saturating_mul(2),
            patience: ROOM,
            bounds,
        }
    }

    fn place(&self, zone: Zone, address: ClientAddress) -> Result<Option<Place>, ShareRefusal> {
        match zone {
            Zone::Monitor => Ok(None),
            // Telegram sends everything from a few addresses.
            Zone::Hook => self.hooks.take_for_nobody().map(Some),
            Zone::Rest => self.places.take(address).map(Some),
        }
    }
}

/// Refuses a request when there is no place for it, and ends one that takes too long.
pub(crate) async fn bounded(door: State<Arc<Door>>, request: Request, next: Next) -> Response {
    let State(door) = door;
    let zone = Zone::of(request.method(), request.uri().path());
    let address = request.extensions().get::<ClientAddress>().copied().unwrap_or_default();
    let whose = address.key();
    let place = match door.place(zone, address) {
        Ok(place) => place,
        Err(full) => {
            refused(zone.as_str(), full);
            return busy();
        }
    };

    let purpose = if request.method().is_safe() { Purpose::Read } else { Purpose::Change };
    let outgoing = Outgoing { door: Arc::clone(&door), address: whose.as_str().into() };
    let mut request = request;
    request.extensions_mut().insert(outgoing);
    let (request, arrival) = arrival::watch(&door, Pace::of(zone, &door.bounds), &whose, request);
    let response = timeout(LONGEST, next.run(request)).await.unwrap_or_else(|_| busy());
    let response = match arrival {
        Some(arrival) => arrival.judge(response),
        None => response,
    };
    departure::hold(&door, &whose, place, purpose, response)
}

fn busy() -> Response {
    ApiError::Busy(Duration::from_secs(1)).into_response()
}

/// Counts what was refused for want of room.
fn refused(what: &'static str, full: ShareRefusal) {
    let bound = match full {
        ShareRefusal::All => "all",
        ShareRefusal::One => "one",
    };
    metrics::counter!("refused_for_room_total", "what" => what, "bound" => bound).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_of_telegram_takes_a_place_of_webhooks() {
        for (method, path, zone) in [
            (Method::POST, "/hooks/telegram/0123abcd", Zone::Hook),
            (Method::GET, "/hooks/telegram/0123abcd", Zone::Rest),
            (Method::HEAD, "/hooks/telegram/0123abcd", Zone::Rest),
            (Method::POST, "/hooks/x", Zone::Rest),
            (Method::GET, "/hooks/x", Zone::Rest),
            (Method::POST, "/api/v1/auth/login", Zone::Rest),
            (Method::GET, "/health", Zone::Monitor),
        ] {
            assert_eq!(Zone::of(&method, path), zone, "{method} {path}");
        }
    }
}
