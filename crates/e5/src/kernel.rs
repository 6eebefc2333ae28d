//! Products of rows of numbers with 4-bit weights, in whole numbers.
//!
//! Weights stay as they are in the file: levels of four bits, 32 of which share a scale
//! ([`Packed`]). What they are multiplied with is brought to eight bits first, 32 numbers sharing a
//! scale ([`Activations`]); the products of a block are summed up as whole numbers, exactly, and
//! only the sums meet the scales. [`Kernel`] is the code that does so: one per family of
//! processors, and a portable one that says what the others have to give.
//!
//! # What holds
//!
//! - All kernels give the same whole numbers; sums of blocks differ by rounding alone.
//! - A kernel exists ([`Kernel::all`]) only where the processor that runs has its instructions.

mod activations;
mod blocks;
pub(crate) mod plain;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use activations::Activations;
pub(crate) use blocks::{Packed, add_row, row_bytes};

/// Numbers that share a scale, in weights and in what they are multiplied with.
pub(crate) const BLOCK: usize = 32;
/// Outputs whose weights lie together.
pub(crate) const PANEL: usize = 16;

/// The code that multiplies.
///
/// There is no way to one whose instructions the running processor lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Instructions);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    /// Those that can run here, the fastest first. The last one is portable.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();

        #[cfg(target_arch = "x86_64")]
        {
            if x86::has_avx512_vnni() {
                all.push(Self(Instructions::Avx512Vnni));
            }
            if x86::has_avx_vnni() {
                all.push(Self(Instructions::AvxVnni));
            }
            if x86::has_avx2() {
                all.push(Self(Instructions::Avx2));
            }
        }

        all.push(Self(Instructions::Portable));
        all
    }

    /// The fastest that can run here.
    pub fn best() -> Self {
        Self::all().first().copied().unwrap_or(Self(Instructions::Portable))
    }

    /// Its name, for logs and figures.
    pub const fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Vnni => "avx512-vnni",
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxVnni => "avx-vnni",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            Instructions::Portable => "portable",
        }
    }

    /// Adds the product of `left` and `weights` to `sum`, rows of outputs.
    ///
    /// # Panics
    ///
    /// When `sum` is no matrix of as many rows as `left` has, or `left` has other inputs than the
    /// weights.
    pub(crate) fn add_product(self, left: &Activations, weights: &Packed, sum: &mut [f32]) {
        assert_eq!(left.blocks_per_row(), weights.depth_blocks(), "inputs of both sides");
        assert_eq!(sum.len(), left.rows() * weights.width(), "rows of outputs");

        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Vnni => x86::avx512_vnni(left, weights, sum),
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxVnni => x86::avx_vnni(left, weights, sum),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => x86::avx2(left, weights, sum),
            Instructions::Portable => portable::add_product(left, weights, sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        blocks::{add_row, row_bytes, tests::given},
        plain::tests::numbers,
        *,
    };

    const SIZES: [(usize, usize, usize); 7] = [
        (1, 32, 16),
        (2, 64, 32),
        (5, 384, 48),
        (6, 384, 32),
        (7, 416, 16),
        (13, 1_536, 80),
        (23, 96, 64),
    ];

    fn product(kernel: Kernel, left: &[f32], weights: &Packed, depth: usize) -> Vec<f32> {
        let mut rows = Activations::new();
        let rows = rows.quantize(left, depth);
        let mut sum = vec![1.0; rows.rows() * weights.width()];
        kernel.add_product(rows, weights, &mut sum);
        sum
    }

    #[test]
    fn the_portable_product_is_the_sum_of_products_but_for_rounding_to_eight_bits() {
        let portable = *Kernel::all().last().unwrap();
        assert_eq!(portable.name(), "portable");
        for (rows, depth, width) in SIZES {
            let bytes = given(width, depth);
            let left = numbers(rows * depth);
            let packed = Packed::new(&bytes, width, depth).unwrap();
            let got = product(portable, &left, &packed, depth);

            let mut plain = vec![0.0; depth];
            for (output, row) in bytes.chunks_exact(row_bytes(depth)).enumerate() {
                plain.fill(0.0);
                add_row(row, &mut plain);
                for (number, left) in left.chunks_exact(depth).enumerate() {
                    let products = left.iter().zip(&plain).map(|(a, b)| a * b);
                    let expected: f32 = 1.0 + products.sum::<f32>();
                    let got = got[number * width + output];
                    // Half a level, about 1/254, for each product of a number below 1 and a weight
                    // below 1/8; errors cancel each other out.
                    #[expect(clippy::cast_precision_loss, reason = "a small number")]
                    let allowed = 0.003 * (depth as f32).sqrt();
                    assert!(
                        (got - expected).abs() < allowed,
                        "{rows} {depth} {width}: {got} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_kernel_that_can_run_gives_what_the_portable_one_gives() {
        let all = Kernel::all();
        let (portable, others) = all.split_last().unwrap();
        for (rows, depth, width) in SIZES {
            let packed = Packed::new(&given(width, depth), width, depth).unwrap();
            let left = numbers(rows * depth);
            let expected = product(*portable, &left, &packed, depth);
            for kernel in others {
                let got = product(*kernel, &left, &packed, depth);
                for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
                    assert!(
                        (got - expected).abs() < 1e-4,
                        "{} {rows} {depth} {width} at {at}: {got} {expected}",
                        kernel.name()
                    );
                }
            }
        }
    }

    /// The greatest levels of both sides, of one sign: sums of sixteen bits hold them.
    #[test]
    fn the_greatest_products_do_not_overflow() {
        let mut bytes = given(32, 64);
        for block in bytes.chunks_exact_mut(18) {
            block[..2].copy_from_slice(&0x3C00_u16.to_le_bytes());
            block[2..].fill(0xFF);
        }
        let packed = Packed::new(&bytes, 32, 64).unwrap();
        for (number, expected) in [(1.0, 64.0 * 7.0 + 1.0), (-1.0, -64.0 * 7.0 + 1.0)] {
            for kernel in Kernel::all() {
                let got = product(kernel, &[number; 64], &packed, 64);
                let exact = got.iter().all(|got| (got - expected).abs() < 1e-3);
                assert!(exact, "{}: {got:?}", kernel.name());
            }
        }
    }
}
