//! To what tickets for streams are sealed.

use replyx_core::clock::random_hex;
use replyx_live::Live;

/// To what tickets are sealed.
#[derive(Debug)]
pub(crate) struct Tickets {
    row: Vec<u8>,
}

impl Tickets {
    /// Where no other process knows which tickets were used, they end with this one.
    pub(crate) fn new(live: &Live) -> Self {
        let row = match live.backend() {
            "redis" => "events-ticket".to_owned(),
            _ => format!("events-ticket {}", random_hex::<16>()),
        };
        Self { row: row.into_bytes() }
    }

    /// The row to which a ticket is sealed.
    pub(crate) fn row(&self) -> &[u8] {
        &self.row
    }
}
