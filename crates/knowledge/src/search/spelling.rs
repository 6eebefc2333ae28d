//! How far apart two spellings are.

/// How many wrong letters a word of so many letters may have and still be meant. The second one is
/// forgiven to words under [`LONG`] only when they begin alike.
pub(super) const fn tolerated(letters: usize) -> usize {
    match letters {
        0..=3 => 0,
        4..=5 => 1,
        _ => 2,
    }
}

/// From this many letters on a word is long.
pub(super) const LONG: usize = 8;

/// How many letters are missing, too many, wrong or swapped with their neighbour between two words
/// (Damerau and Levenshtein, each place edited at most once); `None` above `most`.
pub(super) fn distance(one: &[char], other: &[char], most: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > most {
        return None;
    }

    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut line = Vec::with_capacity(other.len() + 1);
        line.push(row + 1);

        for (column, b) in other.iter().enumerate() {
            let mut cost = (above[column] + usize::from(a != b))
                .min(above[column + 1] + 1)
                .min(line[column] + 1);
            let swapped = row > 0 && column > 0 && *a == other[column - 1] && one[row - 1] == *b;
            if swapped && a != b {
                cost = cost.min(before[column - 1] + 1);
            }
            line.push(cost);
        }

        if line.iter().all(|cost| *cost > most) {
            return None;
        }

        before = std::mem::replace(&mut above, line);
    }

    above.last().copied().filter(|cost| *cost <= most)
}

/// How much of two words their common beginning is, 0 to 1 (Dice).
pub(super) fn kinship(one: &[char], other: &[char]) -> f64 {
    let shared = shared_beginning(one, other);
    let both = one.len() + other.len();
    #[expect(clippy::cast_precision_loss, reason = "words are short")]
    if both == 0 { 0.0 } else { (2 * shared) as f64 / both as f64 }
}

/// How many letters two words begin with alike.
pub(super) fn shared_beginning(one: &[char], other: &[char]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(one: &str, other: &str) -> Option<usize> {
        let chars = |word: &str| word.chars().collect::<Vec<_>>();
        distance(&chars(one), &chars(other), 2)
    }

    #[test]
    fn each_kind_of_slip_counts_once() {
        assert_eq!(apart("доставк", "доставк"), Some(0));
        assert_eq!(apart("доствак", "доставк"), Some(1), "swapped");
        assert_eq!(apart("достак", "доставк"), Some(1), "missing");
        assert_eq!(apart("доставкк", "доставк"), Some(1), "too many");
        assert_eq!(apart("дастафк", "доставк"), Some(2), "two wrong");
        assert_eq!(apart("возврат", "доставк"), None);
        assert_eq!(apart("", "ab"), Some(2));
        assert_eq!(apart("", ""), Some(0));
        assert_eq!(apart("ca", "abc"), None, "no place is edited twice");
    }

    #[test]
    fn the_distance_is_the_same_both_ways() {
        let words = ["delivery", "delivrey", "deliver", "delvry", "livery", "d", ""];
        for one in words {
            for other in words {
                assert_eq!(apart(one, other), apart(other, one), "{one} {other}");
            }
        }
    }
}
