//! The words, English and Russian, by which questions and answers of a kind are known.
//!
//! `ё` is written `е` here and in what is looked up. A word that ends in `*` stands for all words
//! that begin so.

use std::{collections::HashSet, sync::LazyLock};

/// What kind of thing would answer a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Anything,
    Money,
    Number,
    Duration,
    Time,
    Hours,
    Person,
    Place,
    Phone,
    Email,
    Reason,
}

/// A set of words.
pub(super) struct Lexicon {
    words: HashSet<&'static str>,
    beginnings: Vec<&'static str>,
}

impl Lexicon {
    fn of(text: &'static str) -> Self {
        let (beginnings, words): (Vec<_>, Vec<_>) =
            text.split_whitespace().partition(|word| word.ends_with('*'));
        let beginnings = beginnings.into_iter().map(|word| word.trim_end_matches('*')).collect();
        Self { words: words.into_iter().collect(), beginnings }
    }

    /// Is the word, in lower case, one of these?
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.contains(word)
            || self.beginnings.iter().any(|beginning| word.starts_with(beginning))
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.beginnings.is_empty()
    }
}

/// A word as the lexicons have it.
pub(super) fn lowered(word: &str) -> String {
    word.to_lowercase().replace('ё', "е")
}

/// A sign of what a question wants: one of `then`, right after one of `first` unless that is empty.
pub(super) struct Sign {
    pub(super) wanted: Wanted,
    first: Lexicon,
    then: Lexicon,
}

impl Sign {
    /// Does a question of these words, in lower case, show it?
    pub(super) fn is_in(&self, words: &[&str]) -> bool {
        words.iter().enumerate().any(|(at, word)| {
            let before = at.checked_sub(1).map(|before| words[before]);
            self.then.has(word)
                && (self.first.is_empty() || before.is_some_and(|before| self.first.has(before)))
        })
    }
}

/// The signs, the decisive ones first.
pub(super) static SIGNS: LazyLock<Vec<Sign>> = LazyLock::new(|| {
    let sign = |(wanted, first, then): &(Wanted, &'static str, &'static str)| Sign {
        wanted: *wanted,
        first: Lexicon::of(first),
        then: Lexicon::of(then),
    };
    SIGN_WORDS.iter().map(sign).collect()
});

const SIGN_WORDS: &[(Wanted, &str, &str)] = &[
    (Wanted::Email, "", "email mail почта почту почты почте емейл имейл"),
    (Wanted::Phone, "", "phone telephone телефон* позвонить"),
    (Wanted::Duration, "how", "long fast quickly soon"),
    (Wanted::Duration, "сколько много", "времени дней лет часов минут секунд недель месяцев"),
    (Wanted::Duration, "", "долго срок сроки длительность продолжительность duration"),
    (Wanted::Duration, "как", "быстро скоро"),
    (Wanted::Hours, "во до со", "сколько скольки скольких"),
    (Wanted::Hours, "what", "time hours"),
    (
        Wanted::Hours,
        "",
        "hours opening график* расписани* открыты открываетесь закрываетесь работаете",
    ),
    (Wanted::Hours, "you shop store", "open close"),
    (
        Wanted::Money,
        "",
        "cost costs price prices fee стоит стоят стоимость цена цены почем обойдется",
    ),
    (Wanted::Number, "how", "much many old tall far large big high"),
    (Wanted::Number, "", "сколько скольким скольких количество percent* процент* number"),
    (Wanted::Time, "", "when когда"),
    (
        Wanted::Time,
        "what which каком какой какому какую",
        "year date month day century decade году год день месяц век веке дату",
    ),
    (Wanted::Person, "", "who whom whose кто кого кому кем ком чей чья чье"),
    (
        Wanted::Place,
        "",
        "where где куда откуда address located адрес* находит* находятся расположен*",
    ),
    (
        Wanted::Place,
        "what which каком какой какая какую",
        "city country town place street городе город стране страна страну месте улице",
    ),
    (Wanted::Reason, "", "why почему зачем отчего"),
];

/// Does the word name the kind of answer that is wanted?
pub(super) fn names_kind(wanted: Wanted, word: &str) -> bool {
    static KINDS: LazyLock<Vec<(Wanted, Lexicon)>> = LazyLock::new(|| {
        KIND_WORDS.iter().map(|(wanted, words)| (*wanted, Lexicon::of(words))).collect()
    });
    KINDS.iter().any(|(kind, words)| *kind == wanted && words.has(word))
}

const KIND_WORDS: &[(Wanted, &str)] = &[
    (Wanted::Money, "cost costs price prices fee стоит стоят стоимость цена цены почем обойдется"),
    (
        Wanted::Hours,
        "hours open close closing opening график* расписани* открыт открыты открываетесь закрываетесь \
         работаете часы режим",
    ),
    (
        Wanted::Number,
        "big large high far old tall amount number количество процент* сумма сумму суммы",
    ),
    (Wanted::Phone, "phone telephone call number телефон* позвонить номер"),
    (Wanted::Email, "e email mail address адрес* почта почты почту почте емейл имейл"),
    (Wanted::Place, "address located адрес* находит* находятся расположен*"),
    (Wanted::Duration, "take takes last duration длится занимает срок сроки длительность"),
];

macro_rules! lexicons {
    ($($(#[$doc:meta])* $name:ident = $words:literal;)*) => {
        $($(#[$doc])* pub(super) static $name: LazyLock<Lexicon> =
            LazyLock::new(|| Lexicon::of($words));)*
    };
}

lexicons! {
    /// Words that ask and say nothing of the matter, beside the stop words.
    ASKING = "e much many long hello hi thanks thank want need like know also give show write \
        сколько скольки скольких каково каков какова каковы каком какому какими какую почему зачем куда \
        откуда кого кому кем ком чего чему чей можно могу могут может можете хочу нужно надо подскажите \
        скажите здравствуйте привет спасибо день добрый ваших вашего вашей вашу вашим вами нами этих \
        напишите дайте назовите были была является являются называется который которая которые которого \
        которой";
    /// How a question begins.
    INTERROGATIVES = "what where when how who which why что где когда как сколько кто какой какая какое \
        какие каков почему куда";
    /// How a clause begins that only says in which case.
    CONDITIONS = "if unless because если хотя потому раз";
    /// What every question to a business may speak of, and verbs that say little.
    GENERIC = "get take make use go come put must leave happen happens смогу сможет успею буду будет должен \
        должна взять сделать получить делать order orders item items product products shop store company заказ заказа заказы заказов \
        товар товара товары товаров магазин магазина магазине компания компании компанию";
    /// Words that mean something said before.
    POINTING = "he she it they this these his her their its он она оно они это эти этот эта его ее их \
        такой такая также";
    /// What is named next is left out or not there.
    WITHOUT = "without except excluding без кроме исключая";
    NUMBERS = "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty \
        sixty seventy eighty ninety hundred hundreds thousand thousands million millions billion dozen half \
        third quarter twice once both один одна одно одного одной два две двух двумя три трех тремя четыре \
        четырех четырьмя пять пяти шесть шести семь семи восемь восьми девять девяти десять десяти \
        двенадцать двадцать тридцать сорок пятьдесят сто тысяч* миллион* миллиард* половин* треть четверть \
        дважды оба обе пара двое трое";
    CURRENCIES = "руб руб* коп копе* доллар* евро тенге гривн* dollar* euro euros eur usd rub rubles gbp \
        pound pounds cent cents pence yen";
    FREE = "free бесплатн* даром";
    UNITS_OF_TIME = "day days week weeks month months year years hour hours minute minutes second seconds \
        decade decades centur* working business день дня дней дн недел* месяц* год года лет час часа часов \
        минут* секунд* сут суток сутки рабоч* календарн* век веков";
    MONTHS = "januar* februar* april june july august septemb* octob* novemb* decemb* январ* феврал* марта \
        март марте апрел* мая май мае июн* июл* август* сентябр* октябр* ноябр* декабр*";
    DAYS = "monday* tuesday* wednesday* thursday* friday* saturday* sunday* weekday* weekend* mon tue wed \
        thu fri sat sun понедельник* вторник* среда среду среды среде четверг* пятниц* суббот* воскресен* \
        будн* выходн* пн вт ср чт пт сб вс daily ежедневн* круглосуточн*";
    AGES = "century centuries ago век века веке назад after после during";
    /// What stands after a number that is an hour.
    OCLOCK = "am pm a p o час часа часов утра вечера";
    PREPOSITIONS = "in at from near to on of в во на из около у под";
    ADDRESS = "street avenue road floor building улица улице улицы ул проспект* этаж* дом офис* станция \
        станции метро адрес* address";
    REASONS = "because due since reason* therefore потому поскольку чтобы причин* благодаря так из-за";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_whole_unless_marked_as_beginnings() {
        assert!(DAYS.has("понедельника") && DAYS.has("пн"));
        assert!(!DAYS.has("пнуть") && !DAYS.has("всегда") && !DAYS.has("money"));
        assert!(!Lexicon::of("").has(""));
    }
}
