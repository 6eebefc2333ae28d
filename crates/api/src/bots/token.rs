//! A bot's token on its way in: never shown, wiped from memory when dropped.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// A token as BotFather gives it out: the bot's number, a colon, a secret.
#[derive(Clone, Debug)]
pub(super) struct Token(pub(super) SecretString);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|token| Self(SecretString::from(token)))
    }
}

/// Does it look like a token at all? Anything else must not become part of an address.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
pub(super) fn plausible(token: &Token, (): &()) -> garde::Result {
    let well_formed = token.0.expose_secret().split_once(':').is_some_and(|(number, secret)| {
        (1..=20).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && (30..=100).contains(&secret.len())
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    });
    if well_formed { Ok(()) } else { Err(garde::Error::new("is not a token of a Telegram bot")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAF-abcdefghijklmnopqrstuvwxyz_0123";

    fn token(text: &str) -> Token {
        Token(SecretString::from(text))
    }

    #[test]
    fn only_what_looks_like_a_token_is_one() {
        let fits = |text: &str| plausible(&token(text), &()).is_ok();
        assert!(fits(&format!("123456:{SECRET}")));
        assert!(fits(&format!("1:{}", "a".repeat(30))));
        assert!(fits(&format!("{}:{}", "1".repeat(20), "a".repeat(100))));
        for wrong in [
            String::new(),
            ":".to_owned(),
            SECRET.to_owned(),
            format!(":{SECRET}"),
            format!("bot123456:{SECRET}"),
            format!("-1:{SECRET}"),
            format!("١٢٣:{SECRET}"),
            format!(" 123456:{SECRET}"),
            format!("123456:{SECRET}\n"),
            format!("123456:{SECRET}/../getUpdates"),
            format!("123456:{SECRET}?x=1"),
            format!("123456:{SECRET}%2F"),
            format!("123456:{SECRET}:{SECRET}"),
            format!("123456:{}", "я".repeat(30)),
            format!("123456:{}", "a".repeat(29)),
            format!("123456:{}", "a".repeat(101)),
            format!("{}:{SECRET}", "1".repeat(21)),
        ] {
            assert!(!fits(&wrong), "{wrong:?}");
        }
    }

    #[test]
    fn neither_its_debug_form_nor_its_refusal_shows_it() {
        assert!(!format!("{:?}", token(SECRET)).contains(SECRET));
        let refusal = plausible(&token(SECRET), &()).unwrap_err();
        assert!(!refusal.to_string().contains(SECRET));
    }
}
