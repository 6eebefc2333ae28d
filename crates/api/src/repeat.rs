//! Requests that the database undid for the sake of another one (a deadlock, a conflict, a locked
//! file) are done again.
//!
//! Nothing of such a request has lasted, so its handler simply runs once more: three times, after a
//! short wait that is different for each. A request that has committed a transaction is not
//! repeated, nor one that has paid a model before it failed ([`PAID`]), nor one whose body was not
//! read as a whole or is large. What cannot be repeated here is answered with 503 and
//! `Retry-After`, and the client decides.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use axum::{
    body::{Body, HttpBody},
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use replyx_core::retry::Retry;
use replyx_storage::{wait_after_undone, watched};
use tokio::time::sleep;

use crate::{
    error::Undone,
    input::{JSON_LIMIT, announced},
};

/// The ends of paths where a model is asked before the transaction: it would be paid twice.
const PAID: [&str; 2] = ["/preview", "/search"];

/// Does a request again that the database undid.
pub(crate) async fn undone(request: Request, next: Next) -> Response {
    if !may_be_repeated(&request) {
        return next.run(request).await;
    }

    let (parts, body) = request.into_parts();
    let kept = Kept::default();
    let mut request = Request::from_parts(parts.clone(), kept.follow(body));
    let mut failed = 0;
    loop {
        let (response, committed) = watched(next.clone().run(request)).await;
        let is_undone = response.extensions().get::<Undone>() == Some(&Undone::Yes);
        if !is_undone || committed {
            return response;
        }

        failed += 1;

        let (Retry::After(wait), Some(body)) =
            (wait_after_undone(failed), kept.whole(announced(&parts.headers)))
        else {
            return response;
        };

        metrics::counter!("requests_repeated_total").increment(1);
        sleep(wait).await;
        request = Request::from_parts(parts.clone(), Body::from(body));
    }
}

fn may_be_repeated(request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    !reads && path.is_some_and(|path| !PAID.iter().any(|end| path.ends_with(end)))
}

/// The body of a request, noted while its handler reads it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Record>>);

#[derive(Default)]
struct Record {
    chunks: Vec<Bytes>,
    length: usize,
    /// It was read to its end.
    ended: bool,
    /// It is larger than is kept, or broke off.
    lost: bool,
}

impl Kept {
    /// The body as before, noted as it goes by.
    fn follow(&self, body: Body) -> Body {
        if body.size_hint().exact() == Some(0) {
            self.end();
        }
        let noted = self.clone();
        let ended = self.clone();
        let chunks = body.into_data_stream().inspect(move |chunk| noted.note(chunk.as_ref().ok()));
        let end = stream::poll_fn(move |_| {
            ended.end();
            Poll::Ready(None)
        });
        Body::from_stream(chunks.chain(end))
    }

    fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    }

    fn note(&self, chunk: Option<&Bytes>) {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = chunk.is_some_and(|chunk| record.length + chunk.len() <= JSON_LIMIT);
        match chunk {
            Some(chunk) if fits && !record.lost => {
                record.length += chunk.len();
                record.chunks.push(chunk.clone());
            }
            _ => {
                record.lost = true;
                record.chunks.clear();
            }
        }
    }

    /// The whole body, if all of it has gone by.
    fn whole(&self, announced: Option<u64>) -> Option<Bytes> {
        let record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = record.ended || announced == u64::try_from(record.length).ok();
        if record.lost || !all {
            return None;
        }
        let mut whole = BytesMut::with_capacity(record.length);
        for chunk in &record.chunks {
            whole.extend_from_slice(chunk);
        }
        Some(whole.freeze())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn read(kept: &Kept, body: Body) -> Bytes {
        to_bytes(kept.follow(body), usize::MAX).await.unwrap()
    }

    #[tokio::test]
    async fn a_body_that_was_read_can_be_read_again() {
        let kept = Kept::default();
        assert_eq!(read(&kept, Body::from("words")).await, "words");
        assert_eq!(kept.whole(None).unwrap(), "words");
        assert_eq!(kept.whole(Some(5)).unwrap(), "words");
    }

    #[tokio::test]
    async fn what_was_not_read_to_its_end_is_not_sent_in_part() {
        let kept = Kept::default();
        let chunks =
            stream::iter(["a", "b"].map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk))));
        let mut body = kept.follow(Body::from_stream(chunks)).into_data_stream();
        assert_eq!(body.next().await.unwrap().unwrap(), "a");
        assert_eq!(kept.whole(None), None);
        assert_eq!(kept.whole(Some(2)), None);
        assert_eq!(body.next().await.unwrap().unwrap(), "b");
        assert_eq!(kept.whole(Some(2)).unwrap(), "ab");
    }

    #[tokio::test]
    async fn a_large_body_is_not_kept() {
        let kept = Kept::default();
        read(&kept, Body::from(vec![b'x'; JSON_LIMIT + 1])).await;
        assert_eq!(kept.whole(None), None);
    }
}
