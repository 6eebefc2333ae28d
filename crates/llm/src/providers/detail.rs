//! What a provider says about an error, made fit to be kept.

use serde_json::Value;

use crate::chat::ChatMessage;

/// The longest detail kept, characters.
const KEPT: usize = 200;
/// A stretch of our words this long in a detail is a quotation, characters.
const QUOTATION: usize = 24;

/// What must not appear in an error: the key and what was said.
pub(super) struct Words {
    key: String,
    said: Vec<String>,
}

impl Words {
    pub(super) fn of(messages: &[ChatMessage], key: &str) -> Self {
        let said = messages.iter().map(|message| message.content.trim().to_owned());
        Self { key: key.to_owned(), said: said.filter(|text| !text.is_empty()).collect() }
    }

    /// The message of an error object, cleaned.
    pub(super) fn clean_json(&self, body: &Value) -> String {
        let error = body.get("error").unwrap_or(body);
        let message = error.get("message").unwrap_or(error);
        match message {
            Value::String(message) => self.clean(message),
            other => self.clean(&other.to_string()),
        }
    }

    /// Cuts a text to what is kept and takes the key and our words out of it.
    fn clean(&self, text: &str) -> String {
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !self.key.is_empty() {
            text = text.replace(&self.key, "[key]");
        }
        // Providers quote a wrong key with only its middle masked.
        text = text
            .split(' ')
            .map(|word| if word.contains("sk-") { "[key]" } else { word })
            .collect::<Vec<_>>()
            .join(" ");
        let text: String = text.chars().take(KEPT).collect();
        if self.quotes_us(&text) {
            "[withheld: it quotes the conversation]".to_owned()
        } else {
            text
        }
    }

    fn quotes_us(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().collect();
        let windows: Vec<String> =
            characters.windows(QUOTATION).map(|window| window.iter().collect()).collect();
        self.said.iter().any(|said| {
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            text.contains(&said) || windows.iter().any(|window| said.contains(window))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words() -> Words {
        let said = "My order number is 12345 and my name is\n  Anna Petrova".to_owned();
        Words { key: "secret-key".to_owned(), said: vec![said] }
    }

    #[test]
    fn the_key_is_taken_out_even_when_it_is_masked() {
        let detail = words().clean("bad key secret-key or sk-ab***yz, see the\n docs");
        assert_eq!(detail, "bad key [key] or [key] see the docs");
    }

    #[test]
    fn a_detail_that_quotes_the_conversation_is_withheld() {
        let detail = words().clean("cannot parse: number is 12345 and my name is Anna Petr");
        assert_eq!(detail, "[withheld: it quotes the conversation]");
    }

    #[test]
    fn a_detail_is_short_and_comes_from_any_shape_of_error() {
        assert_eq!(words().clean(&"ж".repeat(500)).chars().count(), KEPT);
        assert_eq!(words().clean_json(&json!({"error": {"message": "full"}})), "full");
        assert_eq!(words().clean_json(&json!({"error": "full"})), "full");
        assert_eq!(words().clean_json(&json!({"detail": 1})), "{\"detail\":1}");
    }
}
