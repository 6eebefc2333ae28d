//! Pages of a list: a bounded number of items and where the next ones begin.

use serde::Serialize;

/// How much of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest<C> {
    /// At most this many items, 1 to [`PageRequest::MAX`].
    pub limit: u32,
    /// Only what comes after this; from the beginning when absent.
    pub after: Option<C>,
}

impl<C> PageRequest<C> {
    /// The largest page.
    pub const MAX: u32 = 200;
    /// The page one gets without asking for a size.
    pub const DEFAULT: u32 = 50;

    /// A request whose limit is brought into its bounds.
    pub fn new(limit: Option<u32>, after: Option<C>) -> Self {
        Self { limit: limit.unwrap_or(Self::DEFAULT).clamp(1, Self::MAX), after }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T, C> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Makes a page of rows that were fetched with one more than the limit: the surplus row only
    /// tells that there is a next page.
    pub fn of(mut rows: Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(cursor) } else { None };
        Self { items: rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surplus_row_only_tells_that_there_is_more() {
        let page = Page::of(vec![1, 2, 3], 2, |n| *n);
        assert_eq!(page, Page { items: vec![1, 2], next: Some(2) });
        let last = Page::of(vec![3], 2, |n| *n);
        assert_eq!(last.next, None);
    }
}
