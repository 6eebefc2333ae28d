//! Turns within one process: many share a few seats, or one queue, and a caller that asks for much
//! does not make others wait.
//!
//! Each who shares has a line. A free seat goes to the line with the fewest seats, among those to
//! the one that has not been served for longest; within a line who came first goes first. A line
//! that is alone gets every seat, up to the bound for each.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Things that wait in lines, which take turns.
#[derive(Debug)]
pub struct Lines<K, T> {
    most: usize,
    each: usize,
    len: usize,
    turns: VecDeque<K>,
    waiting: HashMap<K, VecDeque<T>>,
}

impl<K: Clone + Eq + Hash, T> Lines<K, T> {
    /// Lines of `most` things in all, `each` at most of so many.
    pub fn new(most: usize, each: usize) -> Self {
        Self { most, each, len: 0, turns: VecDeque::new(), waiting: HashMap::new() }
    }

    /// Puts a thing at the end of its line; gives it back when there is no room.
    ///
    /// # Errors
    ///
    /// The thing, when its line or all of them are full.
    pub fn push(&mut self, whose: K, thing: T) -> Result<(), T> {
        let line = self.waiting.get(&whose).map_or(0, VecDeque::len);
        if self.len >= self.most || line >= self.each {
            return Err(thing);
        }
        if line == 0 {
            self.turns.push_back(whose.clone());
        }
        self.waiting.entry(whose).or_default().push_back(thing);
        self.len += 1;
        Ok(())
    }

    /// How many things wait.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Does nothing wait?
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first thing of the line whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let whose = self.turns.front()?.clone();
        self.take(&whose)
    }

    /// The first thing of a line, which goes behind the others.
    fn take(&mut self, whose: &K) -> Option<T> {
        let line = self.waiting.get_mut(whose)?;
        let thing = line.pop_front()?;
        let is_last = line.is_empty();
        self.len -= 1;
        self.turns.retain(|other| other != whose);
        if is_last {
            self.waiting.remove(whose);
        } else {
            self.turns.push_back(whose.clone());
        }
        Some(thing)
    }
}

/// A few seats that many share. Clones share them.
pub struct Seats<K: Clone + Eq + Hash>(Arc<Mutex<Room<K>>>);

struct Room<K: Clone + Eq + Hash> {
    free: usize,
    each: usize,
    taken: HashMap<K, usize>,
    lines: Lines<K, oneshot::Sender<Seat<K>>>,
}

/// A seat, until it is dropped.
pub struct Seat<K: Clone + Eq + Hash> {
    seats: Seats<K>,
    whose: K,
}

impl<K: Clone + Eq + Hash> Clone for Seats<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Clone + Eq + Hash> fmt::Debug for Seats<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seats").field("free", &self.room().free).finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash> fmt::Debug for Seat<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat")
    }
}

impl<K: Clone + Eq + Hash> Seats<K> {
    /// So many seats, of which one may have `each` at most.
    pub fn new(seats: usize, each: usize) -> Self {
        Self(Arc::new(Mutex::new(Room {
            free: seats.max(1),
            each: each.max(1),
            taken: HashMap::new(),
            lines: Lines::new(usize::MAX, usize::MAX),
        })))
    }

    fn room(&self) -> MutexGuard<'_, Room<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat when it is the asker's turn. Who stops waiting has asked for nothing.
    pub async fn take(&self, whose: K) -> Seat<K> {
        let (tell, seat) = oneshot::channel();
        // Refused by nothing: these lines are as long as there are tasks that wait.
        let _ = self.room().lines.push(whose, tell);
        self.seat();
        seat.await.expect("whoever is taken out of a line is sent a seat")
    }

    /// Gives free seats to those whose turn it is.
    fn seat(&self) {
        while let Some((tell, whose)) = self.next() {
            // Who has stopped waiting gives it back by this.
            drop(tell.send(Seat { seats: self.clone(), whose }));
        }
    }

    fn next(&self) -> Option<(oneshot::Sender<Seat<K>>, K)> {
        let mut room = self.room();
        let room = &mut *room;
        while room.free > 0 {
            let taken = |whose: &K| room.taken.get(whose).copied().unwrap_or_default();
            let may = room.lines.turns.iter().filter(|whose| taken(whose) < room.each);
            let whose = may.min_by_key(|whose| taken(whose))?.clone();
            let tell = room.lines.take(&whose)?;
            if !tell.is_closed() {
                room.free -= 1;
                *room.taken.entry(whose.clone()).or_default() += 1;
                return Some((tell, whose));
            }
        }
        None
    }
}

impl<K: Clone + Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        {
            let mut room = self.seats.room();
            if let Some(taken) = room.taken.get_mut(&self.whose) {
                *taken -= 1;
                if *taken == 0 {
                    room.taken.remove(&self.whose);
                }
                room.free += 1;
            }
        }
        self.seats.seat();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        sync::mpsc::{UnboundedReceiver, unbounded_channel},
        time::timeout,
    };

    use super::*;

    #[test]
    fn lines_take_turns_and_have_bounds() {
        let mut lines = Lines::new(6, 4);
        for number in 0..4 {
            lines.push("many", number).unwrap();
        }
        assert_eq!(lines.push("many", 4), Err(4), "its line is full");
        lines.push("one", 10).unwrap();
        lines.push("two", 20).unwrap();
        assert_eq!(lines.push("three", 30), Err(30), "all lines are full");
        let popped: Vec<_> = std::iter::from_fn(|| lines.pop()).collect();
        assert_eq!(popped, [0, 10, 20, 1, 2, 3]);
        lines.push("three", 30).unwrap();
        assert_eq!(lines.pop(), Some(30));
        assert_eq!(lines.pop(), None);
    }

    /// Asks for seats, which are told of as they are taken, in this order.
    async fn ask(
        seats: &Seats<&'static str>,
        who: &[&'static str],
    ) -> UnboundedReceiver<(&'static str, Seat<&'static str>)> {
        let (tell, told) = unbounded_channel();
        for &whose in who {
            let seats = seats.clone();
            let tell = tell.clone();
            tokio::spawn(async move {
                let seat = seats.take(whose).await;
                let _ = tell.send((whose, seat));
            });
            // So that it stands in line before the next one.
            tokio::task::yield_now().await;
        }
        told
    }

    #[tokio::test]
    async fn who_is_alone_gets_every_seat_and_a_newcomer_the_next_one() {
        let seats = Seats::new(2, 2);
        let mut told = ask(&seats, &["many", "many", "many", "many", "one"]).await;
        let first = told.recv().await.unwrap();
        let second = told.recv().await.unwrap();
        assert_eq!([first.0, second.0], ["many", "many"]);
        assert!(told.try_recv().is_err(), "there are two seats");
        drop(first);
        let third = told.recv().await.unwrap();
        assert_eq!(third.0, "one");
        drop(third);
        assert_eq!(told.recv().await.unwrap().0, "many");
    }

    #[tokio::test]
    async fn with_one_seat_everybody_has_a_turn() {
        let seats = Seats::new(1, 1);
        let mut told = ask(&seats, &["a", "a", "a", "b", "b", "c"]).await;
        let mut order = Vec::new();
        for _ in 0..6 {
            let (whose, seat) = told.recv().await.unwrap();
            order.push(whose);
            drop(seat);
        }
        assert_eq!(order, ["a", "a", "b", "c", "a", "b"], "the second `a` came before `b`");
    }

    #[tokio::test]
    async fn one_has_no_more_than_its_share_though_seats_are_free() {
        let seats = Seats::new(3, 2);
        let mut told = ask(&seats, &["many", "many", "many", "one"]).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(told.recv().await.unwrap());
        }
        let whose: Vec<_> = held.iter().map(|(whose, _)| *whose).collect();
        assert_eq!(whose, ["many", "many", "one"]);
        assert!(told.try_recv().is_err());
    }

    #[tokio::test]
    async fn who_stops_waiting_takes_no_seat() {
        let seats = Seats::new(1, 1);
        let held = seats.take("a").await;
        for _ in 0..1_000 {
            assert!(timeout(Duration::ZERO, seats.take("b")).await.is_err());
        }
        drop(held);
        drop(timeout(Duration::from_secs(5), seats.take("c")).await.expect("the seat is free"));
        assert_eq!(format!("{seats:?}"), "Seats { free: 1, .. }");
        assert!(seats.room().taken.is_empty() && seats.room().lines.turns.is_empty());
    }
}
