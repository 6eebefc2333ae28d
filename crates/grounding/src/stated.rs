//! What a text says of what: each amount with the words that stand beside it.
//!
//! A table says of a number what its row begins with and what heads its column; a sentence says it
//! in the words around the number, as far as no other number of the kind takes them for its own.
//! Headings, the question of a list of questions and the sentence before are what is spoken of.

use std::{ops::Range, sync::LazyLock};

use replyx_text::terms::{is_stop_word, terms};

use super::{
    amounts::{Class, Place, amounts},
    fact::{Fact, Value},
    numbers::{Unit, header_unit, pattern},
    words::is_number_word,
};

/// Stems of words that carry meaning, sorted, without repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// The stems of a text that tell one matter from another: no grammar, no numbers, no units, and
    /// nothing that every price list says of everything.
    pub(super) fn of(text: &str) -> Self {
        let mut stems: Vec<String> = terms(text)
            .into_iter()
            .filter(|term| tells(&text[term.start..term.end], &term.stem))
            .map(|term| day(&text[term.start..term.end]).map_or(term.stem, str::to_owned))
            .collect();
        stems.sort_unstable();
        stems.dedup();
        Self(stems)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn has(&self, stem: &str) -> bool {
        self.0.binary_search_by(|known| known.as_str().cmp(stem)).is_ok()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// With these words too.
    fn with(mut self, more: impl IntoIterator<Item = String>) -> Self {
        self.0.extend(more);
        self.0.sort_unstable();
        self.0.dedup();
        self
    }

    /// The words of both.
    pub(super) fn and(&self, other: &Self) -> Self {
        self.clone().with(other.0.iter().cloned())
    }

    /// Those of these words that the other has, too.
    pub(super) fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|stem| other.has(stem)).cloned().collect())
    }

    /// Are all of these among the others?
    pub(super) fn are_in(&self, others: &Self) -> bool {
        self.0.iter().all(|stem| others.has(stem))
    }
}

/// What every price list, timetable or rule says, whatever it speaks of.
const GENERIC: &str = "cost costs price prices priced pay paid payable charge charged fee amount sum total euro \
    euros dollar dollars cent cents rub rubles take takes taken lasts need needs get gets give given \
    make made go come open opens opened close closed work works working hour hours day days week weeks month \
    months year years minute minutes time times date from until till per up most least about around only \
    also just each every than more less between within after before during one ones yes no \
    free always usually currently exactly approximately together altogether both another other others now \
    стоить стоит стоят цена цены ценой стоимость оплата оплатить платить платите составляет составит обойдется \
    обойдётся евро рубль рублей руб доллар долларов цент центов час часа часов часы день дня дней дни неделя \
    недели недель месяц месяца месяцев год года лет минута минут минуты мин время занимает займет займёт \
    длится продолжается работаем работает открыты открыто закрыты закрыто можно нужно может могут будет \
    всего итого вместе сумма общая около примерно ровно более менее больше меньше каждый каждая каждые также \
    тоже только уже еще ещё сейчас после перед через между течение срок вы вас мы нас у нашей наш это \
    делать делаем делаете ставить ставим ставите предлагать предлагаем предлагаете принимать принимаем \
    принимаете иметь есть offer offers do provide provides have has accept accepts put puts \
    бесплатно бесплатный бесплатна бесплатен бесплатная one two three";

/// The days of the week have one name in all languages.
fn day(word: &str) -> Option<&'static str> {
    const DAYS: [(&str, &str); 7] = [
        ("#mon", "monday mondays mon понедельник понедельника понедельникам пн"),
        ("#tue", "tuesday tuesdays tue вторник вторника вторникам вт"),
        ("#wed", "wednesday wednesdays wed среда среду среды средам ср"),
        ("#thu", "thursday thursdays thu четверг четверга четвергам чт"),
        ("#fri", "friday fridays fri пятница пятницу пятницы пятницам пт"),
        ("#sat", "saturday saturdays sat суббота субботу субботы субботам сб"),
        ("#sun", "sunday sundays sun воскресенье воскресенья воскресеньям вс"),
    ];
    let word = word.to_lowercase();
    let names = |(_, names): &&(&str, &str)| names.split(' ').any(|name| name == word);
    DAYS.iter().find(names).map(|(day, _)| *day)
}

static GENERIC_STEMS: LazyLock<Words> = LazyLock::new(|| {
    let mut stems: Vec<String> = terms(GENERIC).into_iter().map(|term| term.stem).collect();
    stems.sort_unstable();
    stems.dedup();
    Words(stems)
});

fn tells(word: &str, stem: &str) -> bool {
    word.chars().count() > 1
        && word.chars().any(char::is_alphabetic)
        && !is_stop_word(word)
        && !is_number_word(word)
        && !GENERIC_STEMS.has(stem)
}

/// An amount, and what a text says it of.
#[derive(Clone, Debug)]
pub(super) struct StatedAmount {
    pub(super) at: Range<usize>,
    pub(super) value: Value,
    pub(super) class: Class,
    /// Where it stands.
    pub(super) place: Place,
    /// The words that belong to it, and those of the headings above.
    pub(super) own: Words,
    /// These, and those of its sentence and of the one before.
    pub(super) all: Words,
}

/// A sentence, the item of a list, or the row of a table.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    pub(super) at: Range<usize>,
    pub(super) words: Words,
}

pattern!(END, r#"[.!?…]["»”)]?(?:\s|$)|;\s|\n"#);
pattern!(SEPARATOR, r"(?i)[,;:()]\s|\s[—–-]\s|\s(?:and|but|or|while|и|а|но|или)\s");
pattern!(RULE, r"^[\s|:+-]*-[\s|:+-]*$");
// `ул. Бривибас`, `approx. 5`: no ends of sentences.
pattern!(
    ABBREVIATED,
    r"(?i)(?:^|\W)(?:ул|им|см|тел|руб|коп|мин|макс|напр|стр|пр|д|г|т|е|ст|no|nr|tel|approx|max|min|mr|mrs|ms|dr|st|ave|e\.g|i\.e|a\.m|p\.m|a|p)\.\s?$"
);

/// A text in its parts.
pub(super) struct Parts {
    pub(super) stated: Vec<StatedAmount>,
    pub(super) sentences: Vec<Sentence>,
}

/// Takes a text apart. `facts` are its facts, in order.
pub(super) fn parts(text: &str, facts: &[Fact]) -> Parts {
    let mut reader = Reader::default();
    let mut begin = 0;
    for (index, line) in text.split('\n').enumerate() {
        reader.line(text, begin..begin + line.len(), facts, index == 0);
        begin += line.len() + 1;
    }
    Parts { stated: reader.stated, sentences: reader.sentences }
}

#[derive(Default)]
struct Reader {
    stated: Vec<StatedAmount>,
    sentences: Vec<Sentence>,
    /// The first line: the document's title and the headings above.
    title: Words,
    /// The heading or the question that stands above.
    heading: Words,
    /// The sentence before, in the same paragraph.
    before: Words,
    /// The heads of a table's columns, as they are written.
    columns: Vec<String>,
}

impl Reader {
    fn line(&mut self, text: &str, at: Range<usize>, facts: &[Fact], is_first: bool) {
        let line = text[at.clone()].trim();
        // With bars around the row, or only between its cells, as extracted tables have them.
        if line.starts_with('|') || line.contains(" | ") || line.ends_with(" |") {
            self.row(text, at, facts);
            // The names of a long table's columns are the last of the headings above its parts:
            // `prices.csv > Article | Price`.
            if is_first && let Some((title, _)) = line.split_once(" | ") {
                self.title = Words::of(title.trim_start_matches('|'));
            }
            return;
        }

        self.columns.clear();
        if line.is_empty() {
            self.before = Words::default();
            return;
        }

        let is_heading = line.starts_with('#') || line.ends_with([':', '?']);
        self.prose(text, at, facts);
        if is_first {
            self.title = Words::of(line);
        } else if is_heading {
            self.heading = Words::of(line);
            self.before = Words::default();
        }
    }

    fn row(&mut self, text: &str, at: Range<usize>, facts: &[Fact]) {
        let cells = cells(text, at.clone());
        if RULE.is_match(&text[at.clone()]) {
            return;
        }
        if self.columns.is_empty() {
            self.columns = cells.iter().map(|cell| text[cell.clone()].trim().to_owned()).collect();
            // A table without a head begins with a row of numbers.
            let counted = cells.iter().any(|cell| inside(facts, cell).next().is_some());
            if !counted {
                return;
            }
            self.columns.iter_mut().for_each(String::clear);
        }

        let about = self.title.and(&self.heading);
        // What a row is about stands in the cells without numbers, and in the first in any case.
        let subject =
            |index: usize, cell: &Range<usize>| index == 0 || inside(facts, cell).next().is_none();
        let named = cells.iter().enumerate().filter(|(index, cell)| subject(*index, cell));
        let named: Vec<&str> = named.map(|(_, cell)| &text[cell.clone()]).collect();
        let named = Words::of(&named.join(" "));
        let row = Words::of(&text[at.clone()]);
        for (index, cell) in cells.iter().enumerate() {
            let head = self.columns.get(index).map_or("", String::as_str);
            let own = named.and(&Words::of(head)).and(&Words::of(&text[cell.clone()])).and(&about);
            for fact in inside(facts, cell) {
                let value = headed(&fact.value, head);
                let Some(class) = Class::of(&value) else { continue };
                let at = fact.at.clone();
                let place = Place::Cell;
                let own = own.clone();
                let all = own.clone();
                self.stated.push(StatedAmount { at, value, class, place, own, all });
            }
        }
        self.sentences.push(Sentence { at, words: row });
    }

    fn prose(&mut self, text: &str, at: Range<usize>, facts: &[Fact]) {
        for sentence in sentences(text, at) {
            let words = Words::of(&text[sentence.clone()]);
            let about = self.title.and(&self.heading);
            let all = words.and(&about).and(&self.before);
            let within: Vec<(&Fact, Class)> = inside(facts, &sentence)
                .filter_map(|fact| Some((fact, Class::of(&fact.value)?)))
                .collect();
            for (fact, class) in &within {
                let beside = around(text, &sentence, &within, fact, *class);
                let own = Words::of(&text[beside.clone()]).and(&about);
                // `For 24 months 14.9 %`: the months tell of which share it is.
                let own = own.with(amounts_beside(&within, &beside, *class));
                let all = all.and(&own);
                self.stated.push(StatedAmount {
                    at: fact.at.clone(),
                    value: fact.value.clone(),
                    class: *class,
                    place: Place::Sentence,
                    own,
                    all,
                });
            }

            self.before = words.clone();
            self.sentences.push(Sentence { at: sentence, words });
        }
    }
}

/// A bare number under `Price, €` is a price.
fn headed(value: &Value, head: &str) -> Value {
    let mut value = value.clone();
    if let Value::Number { unit, .. } = &mut value
        && *unit == Unit::Plain
        && let Some(of_head) = header_unit(head)
    {
        *unit = of_head;
    }
    value
}

/// The cells of a row.
fn cells(text: &str, at: Range<usize>) -> Vec<Range<usize>> {
    let row = &text[at.clone()];
    let blank = row.len() - row.trim_start().len();
    let mut begin = if row.trim_start().starts_with('|') { blank + 1 } else { blank };
    let mut cells = Vec::new();
    while begin < row.len() {
        let mut end = begin;
        loop {
            end = row[end..].find('|').map_or(row.len(), |bar| end + bar);
            // `\|` is a bar within a cell.
            if end == row.len() || !row[..end].ends_with('\\') {
                break;
            }
            end += 1;
        }
        if end < row.len() || !row[begin..].trim().is_empty() {
            cells.push(at.start + begin..at.start + end);
        }
        begin = end + 1;
    }
    cells
}

/// The facts that begin within a stretch.
fn inside<'f>(facts: &'f [Fact], at: &Range<usize>) -> impl Iterator<Item = &'f Fact> {
    let begin = facts.partition_point(|fact| fact.at.start < at.start);
    let end = at.end;
    facts[begin..].iter().take_while(move |fact| fact.at.start < end)
}

/// The sentences of a line.
fn sentences(text: &str, at: Range<usize>) -> Vec<Range<usize>> {
    let line = &text[at.clone()];
    let mut found = Vec::new();
    let mut begin = 0;
    for end in END.find_iter(line) {
        if ABBREVIATED.is_match(&line[begin..end.end()]) {
            continue;
        }
        found.push(begin..end.end());
        begin = end.end();
    }
    if begin < line.len() {
        found.push(begin..line.len());
    }
    found.retain(|sentence| line[sentence.clone()].chars().any(char::is_alphanumeric));
    found.into_iter().map(|one| at.start + one.start..at.start + one.end).collect()
}

/// The amounts of other kinds beside a fact, as words.
fn amounts_beside(within: &[(&Fact, Class)], beside: &Range<usize>, class: Class) -> Vec<String> {
    let others = within.iter().filter(|(other, kind)| {
        beside.start <= other.at.start && other.at.end <= beside.end && !kind.is_like(class)
    });
    others
        .filter_map(|(other, kind)| Some(format!("#{kind:?}{}", amounts(&other.value).first()?)))
        .collect()
}

/// The words beside a fact that no other amount of its kind takes for its own.
fn around(
    text: &str,
    sentence: &Range<usize>,
    within: &[(&Fact, Class)],
    fact: &Fact,
    class: Class,
) -> Range<usize> {
    let mut begin = sentence.start;
    let mut end = sentence.end;
    for (other, kind) in within {
        if !kind.is_like(class) || other.at == fact.at {
            continue;
        }
        let gap = if other.at.end <= fact.at.start {
            other.at.end..fact.at.start
        } else if fact.at.end <= other.at.start {
            fact.at.end..other.at.start
        } else {
            continue;
        };
        // `from 8:00 to 20:00`: both are said of the same.
        if *kind == class && Words::of(&text[gap.clone()]).is_empty() {
            continue;
        }
        let separators = SEPARATOR.find_iter(&text[gap.clone()]);
        let cut = separators.map(|found| gap.start + found.start()).next();
        if gap.end == fact.at.start {
            begin = begin.max(cut.unwrap_or(gap.start));
        } else {
            end = end.min(cut.unwrap_or(gap.end));
        }
    }
    begin.min(fact.at.start)..end.max(fact.at.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fact::Side, facts::facts};

    fn stated(text: &str) -> Vec<(String, Vec<String>)> {
        let found = parts(text, &facts(text, Side::Source)).stated;
        found.into_iter().map(|one| (text[one.at].to_owned(), one.own.0)).collect()
    }

    #[test]
    fn a_cell_belongs_to_its_row_and_its_column() {
        let table = "| Where | Courier | Parcel locker |\n|---|---:|---|\n\
                     | Finland | 9.90 € | 7.50 € |\n| Poland | 8.90 € | no |";
        // The same without bars around the rows.
        let bare = table.replace("| \n", "\n").replace("\n| ", "\n").replace(" |\n", "\n");
        let bare = bare.trim_start_matches("| ").trim_end_matches(" |");
        assert_eq!(stated(bare), stated(table));
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            stated(table),
            [
                ("9.90".to_owned(), own(&["courier", "finland"])),
                ("7.50".to_owned(), own(&["finland", "locker", "parcel"])),
                ("8.90".to_owned(), own(&["courier", "poland"])),
            ]
        );
    }

    #[test]
    fn a_number_in_a_sentence_has_the_words_beside_it() {
        let text =
            "\nA filling costs 45 euros, sealing of a fissure 25 euros. Open from 8:00 to 20:00.";
        let found = stated(text);
        assert_eq!(found[0].1, ["fill"]);
        assert_eq!(found[1].1, ["fissur", "seal"]);
        assert_eq!(found.len(), 4);
    }
}
