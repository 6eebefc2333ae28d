//! The rules of the house, checked: who may import what, how long a file may be, how code is laid
//! out, and what may not be committed.
//!
//! Each rule is a function from a [`workspace::Workspace`] to a list of faults, one sentence each.
//! The real workspace must have none; a workspace spoilt on purpose must have the one it was spoilt
//! with.

mod booleans;
mod budgets;
mod changes;
mod channels;
mod circles;
mod code;
mod layers;
mod layout;
mod traces;
mod use_cases;
mod workspace;

/// Fails with all faults at once: an author who broke a rule in five files wants to see all five.
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n  {}", faults.len(), faults.join("\n  "));
}
