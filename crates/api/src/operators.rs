//! People who answer customers.

pub mod queue;
