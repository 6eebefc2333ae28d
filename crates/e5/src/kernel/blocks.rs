//! Weights of four bits: GGML's `Q4_0`, and its blocks side by side, as kernels read them.

use super::{BLOCK, PANEL};

/// Bytes of a block of `Q4_0` in the file: the scale in half precision, then two numbers a byte.
const BLOCK_BYTES: usize = 18;
/// Inputs that lie together for each output: what one instruction multiplies and sums up.
const GROUP: usize = 4;
/// By so much a level is stored greater than it is.
pub(crate) const OFFSET: i32 = 8;

/// A block of weights of each of [`PANEL`] outputs.
///
/// A byte of chunk `c` at `GROUP * o + g` holds two levels of output `o`: that of input
/// `GROUP * c + g` of the block in its lower half, that of the input 16 places behind it in its
/// upper half.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Block {
    pub(crate) chunks: [[u8; GROUP * PANEL]; BLOCK / 2 / GROUP],
    /// The scale of each output.
    pub(crate) scales: [f32; PANEL],
}

const EMPTY: Block =
    Block { chunks: [[0; GROUP * PANEL]; BLOCK / 2 / GROUP], scales: [0.0; PANEL] };

/// A matrix of 4-bit weights, in panels.
pub(crate) struct Packed {
    width: usize,
    depth_blocks: usize,
    /// `[panel][block of inputs]`.
    blocks: Vec<Block>,
}

impl Packed {
    /// Packs rows of `Q4_0` blocks, one row an output. `None` when the sizes do not fit.
    pub(crate) fn new(bytes: &[u8], width: usize, depth: usize) -> Option<Self> {
        let row = row_bytes(depth);
        let fits = depth.is_multiple_of(BLOCK) && width.is_multiple_of(PANEL);
        if !fits || depth == 0 || bytes.len() != row.checked_mul(width)? {
            return None;
        }

        let depth_blocks = depth / BLOCK;
        let mut blocks = vec![EMPTY; width / PANEL * depth_blocks];
        for (output, row) in bytes.chunks_exact(row).enumerate() {
            let panel = &mut blocks[output / PANEL * depth_blocks..][..depth_blocks];
            for (block, bytes) in panel.iter_mut().zip(row.chunks_exact(BLOCK_BYTES)) {
                block.put(output % PANEL, bytes);
            }
        }

        Some(Self { width, depth_blocks, blocks })
    }

    /// Several matrices with the same inputs, their outputs one behind the other.
    pub(crate) fn joined(parts: Vec<Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next()?;
        for part in parts {
            if part.depth_blocks != all.depth_blocks {
                return None;
            }
            all.width += part.width;
            all.blocks.extend(part.blocks);
        }
        all.blocks.shrink_to_fit();
        Some(all)
    }

    /// Outputs.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// Inputs.
    pub(crate) const fn depth(&self) -> usize {
        self.depth_blocks * BLOCK
    }

    /// Blocks of inputs.
    pub(crate) const fn depth_blocks(&self) -> usize {
        self.depth_blocks
    }

    /// The blocks of all panels, one panel behind the other.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}

impl Block {
    /// Puts a block of the file into the place of an output.
    fn put(&mut self, output: usize, bytes: &[u8]) {
        self.scales[output] = half(u16::from_le_bytes([bytes[0], bytes[1]]));
        for (chunk, levels) in self.chunks.iter_mut().zip(bytes[2..].chunks_exact(GROUP)) {
            chunk[output * GROUP..][..GROUP].copy_from_slice(levels);
        }
    }
}

/// The numbers of a row of blocks, added to `sum`.
pub(crate) fn add_row(bytes: &[u8], sum: &mut [f32]) {
    for (block, sum) in bytes.chunks_exact(BLOCK_BYTES).zip(sum.chunks_exact_mut(BLOCK)) {
        let scale = half(u16::from_le_bytes([block[0], block[1]]));
        for (sum, level) in sum.iter_mut().zip(levels(block)) {
            *sum += f32::from(level) * scale;
        }
    }
}

/// The numbers of a block: the low halves of its bytes come first.
fn levels(block: &[u8]) -> impl Iterator<Item = i8> {
    let level = |nibble: u8| nibble.cast_signed() - 8;
    let low = block[2..].iter().map(move |byte| level(byte & 0x0F));
    low.chain(block[2..].iter().map(move |byte| level(byte >> 4)))
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

#[cfg(test)]
pub(super) mod tests {
    use super::{super::plain::tests::numbers, *};

    /// A matrix in the form of the file whose levels look random.
    pub(crate) fn given(width: usize, depth: usize) -> Vec<u8> {
        let bytes = numbers(row_bytes(depth) * width);
        let mut blocks: Vec<u8> = bytes.iter().map(|number| number.to_le_bytes()[1]).collect();
        for (at, block) in blocks.chunks_exact_mut(BLOCK_BYTES).enumerate() {
            // Scales around 1/64.
            let scale = 0x2400_u16 + u16::try_from(at % 200).unwrap();
            block[..2].copy_from_slice(&scale.to_le_bytes());
        }
        blocks
    }

    #[test]
    fn what_does_not_fit_is_not_packed() {
        assert!(Packed::new(&[0; 18], 16, 32).is_none());
        assert!(Packed::new(&[0; 18 * 8], 8, 32).is_none());
        assert!(Packed::new(&[0; 18 * 16], 16, 32).is_some());
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
