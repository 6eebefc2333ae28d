//! Products of plain numbers, for attention, with the SIMD that the running processor has: sixteen
//! columns of the result at a time. Such a panel of the right side is small enough to stay in the
//! nearest cache while all rows of the left side pass by.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined does not see the processor's instructions"
)]

use std::array;

use pulp::{Arch, Simd, WithSimd};

use super::PANEL;

/// Rows of the left side that are multiplied at once: with two vectors each they fill the
/// registers.
const ROWS: usize = 6;

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
pub(crate) mod tests {
    use super::*;

    /// Numbers that look random and are the same every time.
    pub(crate) fn numbers(count: usize) -> Vec<f32> {
        let mut state = 7_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(state >> 16).unwrap()) / 32_768.0 - 1.0
        };
        std::iter::repeat_with(next).take(count).collect()
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
}
