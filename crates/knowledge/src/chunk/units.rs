//! Blocks that are too long are cut where it hurts least.

use std::ops::Range;

use super::{
    MAX, TARGET, Unit,
    blocks::{Block, Kind, trim},
    sentences,
};

/// The units of a block, in order: the block itself while it is short enough.
pub(super) fn of(text: &str, block: Block) -> Vec<Unit> {
    let heading = matches!(block.kind, Kind::Heading { .. });
    let bound = if block.kind == Kind::Prose { TARGET } else { MAX };
    if is_within(text, &block.range, bound) {
        return vec![Unit { range: block.range, heading, header: None }];
    }
    let whole = block.range.clone();
    let (parts, header) = match block.kind {
        Kind::Prose => (sentences::find(text, block.range), None),
        Kind::Heading { .. } => (vec![block.range], None),
        Kind::Lines => (lines(text, block.range), None),
        Kind::Table => {
            let rows = lines(text, block.range);
            let header = rows.first().cloned();
            (rows, header)
        }
    };
    debug_assert!(parts.iter().all(|part| whole.start <= part.start && part.end <= whole.end));
    parts
        .into_iter()
        .flat_map(|part| cut(text, part))
        .map(|range| Unit { range, heading, header: header.clone() })
        .collect()
}

fn is_within(text: &str, range: &Range<usize>, bound: usize) -> bool {
    range.len() <= bound || text[range.clone()].chars().nth(bound).is_none()
}

fn lines(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut at = range.start;
    text[range]
        .split_inclusive('\n')
        .filter_map(|line| {
            let start = at;
            at += line.len();
            trim(text, start..at)
        })
        .collect()
}

/// Cuts what no sentence or line end cuts: between words, and inside one only when it alone is too long.
fn cut(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut rest = Some(range);
    while let Some(part) = rest.take() {
        if is_within(text, &part, MAX) {
            parts.push(part);
            break;
        }
        let window = &text[part.clone()];
        let limit = window.char_indices().nth(TARGET).map_or(window.len(), |(at, _)| at);
        let at = window[..limit]
            .rfind(char::is_whitespace)
            .filter(|at| *at > 0)
            .or_else(|| longer_word(window, limit))
            .unwrap_or(limit);
        parts.extend(trim(text, part.start..part.start + at));
        rest = trim(text, part.start + at..part.end);
    }
    parts
}

/// The end of a word that runs over the target and still fits.
fn longer_word(window: &str, limit: usize) -> Option<usize> {
    let most = window.char_indices().nth(MAX).map_or(window.len(), |(at, _)| at);
    window[limit..most].find(char::is_whitespace).map(|at| limit + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_words_and_endless_words_anywhere() {
        let words = "слово ".repeat(600);
        let parts = cut(&words, 0..words.trim_end().len());
        assert!(parts.len() > 2);
        for part in &parts {
            assert!(words[part.clone()].split(' ').all(|word| word == "слово"));
        }
        let endless = "ж".repeat(5_000);
        let parts = cut(&endless, 0..endless.len());
        assert_eq!(parts.iter().map(Range::len).sum::<usize>(), endless.len());
    }

    #[test]
    fn rows_of_a_long_table_remember_their_header() {
        let table = format!("name | price\n{}", "lamp | 10 EUR\n".repeat(200));
        let block = Block { range: 0..table.trim_end().len(), kind: Kind::Table };
        let units = of(&table, block);
        assert_eq!(units.len(), 201);
        assert!(units.iter().all(|unit| unit.header == Some(0..12)));
    }
}
