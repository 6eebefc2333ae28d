//! Words and scripts, as pure functions.
//!
//! [`terms`] reduces a text to the terms that search compares; [`alike`] undoes the tricks by which
//! a text looks like another; [`clauses`] knows how contracts number what they say. What a text
//! means is not known here.

pub mod alike;
pub mod clauses;
pub mod terms;
