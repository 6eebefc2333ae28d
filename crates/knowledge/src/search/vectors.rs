//! Vectors of passages, and how alike they are to a question's.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into the function with the processor's instructions does not use them"
)]

use pulp::{Arch, Simd, WithSimd};

/// The vectors of some of a document's passages, all of unit length.
#[derive(Debug)]
pub(super) struct Vectors {
    /// The passage of each row, by its place in the document, rising.
    passages: Vec<u32>,
    width: usize,
    matrix: Vec<f32>,
}

impl Vectors {
    /// Of stored vectors with the place of their passage. Those whose length differs from the
    /// first, and those that are not numbers, are left out.
    pub(super) fn of(stored: impl Iterator<Item = (u32, Vec<u8>)>) -> Option<Self> {
        let mut vectors = Self { passages: Vec::new(), width: 0, matrix: Vec::new() };
        for (passage, bytes) in stored {
            let row: Vec<f32> =
                bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
            let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            if vectors.width == 0 {
                vectors.width = row.len();
            }
            if row.len() != vectors.width || !norm.is_normal() {
                continue;
            }
            vectors.passages.push(passage);
            vectors.matrix.extend(row.iter().map(|x| x / norm));
        }
        vectors.matrix.shrink_to_fit();
        (!vectors.passages.is_empty()).then_some(vectors)
    }

    pub(super) fn bytes(&self) -> usize {
        self.matrix.len() * 4 + self.passages.len() * 4 + size_of::<Self>()
    }

    /// Calls `each` with every passage and its likeness (cosine) to a question of unit length; with
    /// none when the question's vector is of another length.
    pub(super) fn likeness(&self, arch: Arch, question: &[f32], each: impl FnMut(u32, f32)) {
        if question.len() == self.width {
            arch.dispatch(Scan { vectors: self, question, each });
        }
    }

    /// The likeness of one passage.
    pub(super) fn likeness_of(&self, arch: Arch, question: &[f32], passage: u32) -> Option<f32> {
        let row = self.passages.binary_search(&passage).ok()?;
        let row = &self.matrix[row * self.width..(row + 1) * self.width];
        (question.len() == self.width).then(|| arch.dispatch(Dot { one: row, other: question }))
    }
}

struct Scan<'v, E> {
    vectors: &'v Vectors,
    question: &'v [f32],
    each: E,
}

impl<E: FnMut(u32, f32)> WithSimd for Scan<'_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows = self.vectors.matrix.chunks_exact(self.vectors.width);
        for (passage, row) in self.vectors.passages.iter().zip(rows) {
            (self.each)(*passage, dot(simd, row, self.question));
        }
    }
}

struct Dot<'v> {
    one: &'v [f32],
    other: &'v [f32],
}

impl WithSimd for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        dot(simd, self.one, self.other)
    }
}

#[inline(always)]
fn dot<S: Simd>(simd: S, one: &[f32], other: &[f32]) -> f32 {
    let (one, one_rest) = S::as_simd_f32s(one);
    let (other, other_rest) = S::as_simd_f32s(other);
    // Four sums at once, or each addition waits for the one before.
    let mut sums = [simd.splat_f32s(0.0); 4];
    let (one_fours, one_last) = one.as_chunks::<4>();
    let (other_fours, other_last) = other.as_chunks::<4>();
    for (a, b) in one_fours.iter().zip(other_fours) {
        sums[0] = simd.mul_add_e_f32s(a[0], b[0], sums[0]);
        sums[1] = simd.mul_add_e_f32s(a[1], b[1], sums[1]);
        sums[2] = simd.mul_add_e_f32s(a[2], b[2], sums[2]);
        sums[3] = simd.mul_add_e_f32s(a[3], b[3], sums[3]);
    }
    for (a, b) in one_last.iter().zip(other_last) {
        sums[0] = simd.mul_add_e_f32s(*a, *b, sums[0]);
    }
    let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(a, b)| a * b).sum();
    simd.reduce_sum_f32s(sum) + rest
}

/// The vector at unit length; nothing when it has none.
pub(super) fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    norm.is_normal().then(|| vector.iter().map(|x| x / norm).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(rows: &[&[f32]]) -> Vec<(u32, Vec<u8>)> {
        let bytes = |row: &&[f32]| row.iter().flat_map(|x| x.to_le_bytes()).collect();
        (0..).zip(rows.iter().map(bytes)).collect()
    }

    #[test]
    fn likeness_is_the_cosine_whatever_the_width() {
        for width in [1, 3, 8, 31, 384, 1536, 1541] {
            let one: Vec<f32> = (0_u16..width).map(|i| f32::from(i % 7) - 2.5).collect();
            let other: Vec<f32> = (0_u16..width).map(|i| f32::from(i % 5) + 0.5).collect();
            let vectors = Vectors::of(stored(&[&one]).into_iter()).unwrap();
            let question = unit(&other).unwrap();
            let product: f32 = one.iter().zip(&other).map(|(a, b)| a * b).sum();
            let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
            let expected = product / norm(&one) / norm(&other);
            let mut seen = Vec::new();
            vectors.likeness(Arch::new(), &question, |passage, like| seen.push((passage, like)));
            assert_eq!(seen.len(), 1);
            assert!((seen[0].1 - expected).abs() < 1e-4, "{width}: {} {expected}", seen[0].1);
            assert_eq!(vectors.likeness_of(Arch::new(), &question, 0), Some(seen[0].1));
            assert_eq!(vectors.likeness_of(Arch::new(), &question, 1), None);
        }
    }

    #[test]
    fn broken_vectors_are_left_out() {
        let rows: [&[f32]; 5] =
            [&[1.0, 0.0], &[0.0, 0.0], &[f32::NAN, 1.0], &[1.0, 1.0, 1.0], &[0.0, 2.0]];
        let vectors = Vectors::of(stored(&rows).into_iter()).unwrap();
        assert_eq!((vectors.passages.len(), vectors.width), (2, 2));
        let mut seen = Vec::new();
        vectors.likeness(Arch::new(), &[0.0, 1.0], |passage, like| seen.push((passage, like)));
        assert_eq!(seen, [(0, 0.0), (4, 1.0)]);
        vectors.likeness(Arch::new(), &[0.0, 1.0, 0.0], |_, _| panic!("another model's question"));
        assert!(Vectors::of(std::iter::empty()).is_none());
        assert!(unit(&[0.0]).is_none());
    }
}
