//! Messages with which a customer who waits for a human takes the request back.
//!
//! Only a message that says nothing else counts: whoever is misunderstood loses their place in the
//! queue.

use crate::reading::Reading;

/// Words that change nothing.
const POLITE: &[&str] = &[
    "please",
    "pls",
    "thanks",
    "thank",
    "you",
    "ok",
    "okay",
    "sorry",
    "i",
    "it",
    "that",
    "this",
    "actually",
    "anymore",
    "now",
    "пожалуйста",
    "спасибо",
    "ок",
    "нет",
    "извините",
    "я",
    "это",
    "уже",
    "больше",
    "теперь",
    "мне",
    "тогда",
    "ладно",
    "все",
];

/// What is said instead of a whole sentence.
const ALONE: &[&str] = &[
    "cancel",
    "cancel request",
    "cancel my request",
    "cancel the request",
    "never mind",
    "nevermind",
    "no need",
    "not needed",
    "no longer needed",
    "not necessary",
    "forget",
    "forget about",
    "changed my mind",
    "have changed my mind",
    "ive changed my mind",
    "отмена",
    "отмени",
    "отмените",
    "отменить",
    "отмените запрос",
    "отменить запрос",
    "не надо",
    "не нужно",
    "не нужен",
    "неважно",
    "не важно",
    "забудьте",
    "передумал",
    "передумала",
];

/// What is said of somebody.
const ABOUT: &[&str] = &[
    "cancel",
    "dont need",
    "do not need",
    "no longer need",
    "dont want",
    "do not want",
    "no need for",
    "dont call",
    "do not call",
    "отмена",
    "отмените",
    "не нужен",
    "не нужна",
    "не надо",
    "не нужно",
    "не зовите",
    "не зови",
    "не вызывайте",
    "не хочу",
];

/// Who that is.
const SOMEBODY: &[&str] = &[
    "human",
    "operator",
    "agent",
    "person",
    "colleague",
    "manager",
    "anyone",
    "anybody",
    "someone",
    "somebody",
    "оператор",
    "оператора",
    "человек",
    "человека",
    "коллега",
    "коллегу",
    "коллеги",
    "сотрудник",
    "сотрудника",
    "менеджер",
    "менеджера",
    "никто",
    "никого",
];

/// Does the message take back a request for a human, and say nothing else?
pub fn calls_off(text: &str) -> bool {
    Reading::all(text).iter().any(|reading| {
        let said = reading.words.iter().map(|word| word.text.as_str());
        let words: Vec<&str> = said.filter(|word| !POLITE.contains(word)).collect();
        is_said(&words, ALONE) || is_about_somebody(&words)
    })
}

fn is_said(words: &[&str], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| phrase.split(' ').eq(words.iter().copied()))
}

fn is_about_somebody(words: &[&str]) -> bool {
    let named: Vec<&str> =
        words.iter().copied().filter(|word| !matches!(*word, "a" | "an" | "the" | "any")).collect();
    match named.as_slice() {
        [about @ .., last] if SOMEBODY.contains(last) => is_said(about, ABOUT),
        [first, about @ ..] if SOMEBODY.contains(first) => is_said(about, ABOUT),
        _ => false,
    }
}
