//! Kernels for processors of the x86-64 family.
//!
//! The only module of the crate with `unsafe` in it (ADR 25): a function that uses instructions
//! which not every processor has may be called only where they are there. Each of the three ways in
//! makes sure of that itself; everything behind them, loads and stores included, is checked by the
//! compiler.
#![expect(
    unsafe_code,
    reason = "ADR 25: calls of functions with instructions that were looked for"
)]
#![expect(
    clippy::inline_always,
    reason = "what is not inlined does not see the processor's instructions"
)]

use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps,
    _mm256_and_si256, _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_fmadd_ps,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_srli_epi16,
    _mm512_add_ps, _mm512_and_si512, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
    _mm512_mul_ps, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_srli_epi16,
};

use pulp::bytemuck::cast;

use super::{
    BLOCK, PANEL,
    activations::{ActivationBlock, Activations, GROUP},
    blocks::{Block, Packed},
};

/// Chunks of a block of weights. Each holds two groups, so many apart.
const CHUNKS: usize = BLOCK / 2 / GROUP;
/// Outputs of a vector of 256 bits.
const HALF: usize = PANEL / 2;

pub(super) fn has_avx512_vnni() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
}

pub(super) fn has_avx_vnni() -> bool {
    has_avx2() && is_x86_feature_detected!("avxvnni")
}

pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Adds the product with vectors of 512 bits and instructions for sums of four products.
pub(super) fn avx512_vnni(left: &Activations, weights: &Packed, sum: &mut [f32]) {
    assert!(has_avx512_vnni(), "a kernel is run only where it can run");
    // SAFETY: the processor has the instructions that the function is compiled for.
    unsafe { avx512_vnni_product(left, weights, sum) }
}

/// Adds the product with vectors of 256 bits and instructions for sums of four products.
pub(super) fn avx_vnni(left: &Activations, weights: &Packed, sum: &mut [f32]) {
    assert!(has_avx_vnni(), "a kernel is run only where it can run");
    // SAFETY: the processor has the instructions that the function is compiled for.
    unsafe { avx_vnni_product(left, weights, sum) }
}

/// Adds the product with vectors of 256 bits.
pub(super) fn avx2(left: &Activations, weights: &Packed, sum: &mut [f32]) {
    assert!(has_avx2(), "a kernel is run only where it can run");
    // SAFETY: the processor has the instructions that the function is compiled for.
    unsafe { avx2_product(left, weights, sum) }
}

/// Makes a function that multiplies tile by tile: a few panels with a few rows, so few that all
/// sums of a tile stay in registers.
macro_rules! product {
    ($name:ident, $tile:ident, $features:literal, panels $panels:literal, rows $($rows:literal)+ or $most:literal) => {
        #[target_feature(enable = $features)]
        fn $name(left: &Activations, weights: &Packed, sum: &mut [f32]) {
            let width = weights.width();
            let depth = left.blocks_per_row();
            let blocks = weights.blocks();

            for (at, panels) in blocks.chunks(depth * $panels).enumerate() {
                let mut rows = left.blocks();
                let mut sum = &mut sum[at * $panels * PANEL..];
                while !rows.is_empty() {
                    let some = (rows.len() / depth).min($most);
                    match (some, panels.len() / depth) {
                        $(
                            ($rows, $panels) => $tile::<$rows, $panels>(rows, panels, sum, width),
                            ($rows, _) => $tile::<$rows, 1>(rows, panels, sum, width),
                        )+
                        (_, $panels) => $tile::<$most, $panels>(rows, panels, sum, width),
                        _ => $tile::<$most, 1>(rows, panels, sum, width),
                    }
                    rows = &rows[some * depth..];
                    // The last row ends with the sums of these panels or later, not after a row.
                    sum = sum.get_mut(some * width..).unwrap_or_default();
                }
            }
        }
    };
}

product!(
    avx512_vnni_product, avx512_vnni_tile, "avx512f,avx512bw,avx512vnni",
    panels 2, rows 1 2 3 4 5 or 6
);
product!(avx_vnni_product, avx_vnni_tile, "avx2,fma,avxvnni", panels 1, rows 1 2 or 3);
product!(avx2_product, avx2_tile, "avx2,fma", panels 1, rows 1 2 or 3);

/// The blocks of each of `N` rows or panels, of which all of `blocks` is made at least.
#[inline(always)]
fn split<T, const N: usize>(blocks: &[T], depth: usize) -> [&[T]; N] {
    std::array::from_fn(|at| &blocks[at * depth..][..depth])
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn avx512_vnni_tile<const R: usize, const P: usize>(
    rows: &[ActivationBlock],
    panels: &[Block],
    sum: &mut [f32],
    width: usize,
) {
    let depth = panels.len() / P;
    let rows: [&[ActivationBlock]; R] = split(rows, depth);
    let panels: [&[Block]; P] = split(panels, depth);
    let lower = _mm512_set1_epi8(0x0F);
    let mut totals = [[_mm512_setzero_ps(); P]; R];

    for at in 0..depth {
        let mut sums = [[_mm512_set1_epi32(0); P]; R];
        for row in 0..R {
            sums[row] = [_mm512_set1_epi32(rows[row][at].start); P];
        }

        for chunk in 0..CHUNKS {
            let mut near = [lower; P];
            let mut far = [lower; P];
            for panel in 0..P {
                let levels: __m512i = cast(panels[panel][at].chunks[chunk]);
                near[panel] = _mm512_and_si512(levels, lower);
                far[panel] = _mm512_and_si512(_mm512_srli_epi16::<4>(levels), lower);
            }
            for row in 0..R {
                let levels = &rows[row][at].levels;
                let one = _mm512_set1_epi32(cast(levels[chunk]));
                let other = _mm512_set1_epi32(cast(levels[chunk + CHUNKS]));
                for panel in 0..P {
                    sums[row][panel] = _mm512_dpbusd_epi32(sums[row][panel], near[panel], one);
                    sums[row][panel] = _mm512_dpbusd_epi32(sums[row][panel], far[panel], other);
                }
            }
        }

        for row in 0..R {
            let scale = _mm512_set1_ps(rows[row][at].scale);
            for panel in 0..P {
                let scale = _mm512_mul_ps(cast::<_, __m512>(panels[panel][at].scales), scale);
                let sum = _mm512_cvtepi32_ps(sums[row][panel]);
                totals[row][panel] = _mm512_fmadd_ps(sum, scale, totals[row][panel]);
            }
        }
    }

    for row in 0..R {
        for panel in 0..P {
            let place = &mut sum[row * width + panel * PANEL..][..PANEL];
            let (place, _) = place.as_chunks_mut::<PANEL>();
            let total = _mm512_add_ps(cast(place[0]), totals[row][panel]);
            place[0] = cast(total);
        }
    }
}

/// Makes a function that multiplies a tile in vectors of 256 bits. `dot` sums up products of a
/// block, beginning with `nothing`; `whole` makes the sums of whole numbers of it.
macro_rules! tile_of_256_bits {
    ($name:ident, $features:literal, $dot:ident, $whole:ident) => {
        #[target_feature(enable = $features)]
        #[inline]
        fn $name<const R: usize, const P: usize>(
            rows: &[ActivationBlock],
            panel: &[Block],
            sum: &mut [f32],
            width: usize,
        ) {
            let depth = panel.len();
            let rows: [&[ActivationBlock]; R] = split(rows, depth);
            let lower = _mm256_set1_epi8(0x0F);
            let mut totals = [[_mm256_setzero_ps(); 2]; R];

            for at in 0..depth {
                let block = &panel[at];
                let mut sums = [[_mm256_setzero_si256(); 2]; R];

                for chunk in 0..CHUNKS {
                    let levels: [__m256i; 2] = cast(block.chunks[chunk]);
                    let mut near = [lower; 2];
                    let mut far = [lower; 2];
                    for half in 0..2 {
                        near[half] = _mm256_and_si256(levels[half], lower);
                        let upper = _mm256_srli_epi16::<4>(levels[half]);
                        far[half] = _mm256_and_si256(upper, lower);
                    }
                    for row in 0..R {
                        let levels = &rows[row][at].levels;
                        let one = _mm256_set1_epi32(cast(levels[chunk]));
                        let other = _mm256_set1_epi32(cast(levels[chunk + CHUNKS]));
                        for half in 0..2 {
                            sums[row][half] = $dot(sums[row][half], near[half], one);
                            sums[row][half] = $dot(sums[row][half], far[half], other);
                        }
                    }
                }

                let scales: [__m256; 2] = cast(block.scales);
                for row in 0..R {
                    let start = _mm256_set1_epi32(rows[row][at].start);
                    let scale = _mm256_set1_ps(rows[row][at].scale);
                    for half in 0..2 {
                        let sum = _mm256_add_epi32($whole(sums[row][half]), start);
                        let scale = _mm256_mul_ps(scales[half], scale);
                        let sum = _mm256_cvtepi32_ps(sum);
                        totals[row][half] = _mm256_fmadd_ps(sum, scale, totals[row][half]);
                    }
                }
            }

            for row in 0..R {
                let (places, _) = sum[row * width..][..PANEL].as_chunks_mut::<HALF>();
                for half in 0..2 {
                    places[half] = cast(_mm256_add_ps(cast(places[half]), totals[row][half]));
                }
            }
        }
    };
}

tile_of_256_bits!(avx_vnni_tile, "avx2,fma,avxvnni", _mm256_dpbusd_avx_epi32, as_it_is);
tile_of_256_bits!(avx2_tile, "avx2,fma", add_pairs, join_pairs);

#[inline(always)]
const fn as_it_is(sums: __m256i) -> __m256i {
    sums
}

/// Adds sums of two products in sixteen bits. They hold the eight of a block: a level of a weight
/// is at most 15, one of the other side 127, and 8 * 2 * 15 * 127 = 30,480.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn add_pairs(sums: __m256i, weights: __m256i, levels: __m256i) -> __m256i {
    _mm256_add_epi16(sums, _mm256_maddubs_epi16(weights, levels))
}

/// The sums of neighbours, in 32 bits.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn join_pairs(sums: __m256i) -> __m256i {
    _mm256_madd_epi16(sums, _mm256_set1_epi16(1))
}
