//! How far each list has counted.

use std::collections::HashMap;

use super::styles::{Mark, Styles};

/// Levels that lists have.
const DEEPEST: usize = 10;

/// Where a list begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// After the last number of its style.
    On,
    /// With the first number.
    Again,
}

/// The last number by list style and depth.
#[derive(Default)]
pub(super) struct Lists {
    last: HashMap<(Option<String>, usize), u64>,
}

impl Lists {
    /// A list begins.
    pub(super) fn begin(&mut self, style: Option<&str>, depth: usize, counting: Counting) {
        if counting == Counting::Again {
            self.last.remove(&key(style, depth));
        }
    }

    /// The next item gets this number.
    pub(super) fn set(&mut self, style: Option<&str>, depth: usize, number: u64) {
        self.last.insert(key(style, depth), number.saturating_sub(1));
    }

    /// What the program shows before the next item; nothing for a bullet.
    pub(super) fn next(
        &mut self,
        styles: &Styles,
        style: Option<&str>,
        depth: usize,
    ) -> Option<String> {
        let Mark::Number(level) = styles.mark(style, depth) else { return None };
        let last = self.last.entry(key(style, depth)).or_insert(level.start.saturating_sub(1));
        *last = last.saturating_add(1);

        let numbers: Vec<String> = (depth + 1 - level.shown.min(depth + 1)..=depth)
            .filter_map(|above| {
                let Mark::Number(level) = styles.mark(style, above) else { return None };
                let number = self.last.get(&key(style, above)).copied().unwrap_or(level.start);
                Some(level.numeral.write(number))
            })
            .collect();
        Some(format!("{}{}{}", level.prefix, numbers.join("."), level.suffix))
    }

    /// A heading of a level begins: deeper ones count again.
    pub(super) fn restart_below(&mut self, style: Option<&str>, depth: usize) {
        for below in depth + 1..DEEPEST {
            self.last.remove(&key(style, below));
        }
    }
}

fn key(style: Option<&str>, depth: usize) -> (Option<String>, usize) {
    (style.map(str::to_owned), depth)
}
