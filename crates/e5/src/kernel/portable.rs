//! The kernel of every processor, and the measure of the others: plain code, which the compiler
//! makes vectors of where it can.

use super::{
    BLOCK, PANEL,
    activations::{ActivationBlock, Activations, GROUP},
    blocks::{Block, Packed},
};
use crate::functions::vectorized;

pub(super) fn add_product(left: &Activations, weights: &Packed, sum: &mut [f32]) {
    let width = weights.width();
    let depth = left.blocks_per_row();
    vectorized(
        #[inline(always)]
        || {
            for (number, panel) in weights.blocks().chunks_exact(depth).enumerate() {
                let rows = left.blocks().chunks_exact(depth);
                for (row, sum) in rows.zip(sum.chunks_exact_mut(width)) {
                    let mut total = [0.0; PANEL];
                    for (block, weights) in row.iter().zip(panel) {
                        add_block(block, weights, &mut total);
                    }
                    let sum = &mut sum[number * PANEL..][..PANEL];
                    sum.iter_mut().zip(total).for_each(|(sum, total)| *sum += total);
                }
            }
        },
    );
}

/// Adds the products of a block to the sums of all outputs.
#[inline(always)]
fn add_block(block: &ActivationBlock, weights: &Block, total: &mut [f32; PANEL]) {
    const HALF: usize = BLOCK / GROUP / 2;

    let mut sums = [block.start; PANEL];
    for (at, chunk) in weights.chunks.iter().enumerate() {
        let near = block.levels[at];
        let far = block.levels[at + HALF];
        for (sum, levels) in sums.iter_mut().zip(chunk.chunks_exact(GROUP)) {
            for ((level, near), far) in levels.iter().zip(near).zip(far) {
                *sum += i32::from(level & 0x0F) * i32::from(near);
                *sum += i32::from(level >> 4) * i32::from(far);
            }
        }
    }

    for ((total, sum), scale) in total.iter_mut().zip(sums).zip(weights.scales) {
        #[expect(clippy::cast_precision_loss, reason = "a sum has at most 17 bits")]
        let sum = sum as f32;
        *total += sum * (scale * block.scale);
    }
}
