//! What names the columns of a table, and what is a value in them.

/// Names of columns are short, characters.
const LONGEST_NAME: usize = 80;

/// Does the first of these rows look like the names of columns? Names are short, are no numbers and
/// no sentences; a question beside its answer, or a label beside its value, is the first of the
/// rows.
pub(super) fn names_columns(rows: &[Vec<String>]) -> bool {
    let [first, _, ..] = rows else { return false };
    let filled: Vec<&str> =
        first.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    let is_name = |cell: &&str| {
        !is_number(cell)
            && cell.contains(char::is_alphanumeric)
            && !cell.ends_with(['?', '!', ':', ';', '？'])
            && !cell.contains(['@', '\n'])
            && !cell.contains("://")
            && cell.chars().count() <= LONGEST_NAME
    };
    let pair_of_values = first.len() == 2
        && first[1].contains(|c: char| c.is_ascii_digit())
        && !first[0].contains(|c: char| c.is_ascii_digit());

    filled.len() >= 2 && filled.iter().all(is_name) && !pair_of_values
}

/// A number as tables show it: with signs of thousands, a currency or a per cent sign. A year may
/// be a column's name.
pub(super) fn is_number(cell: &str) -> bool {
    let cell = cell.trim();
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let others = cell.chars().filter(|c| c.is_alphabetic()).count();
    let is_year =
        digits == 4 && cell.len() == 4 && (cell.starts_with("19") || cell.starts_with("20"));
    digits > 0 && others == 0 && !is_year
}
