//! Commands: what customers write with a slash before it, in channels that know commands.

use serde::{Deserialize, Serialize};

use crate::{assistant::Language, words::words};

words! {
    /// A command that every bot understands.
    HouseCommand {
        /// Opens the conversation.
        Start = "start",
        /// Says what can be written.
        Help = "help",
        /// Asks for a human.
        Human = "human",
        /// Lets the assistant forget what was said before.
        Reset = "reset",
        /// Chooses the language of the fixed texts.
        Language = "language",
    }
}

impl HouseCommand {
    /// Those that are shown to customers: the conversation is open already.
    pub const SHOWN: [Self; 4] = [Self::Help, Self::Human, Self::Reset, Self::Language];

    /// The command that a text begins with, if it is one of these.
    pub fn of(text: &str) -> Option<Self> {
        split(text)?.0.parse().ok()
    }

    /// What it does, for a menu.
    pub const fn description(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Start, Language::English) => "Begin the conversation",
            (Self::Help, Language::English) => "What you can write here",
            (Self::Human, Language::English) => "Talk to a person",
            (Self::Reset, Language::English) => "Begin anew",
            (Self::Language, Language::English) => "Choose the language: en or ru",
            (Self::Start, Language::Russian) => "Начать разговор",
            (Self::Help, Language::Russian) => "Что здесь можно написать",
            (Self::Human, Language::Russian) => "Позвать сотрудника",
            (Self::Reset, Language::Russian) => "Начать заново",
            (Self::Language, Language::Russian) => "Выбрать язык: ru или en",
        }
    }
}

/// Splits a command into its name and what follows it, trimmed. `None`: it is none.
pub fn split(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix('/')?;
    let (name, arguments) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some((name, arguments.trim()))
}

/// The language that somebody names after `/language`.
pub fn named_language(arguments: &str) -> Option<Language> {
    match arguments.trim().to_lowercase().as_str() {
        "en" | "english" | "английский" => Some(Language::English),
        "ru" | "russian" | "русский" => Some(Language::Russian),
        _ => None,
    }
}

/// The language of the house that an app's language code stands for.
pub fn coded_language(code: &str) -> Option<Language> {
    code.split('-').next()?.to_ascii_lowercase().parse().ok()
}

/// Where somebody came from, by what follows `/start`: 1 to 64 of `A-Z a-z 0-9 _ -`, as Telegram
/// has it. `None`: that is no payload of a link.
pub fn source(arguments: &str) -> Option<&str> {
    let arguments = arguments.trim();
    let fits = (1..=64).contains(&arguments.len())
        && arguments.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    fits.then_some(arguments)
}

/// A command of a bot's owner, answered with a fixed text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerCommand {
    /// Its name, without the slash.
    pub command: String,
    /// What it does, for the menu.
    pub description: String,
    /// What is answered; Markdown.
    pub text: String,
}

impl OwnerCommand {
    /// At most so many: with those of the house fewer than the 100 that Telegram takes.
    pub const MOST: usize = 50;
    /// The longest name, as the Bot API has it.
    pub const NAME: usize = 32;
    /// The longest description, characters, as the Bot API has it.
    pub const DESCRIPTION: usize = 256;
    /// The longest text, characters.
    pub const TEXT: usize = 4_000;

    /// Whether a command may have this name: 1 to 32 lowercase English letters, digits and
    /// underscores, a letter or a digit first; none that the house answers otherwise. `help` may be
    /// replaced.
    pub fn is_name(name: &str) -> bool {
        let is_own = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let is_free =
            !matches!(name.parse::<HouseCommand>(), Ok(house) if house != HouseCommand::Help);
        (1..=Self::NAME).contains(&name.len())
            && name.bytes().all(is_own)
            && !name.starts_with('_')
            && is_free
    }
}

/// The commands that a menu shows in this language, in order, each with its description: those of
/// the owner first.
pub fn menu(own: &[OwnerCommand], language: Language) -> Vec<(&str, &str)> {
    let house = HouseCommand::SHOWN.iter();
    let house = house.map(|command| (command.as_str(), command.description(language)));
    let house = house.filter(|(name, _)| own.iter().all(|own| own.command != *name));
    let own = own.iter().map(|own| (own.command.as_str(), own.description.as_str()));
    own.chain(house).collect()
}

/// What a command is answered with that needs nothing but a fixed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandText {
    /// Before the list of commands.
    Help,
    /// The assistant begins anew.
    Reset,
    /// The language was chosen.
    Chosen,
    /// No language of the house was named.
    Languages,
    /// A human was asked for where the owner has none.
    Alone,
}

impl CommandText {
    /// The text in this language.
    pub const fn house(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Help, Language::English) => {
                "Write your question in your own words, and I will look for the answer. You can also write:"
            }
            (Self::Reset, Language::English) => {
                "All right, we begin anew. What would you like to know?"
            }
            (Self::Chosen, Language::English) => "I will write to you in English.",
            (Self::Languages, Language::English) => {
                "Write /language en for English or /language ru for Russian."
            }
            (Self::Alone, Language::English) => {
                "I cannot bring in a colleague here. Write your question, and I will look for the answer."
            }
            (Self::Help, Language::Russian) => {
                "Задайте вопрос своими словами, и я поищу ответ. Ещё можно написать:"
            }
            (Self::Reset, Language::Russian) => "Хорошо, начнём заново. Что вы хотели бы узнать?",
            (Self::Chosen, Language::Russian) => "Буду писать вам по-русски.",
            (Self::Languages, Language::Russian) => {
                "Напишите /language ru, чтобы выбрать русский язык, или /language en, чтобы выбрать английский."
            }
            (Self::Alone, Language::Russian) => {
                "Здесь я не могу позвать коллегу. Напишите вопрос, и я поищу ответ."
            }
        }
    }
}

/// What `/help` says: what can be written, and every command with its description.
pub fn help(own: &[OwnerCommand], language: Language) -> String {
    let mut text = CommandText::Help.house(language).to_owned();
    text.push('\n');
    for (name, description) in menu(own, language) {
        text.push_str("\n/");
        text.push_str(name);
        text.push_str(" - ");
        text.push_str(description);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(command: &str) -> OwnerCommand {
        OwnerCommand {
            command: command.to_owned(),
            description: "Our prices".to_owned(),
            text: "See the list.".to_owned(),
        }
    }

    #[test]
    fn a_command_is_told_from_words() {
        assert_eq!(split("/language  ru "), Some(("language", "ru")));
        assert_eq!(split("/price\niPhone 15"), Some(("price", "iPhone 15")));
        for words in ["", "/", "/ help", "help", "/help@other", "/как", " /help"] {
            assert_eq!(split(words), None, "{words:?}");
        }
        assert_eq!(HouseCommand::of("/reset now"), Some(HouseCommand::Reset));
        assert_eq!(HouseCommand::of("/prices"), None);
    }

    #[test]
    fn an_owners_command_has_a_name_that_telegram_takes_and_the_house_does_not_need() {
        for name in ["prices", "my_orders", "2for1", "help", &"a".repeat(32)] {
            assert!(OwnerCommand::is_name(name), "{name}");
        }
        for name in
            ["", "Prices", "цены", "a b", "a-b", "_a", "start", "human", "reset", "language"]
        {
            assert!(!OwnerCommand::is_name(name), "{name}");
        }
        assert!(!OwnerCommand::is_name(&"a".repeat(33)));
    }

    #[test]
    fn a_source_is_what_a_link_can_carry() {
        assert_eq!(source(" ad-42_x "), Some("ad-42_x"));
        assert_eq!(source(&"a".repeat(64)).map(str::len), Some(64));
        for wrong in ["", "two words", "цена", "a=b", "<b>", &"a".repeat(65)] {
            assert_eq!(source(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_menu_shows_the_owners_commands_first_and_each_name_once() {
        let own = [own("prices"), own("help")];
        let names: Vec<_> = menu(&own, Language::English).iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["prices", "help", "human", "reset", "language"]);
        let help = help(&own, Language::Russian);
        assert!(
            help.contains("\n/prices - Our prices\n/help - Our prices\n/human - Позвать"),
            "{help}"
        );
    }

    #[test]
    fn languages_are_read_from_what_people_and_apps_call_them() {
        let russian = Some(Language::Russian);
        assert_eq!((named_language(" RU "), named_language("Русский")), (russian, russian));
        assert_eq!((named_language(""), named_language("de")), (None, None));
        assert_eq!((coded_language("ru"), coded_language("ru-RU")), (russian, russian));
        assert_eq!(
            (coded_language("en-GB"), coded_language("rum")),
            (Some(Language::English), None)
        );
    }

    #[test]
    fn what_is_shown_fits_into_telegrams_menu() {
        for language in Language::ALL {
            for command in HouseCommand::ALL {
                let length = command.description(*language).chars().count();
                assert!((1..=OwnerCommand::DESCRIPTION).contains(&length), "{command}");
            }
        }
    }
}
