//! Marks such as `[2]` in an answer that name the sources it rests on.

/// The sources named by `[n]`, `[n, m]` or `[n-m]` in an answer, counted from 1 there and from 0
/// here, in order of first mention. Numbers that no source has are left out.
pub(crate) fn cited(text: &str, sources: usize) -> Vec<usize> {
    let mut found = Vec::new();
    for inside in text.split('[').skip(1).filter_map(|rest| rest.split_once(']')) {
        for part in inside.0.split([',', ';']) {
            let (first, last) = part.split_once(['-', '–']).unwrap_or((part, part));
            let (Ok(first), Ok(last)) = (first.trim().parse(), last.trim().parse::<usize>()) else {
                continue;
            };
            for number in first..=last.min(sources) {
                if number > 0 && !found.contains(&(number - 1)) {
                    found.push(number - 1);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_existing_sources_are_cited_once_each() {
        assert_eq!(cited("Two days [2]. Free over 50 [1, 2][9] [0] [x].", 3), [1, 0]);
        assert_eq!(cited("Two [3-4]. Free [1; 2]. Never [2–1] [-] [0-1].", 4), [2, 3, 0, 1]);
        assert_eq!(cited("[1-4000000000]", 2), [0, 1]);
        assert_eq!(cited("[[no-answer]] [", 3), Vec::<usize>::new());
        assert_eq!(cited("[1", 3), Vec::<usize>::new());
    }
}
