//! Code without what is said about it.

use crate::workspace::Source;

/// The lines that are no tests, without comments.
pub(crate) fn code_of(source: &Source) -> String {
    source.production_lines().map(|(_, line)| without_comment(line).to_owned() + "\n").collect()
}

/// The line up to a comment; slashes inside a string, as in an address, begin none.
pub(crate) fn without_comment(line: &str) -> &str {
    let mut in_string = false;
    let mut escaped = false;

    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' if line[..at].ends_with('\'') && line[at + 1..].starts_with('\'') => {}
            '"' => in_string = !in_string,
            '/' if !in_string && line[at..].starts_with("//") => return &line[..at],
            _ => {}
        }
    }
    line
}

#[test]
fn slashes_in_a_string_begin_no_comment() {
    assert_eq!(without_comment("let a = \"http://x\"; // y"), "let a = \"http://x\"; ");
    assert_eq!(without_comment("'\"' // z"), "'\"' ");
    assert_eq!(without_comment("/// says \"why\""), "");
}
