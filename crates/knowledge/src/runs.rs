//! The vectors of what stands in a passage: which of its sentences, items and rows is near to a
//! question in meaning.
//!
//! Each number of a vector takes one byte: with 8 bits and a scale for each vector a cosine is off
//! by less than 0.002, and texts that differ in meaning differ by more.

use replyx_extractive::Source;

/// The rules by which passages are taken apart: raised when [`of`] gives other runs of a passage,
/// so that vectors of earlier ones are not taken for those of others.
const VERSION: u8 = 1;
/// The version, and how many numbers a vector has.
const HEADER: usize = 3;
/// A scale stands before each vector.
const SCALE: usize = 4;
/// The largest number of a vector is this many steps.
const STEPS: f32 = 127.0;

/// What of a passage is compared with questions, in order.
pub fn of(headings: &str, text: &str) -> Vec<String> {
    let headings = headings.split(" > ").filter(|heading| !heading.is_empty());
    let headings = headings.map(str::to_owned).collect();
    replyx_extractive::runs(&Source { headings, text: text.to_owned(), ..Source::default() })
}

/// The vectors of a passage's runs as they are stored.
pub fn pack(vectors: &[&[f32]]) -> Vec<u8> {
    let width = vectors.first().map_or(0, |vector| vector.len());
    let mut packed = Vec::with_capacity(HEADER + vectors.len() * (SCALE + width));
    packed.push(VERSION);
    packed.extend(u16::try_from(width).unwrap_or(u16::MAX).to_le_bytes());
    for vector in vectors {
        let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        let largest = vector.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
        let scale = if norm.is_normal() { largest / STEPS / norm } else { 0.0 };
        packed.extend(scale.to_le_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "the largest number is 127 steps")]
        packed.extend(
            vector.iter().flat_map(|value| ((value / largest * STEPS).round() as i8).to_le_bytes()),
        );
    }
    packed
}

/// The cosine of each run with a question of unit length; none where the vectors are of earlier
/// rules or of another length.
pub fn likeness(packed: &[u8], question: &[f32]) -> Vec<f32> {
    let Some((header, rest)) = packed.split_at_checked(HEADER) else { return Vec::new() };
    let width = usize::from(u16::from_le_bytes([header[1], header[2]]));
    if header[0] != VERSION || width != question.len() {
        return Vec::new();
    }

    let cosine = |run: &[u8]| {
        let (scale, numbers) = run.split_first_chunk::<SCALE>()?;
        let product: f32 = numbers
            .iter()
            .zip(question)
            .map(|(number, asked)| f32::from(i8::from_le_bytes([*number])) * asked)
            .sum();
        Some(product * f32::from_le_bytes(*scale))
    };
    rest.chunks_exact(SCALE + width).filter_map(cosine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_vector_keeps_its_cosine() {
        let vector = |seed: u16| -> Vec<f32> {
            (0..384_u16).map(|at| f32::from((at * 31 + seed * 17) % 97) - 48.0).collect()
        };
        let one = vector(1);
        let other = vector(5);
        let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
        let question: Vec<f32> = other.iter().map(|x| x / norm(&other)).collect();

        let packed = pack(&[&one, &other]);
        let found = likeness(&packed, &question);

        let cosine: f32 = one.iter().zip(&question).map(|(a, b)| a * b).sum::<f32>() / norm(&one);
        assert_eq!(packed.len(), 3 + 2 * 388);
        assert!((found[0] - cosine).abs() < 0.002, "{} {cosine}", found[0]);
        assert!((found[1] - 1.0).abs() < 0.002);
    }

    #[test]
    fn vectors_of_other_rules_or_models_are_not_compared() {
        let mut packed = pack(&[&[1.0, 0.0]]);
        assert!(likeness(&packed, &[1.0, 0.0, 0.0]).is_empty());
        assert_eq!(likeness(&packed, &[1.0, 0.0]).len(), 1);
        packed[0] = VERSION + 1;
        assert!(likeness(&packed, &[1.0, 0.0]).is_empty());
        assert!(likeness(&[], &[1.0]).is_empty());
        assert!(likeness(&pack(&[]), &[]).is_empty());
    }
}
