//! What holds of all places in which requests are worked on: workspaces take turns for them.

use std::hash::Hash;

use futures::FutureExt;
use replyx_live::Seats;

/// One takes every place it can get and waits for more: whoever comes after it gets the next one
/// that becomes free.
pub(crate) fn are_taken_in_turns<K: Clone + Eq + Hash>(places: &Seats<K>, [greedy, late]: [K; 2]) {
    let mut held = Vec::new();
    while let Some(seat) = places.take(greedy.clone()).now_or_never() {
        held.push(seat);
    }
    let more: Vec<_> = (0..20)
        .map(|_| {
            let mut waiting = Box::pin(places.take(greedy.clone()));
            assert!(waiting.as_mut().now_or_never().is_none(), "there is no end of places");
            waiting
        })
        .collect();
    let mut waiting = Box::pin(places.take(late));
    if let Some(seat) = waiting.as_mut().now_or_never() {
        // There was room that the greedy one may not have.
        drop(seat);
        return;
    }

    held.pop().expect("it has places");
    let seat = waiting.as_mut().now_or_never();

    assert!(seat.is_some(), "it waits behind {} others", more.len());
}
