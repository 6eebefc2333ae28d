//! What the door bears: how many connections and requests at once, and how long a client may take
//! for its part.

use std::time::Duration;

/// How often a stream says that it lives.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// Bounds of connections and requests. Beyond each there is a clear answer, or the end of the
/// connection.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How many connections may be open at once.
    pub connections: u64,
    /// How many of them may come from one address; trusted proxies may open any number.
    pub connections_per_address: u64,
    /// How many requests are worked on at once, webhooks aside: they have as many places of their
    /// own.
    pub requests: u64,
    /// How many of them may come from one address.
    pub requests_per_address: u64,
    /// How long the head of a request may take.
    pub head: Duration,
    /// How long a connection may stay open between two requests.
    pub idle: Duration,
    /// How long a body may bring nothing. After that it must come at [`SLOWEST`] at least.
    pub body: Duration,
    /// How long a client may take nothing of an answer.
    pub unread: Duration,
}

/// The slowest a body may come and an answer may be taken, bytes a second.
pub const SLOWEST: u64 = 4 * 1024;
/// How long the body of a webhook may take as a whole.
pub const HOOK: Duration = Duration::from_secs(5);

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_address: 512,
            requests: 1_024,
            requests_per_address: 64,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body: Duration::from_secs(5),
            unread: Duration::from_secs(30),
        }
    }
}
