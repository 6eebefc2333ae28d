//! How far each list has counted.

use std::collections::HashMap;

use super::styles::Mark;

/// The last number by list style and depth.
#[derive(Default)]
pub(super) struct Lists {
    last: HashMap<(Option<String>, usize), u64>,
}

impl Lists {
    /// A list begins; it counts on from the last one of its style or again.
    pub(super) fn begin(&mut self, style: Option<&str>, depth: usize, goes_on: bool) {
        if !goes_on {
            self.last.remove(&key(style, depth));
        }
    }

    /// The next item gets this number.
    pub(super) fn set(&mut self, style: Option<&str>, depth: usize, number: u64) {
        self.last.insert(key(style, depth), number.saturating_sub(1));
    }

    /// The number of the next item; nothing for a bullet.
    pub(super) fn next(&mut self, style: Option<&str>, depth: usize, mark: Mark) -> Option<u64> {
        let Mark::Number(start) = mark else { return None };
        let last = self.last.entry(key(style, depth)).or_insert(start.saturating_sub(1));
        *last = last.saturating_add(1);
        Some(*last)
    }
}

fn key(style: Option<&str>, depth: usize) -> (Option<String>, usize) {
    (style.map(str::to_owned), depth)
}
