//! What a customer's commands are answered with. Pure.
//!
//! A command is answered with a fixed text and asks no model. Where words wait beside it, they are
//! answered, and the texts of the commands stand before the answer. A command that nobody knows is
//! answered with the list of those that there are; with words behind it, it is a question, and
//! never comes here.

use replyx_core::{
    assistant::Language,
    command::{self, CommandText, HouseCommand, OwnerCommand},
    message::MessageKind,
};
use replyx_storage::messages::Spoken;

use crate::{check::Reply, context::Context};

/// Whether a human is asked for by a command.
pub(crate) fn asks_human(pending: &[Spoken]) -> bool {
    pending.iter().any(|message| house(message) == Some(HouseCommand::Human))
}

/// What the commands among the waiting messages are answered with, one paragraph each; empty: there
/// are none.
pub(crate) fn texts(context: &Context) -> String {
    let language = context.ask.language;
    let commands = context.pending.iter().filter(|message| message.kind == MessageKind::Command);
    let mut texts: Vec<String> = Vec::new();
    for message in commands {
        let text = text(&message.text, &context.commands, language);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join("\n\n")
}

/// The reply to the words that wait beside commands, with the texts of those before it.
pub(crate) fn stand_before(mut reply: Reply, context: &Context) -> Reply {
    let commands = texts(context);
    if !commands.is_empty() {
        // Nobody else asked for that.
        reply.keep = None;
        reply.text = format!("{commands}\n\n{}", reply.text);
    }
    reply
}

fn text(said: &str, own: &[OwnerCommand], language: Language) -> String {
    let Some((name, arguments)) = command::split(said) else {
        return command::help(own, language);
    };
    if let Some(own) = own.iter().find(|own| own.command == name) {
        return own.text.clone();
    }

    let text = match name.parse() {
        Ok(HouseCommand::Reset) => CommandText::Reset,
        // It is asked for, and the policy of the assistant has none.
        Ok(HouseCommand::Human) => CommandText::Alone,
        Ok(HouseCommand::Language) => match command::named_language(arguments) {
            Some(_) => CommandText::Chosen,
            None => CommandText::Languages,
        },
        Ok(HouseCommand::Start | HouseCommand::Help) | Err(_) => {
            return command::help(own, language);
        }
    };
    text.house(language).to_owned()
}

fn house(message: &Spoken) -> Option<HouseCommand> {
    let is_command = message.kind == MessageKind::Command;
    HouseCommand::of(&message.text).filter(|_| is_command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_text_and_an_unknown_one_gets_the_list() {
        let own = [OwnerCommand {
            command: "prices".to_owned(),
            description: "Our prices".to_owned(),
            text: "See **the list**.".to_owned(),
        }];
        let said = |said: &str, language| text(said, &own, language);
        let english = Language::English;
        let russian = Language::Russian;
        assert_eq!(said("/prices", english), "See **the list**.");
        let help = said("/help", russian);
        assert!(help.contains("/prices - Our prices") && help.contains("/human - Позвать"));
        assert_eq!(said("/nothing", russian), help);
        assert_eq!(said("/language ru", russian), "Буду писать вам по-русски.");
        assert_eq!(said("/language de", english), said("/language", english));
        assert_ne!(said("/human", english), said("/help", english));
    }
}
