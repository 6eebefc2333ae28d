//! The envelope that every answer of the Bot API comes in.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::TelegramError;

const DESCRIPTION_CHARS: usize = 200;
const LONGEST_WAIT: u64 = 3600;

#[derive(Deserialize)]
struct Envelope<'a> {
    ok: bool,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error_code: Option<u16>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    retry_after: Option<u64>,
    #[serde(default)]
    migrate_to_chat_id: Option<i64>,
}

/// Takes the result out of an answer. `retry_after` is the header of that name, in seconds.
pub(crate) fn open(
    status: u16,
    retry_after: Option<u64>,
    body: &[u8],
) -> Result<Box<RawValue>, TelegramError> {
    match serde_json::from_slice::<Envelope<'_>>(body) {
        Ok(Envelope { ok: true, result: Some(result), .. }) if (200..300).contains(&status) => {
            Ok(result.to_owned())
        }
        Ok(Envelope { ok: false, error_code, description, parameters, .. }) => {
            let status = error_code.filter(|code| (400..600).contains(code)).unwrap_or(status);
            let parameters = parameters.unwrap_or_default();
            let wait = parameters.retry_after.or(retry_after);
            Err(parameters.migrate_to_chat_id.map_or_else(
                || refusal(status, wait, &description.unwrap_or_default()),
                |to_chat_id| TelegramError::Migrated { to_chat_id },
            ))
        }
        // Not Telegram's own words: what a proxy thinks of the token or the chat means nothing.
        _ => Err(match status {
            200..300 => TelegramError::Malformed,
            429 => rate_limited(retry_after),
            // A proxy before the server takes no larger body, either.
            413 => TelegramError::TooBig,
            _ => trouble(status),
        }),
    }
}

fn refusal(status: u16, retry_after: Option<u64>, said: &str) -> TelegramError {
    let description: String =
        said.chars().filter(|c| !c.is_control()).take(DESCRIPTION_CHARS).collect();
    match status {
        400 => bad_request(description),
        401 | 404 => TelegramError::Unauthorized,
        403 => TelegramError::Blocked { description },
        413 => TelegramError::TooBig,
        409 => TelegramError::Conflict { webhook: description.to_lowercase().contains("webhook") },
        429 => rate_limited(retry_after),
        405..500 | 402 => TelegramError::Refused { status, description },
        200..300 => TelegramError::Malformed,
        _ => trouble(status),
    }
}

/// Telegram gives most of its refusals the same status; only the words tell them apart.
fn bad_request(description: String) -> TelegramError {
    let said = description.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&["can't parse", "entit"]) {
        TelegramError::CannotParse { description }
    } else if says(&["message is too long", "message_too_long"]) {
        TelegramError::TooLong
    } else if says(&["file is too big", "file_too_big"]) {
        TelegramError::TooBig
    } else if says(&[
        "chat not found",
        "user not found",
        "peer_id_invalid",
        "group chat was deleted",
    ]) {
        TelegramError::ChatGone { description }
    } else {
        TelegramError::Refused { status: 400, description }
    }
}

fn rate_limited(seconds: Option<u64>) -> TelegramError {
    let seconds = seconds.unwrap_or(1).clamp(1, LONGEST_WAIT);
    TelegramError::RateLimited { retry_after: Duration::from_secs(seconds) }
}

/// Sorts a status without Telegram's words.
///
/// 500 is Telegram saying that it failed; 502 and 503 are its front end without a server behind it,
/// which happens for minutes at a time when Telegram restarts: taking those for "unknown" would
/// send nothing twice, but would let a customer wait for nothing. 504 and the rest of the 5xx come
/// when a server behind has taken the request and has not answered: whether it was carried out
/// cannot be known.
fn trouble(status: u16) -> TelegramError {
    match status {
        504.. => TelegramError::Unknown(None),
        _ => TelegramError::Server { status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> TelegramError {
        open(status, None, body.as_bytes()).unwrap_err()
    }

    fn says(status: u16, description: &str) -> TelegramError {
        let body =
            serde_json::json!({"ok": false, "error_code": status, "description": description});
        refused(status, &body.to_string())
    }

    #[test]
    fn refusals_are_sorted_by_what_telegram_says() {
        for (status, said, kind) in [
            (401, "Unauthorized", "unauthorized"),
            (404, "Not Found", "unauthorized"),
            (413, "Request Entity Too Large", "too_big"),
            (400, "Bad Request: file is too big", "too_big"),
            (403, "Forbidden: bot was blocked by the user", "blocked"),
            (403, "Forbidden: user is deactivated", "blocked"),
            (403, "Forbidden: bot was kicked from the supergroup chat", "blocked"),
            (400, "Bad Request: chat not found", "chat_gone"),
            (400, "Bad Request: PEER_ID_INVALID", "chat_gone"),
            (
                400,
                "Bad Request: can't parse entities: Unclosed start tag at byte offset 3",
                "cannot_parse",
            ),
            (400, "Bad Request: ENTITIES_TOO_LONG", "cannot_parse"),
            (400, "Bad Request: message is too long", "too_long"),
            (400, "Bad Request: not enough rights to send text messages to the chat", "refused"),
            (400, "Bad Request: TOPIC_CLOSED", "refused"),
            (429, "Too Many Requests: retry after 5", "rate_limited"),
            (500, "Internal Server Error", "server"),
            (504, "Gateway Timeout", "unknown"),
        ] {
            assert_eq!(says(status, said).kind(), kind, "{status} {said}");
        }
    }

    #[test]
    fn the_two_conflicts_are_told_apart() {
        let other = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
        let webhook = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
        assert!(matches!(says(409, other), TelegramError::Conflict { webhook: false }));
        assert!(matches!(says(409, webhook), TelegramError::Conflict { webhook: true }));
        let set = "Conflict: terminated by setWebhook request";
        assert!(matches!(says(409, set), TelegramError::Conflict { webhook: true }));
    }

    #[test]
    fn a_group_that_moved_says_where_to() {
        let body = r#"{"ok":false,"error_code":400,
            "description":"Bad Request: group chat was upgraded to a supergroup chat",
            "parameters":{"migrate_to_chat_id":-1001234567890}}"#;
        let error = refused(400, body);
        assert!(matches!(error, TelegramError::Migrated { to_chat_id: -1_001_234_567_890 }));
    }

    #[test]
    fn a_wait_is_read_from_body_then_header_and_bounded() {
        let wait = |header, body: &str| match open(429, header, body.as_bytes()).unwrap_err() {
            TelegramError::RateLimited { retry_after } => Some(retry_after),
            _ => None,
        };
        let body = |seconds: u64| {
            format!(
                r#"{{"ok":false,"error_code":429,"description":"x","parameters":{{"retry_after":{seconds}}}}}"#
            )
        };
        assert_eq!(wait(Some(9), &body(5)), Some(Duration::from_secs(5)));
        assert_eq!(wait(Some(9), "<html>"), Some(Duration::from_secs(9)));
        assert_eq!(wait(None, "<html>"), Some(Duration::from_secs(1)));
        assert_eq!(wait(None, &body(0)), Some(Duration::from_secs(1)));
        assert_eq!(wait(None, &body(u64::MAX)), Some(Duration::from_hours(1)));
    }

    #[test]
    fn what_a_proxy_says_of_a_chat_or_a_token_is_not_believed() {
        for status in [301, 400, 401, 403, 404, 500, 502, 503] {
            let error = refused(status, "<html>Forbidden</html>");
            assert!(matches!(error, TelegramError::Server { status: found } if found == status));
            assert!(error.certainly_not_sent());
        }
        for status in [504, 520, 522, 524] {
            assert!(matches!(refused(status, "<html>"), TelegramError::Unknown(None)), "{status}");
        }
        for body in ["", "<html>", "{}", r#"{"ok":true}"#, "[]", "null"] {
            let error = refused(200, body);
            assert!(matches!(error, TelegramError::Malformed), "{body}");
            assert!(!error.certainly_not_sent());
        }
    }

    #[test]
    fn descriptions_are_cut_and_have_no_control_characters() {
        let long = format!("Bad Request: \n\0{}", "я".repeat(1000));
        let TelegramError::Refused { description, .. } = says(400, &long) else { panic!() };
        assert_eq!(description.chars().count(), 200);
        assert!(!description.contains(char::is_control));
    }
}
