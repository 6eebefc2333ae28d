//! What a customer hears that no model wrote, in the customer's language.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::Language;
use crate::words::words;

words! {
    /// An occasion on which a fixed text is said.
    FixedText {
        /// Said in answer to `/start`.
        Start = "start",
        /// Said when the documents do not hold the answer.
        Unknown = "unknown",
        /// Said when no model could be reached.
        Fallback = "fallback",
        /// Said, once a day, when nobody can be answered because the balance is used up.
        Unavailable = "unavailable",
        /// Said when the dialog is handed to a human.
        Handoff = "handoff",
        /// Said when the dialog is handed to a human outside the business hours; `{when}` in it is
        /// replaced by when people are back.
        AfterHours = "after_hours",
        /// Said in answer to what is not text.
        TextOnly = "text_only",
        /// Said in answer to a greeting.
        Greeting = "greeting",
        /// Said in answer to thanks.
        Thanks = "thanks",
        /// Said in answer to `ok` and `yes`.
        Agreement = "agreement",
        /// Said in answer to a farewell.
        Farewell = "farewell",
        /// Said in answer to emoji alone.
        Emoji = "emoji",
        /// Said to a customer who asks who answers.
        WhoAreYou = "who_are_you",
        /// Said to a customer who asks what the assistant can do.
        WhatCanYouDo = "what_can_you_do",
        /// Said in answer to insults alone.
        Abuse = "abuse",
        /// Said to a customer who wants to book or to change a booking; may hold a link.
        Booking = "booking",
        /// Said to a customer who asks what became of an order; may hold a link.
        OrderStatus = "order_status",
        /// Added to the answer to a complaint.
        Offer = "offer",
        /// What is written on the button that brings in a human, below every offer of one.
        HumanButton = "human_button",
        /// Added when a customer who waits for a human is not the first; `{position}` is the place
        /// in the queue.
        QueuePlace = "queue_place",
        /// Added when it is known how long a customer will wait for a human; `{position}` is the
        /// place in the queue, `{minutes}` the wait.
        QueueWait = "queue_wait",
        /// Said to a customer who no longer wants a human.
        QueueLeft = "queue_left",
        /// Said once to a customer who has waited for a human for the owner's number of hours.
        StillWaiting = "still_waiting",
        /// Said to a customer when another person answers from now on; `{name}` in it is replaced
        /// by that person's name.
        OperatorJoined = "operator_joined",

        /// Said before a quotation of which it is not sure that it answers.
        Unsure = "unsure",
        /// Added to such a quotation.
        UnsureOffer = "unsure_offer",

        /// Said once to a customer who writes while the assistant is paused.
        Paused = "paused",
    }
}

/// By their words: how owners' texts are sorted.
impl Ord for FixedText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for FixedText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By their codes.
impl Ord for Language {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Language {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FixedText {
    /// The longest text of an owner, characters.
    pub const LONGEST: usize = 4_000;
    /// The longest label of a button, characters.
    pub const LONGEST_LABEL: usize = 64;
    /// What is replaced in [`Self::AfterHours`] by when people are back.
    pub const WHEN: &str = "{when}";
    /// What is replaced in [`Self::OperatorJoined`] by the name of the person who answers.
    pub const NAME: &str = "{name}";

    /// Whether an owner may say this on the occasion: it has something to see and is not too long.
    /// A label has one line.
    pub fn takes(self, text: &str) -> bool {
        let longest = match self {
            Self::HumanButton => Self::LONGEST_LABEL,
            _ => Self::LONGEST,
        };
        let is_label = self == Self::HumanButton;
        let is_line = !text.contains(char::is_control);
        !text.trim().is_empty() && text.chars().count() <= longest && (is_line || !is_label)
    }

    /// The product's own text.
    pub const fn house(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english(),
            Language::Russian => self.russian(),
        }
    }

    const fn english(self) -> &'static str {
        match self {
            Self::Start => "Hello! Ask me anything, and I will look it up for you.",
            Self::Unknown => "I don't know: I found nothing about this in the documents.",
            Self::Fallback => {
                "I cannot answer right now because of a technical problem. Please ask again in a few minutes."
            }
            Self::Unavailable => {
                "I cannot answer at the moment. What you write is kept, and you will be answered as soon as possible."
            }
            Self::Handoff => {
                "I would rather have a colleague answer this. They will write to you here."
            }
            Self::AfterHours => {
                "I would rather have a colleague answer this. They will write to you here {when}."
            }
            Self::TextOnly => "I can only read text so far. Please write your question in words.",

            // Small talk.
            Self::Greeting => "Hello! What would you like to know?",
            Self::Thanks => "You're welcome! If you have another question, just write to me.",
            Self::Agreement => "Good. If you have another question, just write to me.",
            Self::Farewell => "Goodbye! Write to me whenever you have a question.",
            Self::Emoji => "🙂",
            Self::WhoAreYou => {
                "I am a virtual assistant: I answer questions from the company's documents. If you would rather talk to a person, just say so."
            }
            Self::WhatCanYouDo => {
                "Ask your question in your own words, and I will look for the answer in the company's documents."
            }
            Self::Abuse => {
                "I am sorry that you are upset. Please tell me what happened, and I will try to help."
            }

            // What only a person or a tool can do.
            Self::Booking => {
                "I cannot make or change bookings myself. Shall I bring in a colleague? Answer \"yes\", and they will write to you here."
            }
            Self::OrderStatus => {
                "I cannot see orders myself. Shall I bring in a colleague? Answer \"yes\", and they will write to you here."
            }
            Self::Paused => {
                "I cannot answer at the moment. What you write is kept; please write again later."
            }
            Self::Offer => {
                "I am sorry about this. Shall I bring in a colleague? Answer \"yes\", and they will write to you here."
            }

            Self::HumanButton => "Talk to a person",

            // Waiting for a person.
            Self::QueuePlace => {
                "You are number {position} in the queue. If you no longer need a colleague, write \"cancel\"."
            }
            Self::QueueWait => {
                "You are number {position} in the queue, and the wait is about {minutes} min. If you no longer need a colleague, write \"cancel\"."
            }
            Self::QueueLeft => "All right, I am back. What would you like to know?",
            Self::StillWaiting => {
                "Thank you for waiting: no colleague has been free so far. You keep your place in the queue, and they will write to you here. If you no longer need a colleague, write \"cancel\"."
            }
            Self::OperatorJoined => "You are now talking to {name}.",

            // What may help.
            Self::Unsure => "I am not sure that this answers your question, but it may help:",
            Self::UnsureOffer => {
                "If it does not, shall I bring in a colleague? Answer \"yes\", and they will write to you here."
            }
        }
    }

    const fn russian(self) -> &'static str {
        match self {
            Self::Start => "Здравствуйте! Задайте вопрос, и я найду на него ответ.",
            Self::Unknown => "Я не знаю: в документах об этом ничего не нашлось.",
            Self::Fallback => {
                "Сейчас не могу ответить из-за технической неполадки. Пожалуйста, спросите ещё раз через несколько минут."
            }
            Self::Unavailable => {
                "Сейчас я не могу ответить. Всё, что вы напишете, сохранится, и вам ответят, как только это станет возможно."
            }
            Self::Handoff => "На этот вопрос лучше ответит мой коллега. Он напишет вам здесь.",
            Self::AfterHours => {
                "На этот вопрос лучше ответит мой коллега. Он напишет вам здесь {when}."
            }
            Self::TextOnly => {
                "Пока я умею читать только текст. Пожалуйста, напишите вопрос словами."
            }

            // Small talk.
            Self::Greeting => "Здравствуйте! Что вы хотели бы узнать?",
            Self::Thanks => "Пожалуйста! Если появится ещё вопрос, напишите мне.",
            Self::Agreement => "Хорошо. Если появится ещё вопрос, напишите мне.",
            Self::Farewell => "До свидания! Пишите, если появятся вопросы.",
            Self::Emoji => "🙂",
            Self::WhoAreYou => {
                "Я виртуальный помощник: отвечаю на вопросы по документам компании. Если вам нужен человек, так и напишите."
            }
            Self::WhatCanYouDo => {
                "Задайте вопрос своими словами, и я поищу ответ в документах компании."
            }
            Self::Abuse => {
                "Мне жаль, что вы расстроены. Расскажите, пожалуйста, что случилось, и я постараюсь помочь."
            }

            // What only a person or a tool can do.
            Self::Booking => {
                "Сам я не могу оформить или изменить запись. Позвать коллегу? Ответьте «да», и он напишет вам здесь."
            }
            Self::OrderStatus => {
                "Сам я не вижу заказы. Позвать коллегу? Ответьте «да», и он напишет вам здесь."
            }
            Self::Paused => {
                "Сейчас я не могу отвечать. Всё, что вы напишете, сохранится. Пожалуйста, напишите снова позже."
            }
            Self::Offer => {
                "Мне жаль, что так вышло. Позвать коллегу? Ответьте «да», и он напишет вам здесь."
            }

            Self::HumanButton => "Позвать сотрудника",

            // Waiting for a person.
            Self::QueuePlace => {
                "Ваш номер в очереди: {position}. Если коллега больше не нужен, напишите «отмена»."
            }
            Self::QueueWait => {
                "Ваш номер в очереди: {position}, ждать примерно {minutes} мин. Если коллега больше не нужен, напишите «отмена»."
            }
            Self::QueueLeft => "Хорошо, я снова здесь. Что вы хотели бы узнать?",
            Self::StillWaiting => {
                "Спасибо, что ждёте: свободных коллег пока нет. Ваше место в очереди сохраняется, вам напишут здесь. Если коллега больше не нужен, напишите «отмена»."
            }
            Self::OperatorJoined => "Теперь вам отвечает {name}.",

            // What may help.
            Self::Unsure => "Не уверен, что это ответ на ваш вопрос, но может помочь:",
            Self::UnsureOffer => {
                "Если нет, позвать коллегу? Ответьте «да», и он напишет вам здесь."
            }
        }
    }
}

/// The owner's fixed texts: for each language (`en`, `ru`) those that differ from the product's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(BTreeMap<Language, BTreeMap<FixedText, String>>);

impl Texts {
    /// The texts of an owner.
    pub const fn new(texts: BTreeMap<Language, BTreeMap<FixedText, String>>) -> Self {
        Self(texts)
    }

    /// The owner's text for an occasion.
    pub fn get(&self, language: Language, text: FixedText) -> Option<&str> {
        self.0.get(&language)?.get(&text).map(String::as_str)
    }

    /// The texts by language and occasion.
    pub fn into_inner(self) -> BTreeMap<Language, BTreeMap<FixedText, String>> {
        self.0
    }

    /// Every text.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.values().flat_map(BTreeMap::values).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::assistant::AssistantSettings;

    #[test]
    fn the_owners_text_for_the_language_wins_then_the_single_one_then_the_products() {
        let mut settings = AssistantSettings::new("Support".to_owned(), Language::English);
        let unknown = FixedText::Unknown;
        let russian = Language::Russian;
        assert_eq!(settings.say(unknown, russian), unknown.house(russian));

        settings.unknown_text = Some("Call us.".to_owned());
        assert_eq!(settings.say(unknown, russian), "Call us.");
        assert_eq!(settings.say(FixedText::Thanks, russian), FixedText::Thanks.house(russian));

        let texts = json!({"ru": {"unknown": "Позвоните нам."}});
        settings.texts = serde_json::from_value(texts.clone()).unwrap();
        assert_eq!(settings.say(unknown, russian), "Позвоните нам.");
        assert_eq!(settings.say(unknown, Language::English), "Call us.");
        assert_eq!(serde_json::to_value(&settings.texts).unwrap(), texts);
    }

    #[test]
    fn a_label_is_shorter_than_other_texts_and_has_one_line() {
        let button = FixedText::HumanButton;
        assert!(button.takes(&"ж".repeat(64)) && !button.takes(&"ж".repeat(65)));
        assert!(!button.takes("Call\nus") && FixedText::Offer.takes("Call\nus"));
        let offer = FixedText::Offer;
        assert!(offer.takes(&"ж".repeat(4_000)) && !offer.takes(&"ж".repeat(4_001)));
        assert!(!button.takes(" ") && !offer.takes("\n"));
    }

    #[test]
    fn every_occasion_has_a_text_in_every_language() {
        for text in FixedText::ALL {
            for language in Language::ALL {
                assert!(!text.house(*language).trim().is_empty(), "{text} {language}");
            }
        }
    }
}
