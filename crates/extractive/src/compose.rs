//! From ranked units to the words of an answer.

use replyx_text::terms::differ_in_script;

use super::{
    lexicon::{POINTING, lowered},
    question::Question,
    rank::Ranking,
    units::{Kind, Unit},
};
use crate::{Fit, Quotation};

/// The longest answer, characters.
pub(super) const LONGEST: usize = 300;
/// At least this much of what is asked must be spoken of, or words do not speak for an answer.
/// Chosen with `scripts/quality` where there are no vectors: below it more than one in five
/// unanswerable questions got an answer, above it more than one in ten answerable ones got none.
const COVERED: f32 = 0.35;
/// Where meaning is known, what is covered and the nearest meaning must come to this together:
/// either alone is often a passage about the same thing that does not say what is asked. Chosen on
/// `XQuAD` without every other paragraph, where its neighbours stay, and on two sets of questions
/// as customers ask them (docs/evaluation.md).
const SURE: f64 = 0.68;
/// The same where the nearest source is in other letters than the question, so that no word can be
/// covered.
const MEANT: f64 = 0.4;
/// Words that search itself gives no more than this are shared by chance.
const CHANCE: f64 = 0.2;
/// A further unit joins the answer when it answers at least this well beside the best.
const JOINS: f32 = 0.6;
/// The same where the best is a row of a table or an item of a list.
const JOINS_ITEM: f32 = 0.9;
/// What standing beside the best unit adds to a unit's score when units are joined.
const BESIDE: f32 = 0.1;
/// An answer has at most so many units, unless it is a list.
const MOST_JOINED: usize = 2;

/// The answer to a question, if the units hold one.
pub(super) fn compose(
    question: &Question,
    units: &[Unit],
    ranking: &Ranking,
    fits: &[Option<Fit>],
) -> Option<Quotation> {
    let best = order(ranking).next()?;
    // Words shared by chance cover nothing.
    let by_chance =
        fits.iter().any(Option::is_some) && fits.iter().flatten().all(|fit| fit.score < CHANCE);
    let covered = if by_chance { 0.0 } else { ranking.coverage(&ranking.units[best].around) };
    let enough = covered >= least_covered(question);
    let near = fits.iter().enumerate().filter_map(|(source, fit)| Some((source, fit.as_ref()?)));
    let Some((nearest, fit)) = near.max_by(|(_, a), (_, b)| a.meaning.total_cmp(&b.meaning)) else {
        return match (enough, units[best].asks()) {
            (false, _) => None,
            (true, true) => reply_to(best, units),
            (true, false) => Some(quote(question, best, units, ranking)),
        };
    };
    let foreign = units
        .iter()
        .find(|unit| unit.source == nearest)
        .is_some_and(|unit| differ_in_script(&question.text, &unit.text));
    let sure = f64::from(covered) + fit.meaning >= SURE || foreign && fit.meaning >= MEANT;
    match (sure, enough) {
        (false, _) => None,
        (true, true) if units[best].asks() => reply_to(best, units),
        (true, true) => Some(quote(question, best, units, ranking)),
        (true, false) => by_meaning(nearest, units, ranking),
    }
}

/// What the source nearest in meaning says: all of it if it is short, else what fits best and what
/// follows.
fn by_meaning(nearest: usize, units: &[Unit], ranking: &Ranking) -> Option<Quotation> {
    let says = |unit: &usize| units[*unit].source == nearest && !units[*unit].asks();
    let best = order(ranking).find(says)?;
    let all: Vec<usize> = (0..units.len()).filter(says).collect();
    let begin = if text_of(&all, units).chars().count() <= LONGEST { all[0] } else { best };
    let text = told(begin, all.into_iter().filter(|unit| *unit > begin), units);
    Some(Quotation::sure(text, vec![nearest]))
}

/// What a document says behind a question that is put there like the customer's, up to its next
/// one.
fn reply_to(asking: usize, units: &[Unit]) -> Option<Quotation> {
    let source = units[asking].source;
    let says = |unit: &usize| units[*unit].source == source && !units[*unit].asks();
    let mut behind = (asking + 1..units.len()).take_while(says);
    let begin = behind.next()?;
    Some(Quotation::sure(told(begin, behind, units), vec![source]))
}

/// A unit and as much of what follows as an answer holds.
fn told(begin: usize, following: impl Iterator<Item = usize>, units: &[Unit]) -> String {
    let mut chosen = vec![begin];
    for unit in following {
        chosen.push(unit);
        if text_of(&chosen, units).chars().count() > LONGEST {
            chosen.pop();
            break;
        }
    }
    let text = text_of(&chosen, units);
    if text.chars().count() > LONGEST { shorten(&text) } else { text }
}

/// The answer that begins with the best unit.
fn quote(question: &Question, best: usize, units: &[Unit], ranking: &Ranking) -> Quotation {
    if units[best].text.chars().count() > LONGEST {
        let text = window(question, &units[best]);
        return Quotation::sure(text, vec![units[best].source]);
    }
    let mut chosen = list_of(best, units, ranking).unwrap_or_else(|| vec![best]);
    join(&mut chosen, best, units, ranking);
    let mut sources: Vec<usize> = Vec::new();
    for unit in &chosen {
        if !sources.contains(&units[*unit].source) {
            sources.push(units[*unit].source);
        }
    }
    let rank = |unit: usize| sources.iter().position(|source| *source == units[unit].source);
    chosen.sort_unstable_by_key(|unit| (rank(*unit), *unit));
    Quotation::sure(text_of(&chosen, units), sources)
}

/// In a short question each word says more: of `Do you sell bicycles?` half is not enough.
fn least_covered(question: &Question) -> f32 {
    match question.asked.iter().filter(|asked| !asked.kind).count() {
        2 => COVERED + 0.15,
        3 => COVERED + 0.05,
        _ => COVERED,
    }
}

/// Adds what belongs to the best unit: what its first word points back to, then what answers nearly
/// as well, neighbours first.
fn join(chosen: &mut Vec<usize>, best: usize, units: &[Unit], ranking: &Ranking) {
    let mut length = text_of(chosen, units).chars().count();
    let mut add = |chosen: &mut Vec<usize>, unit: usize| {
        let longer = length + 3 + units[unit].text.chars().count();
        if chosen.len() < MOST_JOINED && longer <= LONGEST && !chosen.contains(&unit) {
            chosen.push(unit);
            length = longer;
        }
    };
    let before = best.checked_sub(1).filter(|before| units[*before].block == units[best].block);
    if let Some(before) = before.filter(|_| points_back(&units[best].text)) {
        add(chosen, before);
    }
    let worth = |unit: usize| {
        let near = units[unit].block == units[best].block && unit.abs_diff(best) == 1;
        let beside = if near && units[unit].kind == Kind::Sentence { BESIDE } else { 0.0 };
        ranking.units[unit].score + beside
    };
    // Sentences go on; another row or item is mostly about something else.
    let single = units[best].kind != Kind::Sentence;
    let least = ranking.units[best].score * if single { JOINS_ITEM } else { JOINS };
    let mut others: Vec<usize> = order(ranking).skip(1).take(8).collect();
    others.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)));
    for other in others {
        if worth(other) >= least && !units[other].asks() {
            add(chosen, other);
        }
    }
}

/// Does the sentence begin with a word that means something said before?
fn points_back(sentence: &str) -> bool {
    let first = sentence.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
    first.is_some_and(|word| POINTING.has(&lowered(word)))
}

/// The clauses of a sentence that is too long which answer best, with a mark where something is
/// left out.
pub(super) fn window(question: &Question, unit: &Unit) -> String {
    let text = unit.text.as_str();
    let mut cuts: Vec<usize> = text
        .match_indices([',', ';', ':', '—', '–', '('])
        .map(|(at, mark)| if mark == "(" { at } else { at + mark.len() })
        .filter(|at| text[*at..].starts_with([' ', '(']))
        .collect();

    cuts.insert(0, 0);
    cuts.push(text.len());

    let windows: Vec<Unit> = cuts
        .iter()
        .filter_map(|begin| {
            let fits = |end: &&usize| {
                **end > *begin && text[*begin..**end].trim().chars().count() + 2 <= LONGEST
            };
            let end = *cuts.iter().rev().find(fits)?;
            let mut part = text[*begin..end].trim().to_owned();
            if end < text.len() {
                part = format!("{}…", part.trim_end_matches([',', ';', ':', '—', '–', ' ']));
            }
            if *begin > 0 {
                part.insert(0, '…');
            }

            Some(Unit { text: part, intro: None, ..unit.clone() })
        })
        .collect();

    let ranking = Ranking::of(question, &windows);
    let best = order(&ranking).next().map(|best| windows[best].text.clone());
    best.unwrap_or_else(|| shorten(text))
}

/// The units, best first; of equals the earlier one.
fn order(ranking: &Ranking) -> impl Iterator<Item = usize> + use<> {
    let mut order: Vec<usize> = (0..ranking.units.len()).collect();
    order.sort_by(|a, b| ranking.units[*b].score.total_cmp(&ranking.units[*a].score));
    order.into_iter()
}

/// A list answers as a whole when the question is about what introduces it, not about one item.
fn list_of(best: usize, units: &[Unit], ranking: &Ranking) -> Option<Vec<usize>> {
    let introduces = units[best].text.ends_with(':');
    let own = ranking.coverage(&ranking.units[best].own);
    let about_all =
        units[best].kind == Kind::Item && own < 0.5 * ranking.coverage(&ranking.units[best].around);
    if !introduces && !about_all {
        return None;
    }
    let block = if introduces { units.get(best + 1)?.block } else { units[best].block };
    let mut chosen: Vec<usize> =
        if introduces { vec![best] } else { units[best].intro.into_iter().collect() };
    let mut length = text_of(&chosen, units).chars().count();
    let listed = |at: usize, unit: &Unit| unit.block == block && !(introduces && at <= best);
    for (at, unit) in units.iter().enumerate().filter(|(at, unit)| listed(*at, unit)) {
        length += 3 + unit.text.chars().count();
        if length > LONGEST {
            break;
        }
        chosen.push(at);
    }
    chosen.contains(&best).then_some(chosen)
}

pub(super) fn text_of(chosen: &[usize], units: &[Unit]) -> String {
    let mut text = String::new();
    let many = chosen.len() > 1;
    for (place, unit) in chosen.iter().map(|at| &units[*at]).enumerate() {
        let separate = unit.kind != Kind::Sentence && many;
        if place > 0 {
            text.push(if separate || units[chosen[place - 1]].kind != Kind::Sentence {
                '\n'
            } else {
                ' '
            });
        }
        if separate {
            text.push_str("- ");
        }
        text.push_str(&unit.text);
    }
    text
}

/// Cuts a text after a word.
fn shorten(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST - 1).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end_matches([',', ';', ':', ' ', '—', '–']))
}
