//! What weights are multiplied with: rows of numbers in eight bits, 32 of which share a scale.

use super::{BLOCK, blocks::OFFSET};
use crate::functions::vectorized;

/// Numbers that are multiplied by one instruction.
pub(super) const GROUP: usize = 4;
/// The greatest level.
const MOST: f32 = 127.0;

/// A block of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct ActivationBlock {
    /// The levels, in groups.
    pub(crate) levels: [[i8; GROUP]; BLOCK / GROUP],
    /// What the sum of products begins with, because weights are stored greater than they are.
    pub(crate) start: i32,
    /// What a level stands for.
    pub(crate) scale: f32,
}

const EMPTY: ActivationBlock =
    ActivationBlock { levels: [[0; GROUP]; BLOCK / GROUP], start: 0, scale: 0.0 };

/// Rows of numbers in eight bits. The memory is used again for the next rows.
#[derive(Debug)]
pub(crate) struct Activations {
    blocks: Vec<ActivationBlock>,
    blocks_per_row: usize,
}

impl Activations {
    /// No rows yet.
    pub(crate) const fn new() -> Self {
        Self { blocks: Vec::new(), blocks_per_row: 0 }
    }

    /// Takes rows of `depth` numbers, a multiple of 32, in the place of those it has.
    pub(crate) fn quantize(&mut self, numbers: &[f32], depth: usize) -> &Self {
        self.blocks_per_row = depth / BLOCK;
        self.blocks.clear();
        self.blocks.resize(numbers.len() / BLOCK, EMPTY);

        let blocks = &mut self.blocks;
        vectorized(
            #[inline(always)]
            || {
                for (block, numbers) in blocks.iter_mut().zip(numbers.chunks_exact(BLOCK)) {
                    quantize(block, numbers);
                }
            },
        );

        self
    }

    /// Takes what the levels leave of the numbers in the place of the levels: the two together have
    /// some sixteen bits.
    pub(crate) fn quantize_rest(&mut self, numbers: &[f32]) -> &Self {
        let blocks = &mut self.blocks;
        vectorized(
            #[inline(always)]
            || {
                for (block, numbers) in blocks.iter_mut().zip(numbers.chunks_exact(BLOCK)) {
                    let mut rest = [0.0_f32; BLOCK];
                    let levels = block.levels.as_flattened();
                    for ((rest, number), level) in rest.iter_mut().zip(numbers).zip(levels) {
                        *rest = number - f32::from(*level) * block.scale;
                    }
                    quantize(block, &rest);
                }
            },
        );

        self
    }

    /// Blocks of a row.
    pub(crate) const fn blocks_per_row(&self) -> usize {
        self.blocks_per_row
    }

    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.blocks.len().checked_div(self.blocks_per_row).unwrap_or_default()
    }

    /// The blocks of all rows.
    pub(crate) fn blocks(&self) -> &[ActivationBlock] {
        &self.blocks
    }
}

#[inline(always)]
fn quantize(block: &mut ActivationBlock, numbers: &[f32]) {
    /// Added to a small number, it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;

    let mut lanes = [0.0_f32; BLOCK];
    lanes.copy_from_slice(numbers);

    let mut most = [0.0_f32; BLOCK / 2];
    for (at, most) in most.iter_mut().enumerate() {
        *most = lanes[at].abs().max(lanes[at + BLOCK / 2].abs());
    }
    let greatest = most.iter().copied().fold(0.0_f32, f32::max);
    let inverse = if greatest > 0.0 { MOST / greatest } else { 0.0 };

    let mut levels = [0_i32; BLOCK];
    for (level, number) in levels.iter_mut().zip(lanes) {
        *level = (number * inverse + ROUND).to_bits().cast_signed() - ROUND.to_bits().cast_signed();
    }

    block.start = -OFFSET * levels.iter().sum::<i32>();
    block.scale = greatest / MOST;
    #[expect(clippy::cast_possible_truncation, reason = "from -127 to 127")]
    for (place, level) in block.levels.as_flattened_mut().iter_mut().zip(levels) {
        *place = level as i8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_the_nearest_one() {
        let mut numbers = vec![0.0_f32; 2 * BLOCK];
        numbers[0] = -2.0;
        numbers[1] = 1.0;
        numbers[31] = 0.5;
        let mut rows = Activations::new();
        let blocks = rows.quantize(&numbers, BLOCK).blocks();
        let levels = blocks[0].levels.as_flattened();
        assert_eq!((levels[0], levels[1], levels[2], levels[31]), (-127, 64, 0, 32));
        assert_eq!(blocks[0].start, -8 * (-127 + 64 + 32));
        assert!((blocks[0].scale - 2.0 / 127.0).abs() < 1e-9);
        assert_eq!(blocks[1], EMPTY, "of zeros there is no scale");
        assert_eq!(rows.rows(), 2);
    }

    #[test]
    fn levels_and_those_of_the_rest_are_the_numbers() {
        let numbers: Vec<f32> = (0_u8..64).map(|at| (f32::from(at) * 0.7).sin()).collect();
        let value = |block: &ActivationBlock, at: usize| {
            f32::from(block.levels.as_flattened()[at]) * block.scale
        };
        let mut rows = Activations::new();
        let levels = rows.quantize(&numbers, BLOCK).blocks().to_vec();
        let rest = rows.quantize_rest(&numbers).blocks();
        for (at, number) in numbers.iter().enumerate() {
            let place = (at / BLOCK, at % BLOCK);
            let sum = value(&levels[place.0], place.1) + value(&rest[place.0], place.1);
            assert!((sum - number).abs() < 3e-5, "{at}: {sum} {number}");
        }
    }
}
