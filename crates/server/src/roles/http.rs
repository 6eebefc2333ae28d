//! The HTTP role: one listener for everything.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, serve::ListenerExt};
use socket2::SockRef;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

/// A client that takes nothing for so long has gone, whatever its end of the connection says.
const UNREAD: Duration = Duration::from_secs(30);
/// How long requests under way may take to finish when the process stops.
const FINISH: Duration = Duration::from_secs(5);

/// Serves until stopped.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listener.tap_io(|connection| {
        let socket = SockRef::from(&*connection);
        let options = connection.set_nodelay(true).and(socket.set_tcp_user_timeout(Some(UNREAD)));
        if let Err(error) = options {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "socket options were refused"
            );
        }
    });
    let stopped = stop.clone();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    let mut serving = std::pin::pin!(async move { serving.await });
    tokio::select! {
        served = &mut serving => return Ok(served?),
        () = stop.cancelled() => {}
    }
    if timeout(FINISH, serving).await.is_err() {
        tracing::warn!("requests were cut off");
    }
    Ok(())
}
