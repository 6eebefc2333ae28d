//! What the model does with numbers beside products: normalisation, softmax and the Gaussian error
//! linear unit. All of it is plain code without branches, compiled for the SIMD that the running
//! processor has.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined does not see the processor's instructions"
)]

use pulp::Arch;

/// Sums are made in so many lanes.
const LANES: usize = 16;

/// Runs plain code with the instructions of the running processor.
pub(crate) fn vectorized(work: impl FnOnce()) {
    Arch::new().dispatch(work);
}

/// Sums of products, in sixteen lanes.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}

/// Brings each row to the mean 0 and the variance 1, then to the learnt scale and shift. The length
/// of a row is a multiple of 16.
pub(crate) fn normalize(rows: &mut [f32], scale: &[f32], shift: &[f32], eps: f32) {
    let ones = vec![1.0; scale.len()];
    #[expect(clippy::cast_precision_loss, reason = "a row has some hundreds of numbers")]
    let part = 1.0 / scale.len() as f32;
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(scale.len()) {
                let mean = dot(row, &ones) * part;
                for number in row.iter_mut() {
                    *number -= mean;
                }
                let variance = dot(row, row) * part;
                let inverse = 1.0 / (variance + eps).sqrt();
                for ((number, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
                    *number = *number * inverse * scale + shift;
                }
            }
        },
    );
}

/// Makes each row a distribution: exponentials of its first `count` numbers, together 1. The rest
/// becomes 0.
pub(crate) fn softmax(rows: &mut [f32], stride: usize, count: usize) {
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(stride) {
                let (row, rest) = row.split_at_mut(count);
                rest.fill(0.0);
                let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                for number in row.iter_mut() {
                    *number = exp(*number - most);
                }
                let inverse = 1.0 / row.iter().sum::<f32>();
                for number in row.iter_mut() {
                    *number *= inverse;
                }
            }
        },
    );
}

/// The Gaussian error linear unit of each number.
pub(crate) fn gelu(numbers: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            for number in numbers {
                *number *= 0.5 * (1.0 + erf(*number * std::f32::consts::FRAC_1_SQRT_2));
            }
        },
    );
}

/// e to a power, to six digits (the polynomial of Cephes' `expf`), without a branch.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Added to a small number, it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const FACTORS: [f32; 6] =
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    let x = x.clamp(-87.0, 87.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let rest = x - whole * LN_2_HIGH - whole * LN_2_LOW;
    let mut sum = 0.0;
    for factor in FACTORS {
        sum = sum * rest + factor;
    }
    let value = sum * rest * rest + rest + 1.0;
    f32::from_bits(value.to_bits().wrapping_add(rounded.to_bits() << 23))
}

/// The error function as a quotient of polynomials (the form that Eigen and XLA use for `f32`).
#[inline(always)]
fn erf(x: f32) -> f32 {
    const UP: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const DOWN: [f32; 5] =
        [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_2e-3, -1.426_473_9e-2];
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let mut up = 0.0;
    let mut down = 0.0;
    for factor in UP {
        up = up * square + factor;
    }
    for factor in DOWN {
        down = down * square + factor;
    }
    x * up / down
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_those_of_the_tables() {
        for x in [-80.0, -10.5, -1.0, -1e-4, 0.0, 0.3, 1.0, 20.0_f32] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-6, "{x}: {}", exp(x));
        }
        for (x, expected) in
            [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (-1.5, -0.966_105_1), (9.0, 1.0)]
        {
            assert!((erf(x) - expected).abs() < 2e-6, "{x}: {}", erf(x));
        }
        let mut rows = vec![1.0, 1.0, 9.0, -100.0, 0.0, 9.0];
        softmax(&mut rows, 3, 2);
        assert!(rows.iter().zip([0.5, 0.5, 0.0, 0.0, 1.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
