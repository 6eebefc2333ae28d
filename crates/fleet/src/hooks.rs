//! The two secrets of a bot's webhook: a part of its address, and a header.

use replyx_core::{
    clock::random_hex,
    ids::ChannelId,
    secret::{Keys, same, sha256_hex},
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// Below this path of our address Telegram posts updates; the secret part follows.
pub const PATH: &str = "/hooks/telegram/";
/// How many hexadecimal digits the secret part of an address has.
const PATH_DIGITS: usize = 48;
/// How many of them, at its beginning, are the bot's id.
const ID_DIGITS: usize = 32;
/// How many random bytes follow the id.
const RANDOM_BYTES: usize = (PATH_DIGITS - ID_DIGITS) / 2;

/// The secret part of a new bot's address. It begins with the bot's id, so that the other secret
/// can be checked without the database.
pub fn new_path(bot: ChannelId) -> String {
    format!("{}{}", bot.into_uuid().simple(), random_hex::<RANDOM_BYTES>())
}

/// Can it be the secret part of an address at all?
pub fn is_path(path: &str) -> bool {
    path.len() == PATH_DIGITS && path.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Does the header prove that Telegram calls for the bot whose id the path begins with? Older paths
/// are random and prove nothing.
pub fn is_proved(keys: &Keys, path: &str, shown: &str) -> bool {
    let id = path.get(..ID_DIGITS).and_then(|id| Uuid::try_parse(id).ok());
    id.is_some_and(|id| is_token(keys, ChannelId::from(id), shown))
}

/// Is it the header of this bot?
pub fn is_token(keys: &Keys, bot: ChannelId, shown: &str) -> bool {
    same(shown, secret_token(keys, bot).expose_secret())
}

/// The token Telegram shows in `X-Telegram-Bot-Api-Secret-Token` when it calls for this bot.
pub fn secret_token(keys: &Keys, bot: ChannelId) -> SecretString {
    let key = keys.key(&format!("telegram-webhook:{bot}"));
    SecretString::from(sha256_hex(key.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_path_and_its_token_prove_the_bot_without_the_database() {
        let keys = Keys::derive(&SecretString::from("0123456789abcdef0123456789abcdef")).unwrap();
        let bot = ChannelId::from(Uuid::from_u128(7));
        let other = ChannelId::from(Uuid::from_u128(8));
        let path = new_path(bot);
        assert!(is_path(&path));
        let token = |bot| secret_token(&keys, bot).expose_secret().to_owned();
        assert!(is_proved(&keys, &path, &token(bot)));
        assert!(!is_proved(&keys, &path, &token(other)));
        assert!(!is_proved(&keys, &random_hex::<24>(), &token(bot)));
        assert!(!is_proved(&keys, &path, "") && !is_proved(&keys, "", ""));
    }
}
