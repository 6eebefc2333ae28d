//! The HTTP role: one listener for everything.
//!
//! A connection takes a place among all and among those of its address ([`Places`]); beyond the
//! bound it is told so and closed. [`watched`] ends connections whose client does not do its part
//! in time: send the head of a request, ask again, take the answer. An answer that does not end by
//! itself, a stream of events, leaves the HTTP server behind: see [`endless`].

use std::{convert::Infallible, future::pending, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{ConnectInfo, Request},
    response::Response,
};
use http_body::Frame;
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use ipnet::IpNet;
use replyx_api::{
    ApiSettings, Bounds, EndlessResponse,
    address::ClientAddress,
    shares::{Place, Places, ShareRefusal},
};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use watched::{Phase, Turn, Watched};

mod endless;
mod watched;

/// How long requests under way may take to finish when the process stops.
const FINISH: Duration = Duration::from_secs(5);
/// The largest head of a request, and how much of an answer waits in the server for its client,
/// bytes.
const BUFFER: usize = 64 * 1024;
/// How many lines a head may have.
const HEADERS: usize = 100;
/// After how long it is tried again to accept connections when the system refuses to.
const AGAIN: Duration = Duration::from_millis(200);
/// How many connections may wait to be accepted, where the system allows as many.
const BACKLOG: u32 = 4_096;
/// What a connection beyond the bound is told.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
    retry-after: 1\r\nconnection: close\r\ncontent-length: 123\r\n\r\n\
    {\"type\":\"/problems/busy\",\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"too many connections are open\",\"code\":\"busy\"}";

/// Listens on an address.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port that the process before this one listened on can be taken at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until stopped. There are files for `most` connections at once.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &ApiSettings,
    most: u64,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let bounds = settings.bounds.clone();
    let most = bounds.connections.min(most);
    let places = Places::new(most, bounds.connections_per_address);
    let door = Door { places, trusted: settings.trusted_proxies.clone(), bounds, router };
    let mut open = JoinSet::new();
    loop {
        // Those that have ended are forgotten.
        while open.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => match door.admit(peer) {
                Ok(place) => {
                    open.spawn(door.connection(stream, peer, place, stop.clone()));
                }
                Err(full) => refuse(&stream, full),
            },
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "not accepted");
                sleep(AGAIN).await;
            }
        }
    }
    drop(listener);
    let ended = async { while open.join_next().await.is_some() {} };
    if timeout(FINISH, ended).await.is_err() {
        tracing::warn!("requests were cut off at shutdown");
    }
    Ok(())
}

/// Tells a connection that there is no place for it, as far as that needs no waiting.
fn refuse(stream: &TcpStream, full: ShareRefusal) {
    let bound = match full {
        ShareRefusal::All => "all",
        ShareRefusal::One => "one",
    };
    metrics::counter!("refused_for_room_total", "what" => "connection", "bound" => bound)
        .increment(1);
    let _ = stream.try_write(NO_PLACE);
}

/// What every connection works with.
struct Door {
    places: Places,
    trusted: Vec<IpNet>,
    bounds: Bounds,
    router: Router,
}

impl Door {
    fn admit(&self, peer: SocketAddr) -> Result<Place, ShareRefusal> {
        let address = ClientAddress(peer.ip());
        // Behind a trusted proxy are many clients; it has its own bounds for them.
        let is_ours = self.trusted.iter().any(|net| net.contains(&peer.ip().to_canonical()));
        if is_ours { self.places.take_for_nobody() } else { self.places.take(address) }
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        place: Place,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let turn = Turn::default();
        let socket = SockRef::from(&stream);
        // The system sees a client that is gone, the wrapper one that is there and takes nothing.
        let options =
            stream.set_nodelay(true).and(socket.set_tcp_user_timeout(Some(self.bounds.unread)));
        if let Err(error) = options {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "socket options were refused");
        }
        let io = TokioIo::new(Watched::new(stream, turn.clone(), &self.bounds));
        let router = TowerToHyperService::new(self.router.clone());
        let (handed, mut endless) = mpsc::channel(1);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let busy = turn.begin();
            let handed = handed.clone();
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.call(request);
            async move {
                let response: Response = answer.await?;
                let response = response.map(|body| Answered { body, _busy: busy });
                if response.extensions().get::<EndlessResponse>().is_some() {
                    // The connection goes on without the HTTP server, which ends here. If it has
                    // ended already, so has the answer.
                    let _ = handed.try_send(response);
                    return pending().await;
                }
                Ok::<_, Infallible>(response)
            }
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            // The wrapper knows the end of a request from the beginning of the next.
            .header_read_timeout(None)
            .max_buf_size(BUFFER)
            .max_headers(HEADERS)
            .serve_connection(io, service);
        async move {
            let _place = place;
            // In a place of its own, which is given back when a stream goes on without it.
            let mut serving = Box::new(serving);
            let mut is_stopping = false;
            let served = loop {
                tokio::select! {
                    served = &mut serving => break served,
                    // Also while it stops: a stream that was being opened says so itself.
                    Some(response) = endless.recv() => {
                        let io = serving.into_parts().io.into_inner();
                        return endless::carry(io, response).await;
                    }
                    () = stop.cancelled(), if !is_stopping => {
                        is_stopping = true;
                        std::pin::Pin::new(&mut *serving).graceful_shutdown();
                    }
                }
            };
            if let Err(error) = served {
                tracing::trace!(error = &error as &dyn std::error::Error, "a connection ended");
            }
        }
    }
}

/// An answer; when it is done the client may ask again.
struct Answered {
    body: Body,
    _busy: Phase,
}

impl HttpBody for Answered {
    type Data = axum::body::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_beyond_the_bound_is_told_in_whole() {
        let text = str::from_utf8(NO_PLACE).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&503.into(), &"busy".into()));
    }
}
