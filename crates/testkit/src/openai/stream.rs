//! An answer as server-sent events.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;

use super::{dialect::Frames, fault::ModelFault};
use crate::net::Connection;

/// One thing that happens in a stream.
#[derive(Debug)]
enum Step {
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
                    Step::Send(text) => {
                        return Some((Ok::<_, Infallible>(Bytes::from(text)), (steps, connection)));
                    }
                    Step::Wait(time) => tokio::time::sleep(time).await,
                    Step::Cut => {
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

fn steps(frames: Frames, pause: Duration, fault: Option<&ModelFault>) -> VecDeque<Step> {
    let Frames { opening, pieces, closing, error, malformed } = frames;
    let mut steps: VecDeque<Step> = opening.into_iter().map(Step::Send).collect();
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
            steps.push_back(Step::Wait(pause));
        }
        steps.push_back(Step::Send(piece));
    }
    steps.extend(closing.into_iter().map(Step::Send));
    steps
}

/// Adds what happens after `sent` pieces. Returns whether the stream ends with it.
fn befall(
    fault: Option<&ModelFault>,
    sent: usize,
    (error, malformed): (&str, &str),
    steps: &mut VecDeque<Step>,
) -> Option<bool> {
    let (after, step, ends) = match fault? {
        ModelFault::Silence { after, time } => (*after, Some(Step::Wait(*time)), false),
        ModelFault::BreakAfter(after) => (*after, Some(Step::Cut), true),
        ModelFault::EndAfter(after) => (*after, None, true),
        ModelFault::MalformedAfter(after) => {
            (*after, Some(Step::Send(malformed.to_owned())), false)
        }
        ModelFault::ErrorAfter(after) => (*after, Some(Step::Send(error.to_owned())), true),
        _ => return None,
    };
    if after != sent {
        return None;
    }
    steps.extend(step);
    Some(ends)
}
