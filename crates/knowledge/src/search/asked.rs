//! What a question asks for, in the terms of the passages.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Range,
};

use replyx_text::terms::{self, AskedWord};

use super::{
    Hit, MAX_TERMS,
    lexicon::{Lexicon, LikelyTerm},
    score::{WeighedQuestion, Word},
    segment::{TermHash, hash},
    snapshot::Snapshot,
    spelling::distance,
};

/// What a relative of a word counts, in weights of the word.
const RELATIVE: f64 = 0.3;
/// What the same word in other letters or by another layout counts.
const RESPELT: f64 = 0.9;
/// Shorter words have too many neighbours that mean something else.
const LEAST_LETTERS: usize = 5;
/// From so many letters on two of them may be wrong.
const TWO_WRONG: usize = 9;

/// The question in terms of what the assistant knows. Words that occur nowhere stay, so that a
/// passage which lacks them is known to lack them.
pub(super) fn of(question: &str, snapshot: &Snapshot) -> WeighedQuestion {
    let languages: Vec<&str> = snapshot.languages.iter().map(String::as_str).collect();
    let words = meaningful(question, &languages);
    let found = words_of(&words, snapshot);
    if found.iter().all(|word| word.frequency == 0) {
        // Not one word of it is known: it may have been typed in the other keyboard layout.
        let typed = meaningful(&terms::other_layout(question), &languages);
        let meant = words_of(&typed, snapshot);
        let known = meant.iter().filter(|word| word.exact).count();
        if known > 0 && 2 * known >= meant.len() {
            return WeighedQuestion::new(meant, snapshot.passages, snapshot.mean);
        }
    }
    WeighedQuestion::new(found, snapshot.passages, snapshot.mean)
}

/// The question as it was meant, where its words make sense to the assistant only in other letters:
/// transliterated (`skolko stoit dostavka`) or typed in the other keyboard layout. What is near in
/// meaning is found, and what is quoted is chosen, by these words.
pub(super) fn understood(question: &str, snapshot: &Snapshot) -> Option<String> {
    let languages: Vec<&str> = snapshot.languages.iter().map(String::as_str).collect();
    let known = |text: &str| -> usize {
        let words = meaningful(text, &languages);
        let is_known = |stem: &String| snapshot.frequency(hash(stem)) > 0;
        words.iter().filter(|word| word.stems.iter().any(is_known)).count()
    };
    let asked = meaningful(question, &languages).len();
    // One word that the documents hold may be a name; of two, the question is as it was meant.
    if asked == 0 || 2 * known(question) > asked {
        return None;
    }

    let readings = [respelt(question), terms::other_layout(question)];
    let best = readings
        .into_iter()
        .filter(|reading| reading != question)
        .map(|reading| (known(&reading), reading))
        .rev()
        .max_by_key(|(known, _)| *known)?;
    let words = meaningful(&best.1, &languages).len();
    (best.0 > known(question) && 2 * best.0 >= words).then_some(best.1)
}

/// A word of a question that no passage holds, and what it may have been meant to be.
#[derive(Debug)]
pub(super) struct Misspelt {
    place: Range<usize>,
    meant: Vec<TermHash>,
}

/// The words that no passage holds in any letters, where passages hold something like them.
pub(super) fn misspelt(question: &str, snapshot: &Snapshot) -> Vec<Misspelt> {
    let languages: Vec<&str> = snapshot.languages.iter().map(String::as_str).collect();
    let lexicon = snapshot.lexicon();
    let is_known = |stem: &String| snapshot.frequency(hash(stem)) > 0;

    let mut found = Vec::new();
    for term in terms::terms(question).into_iter().take(MAX_TERMS) {
        let place = term.start..term.end;
        for word in terms::asked(&question[place.clone()], &languages) {
            let elsewhere = terms::other_script(&word.word).map(|other| terms::index_text(&other));
            if word.stop || word.stems.iter().chain(&elsewhere).any(is_known) {
                continue;
            }

            let meant: Vec<TermHash> = word
                .stems
                .iter()
                .map(|stem| lexicon.corrections(stem))
                .find(|found| !found.is_empty())
                .into_iter()
                .flatten()
                .map(|meant| meant.hash)
                .collect();
            if !meant.is_empty() {
                found.push(Misspelt { place: place.clone(), meant });
            }
        }
    }
    found
}

/// The question with its misspelt words as these passages spell them; nothing where they do not
/// hold one that was meant.
pub(super) fn corrected(
    question: &str,
    misspelt: &[Misspelt],
    snapshot: &Snapshot,
    hits: &[Hit],
) -> Option<String> {
    let known = spellings(misspelt, snapshot, hits);
    let mut written = String::with_capacity(2 * question.len());
    let mut end = 0;
    for word in misspelt {
        let Some(spelt) = nearest(&question[word.place.clone()], word, &known) else { continue };
        written.push_str(&question[end..word.place.start]);
        written.push_str(spelt);
        end = word.place.end;
    }
    written.push_str(&question[end..]);
    (end > 0).then_some(written)
}

/// How passages write the terms that were meant.
fn spellings(
    misspelt: &[Misspelt],
    snapshot: &Snapshot,
    hits: &[Hit],
) -> HashMap<TermHash, BTreeSet<String>> {
    let wanted: HashSet<TermHash> = misspelt.iter().flat_map(|word| word.meant.clone()).collect();
    let mut known: HashMap<TermHash, BTreeSet<String>> = HashMap::new();
    let texts = hits.iter().flat_map(|hit| [&hit.passage.headings, &hit.passage.text]);
    for text in texts {
        for language in snapshot.languages.iter().map(String::as_str).chain([""]) {
            for term in terms::terms_in(text, language) {
                let stem = hash(&term.stem);
                let word = &text[term.start..term.end];
                if wanted.contains(&stem) && !terms::is_stop_word(word) {
                    known.entry(stem).or_default().insert(word.to_lowercase());
                }
            }
        }
    }
    known
}

/// The spelling nearest to a word of those that it may have been meant to be.
fn nearest<'k>(
    word: &str,
    misspelt: &Misspelt,
    known: &'k HashMap<TermHash, BTreeSet<String>>,
) -> Option<&'k str> {
    let letters: Vec<char> = word.to_lowercase().chars().collect();
    let most = match letters.len() {
        0..LEAST_LETTERS => return None,
        LEAST_LETTERS..TWO_WRONG => 1,
        _ => 2,
    };
    let spellings = misspelt.meant.iter().filter_map(|meant| known.get(meant)).flatten();
    let apart = |spelling: &&String| {
        let other: Vec<char> = spelling.chars().collect();
        if other.first() == letters.first() { distance(&letters, &other, most) } else { None }
    };
    let nearest = spellings.filter_map(|spelling| Some((apart(&spelling)?, spelling)));
    nearest.min_by_key(|(apart, _)| *apart).map(|(_, spelling)| spelling.as_str())
}

/// The text with each word in the other script.
fn respelt(text: &str) -> String {
    let mut written = String::with_capacity(2 * text.len());
    for part in text.split_inclusive(|c: char| !c.is_alphabetic()) {
        let word = part.trim_end_matches(|c: char| !c.is_alphabetic());
        match terms::other_script(word) {
            Some(other) if !word.is_empty() => written.push_str(&other),
            _ => written.push_str(word),
        }
        written.push_str(&part[word.len()..]);
    }
    written
}

/// The words that carry meaning, or all of them where none does; each once.
pub(super) fn meaningful(question: &str, languages: &[&str]) -> Vec<AskedWord> {
    let mut words = terms::asked(question, languages);
    if words.iter().any(|word| !word.stop) {
        words.retain(|word| !word.stop);
    }
    let mut kept: Vec<AskedWord> = Vec::new();
    for word in words {
        if kept.len() == MAX_TERMS {
            break;
        }
        if !kept.iter().any(|known| known.stems[0] == word.stems[0]) {
            kept.push(word);
        }
    }
    kept
}

fn words_of(words: &[AskedWord], snapshot: &Snapshot) -> Vec<Word> {
    words.iter().map(|word| word_of(word, snapshot)).collect()
}

fn word_of(asked: &AskedWord, snapshot: &Snapshot) -> Word {
    let lexicon = snapshot.lexicon();
    let mut meant: Vec<(TermHash, f64)> = Vec::new();
    for stem in &asked.stems {
        meant.push((hash(stem), 1.0));
    }
    let known = |meant: &[(TermHash, f64)]| -> usize {
        meant.iter().map(|(term, _)| snapshot.frequency(*term)).max().unwrap_or_default()
    };
    let mut frequency = known(&meant);
    let exact = frequency > 0;
    for kin in asked.stems.iter().flat_map(|stem| lexicon.kin(stem)) {
        add(&mut meant, kin, RELATIVE);
    }
    if !exact {
        respell(asked, lexicon, snapshot, &mut meant);
        frequency = known(&meant);
    }
    meant.retain(|(term, _)| snapshot.frequency(*term) > 0);
    Word { meant, frequency, exact }
}

/// Other scripts and corrected spellings of a word that occurs nowhere.
fn respell(
    asked: &AskedWord,
    lexicon: &Lexicon,
    snapshot: &Snapshot,
    meant: &mut Vec<(TermHash, f64)>,
) {
    let other = terms::other_script(&asked.word).map(|word| terms::index_text(&word));
    if let Some(other) = &other {
        let term = hash(other);
        if snapshot.frequency(term) > 0 {
            return add(meant, LikelyTerm { hash: term, likely: 1.0 }, RESPELT);
        }
    }
    let corrected: Vec<LikelyTerm> = asked
        .stems
        .iter()
        .chain(&other)
        .map(|stem| lexicon.corrections(stem))
        .find(|found| !found.is_empty())
        .unwrap_or_default();
    for correction in corrected {
        add(meant, correction, 1.0);
    }
}

fn add(meant: &mut Vec<(TermHash, f64)>, one: LikelyTerm, factor: f64) {
    let worth = one.likely * factor;
    match meant.iter_mut().find(|(term, _)| *term == one.hash) {
        Some((_, known)) => *known = known.max(worth),
        None => meant.push((one.hash, worth)),
    }
}
