//! An answer as server-sent events.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;

use super::{dialect::Frames, fault::ModelFault};
use crate::net::Connection;

/// One thing that happens in a stream.
#[derive(Debug)]
enum StreamStep {
    Send(String),
    Wait(Duration),
    Cut,
}

/// The body of a streamed answer, with the fault that affects it. `pause` comes before each piece.
pub(super) fn body(
    frames: Frames,
    pause: Duration,
    fault: Option<&ModelFault>,
    connection: Connection,
) -> Body {
    let steps = steps(frames, pause, fault);
    Body::from_stream(futures::stream::unfold(
        (steps, connection),
        |(mut steps, connection)| async {
            loop {
                match steps.pop_front()? {
                    StreamStep::Send(text) => {
                        return Some((Ok::<_, Infallible>(Bytes::from(text)), (steps, connection)));
                    }
                    StreamStep::Wait(time) => tokio::time::sleep(time).await,
                    StreamStep::Cut => {
                        // What was sent before must have left.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        connection.cut();
                        return std::future::pending().await;
                    }
                }
            }
        },
    ))
}

fn steps(frames: Frames, pause: Duration, fault: Option<&ModelFault>) -> VecDeque<StreamStep> {
    let Frames { opening, pieces, closing, error, malformed } = frames;
    let mut steps: VecDeque<StreamStep> = opening.into_iter().map(StreamStep::Send).collect();
    let all = pieces.len();
    let mut pieces = pieces.into_iter();
    for sent in 0..=all {
        if let Some(ends) = befall(fault, sent, (&error, &malformed), &mut steps)
            && ends
        {
            return steps;
        }
        let Some(piece) = pieces.next() else { break };
        if !pause.is_zero() {
            steps.push_back(StreamStep::Wait(pause));
        }
        steps.push_back(StreamStep::Send(piece));
    }
    steps.extend(closing.into_iter().map(StreamStep::Send));
    steps
}

/// Adds what happens after `sent` pieces. Returns whether the stream ends with it.
fn befall(
    fault: Option<&ModelFault>,
    sent: usize,
    (error, malformed): (&str, &str),
    steps: &mut VecDeque<StreamStep>,
) -> Option<bool> {
    let (after, step, ends) = match fault? {
        ModelFault::Silence { after, time } => (*after, Some(StreamStep::Wait(*time)), false),
        ModelFault::BreakAfter(after) => (*after, Some(StreamStep::Cut), true),
        ModelFault::EndAfter(after) => (*after, None, true),
        ModelFault::MalformedAfter(after) => {
            (*after, Some(StreamStep::Send(malformed.to_owned())), false)
        }
        ModelFault::ErrorAfter(after) => (*after, Some(StreamStep::Send(error.to_owned())), true),
        _ => return None,
    };
    if after != sent {
        return None;
    }
    steps.extend(step);
    Some(ends)
}
