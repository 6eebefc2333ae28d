//! What an answer says without a number: yes where a source says no, a service that nobody offers,
//! a place or a person that nobody names.
//!
//! Only what can be told from words in the same letters is looked at: an answer in another language
//! than its sources says nothing here.

use std::{ops::Range, sync::Arc};

use replyx_text::terms::terms;

use super::{
    known::{Script, Text},
    names::{consonants, sounds_alike},
    numbers::pattern,
    stated::{Sentence, Words, parts},
};

pattern!(
    YES,
    r"(?i)^\W{0,3}(?:yes|yeah|yep|sure|certainly|absolutely|of course|definitely|да|конечно|разумеется|безусловно|естественно|обязательно)(?:[\s,.!:—–-]|$)"
);
pattern!(
    OFFERS,
    r"(?i)^\W{0,3}(?:we (?:do|offer|have|provide|also|make|sell|accept|take|deliver|ship)|you can|(?:у нас )?есть|у нас|мы (?:делаем|предлагаем|оказываем|проводим|продаем|продаём|принимаем|доставляем)|можно|вы можете)\b"
);
pattern!(
    NEGATED,
    r"(?i)\b(?:not|no|never|cannot|can't|don't|doesn't|isn't|aren't|won't|neither|nor|without|except|unavailable|impossible|не|нет|нельзя|никогда|невозможно|ни|кроме|запрещен\w*|запрещён\w*|отсутству\w*)\b"
);
// Bounds, not denials.
pattern!(
    BOUND,
    r"(?i)\b(?:not only|no later|not later|no more than|no less|no fewer|not less|not more|no charge|no extra|no fee|without charge|without interest|without (?:an )?appointment|не только|не позднее|не позже|не ранее|не раньше|не более|не больше|не менее|не меньше|без)\b"
);

/// The first words of an answer, if it agrees to what was asked.
fn agreement(answer: &str) -> Option<Range<usize>> {
    let end = answer.find(['.', '!', '?', '\n', ';']).unwrap_or(answer.len());
    // `Yes! We do.` goes on.
    let end = if end < 12 {
        answer[end..]
            .char_indices()
            .skip(1)
            .find(|(_, c)| matches!(c, '.' | '!' | '?' | '\n'))
            .map_or(answer.len(), |(at, _)| end + at)
    } else {
        end
    };
    YES.is_match(answer).then_some(0..end)
}

/// Does the text deny something?
fn denies(text: &str) -> bool {
    NEGATED.is_match(&BOUND.replace_all(text, " "))
}

/// What the answer agrees to although a passage denies it.
pub(super) fn yes_to_no(answer: &str, question: &str, texts: &[Arc<Text>]) -> Option<Range<usize>> {
    let said = agreement(answer)?;
    if denies(&answer[said.clone()]) {
        return None;
    }
    let asked = Words::of(question);
    let words = Words::of(&answer[said.clone()]).and(&asked);
    let script = Script::of(&answer[said.clone()]);
    let same = texts.iter().filter(|text| text.script == script);
    let clauses = same.flat_map(|text| text.sentences.iter().map(move |one| (one, text)));
    // A question says neither yes nor no.
    let clauses = clauses.filter(|(sentence, text)| !is_question(sentence, text));
    let fit = |sentence: &Sentence| words.common(&sentence.words).len();
    let best = clauses.clone().map(|(sentence, _)| fit(sentence)).max()?;
    let most = asked.len().min(words.len());
    // One word in common may be any.
    if best == 0 || best * 2 < most || (best < 2 && most > 1) {
        return None;
    }
    let mut closest = clauses.filter(|(sentence, _)| fit(sentence) == best);
    closest.all(|(sentence, text)| denied(sentence, text, &asked)).then_some(said)
}

pattern!(
    DENIED,
    r"(?i)\b(?:not|never|cannot|can't|don't|doesn't|isn't|aren't|won't|не|нет|нельзя|никогда|невозможно)\b"
);

/// A sentence of the answer that says what a passage denies, in the passage's own words.
pub(super) fn against_denial(answer: &str, texts: &[Arc<Text>]) -> Option<Range<usize>> {
    let script = Script::of(answer);
    parts(answer, &[]).sentences.into_iter().find_map(|said| {
        let written = &answer[said.at.clone()];
        let words = &said.words;
        if denies(written) || written.trim_end().ends_with('?') || words.len() < 2 {
            return None;
        }
        let same = texts.iter().filter(|text| text.script == script);
        let all = same.flat_map(|text| text.sentences.iter().map(move |one| (one, text)));
        let fit = |sentence: &Sentence| words.common(&sentence.words).len();
        let best = all.clone().map(|(sentence, _)| fit(sentence)).max()?;
        if best < 2 || best * 5 < words.len() * 3 {
            return None;
        }
        let mut closest = all.filter(|(sentence, _)| fit(sentence) == best);
        closest.all(|(sentence, text)| is_denied_there(sentence, text, words)).then_some(said.at)
    })
}

/// Is the clause that has most of the words a denial?
fn is_denied_there(sentence: &Sentence, text: &Text, words: &Words) -> bool {
    let written = text.plain.get(sentence.at.clone()).unwrap_or_default();
    let fit = |clause: &str| words.common(&Words::of(clause)).len();
    let clauses = || written.split([',', ';', ':']);
    let best = clauses().map(fit).max().unwrap_or(0);
    let mut closest = clauses().filter(|clause| fit(clause) == best);
    closest.all(|clause| DENIED.is_match(&BOUND.replace_all(clause, " ")))
}

fn is_question(sentence: &Sentence, text: &Text) -> bool {
    text.plain.get(sentence.at.clone()).is_some_and(|written| written.trim_end().ends_with('?'))
}

/// Does the clause of the sentence that speaks of the matter deny it?
fn denied(sentence: &Sentence, text: &Text, asked: &Words) -> bool {
    let Some(written) = text.plain.get(sentence.at.clone()) else { return false };
    let clauses =
        written.split([';', ':']).filter(|clause| !asked.common(&Words::of(clause)).is_empty());
    let mut clauses = clauses.peekable();
    clauses.peek().is_some() && clauses.all(denies)
}

/// What the answer agrees to although no source names what was asked for.
pub(super) fn unknown_service(
    answer: &str,
    question: &str,
    texts: &[Arc<Text>],
) -> Option<Range<usize>> {
    let said = agreement(answer).or_else(|| {
        let end = answer.find(['.', '!', '?', '\n']).unwrap_or(answer.len());
        OFFERS.is_match(answer).then_some(0..end)
    })?;
    let script = Script::of(&answer[said.clone()]);
    let same: Vec<_> = texts.iter().filter(|text| text.script == script).collect();
    if same.is_empty() || same.len() * 3 < texts.len() || denies(&answer[said.clone()]) {
        return None;
    }
    let topic = Words::of(question).common(&Words::of(&answer[said.clone()]));
    let known = |stem: &str| same.iter().any(|text| text.words.has(stem) || related(stem, text));
    let unknown = !topic.is_empty() && !topic.iter().any(known);
    unknown.then_some(said)
}

/// Is there a word of the same beginning: `parking` and `park`, `брекеты` and `брекет-системы`?
fn related(stem: &str, text: &Text) -> bool {
    let length = stem.chars().count();
    let begin: String = stem.chars().take((length * 2 / 3).max(4)).collect();
    length >= 4 && text.words.iter().any(|word| word.starts_with(&begin))
}

pattern!(
    NAMED_PLACE,
    r"(?:(?i:улиц\w{1,2}|ул\.|проспект\w?|пр\.|переул\w{2,4}|бульвар\w?|площад\w{1,2}|набережн\w{2}|шоссе|метро|станци\w{1,2}|доктор\w?|врач\w?|мастер\w?|менеджер\w?|специалист\w?|dr\.?|doctor|mr\.?|mrs\.?|ms\.?)\s)((?:\p{Lu}[\p{L}'’-]{2,}\s?){1,3})|\b((?:\p{Lu}[\p{L}'’-]{2,}\s){1,3})(?:Street|St\.|Avenue|Road|Boulevard|Square|Lane|street|avenue|boulevard)\b|(?i:\b(?:street|avenue) (?:of )?)(\p{Lu}[\p{L}'’-]{2,})"
);

/// A place or a person that the answer names and no source does, in whatever letters.
pub(super) fn unknown_name(answer: &str, texts: &[Arc<Text>]) -> Option<Range<usize>> {
    NAMED_PLACE.captures_iter(answer).find_map(|found| {
        let name = (1..=3).find_map(|group| found.get(group))?;
        let known = name.as_str().split_whitespace().any(|word| {
            let stems = terms(word);
            let stem = stems.first().map_or("", |term| term.stem.as_str());
            let sound = consonants(word);
            texts.iter().any(|text| {
                text.lower.contains(&word.to_lowercase())
                    || text.lower.contains(stem) && !stem.is_empty()
                    || text.names.iter().any(|known| sounds_alike(known, &sound))
            })
        });
        (!known).then(|| name.range())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<Arc<Text>> {
        texts.iter().map(|text| Arc::new(Text::read(text))).collect()
    }

    #[test]
    fn yes_to_what_a_passage_denies_is_seen() {
        for (source, question, answer, seen) in [
            (
                "We do not ship outside the EU.",
                "Do you ship outside the EU?",
                "Yes, we ship outside the EU.",
                true,
            ),
            (
                "We do not ship outside the EU.",
                "Do you ship outside the EU?",
                "No, we do not.",
                false,
            ),
            (
                "PayPal и криптовалюту мы не принимаем.",
                "Можно оплатить через PayPal?",
                "Да, через PayPal.",
                true,
            ),
            (
                "Отменить визит можно не позднее чем за 24 часа.",
                "Можно отменить визит?",
                "Да, за 24 часа.",
                false,
            ),
            ("Лифта нет. Парковка есть.", "Есть парковка?", "Да, парковка есть.", false),
            (
                "Phones cannot be extended. One more year costs 6 %.",
                "Can I extend it for phones?",
                "Yes, phones can be extended.",
                true,
            ),
            ("Сегодня не работаем.", "Do you ship?", "Yes, we do.", false),
        ] {
            let found = yes_to_no(answer, question, &texts(&[source]));
            assert_eq!(found.is_some(), seen, "{source} / {answer}");
        }
    }

    #[test]
    fn what_a_passage_denies_is_not_said_without_a_yes_either() {
        let discount = "Скидка не действует на импланты, коронки и отбеливание.";
        let repair =
            "If we cannot repair it within 30 days, you may choose a new device or your money.";
        for (source, answer, seen) in [
            (discount, "Скидка действует на импланты.", true),
            (discount, "Скидка на импланты не действует.", false),
            ("We do not deliver to Norway.", "We deliver to Norway.", true),
            (repair, "You may choose a new device or your money.", false),
            (
                "Отменить визит можно не позднее чем за сутки.",
                "Отменить визит можно за сутки.",
                false,
            ),
            (
                "Phones cannot be extended. Laptops can be extended.",
                "Laptops can be extended.",
                false,
            ),
        ] {
            let found = against_denial(answer, &texts(&[source]));
            assert_eq!(found.is_some(), seen, "{source} / {answer}");
        }
    }

    #[test]
    fn a_service_that_nobody_names_is_not_agreed_to() {
        for (source, question, answer, seen) in [
            ("Fillings, crowns and implants.", "Do you do braces?", "Yes, we put in braces.", true),
            ("Fillings, crowns and implants.", "Do you do crowns?", "Yes, we make crowns.", false),
            ("Пломбы и коронки.", "Do you do braces?", "Yes, we put in braces.", false),
            ("Пломбы и коронки.", "Вы ставите брекеты?", "Да, ставим брекеты взрослым.", true),
            ("Брекет-системы от 900 евро.", "Вы ставите брекеты?", "Да, ставим брекеты.", false),
            ("Fillings and crowns.", "Do you do braces?", "No, we have no braces.", false),
        ] {
            let found = unknown_service(answer, question, &texts(&[source]));
            assert_eq!(found.is_some(), seen, "{source} / {answer}");
        }
    }

    #[test]
    fn places_and_people_must_be_named() {
        for (source, answer, seen) in [
            ("Мы на улице Бривибас, 114.", "Мы находимся на улице Элизабетес.", true),
            ("Мы на улице Бривибас, 114.", "Клиника на улице Бривибас.", false),
            ("Мы на улице Бривибас, 114.", "We are at Brivibas street.", false),
            ("In our shop at Krasta 52.", "Магазин на улице Краста, 52.", false),
            ("In our shop at Krasta 52.", "We are at Elizabetes Street.", true),
            ("Our doctors speak English.", "Ask for Dr. Kalnina.", true),
            ("Anna Kalniņa, dentist", "Ask for Dr. Kalnina.", false),
        ] {
            let found = unknown_name(answer, &texts(&[source]));
            assert_eq!(found.is_some(), seen, "{source} / {answer}");
        }
    }
}
