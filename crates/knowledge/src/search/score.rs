//! How well a passage fits a question by its words: BM25 and what it does not see.
//!
//! BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009; `k1` 0.9, `b` 0.5:
//! passages are alike in length) weighs each word by its rarity among the assistant's passages. A
//! word of the question may stand for several terms, each counting as much as it is likely to be
//! meant. On top of it, words in the headings and words that stand beside each other as in the
//! question count more.

use super::segment::TermHash;

const K1: f64 = 0.9;
const B: f64 = 0.5;
/// What a word in a heading adds, in weights of the word.
const IN_HEADING: f64 = 0.4;
/// What two neighbours of the question add when they are neighbours in the passage, in mean weights
/// of the two.
const PAIR: f64 = 0.5;
/// Neighbours may have this many words between them, so that `delivery to Moscow` is still
/// `delivery Moscow`.
const BETWEEN: usize = 1;

/// A word of a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    /// The terms it may stand for, with how much each counts, 0 to 1.
    pub(super) meant: Vec<(TermHash, f64)>,
    /// In how many passages it occurs.
    pub(super) frequency: usize,
    /// It occurs as it was asked, not only in another spelling.
    pub(super) exact: bool,
}

/// A question's words and what they weigh.
#[derive(Clone, Debug)]
pub(super) struct WeighedQuestion {
    pub(super) words: Vec<Word>,
    weights: Vec<f64>,
    mean: f64,
}

/// A term that stands for a word of the question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Substitute {
    /// The place of the word in the question.
    pub(super) word: usize,
    /// How much it counts, 0 to 1.
    pub(super) counts: f64,
}

impl WeighedQuestion {
    /// Of words put to `count` passages with `mean` terms.
    pub(super) fn new(words: Vec<Word>, count: usize, mean: f64) -> Self {
        let weights = words.iter().map(|word| weight(word.frequency, count)).collect();
        Self { words, weights, mean: mean.max(1.0) }
    }

    /// What word `word` weighs.
    pub(super) fn weight(&self, word: usize) -> f64 {
        self.weights[word]
    }

    /// Each term that stands for a word. A term that stands for several counts for the one it fits
    /// best.
    pub(super) fn stands(&self) -> Vec<(TermHash, Substitute)> {
        let mut stands: Vec<(TermHash, Substitute)> = Vec::new();
        for (word, asked) in self.words.iter().enumerate() {
            for (term, counts) in &asked.meant {
                let stand = Substitute { word, counts: *counts };
                match stands.iter_mut().find(|(known, _)| known == term) {
                    Some((_, known)) if known.counts < *counts => *known = stand,
                    Some(_) => {}
                    None => stands.push((*term, stand)),
                }
            }
        }
        stands
    }

    /// What a passage made of nothing but the question's words would come to.
    pub(super) fn ideal(&self) -> f64 {
        self.weights.iter().map(|weight| weight * (K1 + 1.0)).sum::<f64>().max(f64::MIN_POSITIVE)
    }

    /// How well a passage fits, 0 to 1, given its terms and those of its headings as what they
    /// stand for.
    pub(super) fn score(
        &self,
        terms: impl Iterator<Item = Option<Substitute>>,
        headings: impl Iterator<Item = Option<Substitute>>,
    ) -> f64 {
        let mut times = vec![0.0_f64; self.words.len()];
        let mut paired = vec![0.0_f64; self.words.len()];
        // The question's word that stands last in the passage so far, and where.
        let mut recent: Option<(Substitute, usize)> = None;
        let mut length = 0_u32;
        for (at, stand) in terms.enumerate() {
            length += 1;
            let Some(stand) = stand else { continue };
            times[stand.word] += stand.counts;
            if let Some((before, stood)) = recent
                && stand.word == before.word + 1
                && at - stood <= BETWEEN + 1
            {
                let both = stand.counts.min(before.counts);
                paired[stand.word] = paired[stand.word].max(both);
            }
            recent = Some((stand, at));
        }
        let norm = K1 * (1.0 - B + B * f64::from(length) / self.mean);
        let mut total = 0.0;
        for (word, weight) in self.weights.iter().enumerate() {
            total += weight * times[word] * (K1 + 1.0) / (times[word] + norm);
            if paired[word] > 0.0 {
                total += PAIR * paired[word] * f64::midpoint(*weight, self.weights[word - 1]);
            }
        }
        let mut headed = vec![0.0_f64; self.words.len()];
        for stand in headings.flatten() {
            headed[stand.word] = headed[stand.word].max(stand.counts);
        }
        let above: f64 =
            self.weights.iter().zip(&headed).map(|(weight, counts)| weight * counts).sum();
        ((total + IN_HEADING * above) / self.ideal()).clamp(0.0, 1.0)
    }
}

/// The inverse document frequency, in the form that is never negative.
#[expect(clippy::cast_precision_loss, reason = "counts of passages stay far below 2^52")]
fn weight(frequency: usize, count: usize) -> f64 {
    let count = count.max(frequency) as f64;
    let frequency = frequency as f64;

    ((count - frequency + 0.5) / (frequency + 0.5)).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_weigh_more_and_no_weight_is_negative() {
        assert!(weight(1, 100) > weight(50, 100));
        assert!(weight(100, 100) > 0.0);
        assert!(weight(7, 5) > 0.0);
    }

    #[test]
    fn a_likelier_reading_counts_more_and_neighbours_add() {
        let word = |term| Word { meant: vec![(term, 1.0)], frequency: 1, exact: true };
        let asked = WeighedQuestion::new(vec![word(1), word(2)], 100, 4.0);
        let stand = |word, counts| Some(Substitute { word, counts });
        let score =
            |terms: &[Option<Substitute>]| asked.score(terms.iter().copied(), std::iter::empty());
        let apart = score(&[stand(0, 1.0), None, None, stand(1, 1.0)]);
        let beside = score(&[stand(0, 1.0), stand(1, 1.0), None, None]);
        let unlike = score(&[stand(0, 1.0), stand(1, 0.5), None, None]);
        assert!(beside > apart && beside > unlike);
        assert!(score(&[None, None]).abs() < f64::EPSILON);
        let headed = asked.score([stand(0, 1.0)].into_iter(), [stand(0, 1.0)].into_iter());
        assert!(headed > score(&[stand(0, 1.0)]));
    }

    #[test]
    fn a_term_stands_for_the_word_it_fits_best() {
        let words = vec![
            Word { meant: vec![(7, 0.4)], frequency: 1, exact: true },
            Word { meant: vec![(7, 1.0), (8, 0.5)], frequency: 1, exact: true },
        ];
        let stands = WeighedQuestion::new(words, 10, 4.0).stands();
        assert_eq!(stands[0], (7, Substitute { word: 1, counts: 1.0 }));
        assert_eq!(stands.len(), 2);
    }
}
