//! Marks such as `[2]` in an answer that name the sources it rests on.

/// The sources named by `[n]` or `[n, m]` in an answer, counted from 1 there and from 0 here, in order
/// of first mention. Numbers that no source has are left out.
pub(crate) fn cited(text: &str, sources: usize) -> Vec<usize> {
    let mut found = Vec::new();
    for inside in text.split('[').skip(1).filter_map(|rest| rest.split_once(']')) {
        for number in inside.0.split(',') {
            let Ok(number) = number.trim().parse::<usize>() else { continue };
            if (1..=sources).contains(&number) && !found.contains(&(number - 1)) {
                found.push(number - 1);
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
        assert_eq!(cited("[[no-answer]] [", 3), Vec::<usize>::new());
        assert_eq!(cited("[1", 3), Vec::<usize>::new());
    }
}
