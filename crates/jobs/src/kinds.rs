//! The work of each kind. It is an ordinary function of the crate that owns the matter; here it
//! becomes a [`Job`](crate::job::Job).

mod evaluate;
mod fetch_source;
pub(crate) mod index;
pub(crate) mod mail;
pub(crate) mod sweeps;
