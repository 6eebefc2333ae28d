//! What single words and marks stand for.

/// Some programs write an item's mark as text with a tab behind it.
pub(super) fn drawn_mark(text: &str) -> Option<(Option<u64>, &str)> {
    let (mark, text) = text.trim_start().split_once('\t')?;
    match mark.trim_end() {
        "•" | "◦" | "▪" | "–" | "-" | "·" | "*" => Some((None, text)),
        mark => Some((Some(mark.strip_suffix(['.', ')'])?.parse().ok()?), text)),
    }
}

/// Words that stand for a character.
pub(super) fn special(word: &str) -> Option<&'static str> {
    Some(match word {
        "tab" => "\t",
        "emdash" => "—",
        "endash" => "–",
        "bullet" => "•",
        "lquote" => "‘",
        "rquote" => "’",
        "ldblquote" => "“",
        "rdblquote" => "”",
        "emspace" | "enspace" | "qmspace" => " ",
        _ => return None,
    })
}

/// Where `HYPERLINK "address"` leads.
pub(super) fn link(instruction: &str) -> Option<String> {
    let rest = instruction.trim().strip_prefix("HYPERLINK")?.trim_start();
    let link = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split_whitespace().next()?,
    };
    let known = ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme));
    known.then(|| link.to_owned())
}
