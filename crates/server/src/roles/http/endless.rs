//! Answers that do not end by themselves: streams of events.
//!
//! An HTTP server keeps room for the next request and for the head of the next answer, some 16 kB a
//! connection, and there is neither on a connection that carries a stream. So the connection is
//! taken out of the server once the stream has begun: the head is written here, and then what the
//! stream has to say, until it ends or its reader goes. The body ends with the connection, as the
//! head says.

use std::{
    fmt::Write,
    future::poll_fn,
    io::{Error, Result},
    pin::Pin,
};

use axum::{body::HttpBody, response::Response};
use chrono::{DateTime, Utc};
use replyx_core::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Answered, watched::Watched};

/// What a client may send while it reads a stream, bytes: nothing asks for it.
const UNASKED: usize = 64 * 1024;

/// Writes an answer and reads nothing but the end of the connection.
pub(super) async fn carry(mut io: Watched, response: Response<Answered>) {
    if let Err(error) = write(&mut io, response).await {
        tracing::trace!(error = &error as &dyn std::error::Error, "a stream ended");
    }
}

async fn write(io: &mut Watched, response: Response<Answered>) -> Result<()> {
    io.write_all(&head(&response, Clock::system().now())).await?;

    let mut body = response.into_body();
    let mut unasked = UNASKED;
    loop {
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let frame = tokio::select! {
            frame = frame => frame,
            () = gone(io, &mut unasked) => return Ok(()),
        };
        let Some(frame) = frame else { break };
        if let Ok(data) = frame.map_err(Error::other)?.into_data() {
            io.write_all(&data).await?;
        }
    }

    io.shutdown().await
}

/// Waits until the client has closed its end, or has sent more than is `left`. What it sends is
/// thrown away.
async fn gone(io: &mut Watched, left: &mut usize) {
    let mut unasked = [0; 512];
    while *left > 0
        && let Ok(count @ 1..) = io.read(&mut unasked).await
    {
        *left = left.saturating_sub(count);
    }
}

/// The head of an answer whose body ends with the connection.
fn head(response: &Response<Answered>, now: DateTime<Utc>) -> Vec<u8> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut line = String::new();
    let _ = write!(line, "HTTP/1.1 {} {reason}\r\n", status.as_str());
    let _ = write!(line, "date: {}\r\n", now.format("%a, %d %b %Y %H:%M:%S GMT"));

    let mut head = line.into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}
