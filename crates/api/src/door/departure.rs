//! Answers on their way out: each keeps the place of its request, and is counted in memory, until
//! it has been sent.
//!
//! The server takes parts of an answer long before the client does. So each part carries what is
//! held along, and gives it back when the last byte of it has been handed to the kernel.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body::{Frame, SizeHint};

use super::{Door, SMALL_ANSWER, busy, refused};
use crate::{
    error::ApiError,
    shares::{Place, Share, ShareRefusal},
};

/// For whom the bytes of an answer are counted, where that is not the address. Stands in the
/// extensions of answers.
#[derive(Clone, Debug)]
pub(crate) struct Payer(pub(crate) Arc<str>);

/// Stands in the extensions of an answer whose bytes are in memory whether anybody reads them or
/// not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resident;

/// Room among the answers on their way. A handler asks for it before it reads something large into
/// memory.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(super) door: Arc<Door>,
    pub(super) address: Arc<str>,
}

impl Outgoing {
    /// Counts the bytes of an answer before they are in memory. The result goes into the extensions
    /// of the answer.
    ///
    /// # Errors
    ///
    /// 429 when the caller has too much on its way, 503 when all together have.
    pub(crate) fn reserve(&self, payer: Option<&Payer>, size: u64) -> Result<Reserved, ApiError> {
        let payer = payer.map_or(&*self.address, |payer| &*payer.0);
        match Counted::take(&self.door, payer, &self.address, size) {
            Ok(counted) => Ok(Reserved(Arc::new(counted))),
            Err(full) => {
                refused("answer", full);
                Err(match full {
                    ShareRefusal::One => ApiError::TooManyRequests(Duration::from_secs(1).into()),
                    ShareRefusal::All => ApiError::Busy(Duration::from_secs(1)),
                })
            }
        }
    }
}

/// The bytes of an answer that were counted before they were read.
#[derive(Clone, Debug)]
pub(crate) struct Reserved(Arc<Counted>);

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To read: its answer may be refused.
    Read,
    /// To change something: what has been done must not be told as if it had not.
    Change,
}

/// What an answer holds.
#[derive(Debug)]
struct Hold {
    _place: Option<Place>,
    _bytes: Option<Arc<Counted>>,
}

/// The bytes of an answer: counted for its caller, and for the address that it goes to.
#[derive(Debug)]
struct Counted {
    _of_caller: Share,
    _of_address: Share,
}

impl Counted {
    fn take(door: &Door, payer: &str, address: &str, size: u64) -> Result<Self, ShareRefusal> {
        let of_address = door.outgoing_by_address.take(Some(address), size)?;
        let of_caller = door.outgoing.take(Some(payer), size)?;
        Ok(Self { _of_caller: of_caller, _of_address: of_address })
    }
}

/// Sends an answer, unless too many are being sent already.
pub(super) fn hold(
    door: &Door,
    address: &str,
    place: Option<Place>,
    purpose: Purpose,
    mut response: Response,
) -> Response {
    // A stream lives long, is made as it is read, and has bounds of its own.
    let is_stream = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
    if response.headers().get(header::CONTENT_TYPE).is_some_and(is_stream) {
        return response;
    }
    let payer = response.extensions().get::<Payer>().map(|payer| Arc::clone(&payer.0));
    let payer = payer.as_deref().unwrap_or(address);
    let size = response.body().size_hint().exact().unwrap_or_default();
    let reserved = response.extensions_mut().remove::<Reserved>();
    let bytes = if let Some(reserved) = reserved {
        Some(reserved.0)
    } else if size == 0 || response.extensions().get::<Resident>().is_some() {
        None
    } else {
        match Counted::take(door, payer, address, size) {
            Ok(counted) => Some(Arc::new(counted)),
            // One caller after another can fill what is meant for all; short answers go on.
            Err(ShareRefusal::All) if size <= SMALL_ANSWER && place.is_some() => None,
            Err(full) if purpose == Purpose::Read => {
                refused("answer", full);
                return match full {
                    ShareRefusal::One => {
                        ApiError::TooManyRequests(Duration::from_secs(1).into()).into_response()
                    }
                    ShareRefusal::All => busy(),
                };
            }
            Err(_) => None,
        }
    };
    if place.is_none() && bytes.is_none() {
        return response;
    }
    let hold = Arc::new(Hold { _place: place, _bytes: bytes });
    response.map(|body| Body::new(HeldBody { body, hold }))
}

struct HeldBody {
    body: Body,
    hold: Arc<Hold>,
}

/// A part of an answer, with what is held for all of it.
struct Part {
    bytes: Bytes,
    _hold: Arc<Hold>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(context));
        let carry = |bytes: Bytes| Bytes::from_owner(Part { bytes, _hold: Arc::clone(&self.hold) });
        Poll::Ready(polled.map(|frame| frame.map(|frame| frame.map_data(carry))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::{address::ClientAddress, shares::Shares, state::ApiSettings};

    fn answer(size: usize) -> Response {
        let mut response = Response::new(Body::from(vec![b'x'; size]));
        response.extensions_mut().insert(Payer("viewer".into()));
        response
    }

    #[tokio::test]
    async fn an_answer_counts_until_its_last_byte_is_gone() {
        let door = Door::new(&ApiSettings::default());
        let place = door.places.take(ClientAddress::default()).unwrap();
        let mut body = hold(&door, "a", Some(place), Purpose::Read, answer(1000)).into_body();
        assert_eq!((door.places.held(), door.outgoing.held()), (1, 1000));
        let part = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let part = part.unwrap().unwrap().into_data().unwrap();
        drop(body);
        assert_eq!((door.places.held(), door.outgoing.held()), (1, 1000), "it is not sent yet");
        drop(part);
        assert_eq!((door.places.held(), door.outgoing.held()), (0, 0));
    }

    #[tokio::test]
    async fn who_reads_nothing_gets_no_more_than_a_bound_and_others_do() {
        let door = Door::new(&ApiSettings::default());
        let mut unread = Vec::new();
        let mut refused = 0;
        for _ in 0..150 {
            let response = hold(&door, "a", None, Purpose::Read, answer(1 << 20));
            if response.status() == 429 {
                refused += 1;
            } else {
                unread.push(response);
            }
        }
        assert_eq!((unread.len(), refused), (16, 134));
        assert_eq!(door.outgoing.held(), 16 << 20);
        let mut other = answer(1 << 20);
        other.extensions_mut().insert(Payer("other".into()));
        assert_eq!(hold(&door, "a", None, Purpose::Read, other).status(), 200);
        // It has been done, so the result is sent even to a slow reader.
        assert_eq!(hold(&door, "a", None, Purpose::Change, answer(1 << 20)).status(), 200);
    }

    #[tokio::test]
    async fn many_callers_at_one_address_cannot_fill_what_is_meant_for_all() {
        let door = Door::new(&ApiSettings::default());
        let mut unread = Vec::new();
        for caller in 0..100 {
            let mut response = answer(8 << 20);
            response.extensions_mut().insert(Payer(format!("key {caller}").into()));
            let response = hold(&door, "a", None, Purpose::Read, response);
            if response.status() == 200 {
                unread.push(response);
            }
        }
        assert_eq!(door.outgoing.held(), 64 << 20);
        assert_eq!(hold(&door, "b", None, Purpose::Read, answer(8 << 20)).status(), 200);
    }

    #[tokio::test]
    async fn all_callers_together_get_no_more_than_a_bound() {
        let door = Door::new(&ApiSettings::default());
        let mut unread = Vec::new();
        for caller in 0..40 {
            let mut response = answer(16 << 20);
            response.extensions_mut().insert(Payer(format!("key {caller}").into()));
            let address = format!("10.0.0.{caller}");
            let response = hold(&door, &address, None, Purpose::Read, response);
            if response.status() == 200 {
                unread.push(response);
            }
        }
        assert_eq!((unread.len(), door.outgoing.held()), (16, 256 << 20));
    }

    #[tokio::test]
    async fn a_short_answer_with_a_place_is_sent_even_when_all_is_full() {
        let full = Shares::new(10, 10);
        let _held = full.take(Some("other"), 10).unwrap();
        let door = Door { outgoing: full, ..Door::new(&ApiSettings::default()) };
        let small = usize::try_from(SMALL_ANSWER).unwrap();
        let sent = |size| {
            let place = door.places.take(ClientAddress::default()).unwrap();
            hold(&door, "a", Some(place), Purpose::Read, answer(size)).status()
        };
        assert_eq!(sent(small), 200);
        assert_eq!(sent(small + 1), 503);
        assert_eq!(hold(&door, "a", None, Purpose::Read, answer(1)).status(), 503);
    }

    #[tokio::test]
    async fn a_stream_holds_no_place() {
        let door = Door::new(&ApiSettings::default());
        let place = door.places.take(ClientAddress::default()).unwrap();
        let kind = [(header::CONTENT_TYPE, "text/event-stream")];
        let response = (kind, Body::from("data: x\n\n")).into_response();
        let _response = hold(&door, "a", Some(place), Purpose::Read, response);
        assert_eq!(door.places.held(), 0);
    }

    #[tokio::test]
    async fn what_is_reserved_before_it_is_read_is_counted_once_and_refused_beyond_the_bound() {
        let door = Arc::new(Door::new(&ApiSettings::default()));
        let outgoing = Outgoing { door: Arc::clone(&door), address: "192.0.2.1".into() };
        let payer = Payer("viewer".into());
        let size = 10 * 1024 * 1024;
        let reserved = outgoing.reserve(Some(&payer), size).unwrap();
        assert_eq!(door.outgoing.held(), size);

        let second = outgoing.reserve(Some(&payer), size);
        assert!(matches!(second, Err(ApiError::TooManyRequests(_))), "{second:?}");
        assert_eq!(door.outgoing.held(), size, "the refused one holds nothing");

        let mut response = Response::new(Body::from(vec![0; 100]));
        response.extensions_mut().insert(payer);
        response.extensions_mut().insert(reserved);
        let held = hold(&door, "192.0.2.1", None, Purpose::Read, response);
        assert_eq!(door.outgoing.held(), size, "counted once");
        drop(held);
        assert_eq!(door.outgoing.held(), 0);
    }
}
