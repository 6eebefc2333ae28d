//! What a name that nobody knows may have been meant to be.

/// The known name nearest to this one, if it is near enough to be a slip of the keyboard: one
/// change for names of up to seven characters, two for longer ones. A change inserts, removes or
/// replaces a character, or swaps two neighbors.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let length = name.chars().count();
    let most = match length {
        0..=2 => return None,
        3..=7 => 1,
        _ => 2,
    };
    known
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(changes, _)| *changes <= most)
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, candidate)| candidate)
}

/// How many changes lead from one name to the other (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, have) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, want) in to.iter().enumerate() {
            let replaced = above[column] + usize::from(have != want);
            let mut least = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *have == to[column - 1] && from[row - 1] == *want {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        let known = ["rate_upload", "host", "port", "limit", "cursor", "data_dir"];
        for (name, meant) in [
            ("rate_uplod", Some("rate_upload")),
            ("rate_uplaod", Some("rate_upload")),
            ("rate_uploads", Some("rate_upload")),
            ("hsot", Some("host")),
            ("prt", Some("port")),
            ("limits", Some("limit")),
            ("data_dirr", Some("data_dir")),
            ("colour", None),
            ("post", Some("host")),
            ("hostname", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
    }
}
