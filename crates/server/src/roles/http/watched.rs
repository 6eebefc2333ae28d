//! A connection that ends when its client does not do its part in time.
//!
//! Between two requests, and while the head of one comes, it is the client's turn to send:
//! [`Watched::poll_read`] has a deadline. While a request is worked on it is ours; how fast its
//! body must come is the API's matter. Whenever there is something to send it is the client's turn
//! to take it: [`Watched::poll_write`] has a deadline, which moves only when a good part has been
//! taken, so that a client cannot stay by taking a byte now and then.

use std::{
    io::{Error, ErrorKind, IoSlice, Result},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::task::AtomicWaker;
use replyx_api::{Bounds, bounds::SLOWEST};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

/// How much of what a client still sends after the end is read and thrown away, bytes.
const REST: usize = 256 * 1024;
/// For how long.
const LINGER: Duration = Duration::from_secs(2);

/// Whose turn it is: the number of requests that have begun, and of those that are done.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    done: AtomicU64,
    /// Who reads the connection: when a request is done, the time for the next one begins.
    reader: AtomicWaker,
}

impl Turn {
    /// A request has come; it is ours until the guard is dropped.
    pub(super) fn begin(&self) -> Phase {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Phase(self.clone())
    }

    fn is_ours(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed) > self.0.done.load(Ordering::Relaxed)
    }

    fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }
}

/// A request that is being worked on.
#[derive(Debug)]
pub(super) struct Phase(Turn);

impl Drop for Phase {
    fn drop(&mut self) {
        self.0.0.done.fetch_add(1, Ordering::Relaxed);
        self.0.0.reader.wake();
    }
}

/// Until when a client must have done its part.
#[derive(Debug, Default)]
struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    fn set(&mut self, at: Instant) {
        match &mut self.0 {
            Some(timer) => timer.as_mut().reset(at),
            None => self.0 = Some(Box::pin(sleep_until(at))),
        }
    }

    fn is_past(&mut self, context: &mut Context<'_>) -> bool {
        self.0.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready())
    }
}

/// What the client is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// The first byte of a request, after so many are done.
    Idle(u64),
    /// The rest of its head.
    Head(u64),
    /// Nothing: it is our turn.
    Ours,
}

/// The connection. It must be polled in the task of its requests, as hyper does.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    turn: Turn,
    head: Duration,
    idle: Duration,
    unread: Duration,
    waiting: Waiting,
    asked: Deadline,
    /// What has been taken since the deadline was set.
    taken: u64,
    blocked: Option<Deadline>,
    rest: Option<Rest>,
}

/// The end of a connection: what still comes is thrown away, so that our last words are not lost.
#[derive(Debug)]
struct Rest {
    left: usize,
    until: Deadline,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, turn: Turn, bounds: &Bounds) -> Self {
        let mut asked = Deadline::default();
        asked.set(Instant::now() + bounds.head);
        Self {
            stream,
            turn,
            head: bounds.head,
            idle: bounds.idle,
            unread: bounds.unread,
            // A connection is opened to ask.
            waiting: Waiting::Head(0),
            asked,
            taken: 0,
            blocked: None,
            rest: None,
        }
    }

    /// Follows whose turn it is.
    fn look(&mut self) {
        if self.turn.is_ours() {
            self.waiting = Waiting::Ours;
            return;
        }
        let done = self.turn.done();
        match self.waiting {
            Waiting::Idle(before) | Waiting::Head(before) if before == done => {}
            _ => {
                self.waiting = Waiting::Idle(done);
                self.asked.set(Instant::now() + self.idle);
            }
        }
    }

    /// A client that has taken nothing, or next to nothing, for so long has gone, whatever its end
    /// of the connection says.
    fn written(
        &mut self,
        polled: Poll<Result<usize>>,
        offered: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<usize>> {
        match polled {
            Poll::Ready(Ok(length)) => {
                self.taken = self.taken.saturating_add(length as u64);
                let enough = SLOWEST.saturating_mul(self.unread.as_secs().max(1));
                if length == offered || self.taken >= enough {
                    self.blocked = None;
                    self.taken = 0;
                }
                Poll::Ready(Ok(length))
            }
            Poll::Pending => {
                let unread = self.unread;
                let blocked = self.blocked.get_or_insert_with(|| {
                    let mut deadline = Deadline::default();
                    deadline.set(Instant::now() + unread);
                    deadline
                });
                if blocked.is_past(context) {
                    metrics::counter!("slow_readers_total").increment(1);
                    return Poll::Ready(Err(Error::new(
                        ErrorKind::TimedOut,
                        "the client does not read",
                    )));
                }
                Poll::Pending
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.look();
        let came = buffer.filled().len() > before;
        if let (Waiting::Idle(done), true) = (this.waiting, came) {
            this.waiting = Waiting::Head(done);
            this.asked.set(Instant::now() + this.head);
        }
        if polled.is_pending() {
            this.turn.0.reader.register(context.waker());
        }
        if this.waiting != Waiting::Ours && polled.is_pending() && this.asked.is_past(context) {
            metrics::counter!("slow_heads_total").increment(1);
            return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client does not ask")));
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(polled, bytes.len(), context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let offered = parts.iter().map(|part| part.len()).sum();
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.written(polled, offered, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Says that nothing more comes, and reads on for a moment: a connection that is closed while
    /// bytes wait to be read is reset, and the client might lose an answer that it has not read
    /// yet.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        if this.rest.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            let mut until = Deadline::default();
            until.set(Instant::now() + LINGER);
            this.rest = Some(Rest { left: REST, until });
        }
        let Some(rest) = &mut this.rest else { return Poll::Ready(Ok(())) };
        let mut space = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut this.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && rest.left > 0 => {
                    rest.left = rest.left.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if rest.until.is_past(context) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
