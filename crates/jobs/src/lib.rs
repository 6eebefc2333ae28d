//! Background jobs.
//!
//! A job is enqueued by the crate that owns the matter, in the transaction that makes it necessary,
//! and its work is an ordinary function of that crate. `registry` joins the two as a `job::Job`
//! and is the one list of all kinds; `workers` take on what is due and run it.
//!
//! Some jobs run by the clock instead (`job::Schedule`): each has one row in the queue, which
//! stays.
//!
//! A job may run twice, also at once. It counts as attempted when it is claimed, so that one that
//! ends the program is not tried forever.

mod job;
mod registry;
mod workers;

pub use job::JobContext;
pub use registry::scheduled;
pub use workers::work;
