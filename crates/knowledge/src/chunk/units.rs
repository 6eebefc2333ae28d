//! Blocks that are too long are cut where it hurts least.

use std::ops::Range;

use replyx_llm::tokens;

use super::{
    Chunking, Unit,
    blocks::{Block, Kind, trim},
    sentences,
};

/// The units of a block, in order: the block itself while it is short enough.
pub(super) fn of(text: &str, block: Block, chunking: Chunking) -> Vec<Unit> {
    let heading = matches!(block.kind, Kind::Heading { .. });
    let prose = block.kind == Kind::Prose;

    let unit = |range: Range<usize>, length: usize, header: Option<Range<usize>>| Unit {
        range,
        length,
        heading,
        prose,
        header,
    };

    let bound = if prose { chunking.tokens } else { chunking.packed() };
    let length = tokens(&text[block.range.clone()]);
    if length <= bound {
        return vec![unit(block.range, length, None)];
    }

    let (parts, header) = match block.kind {
        Kind::Prose => (sentences::find(text, block.range), None),
        Kind::Heading { .. } => (vec![block.range], None),
        Kind::Lines => (lines(text, block.range), None),
        Kind::Table => table(text, block.range),
    };

    parts
        .into_iter()
        .flat_map(|part| cut(text, part, chunking))
        .map(|(range, length)| unit(range, length, header.clone()))
        .collect()
}

/// The rows of a table and what names its columns. The rule below a header stays with it: alone it
/// says nothing.
fn table(text: &str, range: Range<usize>) -> (Vec<Range<usize>>, Option<Range<usize>>) {
    let mut rows = lines(text, range);
    let is_rule = |row: &Range<usize>| {
        let row = &text[row.clone()];
        row.contains('-') && row.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
    };

    let header = rows.first().cloned();
    let ruled = rows.get(1).is_some_and(is_rule);
    if ruled {
        let rule = rows.remove(1);
        rows[0].end = rule.end;
        return (rows, header);
    }

    // Older texts and text files have no rule; a row of amounts names nothing.
    let names = |header: &Range<usize>| {
        let cells = text[header.clone()].split(['|', '\t']).map(str::trim);
        !cells.into_iter().any(|cell| {
            cell.contains(|c: char| c.is_ascii_digit()) && !cell.contains(char::is_alphabetic)
        })
    };
    (rows, header.filter(names))
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

/// Cuts what no sentence or line end cuts: between words, and inside one only when it alone is too
/// long. Each part with its length.
fn cut(text: &str, range: Range<usize>, chunking: Chunking) -> Vec<(Range<usize>, usize)> {
    let whole = tokens(&text[range.clone()]);
    if whole <= chunking.packed() {
        return vec![(range, whole)];
    }
    let mut parts: Vec<(Range<usize>, usize)> = Vec::new();
    for word in words(text, range) {
        for (piece, length) in pieces(text, word, chunking) {
            match parts.last_mut() {
                Some((part, together)) if *together + length < chunking.tokens => {
                    // A blank and the word behind it are mostly one token.
                    *together += length + tokens(&text[part.end..piece.start]).saturating_sub(1);
                    part.end = piece.end;
                }
                _ => parts.push((piece, length)),
            }
        }
    }
    parts
}

fn words(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let start = range.start;
    let part = &text[range];
    part.split_whitespace().map(move |word| {
        let at = start + (word.as_ptr().addr() - part.as_ptr().addr());
        at..at + word.len()
    })
}

/// A word, in pieces if it alone is too long.
fn pieces(text: &str, word: Range<usize>, chunking: Chunking) -> Vec<(Range<usize>, usize)> {
    let whole = tokens(&text[word.clone()]);
    if whole <= chunking.packed() {
        return vec![(word, whole)];
    }
    // A character is at most four tokens, and mostly less than one.
    let size = (chunking.tokens / 4).max(1);
    let mut found = Vec::new();
    let mut start = word.start;
    for (place, (at, _)) in text[word.clone()].char_indices().enumerate() {
        if place > 0 && place % size == 0 {
            found.push(start..word.start + at);
            start = word.start + at;
        }
    }
    found.push(start..word.end);
    found.into_iter().map(|piece| (piece.clone(), tokens(&text[piece]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_words_and_endless_words_anywhere() {
        let words = "слово ".repeat(600);
        let parts = cut(&words, 0..words.trim_end().len(), Chunking::default());
        assert!(parts.len() > 2);
        for (part, _) in &parts {
            assert!(words[part.clone()].split(' ').all(|word| word == "слово"));
        }
        let endless = "ж".repeat(5_000);
        let parts = cut(&endless, 0..endless.len(), Chunking::default());
        assert_eq!(parts.iter().map(|(part, _)| part.len()).sum::<usize>(), endless.len());
    }

    #[test]
    fn rows_of_a_long_table_remember_their_header() {
        let table = format!("name | price\n{}", "lamp | 10 EUR\n".repeat(200));
        let block = Block { range: 0..table.trim_end().len(), kind: Kind::Table };
        let units = of(&table, block, Chunking::default());
        assert_eq!(units.len(), 201);
        assert!(units.iter().all(|unit| unit.header == Some(0..12)));
    }

    #[test]
    fn the_rule_below_a_header_stays_with_it_and_a_row_of_amounts_is_no_header() {
        let rows = "lamp | 10 EUR\n".repeat(200);
        let cut = |table: &str| {
            let block = Block { range: 0..table.trim_end().len(), kind: Kind::Table };
            of(table, block, Chunking::default())
        };

        let ruled = cut(&format!("name | price\n--- | ---\n{rows}"));
        assert_eq!(ruled.len(), 201);
        assert_eq!(ruled[0].range, 0..22);
        assert!(ruled.iter().all(|unit| unit.header == Some(0..12)));

        let bare = cut(&format!("lamp | 10.50\n{rows}"));
        assert!(bare.iter().all(|unit| unit.header.is_none()));
    }
}
