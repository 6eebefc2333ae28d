//! Products of matrices, with 4-bit weights or plain numbers, and with the SIMD that the running
//! processor has.
//!
//! They go panel by panel: sixteen columns of the result at a time. A panel of the right side is
//! small enough to stay in the nearest cache while all rows of the left side pass by; weights are
//! unpacked panel by panel, so that they take eight bits in memory and no more.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined does not see the processor's instructions"
)]

use std::array;

use pulp::{Arch, Simd, WithSimd};

/// Columns of a panel.
pub(crate) const PANEL: usize = 16;
/// Numbers in a block of `Q4_0`: they share a scale.
const BLOCK: usize = 32;
/// Bytes of such a block in the file: the scale in half precision, then two numbers a byte.
const BLOCK_BYTES: usize = 18;
/// Rows of a panel that are unpacked at once: 24 KiB.
const DEPTH: usize = 384;
/// Rows of the left side that are multiplied at once: with two vectors each they fill the
/// registers.
const ROWS: usize = 6;

/// A matrix of 4-bit weights, in panels.
pub(crate) struct Packed {
    /// Inputs.
    depth: usize,
    /// Outputs.
    width: usize,
    /// `[panel][input][output of the panel]`, from -8 to 7.
    levels: Vec<i8>,
    /// `[panel][block of inputs][output of the panel]`.
    scales: Vec<f32>,
}

impl Packed {
    /// Packs rows of `Q4_0` blocks, one row an output. `None` when the sizes do not fit.
    pub(crate) fn new(blocks: &[u8], width: usize, depth: usize) -> Option<Self> {
        let row = depth / BLOCK * BLOCK_BYTES;
        let fits = depth.is_multiple_of(BLOCK) && width.is_multiple_of(PANEL);
        if !fits || depth == 0 || blocks.len() != row.checked_mul(width)? {
            return None;
        }
        let mut levels = vec![0_i8; width * depth];
        let mut scales = vec![0.0; width * depth / BLOCK];
        for (output, row) in blocks.chunks_exact(row).enumerate() {
            let panel = output / PANEL;
            let column = output % PANEL;
            for (at, block) in row.chunks_exact(BLOCK_BYTES).enumerate() {
                let place = panel * depth / BLOCK + at;
                scales[place * PANEL + column] = half(u16::from_le_bytes([block[0], block[1]]));
                for (input, level) in nibbles(block).enumerate() {
                    levels[(place * BLOCK + input) * PANEL + column] = level;
                }
            }
        }
        Some(Self { depth, width, levels, scales })
    }

    /// Several matrices with the same inputs, their outputs one behind the other.
    pub(crate) fn joined(parts: Vec<Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next()?;
        for part in parts {
            if part.depth != all.depth {
                return None;
            }
            all.width += part.width;
            all.levels.extend(part.levels);
            all.scales.extend(part.scales);
        }
        Some(all)
    }

    /// Outputs.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// Adds the product with `left`, rows of inputs, to `sum`, rows of outputs.
    pub(crate) fn add_product(&self, left: &[f32], sum: &mut [f32]) {
        Arch::new().dispatch(Linear { left, weights: self, sum });
    }
}

/// The numbers of a block: the low halves of its bytes come first.
fn nibbles(block: &[u8]) -> impl Iterator<Item = i8> {
    let level = |nibble: u8| nibble.cast_signed() - 8;
    let low = block[2..].iter().map(move |byte| level(byte & 0x0F));
    low.chain(block[2..].iter().map(move |byte| level(byte >> 4)))
}

/// The numbers of a row of blocks, added to `sum`.
pub(crate) fn add_row(blocks: &[u8], sum: &mut [f32]) {
    for (block, sum) in blocks.chunks_exact(BLOCK_BYTES).zip(sum.chunks_exact_mut(BLOCK)) {
        let scale = half(u16::from_le_bytes([block[0], block[1]]));
        for (sum, level) in sum.iter_mut().zip(nibbles(block)) {
            *sum += f32::from(level) * scale;
        }
    }
}

/// Bytes of a row of blocks.
pub(crate) const fn row_bytes(numbers: usize) -> usize {
    numbers / BLOCK * BLOCK_BYTES
}

/// A number of half precision (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from((bits >> 10) & 0x1F);
    let fraction = f32::from(bits & 0x3FF);
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

struct Linear<'a> {
    left: &'a [f32],
    weights: &'a Packed,
    sum: &'a mut [f32],
}

impl WithSimd for Linear<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, weights, sum } = self;
        let Packed { depth, width, levels, scales } = weights;
        let mut panel = vec![0.0_f32; DEPTH * PANEL];
        let of_panels = levels
            .chunks_exact(depth * PANEL)
            .zip(scales.chunks_exact(depth / BLOCK * PANEL))
            .enumerate();
        for (number, (levels, scales)) in of_panels {
            let parts =
                levels.chunks(DEPTH * PANEL).zip(scales.chunks(DEPTH / BLOCK * PANEL)).enumerate();
            for (part, (levels, scales)) in parts {
                let panel = &mut panel[..levels.len()];
                unpack(levels, scales, panel);
                let left = Rows { numbers: &left[part * DEPTH..], stride: *depth };
                let sum = RowsMut { numbers: &mut sum[number * PANEL..], stride: *width };
                multiply(simd, left, panel, sum);
            }
        }
    }
}

#[inline(always)]
fn unpack(levels: &[i8], scales: &[f32], panel: &mut [f32]) {
    let blocks = levels.chunks_exact(BLOCK * PANEL).zip(panel.chunks_exact_mut(BLOCK * PANEL));
    for ((levels, panel), scales) in blocks.zip(scales.chunks_exact(PANEL)) {
        for (levels, panel) in levels.chunks_exact(PANEL).zip(panel.chunks_exact_mut(PANEL)) {
            for ((number, level), scale) in panel.iter_mut().zip(levels).zip(scales) {
                *number = f32::from(*level) * scale;
            }
        }
    }
}

/// Rows of numbers, each a stretch at the begin of `stride` numbers.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// From the begin of the first row.
    pub(crate) numbers: &'a [f32],
    /// From a row to the next.
    pub(crate) stride: usize,
}

/// As [`Rows`], to be changed.
pub(crate) struct RowsMut<'a> {
    /// From the begin of the first row.
    pub(crate) numbers: &'a mut [f32],
    /// From a row to the next.
    pub(crate) stride: usize,
}

/// Adds the product of all rows of `left` and a panel to sixteen columns of `sum`.
pub(crate) fn add_panel(left: Rows<'_>, panel: &[f32], sum: RowsMut<'_>) {
    struct One<'a>(Rows<'a>, &'a [f32], RowsMut<'a>);
    impl WithSimd for One<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            multiply(simd, self.0, self.1, self.2);
        }
    }
    Arch::new().dispatch(One(left, panel, sum));
}

#[inline(always)]
fn multiply<S: Simd>(simd: S, left: Rows<'_>, panel: &[f32], sum: RowsMut<'_>) {
    match S::F32_LANES {
        4 => in_vectors::<S, 4>(simd, left, panel, sum),
        8 => in_vectors::<S, 2>(simd, left, panel, sum),
        16 => in_vectors::<S, 1>(simd, left, panel, sum),
        _ => one_by_one(left, panel, sum),
    }
}

/// The product where a row of the panel is `V` vectors.
#[inline(always)]
fn in_vectors<S: Simd, const V: usize>(simd: S, left: Rows<'_>, panel: &[f32], sum: RowsMut<'_>) {
    let mut numbers = left.numbers;
    let mut sums = sum.numbers;
    loop {
        let count = rows_left(sums.len(), sum.stride).min(ROWS);
        match count {
            0 => return,
            1 => tile::<S, V, 1>(simd, numbers, left.stride, panel, sums, sum.stride),
            2 => tile::<S, V, 2>(simd, numbers, left.stride, panel, sums, sum.stride),
            3 => tile::<S, V, 3>(simd, numbers, left.stride, panel, sums, sum.stride),
            4 => tile::<S, V, 4>(simd, numbers, left.stride, panel, sums, sum.stride),
            5 => tile::<S, V, 5>(simd, numbers, left.stride, panel, sums, sum.stride),
            _ => tile::<S, V, ROWS>(simd, numbers, left.stride, panel, sums, sum.stride),
        }
        if sums.len() <= count * sum.stride {
            return;
        }
        numbers = &numbers[count * left.stride..];
        sums = &mut sums[count * sum.stride..];
    }
}

/// How many rows there are; the last one may end after its sixteen numbers.
#[inline(always)]
const fn rows_left(length: usize, stride: usize) -> usize {
    if length < PANEL { 0 } else { (length - PANEL) / stride + 1 }
}

#[inline(always)]
fn tile<S: Simd, const V: usize, const R: usize>(
    simd: S,
    left: &[f32],
    left_stride: usize,
    panel: &[f32],
    sum: &mut [f32],
    sum_stride: usize,
) {
    let (panel, _) = S::as_simd_f32s(panel);
    let depth = panel.len() / V;
    let rows: [&[f32]; R] = array::from_fn(|row| &left[row * left_stride..][..depth]);
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for (at, weights) in panel.chunks_exact(V).enumerate() {
        for row in 0..R {
            let number = simd.splat_f32s(rows[row][at]);
            for column in 0..V {
                sums[row][column] = simd.mul_add_f32s(number, weights[column], sums[row][column]);
            }
        }
    }

    for (row, sums) in sums.iter().enumerate() {
        let (place, _) = S::as_mut_simd_f32s(&mut sum[row * sum_stride..][..PANEL]);
        for (place, sum) in place.iter_mut().zip(sums) {
            *place = simd.add_f32s(*place, *sum);
        }
    }
}

/// The product without vectors of a fixed length.
#[inline(always)]
fn one_by_one(left: Rows<'_>, panel: &[f32], sum: RowsMut<'_>) {
    let RowsMut { numbers, stride } = sum;
    let sums = numbers.chunks_mut(stride).filter(|row| row.len() >= PANEL);
    for (row, sum) in sums.enumerate() {
        let mut total = [0.0_f32; PANEL];
        let numbers = &left.numbers[row * left.stride..];
        for (number, weights) in numbers.iter().zip(panel.chunks_exact(PANEL)) {
            total.iter_mut().zip(weights).for_each(|(total, weight)| *total += number * weight);
        }
        sum.iter_mut().zip(total).for_each(|(sum, total)| *sum += total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same every time.
    fn numbers(count: usize) -> Vec<f32> {
        let mut state = 7_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(state >> 16).unwrap()) / 32_768.0 - 1.0
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    fn blocks(width: usize, depth: usize) -> Vec<u8> {
        let bytes = numbers(row_bytes(depth) * width);
        let mut blocks: Vec<u8> = bytes.iter().map(|number| number.to_le_bytes()[0]).collect();
        for (at, block) in blocks.chunks_exact_mut(BLOCK_BYTES).enumerate() {
            // Scales around 1/64.
            let scale = 0x2400_u16 + u16::try_from(at % 200).unwrap();
            block[..2].copy_from_slice(&scale.to_le_bytes());
        }
        blocks
    }

    #[test]
    fn a_product_is_the_sum_of_products_whatever_the_sizes() {
        for (rows, depth, width) in [(1, 32, 16), (6, 384, 32), (7, 416, 16), (23, 1_536, 48)] {
            let blocks = blocks(width, depth);
            let left = numbers(rows * depth);
            let packed = Packed::new(&blocks, width, depth).unwrap();
            let mut sum = vec![1.0; rows * width];
            packed.add_product(&left, &mut sum);
            let mut plain = vec![0.0; depth];
            for (output, row) in blocks.chunks_exact(row_bytes(depth)).enumerate() {
                plain.fill(0.0);
                add_row(row, &mut plain);
                for (number, left) in left.chunks_exact(depth).enumerate() {
                    let expected: f32 = left.iter().zip(&plain).map(|(a, b)| a * b).sum();
                    let got = sum[number * width + output] - 1.0;
                    assert!(
                        (got - expected).abs() < 1e-3,
                        "{rows} {depth} {width}: {got} {expected}"
                    );
                }
            }
        }
        assert!(Packed::new(&[0; 18], 16, 32).is_none());
        assert!(Packed::new(&[0; 18 * 8], 8, 32).is_none());
    }

    #[test]
    fn the_plain_product_is_that_in_vectors() {
        let left = numbers(9 * 40);
        let panel = numbers(32 * PANEL);
        let mut fast = vec![0.0; 8 * 20 + PANEL];
        let mut slow = vec![0.0; 8 * 20 + PANEL];
        let rows = Rows { numbers: &left, stride: 40 };
        add_panel(rows, &panel, RowsMut { numbers: &mut fast, stride: 20 });
        one_by_one(rows, &panel, RowsMut { numbers: &mut slow, stride: 20 });
        assert!(fast.iter().zip(&slow).all(|(a, b)| (a - b).abs() < 1e-4));
        assert!(fast[8 * 20].abs() > 0.0, "the last row counts");
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "powers of two are exact")]
    fn half_precision_is_read() {
        for (bits, number) in
            [(0x3C00, 1.0), (0xC000, -2.0), (0x3555, 0.333_251_95), (0, 0.0), (1, 2_f32.powi(-24))]
        {
            assert_eq!(half(bits), number);
        }
    }
}
