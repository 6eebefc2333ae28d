//! A question and its answer, as people write them down in the console or import them from a table.

use replyx_core::knowledge::DocumentKind;
use serde::Deserialize;

use super::{Extracted, Unreadable, writer::Writer};

#[derive(Deserialize)]
struct Pair {
    question: String,
    answer: String,
}

/// Reads `{"question": "...", "answer": "..."}`: the question is the heading of its answer.
pub(super) fn answer(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let pair: Pair = serde_json::from_slice(bytes).map_err(|_| Unreadable::Damaged)?;
    if !pair.answer.contains(char::is_alphanumeric) {
        return Err(Unreadable::NoText);
    }
    let mut writer = Writer::new(DocumentKind::Answer);
    writer.title(&pair.question);
    writer.heading(1, &pair.question);
    for paragraph in pair.answer.replace("\r\n", "\n").split("\n\n") {
        writer.paragraph(paragraph);
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_the_heading_of_its_answer() {
        let pair = r#"{"question": "Когда\nвы открыты?", "answer": "С 9 до 18.\r\nБез обеда.\n\nВ праздники закрыто."}"#;
        let found = answer(pair.as_bytes()).unwrap();
        assert_eq!(
            found.text,
            "Когда вы открыты?\n\nС 9 до 18.\nБез обеда.\n\nВ праздники закрыто."
        );
        assert_eq!(found.headings.len(), 1);
        assert_eq!(found.headings[0].end, "Когда вы открыты?".len());
        assert_eq!(answer(b"{}"), Err(Unreadable::Damaged));
        assert_eq!(answer(br#"{"question": "x", "answer": " "}"#), Err(Unreadable::NoText));
    }
}
