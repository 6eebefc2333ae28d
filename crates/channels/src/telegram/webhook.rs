//! Updates that Telegram posts to us.

use serde_json::{Value, json};
use thiserror::Error;

use super::types::RawUpdate;

/// The most bytes that a posted update may have. The largest text with its markup is a small part
/// of it.
pub const BODY_LIMIT: usize = 1 << 20;

/// A posted body is not an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAnUpdate {
    /// It is larger than [`BODY_LIMIT`].
    #[error("an update of `{0}` bytes is too large")]
    TooLarge(usize),
    /// It is not a JSON object with an `update_id`.
    #[error("the body is not an update")]
    Malformed,
}

/// Reads the body of a webhook's request.
///
/// # Errors
///
/// Refuses bodies that are too large, and those that have no `update_id`.
pub fn update_from(body: &[u8]) -> Result<RawUpdate, NotAnUpdate> {
    if body.len() > BODY_LIMIT {
        return Err(NotAnUpdate::TooLarge(body.len()));
    }
    let json = std::str::from_utf8(body).map_err(|_| NotAnUpdate::Malformed)?;
    RawUpdate::parse(json).ok_or(NotAnUpdate::Malformed)
}

/// What Telegram is answered when it posts the press of a button: a call that it carries out, so
/// that the app of the person who pressed stops waiting.
pub fn answer_press(press: &str) -> Value {
    json!({"method": "answerCallbackQuery", "callback_query_id": press})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_an_update_when_it_has_a_number() {
        let update = update_from(br#"{"update_id":7,"message":{"x":1}}"#).unwrap();
        assert_eq!(update.update_id, 7);
        assert_eq!(update.raw["message"]["x"], 1);
        for wrong in [&b""[..], b"{", b"[]", b"null", b"{}", br#"{"update_id":"7"}"#, b"\xff"] {
            assert_eq!(update_from(wrong), Err(NotAnUpdate::Malformed));
        }
        let large = vec![b' '; BODY_LIMIT + 1];
        assert_eq!(update_from(&large), Err(NotAnUpdate::TooLarge(BODY_LIMIT + 1)));
    }
}
