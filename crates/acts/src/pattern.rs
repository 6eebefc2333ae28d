//! Patterns of words, as the lexicon writes them.
//!
//! A pattern is a line of elements between blanks:
//!
//! - `want|need`: one of these words. One slip of the pen is forgiven in words of five letters and
//!   more, two in words of twelve and more.
//! - `~оператор`: any form of the word, by its stem.
//! - `%human`: any of a class of the same language.
//! - `?please`: may be left out.
//! - `*`: up to four words that mean nothing here (the class `filler`).
//! - `^`, `$`: the beginning and the end of the clause, but for fillers.

use std::collections::HashMap;

use replyx_text::terms::terms;

use crate::reading::Word;

/// In words of so many letters a slip is forgiven, in longer ones two.
const LONG: usize = 5;
const LONGER: usize = 12;
/// How many fillers a `*` stands for.
const GAP: usize = 4;
/// How many fillers stand at most before `^` and after `$`.
const EDGE: usize = 12;

/// Real words that are one slip away from words of the lexicon.
const OTHER_WORDS: &[&str] = &[
    "think",
    "thinks",
    "thing",
    "things",
    "hell",
    "sheet",
    "managed",
    "manages",
    "manage",
    "hugs",
    "human's",
    "operate",
    "operates",
    "agency",
    "thanked",
    "clean",
    "bring",
    "great",
    "street",
    "greet",
    "treat",
    "where",
    "there",
    "three",
    "order",
    "older",
    "brook",
    "broken",
    "booked",
    "заказа",
    "скидка",
    "человеческий",
    "понятие",
    "полка",
    "пакет",
    "привет",
    "приват",
];

/// A word of a pattern by its number.
type Form = u16;

/// A word of a message, and which words of a lexicon's patterns it is.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'r> {
    /// The word.
    pub(crate) word: &'r Word,
    /// The words of patterns that it fits, in ascending order.
    forms: Vec<Form>,
}

impl Seen<'_> {
    fn fits(&self, forms: &[Form]) -> bool {
        self.forms.iter().any(|form| forms.binary_search(form).is_ok())
    }
}

#[derive(Clone, Debug)]
enum Element {
    One(Vec<Form>),
    Maybe(Vec<Form>),
    Gap,
    Start,
    End,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Vec<Element>);

/// The letters of a word in which slips are forgiven, and what it stands for.
type Forgiven = (Vec<char>, Form);

/// The words of a lexicon's patterns, and classes of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    /// By the word itself.
    exact: HashMap<String, Form>,
    /// By its stem.
    stems: HashMap<String, Form>,
    /// The words in which slips are forgiven, by their first letter and whether they are stems.
    long: HashMap<(char, bool), Vec<Forgiven>>,
    classes: HashMap<&'static str, Vec<Form>>,
    count: Form,
}

impl Vocabulary {
    /// A vocabulary of the classes of a language: a name, and its words between blanks.
    pub(crate) fn new(classes: &[(&'static str, &'static str)]) -> Self {
        let mut vocabulary = Self::default();
        for (name, words) in classes {
            let forms = words.split_whitespace().map(|word| vocabulary.form(word));
            let forms = sorted(forms.collect());
            vocabulary.classes.insert(name, forms);
        }
        vocabulary
    }

    /// Compiles the lines of a list of patterns.
    pub(crate) fn compile(&mut self, lines: &'static str) -> Vec<Pattern> {
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| self.pattern(line)).collect()
    }

    /// The words of a message, as the patterns of this vocabulary see them.
    pub(crate) fn see<'r>(&self, words: &'r [Word]) -> Vec<Seen<'r>> {
        words.iter().map(|word| Seen { word, forms: self.forms_of(word) }).collect()
    }

    /// Is the word of this class?
    pub(crate) fn holds(&self, class: &str, word: &Seen<'_>) -> bool {
        self.classes.get(class).is_some_and(|forms| word.fits(forms))
    }

    fn forms_of(&self, word: &Word) -> Vec<Form> {
        let known = [self.exact.get(&word.text), self.stems.get(&word.stem)];
        let known: Vec<Form> = known.into_iter().flatten().copied().collect();
        if !known.is_empty() {
            return sorted(known);
        }
        let mut forms = self.slips(&word.text, false);
        forms.extend(self.slips(&word.stem, true));
        sorted(forms)
    }

    fn slips(&self, word: &str, is_stem: bool) -> Vec<Form> {
        if OTHER_WORDS.contains(&word) {
            return Vec::new();
        }
        let letters: Vec<char> = word.chars().collect();
        let Some(first) = letters.first() else { return Vec::new() };
        let meant = self.long.get(&(*first, is_stem)).into_iter().flatten();
        meant.filter(|(meant, _)| is_slip(&letters, meant)).map(|(_, form)| *form).collect()
    }

    fn pattern(&mut self, line: &str) -> Pattern {
        let elements = line.split_whitespace().map(|element| match element {
            "*" => Element::Gap,
            "^" => Element::Start,
            "$" => Element::End,
            _ => match element.strip_prefix('?') {
                Some(rest) => Element::Maybe(self.alternatives(rest)),
                None => Element::One(self.alternatives(element)),
            },
        });
        Pattern(elements.collect())
    }

    fn alternatives(&mut self, element: &str) -> Vec<Form> {
        let mut forms = Vec::new();
        for word in element.split('|') {
            match word.strip_prefix('%') {
                Some(class) => forms.extend(self.classes.get(class).into_iter().flatten()),
                None => forms.push(self.form(word)),
            }
        }
        sorted(forms)
    }

    /// The number of a word of a pattern; a new one, if it was not seen before.
    fn form(&mut self, word: &str) -> Form {
        let next = self.count;
        let stem = word.strip_prefix('~').map(|word| {
            let stem = terms(word).into_iter().next().map(|term| term.stem);
            stem.unwrap_or_else(|| word.to_owned())
        });
        let is_stem = stem.is_some();
        let word = stem.unwrap_or_else(|| word.to_owned());
        let known = if is_stem { &mut self.stems } else { &mut self.exact };
        let form = *known.entry(word.clone()).or_insert(next);
        if form != next {
            return form;
        }

        self.count += 1;
        let letters: Vec<char> = word.chars().collect();
        if letters.len() >= LONG {
            self.long.entry((letters[0], is_stem)).or_default().push((letters, form));
        }
        form
    }

    fn is_filler(&self, word: &Seen<'_>) -> bool {
        self.holds("filler", word)
    }
}

fn sorted(mut forms: Vec<Form>) -> Vec<Form> {
    forms.sort_unstable();
    forms.dedup();
    forms
}

impl Pattern {
    /// Where in a clause the pattern is found first: the words it takes, from and to.
    pub(crate) fn find(
        &self,
        clause: &[Seen<'_>],
        vocabulary: &Vocabulary,
    ) -> Option<(usize, usize)> {
        (0..clause.len()).find_map(|from| self.at(clause, from, vocabulary).map(|to| (from, to)))
    }

    /// Where the pattern ends if it begins at this word.
    pub(crate) fn at(
        &self,
        clause: &[Seen<'_>],
        from: usize,
        vocabulary: &Vocabulary,
    ) -> Option<usize> {
        ends(&self.0, clause, from, vocabulary)
    }
}

fn ends(
    elements: &[Element],
    clause: &[Seen<'_>],
    at: usize,
    vocabulary: &Vocabulary,
) -> Option<usize> {
    let Some((first, rest)) = elements.split_first() else { return Some(at) };
    let fits = |forms: &[Form]| clause.get(at).is_some_and(|word| word.fits(forms));

    match first {
        Element::One(forms) => {
            if fits(forms) {
                ends(rest, clause, at + 1, vocabulary)
            } else {
                None
            }
        }
        Element::Maybe(forms) => {
            let with = if fits(forms) { ends(rest, clause, at + 1, vocabulary) } else { None };
            with.or_else(|| ends(rest, clause, at, vocabulary))
        }
        Element::Gap => {
            let fillers = clause[at..].iter().take(GAP);
            let most = fillers.take_while(|word| vocabulary.is_filler(word)).count();
            (0..=most).find_map(|skipped| ends(rest, clause, at + skipped, vocabulary))
        }
        Element::Start => {
            // Far into a clause nothing starts: what is endless costs no more for it.
            let before = clause[..at].iter();
            let starts = at <= EDGE && before.into_iter().all(|word| vocabulary.is_filler(word));
            if starts { ends(rest, clause, at, vocabulary) } else { None }
        }
        Element::End => {
            let number = |word: &Seen<'_>| word.word.text.chars().all(char::is_numeric);
            let after = &clause[at..];
            let over = after.len() <= EDGE
                && after.iter().all(|word| vocabulary.is_filler(word) || number(word));
            if over { ends(rest, clause, at, vocabulary) } else { None }
        }
    }
}

/// Is the word the other one with a letter wrong, missing, too many, or two in the wrong order?
fn is_slip(word: &[char], meant: &[char]) -> bool {
    let most = if meant.len() >= LONGER { 2 } else { 1 };
    word.len().abs_diff(meant.len()) <= most && distance(word, meant) <= most
}

/// The distance of Damerau and Levenshtein, neighbors swapped at most once.
fn distance(one: &[char], other: &[char]) -> usize {
    let width = other.len() + 1;
    let mut table = vec![0; (one.len() + 1) * width];
    for row in 0..=one.len() {
        for column in 0..=other.len() {
            let at = row * width + column;
            if row == 0 || column == 0 {
                table[at] = row + column;
                continue;
            }

            let changed = usize::from(one[row - 1] != other[column - 1]);
            let without = table[at - width].min(table[at - 1]) + 1;
            let mut least = without.min(table[at - width - 1] + changed);
            let swapped = row > 1
                && column > 1
                && one[row - 1] == other[column - 2]
                && one[row - 2] == other[column - 1];
            if swapped {
                least = least.min(table[at - 2 * width - 2] + 1);
            }
            table[at] = least;
        }
    }
    table[table.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Reading;

    fn found(pattern: &'static str, text: &str) -> bool {
        let classes = [("human", "~оператор human"), ("filler", "a the please мне")];
        let mut vocabulary = Vocabulary::new(&classes);
        let patterns = vocabulary.compile(pattern);
        let reading = Reading::of(text);
        let words = vocabulary.see(&reading.words);
        patterns.iter().any(|pattern| pattern.find(&words, &vocabulary).is_some())
    }

    #[test]
    fn elements_mean_what_they_say() {
        assert!(found("want|need * %human", "I want a human"));
        assert!(!found("want|need * %human", "I want a big human"));
        assert!(found("позовите * %human", "позовите мне оператора"));
        assert!(found("позовите * %human", "позовите опиратора"));
        assert!(found("^ %human $", "a human please"));
        assert!(!found("^ %human $", "human rights"));
        assert!(found("thank ?you $", "thank you"));
        assert!(!found("thank you", "think you"));
    }

    #[test]
    fn slips_of_the_pen_have_a_distance() {
        for (one, other, apart) in
            [("", "", 0), ("abc", "acb", 1), ("kitten", "sitting", 3), ("да", "дар", 1)]
        {
            let letters = |word: &str| word.chars().collect::<Vec<char>>();
            assert_eq!(distance(&letters(one), &letters(other)), apart, "{one} {other}");
        }
    }
}
