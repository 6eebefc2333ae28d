//! When two words mean the same: equal stems, forms the stemmer does not join, words of one
//! concept.

use std::{collections::HashMap, sync::LazyLock};

use replyx_text::terms;

/// Words that customers and documents use for the same thing, by line. Few and general: shops,
/// services, opening hours, contacts.
const CONCEPTS: &[&str] = &[
    "price cost costs fee charge tariff цена стоимость стоит стоить тариф плата почем",
    "delivery deliver shipping ship dispatch доставка доставить доставляете доставляют \
     отправка отправляете привезти привезете",
    "return refund возврат вернуть возвращать возвращение вернете",
    "warranty guarantee гарантия гарантийный",
    "pay payment оплата оплатить платить платеж оплачивать",
    "hours open opening schedule close часы график открыты открыт режим работаете работает закрыты",
    "phone telephone call телефон позвонить звонить",
    "email mail почта емейл",
    "address located location адрес находитесь находится расположен расположены",
    "buy purchase order купить покупка заказать заказ приобрести",
    "discount sale promo promotion скидка акция промокод распродажа",
    "exchange swap обмен обменять поменять",
    "pickup collect самовывоз забрать",
    "repair fix ремонт починить отремонтировать",
    "cancel cancellation отмена отменить",
    "free бесплатно бесплатный бесплатная",
    "deadline period term срок период",
    "begin start commence начать начало начинаться",
    "size dimension размер габарит",
    "kid child children дети ребенок детский",
];

static CONCEPT_OF: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let mut concepts = HashMap::new();
    for (number, words) in CONCEPTS.iter().enumerate() {
        for term in terms::terms(words) {
            concepts.entry(term.stem).or_insert(number);
        }
    }
    concepts
});

/// A stem made ready for comparing.
#[derive(Clone, Debug)]
pub(super) struct Word {
    stem: Vec<char>,
    concept: Option<usize>,
    exact: bool,
}

impl Word {
    pub(super) fn of(stem: &str) -> Self {
        Self {
            stem: stem.chars().collect(),
            concept: CONCEPT_OF.get(stem).copied(),
            exact: stem.chars().any(char::is_numeric),
        }
    }

    /// How far two words mean the same, 0 to 1.
    pub(super) fn likeness(&self, other: &Self) -> f32 {
        if self.stem == other.stem {
            return 1.0;
        }
        if self.concept.is_some() && self.concept == other.concept {
            return 0.85;
        }
        // A number is itself or another one; short words differ in meaning when they differ at all.
        let shorter = self.stem.len().min(other.stem.len());
        if self.exact || other.exact || shorter < 4 || self.stem[..2] != other.stem[..2] {
            return 0.0;
        }
        self.form(other)
    }

    /// Forms of a word share most of their beginning (`политик`, `политическ`) or differ by a
    /// letter (`деньг`, `денег`).
    fn form(&self, other: &Self) -> f32 {
        let shared = self.stem.iter().zip(&other.stem).take_while(|(a, b)| a == b).count();
        let share = part(2 * shared, self.stem.len() + other.stem.len());
        if shared >= 4 && share >= 0.65 {
            0.9 * share
        } else if self.stem.len().min(other.stem.len()) >= 5
            && shared >= 3
            && self.near(other, shared)
        {
            0.7
        } else {
            0.0
        }
    }

    /// Do the words differ by one letter, changed, added or left out, after the `shared` first
    /// ones?
    fn near(&self, other: &Self, shared: usize) -> bool {
        let a = &self.stem[shared..];
        let b = &other.stem[shared..];
        let changed = a.len() == b.len() && a[1..] == b[1..];
        changed || a.get(1..) == Some(b) || Some(a) == b.get(1..)
    }
}

/// `a / b` of small counts.
#[expect(clippy::cast_precision_loss, reason = "counts of words and letters are far below 2^24")]
pub(super) fn part(a: usize, b: usize) -> f32 {
    a as f32 / b.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &str, b: &str) -> f32 {
        let stem = |word: &str| Word::of(&terms::index_text(word));
        stem(a).likeness(&stem(b))
    }

    #[test]
    fn forms_and_synonyms_are_alike() {
        for (a, b) in [
            ("деньги", "денег"),
            ("политика", "политический"),
            ("доставка", "доставить"),
            ("вернуть", "возврата"),
            ("cost", "price"),
            ("interception", "intercepted"),
            ("delivery", "доставка"),
        ] {
            assert!(likeness(a, b) >= 0.6, "{a} {b}: {}", likeness(a, b));
        }
    }

    #[test]
    fn other_words_are_not() {
        for (a, b) in
            [("2015", "2016"), ("кот", "код"), ("interview", "intercept"), ("стол", "стул")]
        {
            assert!(likeness(a, b) < 0.01, "{a} {b}: {}", likeness(a, b));
        }
    }
}
