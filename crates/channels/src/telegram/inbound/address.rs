//! Whether a message is meant for us, and what is left of it without our name.

use serde_json::Value;

use super::BotIdentity;

/// What a message says to us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Addressed {
    /// `/start`, with what follows it.
    Start(String),
    /// Another command, with what follows it.
    Command {
        /// Its name, in lower case.
        name: String,
        /// What follows, trimmed.
        arguments: String,
    },
    /// Words without our name; possibly none.
    Text(String),
}

/// In private everything is meant for us.
pub(super) fn in_private(text: &str, us: BotIdentity<'_>) -> Addressed {
    match Command::read(text) {
        Some(command) if command.bot.is_none_or(|bot| us.is(bot)) => command.said(),
        _ => Addressed::Text(text.to_owned()),
    }
}

/// In a group our name, a command with our name, or a reply to us is. Nothing when it is not meant
/// for us.
pub(super) fn in_group(text: &str, message: &Value, us: BotIdentity<'_>) -> Option<Addressed> {
    if let Some(command) = Command::read(text)
        && let Some(bot) = command.bot
    {
        return us.is(bot).then(|| command.said());
    }
    let rest = without_mention(text, us.username);
    let replies = is_ours(&message["reply_to_message"], us);
    (rest.is_some() || replies).then(|| in_private(rest.as_deref().unwrap_or(text), us))
}

/// Whether we said a message. That a topic was created by us is said by nobody, and everything in
/// the topic seems to reply to it.
pub(super) fn is_ours(message: &Value, us: BotIdentity<'_>) -> bool {
    message["from"]["id"].as_i64() == Some(us.id) && message.get("forum_topic_created").is_none()
}

impl BotIdentity<'_> {
    fn is(self, username: &str) -> bool {
        self.username.eq_ignore_ascii_case(username)
    }
}

/// `/name`, `/name@bot`, with what follows.
struct Command<'t> {
    name: &'t str,
    bot: Option<&'t str>,
    rest: &'t str,
}

impl<'t> Command<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let body = text.strip_prefix('/')?;
        let end = body.find(char::is_whitespace).unwrap_or(body.len());
        let (word, rest) = body.split_at(end);
        let (name, bot) = match word.split_once('@') {
            Some((name, bot)) => (name, Some(bot)),
            None => (word, None),
        };
        let named = !name.is_empty() && name.bytes().all(is_name_byte);
        named.then_some(Self { name, bot, rest })
    }

    fn said(&self) -> Addressed {
        let name = self.name.to_ascii_lowercase();
        let arguments = self.rest.trim().to_owned();
        if name == "start" {
            return Addressed::Start(arguments);
        }
        Addressed::Command { name, arguments }
    }
}

const fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// The text without `@username`; nothing when it is not in it as a word of its own.
fn without_mention(text: &str, username: &str) -> Option<String> {
    if username.is_empty() {
        return None;
    }

    let mut kept = String::new();
    let mut from = 0;
    let mut found = false;
    for (at, _) in text.match_indices('@') {
        let end = at + 1 + username.len();
        let Some(name) = text.get(at + 1..end) else { continue };
        let word_before = text[..at].chars().next_back().is_some_and(is_word);
        let word_after = text[end..].chars().next().is_some_and(is_word);
        if !name.eq_ignore_ascii_case(username) || word_before || word_after {
            continue;
        }
        found = true;
        push_joined(&mut kept, &text[from..at]);
        from = end;
    }

    if !found {
        return None;
    }

    push_joined(&mut kept, &text[from..]);
    Some(kept.trim().to_owned())
}

/// Appends what followed a name that was taken out, without the comma or the second space it
/// leaves.
fn push_joined(kept: &mut String, piece: &str) {
    kept.push_str(if kept.trim().is_empty() {
        piece.trim_start_matches([',', ':', ' '])
    } else if kept.ends_with(' ') {
        piece.trim_start_matches(' ')
    } else {
        piece
    });
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_found_as_a_word_and_taken_out() {
        for (text, rest) in [
            ("@shop_bot where is it?", Some("where is it?")),
            ("@SHOP_BOT, где заказ?", Some("где заказ?")),
            ("where is it @shop_bot", Some("where is it")),
            ("can @shop_bot help", Some("can help")),
            ("@shop_bot", Some("")),
            ("@shop_bot @shop_bot hi", Some("hi")),
            ("mail me at x@shop_bot", None),
            ("@shop_bot2 hi", None),
            ("@shop_botя", None),
            ("@", None),
            ("@яяяяяяяя", None),
            ("hi", None),
        ] {
            assert_eq!(without_mention(text, "shop_bot").as_deref(), rest, "{text}");
        }
    }
}
