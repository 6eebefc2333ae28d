//! How a model says that its sources do not hold the answer.

/// The whole answer of a model that finds nothing in its sources.
pub const NO_ANSWER: &str = "[[no-answer]]";

/// Is this answer [`NO_ANSWER`], or does it end with that? Spaces, quotes, emphasis, letter case
/// and a final stop around it do not count, because models add them. Where words follow it, these
/// are an answer.
pub fn declines(text: &str) -> bool {
    let around = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '*' | '_' | '.' | '!' | '…' | '«' | '»')
            || ('\u{2018}'..='\u{201F}').contains(&c)
    };
    let text = text.trim_matches(around);
    let end = text.len().saturating_sub(NO_ANSWER.len());
    text.get(end..).is_some_and(|end| end.eq_ignore_ascii_case(NO_ANSWER))
}

/// An answer without [`NO_ANSWER`], which is no word for people.
pub fn without_no_answer(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut rest = 0;
    let mut clean = String::with_capacity(text.len());
    for (at, found) in lower.match_indices(NO_ANSWER) {
        clean.push_str(&text[rest..at]);
        rest = at + found.len();
    }
    clean.push_str(&text[rest..]);
    if rest > 0 { clean.trim().to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_known_whatever_stands_around_it() {
        for text in [
            NO_ANSWER,
            "  [[no-answer]]\n",
            "\"[[no-answer]]\"",
            "[[No-Answer]].",
            "`[[no-answer]]`",
            "«[[no-answer]]»",
            "“[[no-answer]].”",
            "**[[no-answer]]**",
            "К сожалению, об этом в документах ничего нет. [[no-answer]]",
        ] {
            assert!(declines(text), "{text}");
        }
    }

    #[test]
    fn an_answer_beside_the_marker_is_an_answer() {
        for text in ["", "no answer", "[[no-answer]] Delivery takes 2 days.", "[no-answer]"] {
            assert!(!declines(text), "{text}");
        }
    }
}
