//! What each word piece takes from all pieces of its text.

use crate::{
    WIDTH, functions,
    kernel::{
        PANEL,
        plain::{Rows, RowsMut, add_panel},
    },
};

/// Numbers of a row of queries, keys and values.
const STRIDE: usize = 3 * WIDTH;

/// What each row takes from all rows of its text; texts lie one behind the other, `lengths` rows
/// each. A row of `all` holds the queries, the keys and the values of all heads. `seen` is
/// overwritten.
pub(crate) fn attention(all: &[f32], lengths: &[usize], heads: usize, seen: &mut Vec<f32>) {
    seen.clear();
    seen.resize(all.len() / STRIDE * WIDTH, 0.0);

    let longest = lengths.iter().copied().max().unwrap_or(0);
    let mut likeness = vec![0.0; longest * longest.next_multiple_of(PANEL)];
    let mut all = all;
    let mut seen = seen.as_mut_slice();
    for rows in lengths {
        let (own, others) = all.split_at(rows * STRIDE);
        let (place, places) = seen.split_at_mut(rows * WIDTH);
        let likeness = &mut likeness[..rows * rows.next_multiple_of(PANEL)];
        for head in 0..heads {
            attend(own, WIDTH / heads, head, likeness, place);
        }
        all = others;
        seen = places;
    }
}

/// What a head of `size` numbers sees in a text.
fn attend(all: &[f32], size: usize, head: usize, likeness: &mut [f32], seen: &mut [f32]) {
    let rows = all.len() / STRIDE;
    let padded = rows.next_multiple_of(PANEL);
    #[expect(clippy::cast_precision_loss, reason = "a head has some dozens of numbers")]
    let scale = 1.0 / (size as f32).sqrt();

    likeness.fill(0.0);
    let queries = Rows { numbers: &all[head * size..], stride: STRIDE };
    let mut keys = vec![0.0; size * PANEL];
    for from in (0..rows).step_by(PANEL) {
        keys.fill(0.0);
        for column in 0..PANEL.min(rows - from) {
            let key = &all[(from + column) * STRIDE + WIDTH + head * size..][..size];
            for (number, row) in key.iter().zip(keys.chunks_exact_mut(PANEL)) {
                row[column] = number * scale;
            }
        }
        let sum = RowsMut { numbers: &mut likeness[from..], stride: padded };
        add_panel(queries, &keys, sum);
    }

    functions::softmax(likeness, padded, rows);

    let mut values = vec![0.0; rows * PANEL];
    for from in (0..size).step_by(PANEL) {
        let place = head * size + from;
        for (value, row) in values.chunks_exact_mut(PANEL).zip(all.chunks_exact(STRIDE)) {
            value.copy_from_slice(&row[2 * WIDTH + place..][..PANEL]);
        }
        let sum = RowsMut { numbers: &mut seen[place..], stride: WIDTH };
        add_panel(Rows { numbers: &*likeness, stride: padded }, &values, sum);
    }
}
