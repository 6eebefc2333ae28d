//! How a model says that its sources do not hold the answer.

/// The whole answer of a model that finds nothing in its sources.
pub const NO_ANSWER: &str = "[[no-answer]]";

/// Is this answer [`NO_ANSWER`]? Spaces, quotes, emphasis, letter case and a final stop around it do not
/// count, because models add them; any other word does, because then there is an answer.
pub fn declines(text: &str) -> bool {
    let around = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '*' | '_' | '.' | '!' | '…' | '«' | '»')
            || ('\u{2018}'..='\u{201F}').contains(&c)
    };
    text.trim_matches(around).eq_ignore_ascii_case(NO_ANSWER)
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
