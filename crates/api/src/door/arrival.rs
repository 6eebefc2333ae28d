//! Bodies of requests on their way in: counted in memory as they come, and given up when they come
//! too slowly.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Door, Zone, refused};
use crate::{
    bounds::{Bounds, HOOK, SLOWEST},
    bulk,
    error::ApiError,
    limits::LONGEST,
    shares::{Share, ShareRefusal},
};

/// What became of a body, unless nothing was wrong with it.
const SLOW: u8 = 1;
const FULL: u8 = 2;

/// How a body came, and the room for it. What was read of it is in memory until its request is
/// done, so the room is held until the last clone is dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrival(Arc<Came>);

#[derive(Debug, Default)]
struct Came {
    fate: AtomicU8,
    /// None while more room is awaited, and when the body was given up.
    room: Mutex<Option<Share>>,
}

impl Arrival {
    fn room(&self) -> MutexGuard<'_, Option<Share>> {
        self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self) -> u8 {
        self.0.fate.load(Ordering::Relaxed)
    }

    /// Says what was wrong with the body where the handler could only say that it broke off.
    pub(super) fn judge(&self, response: Response) -> Response {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return response;
        }
        let mut response = match self.fate() {
            SLOW => ApiError::TooSlow.into_response(),
            FULL => ApiError::Busy(Duration::from_secs(5)).into_response(),
            _ => return response,
        };
        // What still comes of the body is not wanted.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// Watches the body of a request, if it has one.
pub(super) fn watch(
    door: &Door,
    pace: Pace,
    whose: &str,
    request: Request,
) -> (Request, Option<Arrival>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    // A share of nothing is always to be had.
    let uncounted = if bulk::has_key(request.headers()) { u64::MAX } else { door.largest_body };
    let Ok(share) = door.incoming.take(Some(whose), 0) else { return (request, None) };
    let arrival = Arrival::default();
    *arrival.room() = Some(share);
    let mut request = request.map(|body| {
        Body::new(Watched {
            body,
            pace,
            begun: None,
            received: 0,
            timer: None,
            room: Room::Here,
            uncounted,
            patience: door.patience,
            arrival: arrival.clone(),
        })
    });
    request.extensions_mut().insert(arrival.clone());
    (request, Some(arrival))
}

/// How long a body may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// It may bring nothing for so long; then it must come at [`SLOWEST`].
    grace: Duration,
    /// As a whole.
    longest: Duration,
}

impl Pace {
    pub(super) fn of(zone: Zone, bounds: &Bounds) -> Self {
        match zone {
            Zone::Hook => Self { grace: HOOK, longest: HOOK },
            Zone::Monitor | Zone::Rest => Self { grace: bounds.body, longest: LONGEST },
        }
    }

    /// When a body that has brought so much must bring more.
    fn deadline(self, begun: Instant, received: u64) -> Instant {
        let earned = Duration::from_secs(received / SLOWEST);
        begun + self.grace.saturating_add(earned).min(self.longest)
    }
}

/// A part of a body, and the room for it.
type Growing = BoxFuture<'static, (Share, Result<(), ShareRefusal>)>;

enum Room {
    /// There is room for all that has come.
    Here,
    /// Others must leave some first.
    Awaited(Growing, Bytes),
    /// There is none.
    Lost,
}

struct Watched {
    body: Body,
    pace: Pace,
    /// Since when it is being read.
    begun: Option<Instant>,
    received: u64,
    timer: Option<Pin<Box<Sleep>>>,
    room: Room,
    /// How much of it may still be counted: what has been handed on and stored is in memory no
    /// more. With a key the whole of it is.
    uncounted: u64,
    /// How long it waits until others leave room for it.
    patience: Duration,
    arrival: Arrival,
}

/// Why a body was given up.
#[derive(Debug)]
struct GivenUp(&'static str);

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for GivenUp {}

type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

impl Watched {
    fn give_up(&mut self, fate: u8, why: &'static str) -> Polled {
        self.room = Room::Lost;
        self.arrival.room().take();
        self.arrival.0.fate.store(fate, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(GivenUp(why)))))
    }

    /// Finds room for a part, at once or when others have left some.
    fn admit(&mut self, bytes: Bytes) -> Option<Bytes> {
        let length = bytes.len() as u64;
        let amount = length.min(self.uncounted);
        self.uncounted -= amount;
        self.received = self.received.saturating_add(length);
        self.timer = None;
        let mut room = self.arrival.room();
        let Some(mut share) = room.take() else {
            drop(room);
            self.room = Room::Lost;
            return None;
        };

        if share.grow(amount).is_ok() {
            *room = Some(share);
            return Some(bytes);
        }

        drop(room);
        let patience = self.patience;
        let growing = async move {
            let grown = share.grow_within(amount, patience).await;
            (share, grown)
        };

        self.room = Room::Awaited(Box::pin(growing), bytes);
        None
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Polled {
        let Room::Awaited(growing, bytes) = &mut self.room else {
            return self.give_up(FULL, "there is no room for the body");
        };
        let (share, grown) = ready!(growing.as_mut().poll(context));
        let bytes = std::mem::take(bytes);
        if let Err(full) = grown {
            refused("body", full);
            return self.give_up(FULL, "there is no room for the body");
        }
        *self.arrival.room() = Some(share);
        self.room = Room::Here;
        // The client could send nothing while it waited for us.
        self.begun = None;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Polled {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        let deadline = self.pace.deadline(begun, self.received);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(timer.as_mut().poll(context));
        metrics::counter!("slow_bodies_total").increment(1);
        self.give_up(SLOW, "the body comes too slowly")
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let this = self.get_mut();
        if matches!(this.room, Room::Awaited(..)) {
            return this.poll_room(context);
        }
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(bytes) => match this.admit(bytes) {
                    Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                    None => this.poll_room(context),
                },
                Err(frame) => Poll::Ready(Some(Ok(frame))),
            },
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => this.poll_timer(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        !matches!(self.room, Room::Awaited(..)) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures::{StreamExt, stream};

    use super::*;
    use crate::{shares::Shares, state::ApiSettings};

    /// Parts that come one after another, each after so long.
    fn dripping(part: &'static [u8], every: Duration) -> Body {
        Body::from_stream(stream::repeat(part).then(move |part| async move {
            tokio::time::sleep(every).await;
            Ok::<_, std::convert::Infallible>(Bytes::from_static(part))
        }))
    }

    async fn received(pace: Pace, body: Body) -> (Duration, u8) {
        let begun = Instant::now();
        let door = Door::new(&ApiSettings::default());
        let (request, arrival) = watch(&door, pace, "a", Request::new(body));
        let read = to_bytes(request.into_body(), 1 << 30).await;
        assert!(read.is_err(), "it does not end by itself");
        assert_eq!(door.incoming.held(), 0, "what was given up holds no memory");
        (begun.elapsed(), arrival.unwrap().fate())
    }

    const SHORT: Duration = Duration::from_millis(200);
    const LONG: Duration = Duration::from_secs(2);

    #[tokio::test]
    async fn a_body_that_trickles_is_given_up_after_its_grace() {
        let pace = Pace { grace: SHORT, longest: Duration::from_hours(1) };
        let (after, fate) = received(pace, dripping(b"x", SHORT / 10)).await;
        assert!(after >= SHORT && fate == SLOW, "{after:?}");
        let silence = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let (after, fate) = received(pace, silence).await;
        assert!(after >= SHORT && fate == SLOW, "{after:?}");
    }

    #[tokio::test]
    async fn a_body_that_comes_fast_enough_has_its_whole_time() {
        let pace = Pace { grace: SHORT, longest: LONG };
        static PART: [u8; 64 * 1024] = [b'x'; 64 * 1024];
        let (after, fate) = received(pace, dripping(&PART, SHORT / 10)).await;
        assert!(after >= LONG && fate == SLOW, "{after:?}");
    }

    #[test]
    fn a_webhook_has_five_seconds_and_the_rest_as_long_as_it_brings_something() {
        let begun = Instant::now();
        let bounds = Bounds::default();
        let left = |zone, received| Pace::of(zone, &bounds).deadline(begun, received) - begun;
        assert_eq!(left(Zone::Hook, 0), HOOK);
        assert_eq!(left(Zone::Hook, 1 << 20), HOOK);
        assert_eq!(left(Zone::Rest, 0), bounds.body);
        assert_eq!(left(Zone::Rest, 10 * SLOWEST), bounds.body + Duration::from_secs(10));
        assert_eq!(left(Zone::Rest, 1 << 30), LONGEST);
    }

    #[tokio::test]
    async fn a_body_waits_for_room_and_is_given_up_when_there_is_none() {
        let incoming = Shares::new(10, 10);
        let door = Door { incoming, patience: SHORT, ..Door::new(&ApiSettings::default()) };
        let pace = Pace { grace: LONG, longest: LONG };
        let other = door.incoming.take(Some("b"), 8).unwrap();
        let waiting = |door: &Door| watch(door, pace, "a", Request::new("12345".into()));
        let (request, arrival) = waiting(&door);
        assert!(to_bytes(request.into_body(), 10).await.is_err());
        assert_eq!(arrival.unwrap().fate(), FULL);

        let door = Door { patience: Duration::from_mins(1), ..door };
        let (request, arrival) = waiting(&door);
        let reading = tokio::spawn(to_bytes(request.into_body(), 10));
        tokio::task::yield_now().await;
        drop(other);
        assert_eq!(reading.await.unwrap().unwrap(), "12345");
        let arrival = arrival.unwrap();
        assert_eq!((arrival.fate(), door.incoming.held()), (0, 5), "its request is not done");
        drop(arrival);
        assert_eq!(door.incoming.held(), 0);
    }

    #[tokio::test]
    async fn a_body_that_is_stored_as_it_comes_counts_no_more_than_what_is_in_memory() {
        let incoming = Shares::new(100, 100);
        let largest_body = 10;
        let door = Door { incoming, largest_body, ..Door::new(&ApiSettings::default()) };
        let pace = Pace { grace: LONG, longest: LONG };
        let parts = stream::iter((0..50).map(|_| Ok::<_, std::io::Error>(Bytes::from("1234"))));
        let (request, arrival) = watch(&door, pace, "a", Request::new(Body::from_stream(parts)));
        let mut body = request.into_body().into_data_stream();
        let mut received = 0;
        while let Some(part) = body.next().await {
            received += part.unwrap().len();
            assert!(door.incoming.held() <= 10, "{}", door.incoming.held());
        }
        assert_eq!((received, arrival.unwrap().fate()), (200, 0));
    }

    #[test]
    fn only_a_refusal_is_replaced_by_what_was_wrong_with_the_body() {
        let slow = Arrival::default();
        slow.0.fate.store(SLOW, Ordering::Relaxed);
        let answer = |status: u16| {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            response
        };
        assert_eq!(slow.judge(answer(400)).status(), 408);
        assert_eq!(slow.judge(answer(200)).status(), 200);
        assert_eq!(Arrival::default().judge(answer(400)).status(), 400);
    }
}
