//! What to quote where the meaning of each run is known: the run nearest to the question, with
//! words as the second voice.

use replyx_text::terms::{self, differ_in_script};

use super::{
    compose::{LONGEST, text_of, window},
    question::Question,
    rank::Ranking,
    runs::Run,
    units::{Kind, Unit},
};
use crate::{Certainty, Quotation, Source};

// How much each voice counts was chosen on sets of different kinds at once: customers' questions to
// invented businesses, two sets of frequent questions, and `XQuAD` in both languages and across
// them (`answer_eval`, docs/evaluation.md).

/// What it is worth that a run speaks of all that is asked, beside the nearness of its meaning.
const WORDS: f64 = 0.6;
/// What the nearness of the passage is worth that a run stands in.
const PASSAGE: f64 = 0.6;
/// How much each word of a question that is covered speaks for there being an answer at all: to
/// cover a long question says more than to cover `Do you sell tea?`
const COVERED: f64 = 0.13;
/// That is at least this for all words together.
const LEAST_COVERED: f64 = 0.3;
/// And at most this.
const MOST_COVERED: f64 = 0.55;
/// The same for how much nearer the passage is than the assistant's others that were found: a
/// question beyond what it knows is about as far from all of them.
const APART: f64 = 0.35;
/// So much of one of two questions a run must speak of.
const SPOKEN: f64 = 0.35;
/// A quotation may help only if its passage is nearer than the assistant's others that were found
/// by at least this.
const APART_UNSURE: f64 = 0.02;

/// In which letters the answer is, seen from the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    /// In those of the question.
    Same,
    /// In others, as all that was found: no word can be covered.
    Other,
    /// In others, although something in the letters of the question was found: what is asked would
    /// have been said there.
    OtherBeside,
}

impl Letters {
    /// From how much evidence on a run answers.
    const fn sure(self) -> f64 {
        match self {
            Self::Same => 0.47,
            Self::Other => 0.38,
            Self::OtherBeside => 0.59,
        }
    }

    /// From how much evidence on it may help.
    const fn unsure(self) -> f64 {
        match self {
            Self::Same => 0.41,
            Self::Other => 0.33,
            Self::OtherBeside => 0.55,
        }
    }
}

/// A run with how well it answers.
struct Candidate<'r> {
    run: &'r Run,
    meaning: f64,
    covered: f64,
    worth: f64,
}

/// Which run answers.
pub(super) enum Nearest {
    /// The meaning of no run is known.
    Unknown,
    /// None of them answers.
    Far,
    /// This is the answer.
    Answer(Quotation),
}

/// The answer of the run that is nearest to the question, if it is near enough.
pub(super) fn quote(
    question: &Question,
    units: &[Unit],
    runs: &[Run],
    sources: &[Source],
) -> Nearest {
    let ranking = Ranking::of(question, units);
    let candidates = candidates(question, units, &ranking, runs, sources);
    choose(question, units, candidates, sources)
}

/// The answer to one of two questions of a message. What is known of meaning is of both together,
/// so that words have to tell which run answers which.
pub(super) fn quote_part(
    question: &Question,
    units: &[Unit],
    runs: &[Run],
    sources: &[Source],
) -> Nearest {
    let ranking = Ranking::of(question, units);
    let mut candidates = candidates(question, units, &ranking, runs, sources);
    candidates.retain(|candidate| candidate.covered >= SPOKEN);
    for candidate in &mut candidates {
        candidate.worth += WORDS * candidate.covered;
    }
    choose(question, units, candidates, sources)
}

/// The best of them, if it is near enough.
fn choose(
    question: &Question,
    units: &[Unit],
    candidates: Vec<Candidate<'_>>,
    sources: &[Source],
) -> Nearest {
    let first = |one: &Candidate<'_>, other: &Candidate<'_>| other.worth > one.worth;
    let best =
        candidates.into_iter().reduce(|one, other| if first(&one, &other) { other } else { one });
    let Some(best) = best else { return Nearest::Unknown };

    let letters = letters(question, best.run, units, sources);
    let apart = passage(&sources[best.run.source]) - mean(sources);
    let words = u32::try_from(question.asked.len()).unwrap_or(u32::MAX);
    let speaks = (COVERED * f64::from(words)).clamp(LEAST_COVERED, MOST_COVERED);
    let evidence = best.meaning + speaks * best.covered + APART * apart;
    let certainty = match evidence {
        enough if enough >= letters.sure() => Certainty::Sure,
        nearly if nearly >= letters.unsure() && apart >= APART_UNSURE => Certainty::Unsure,
        _ => return Nearest::Far,
    };
    let text = said(question, best.run, units);
    Nearest::Answer(Quotation { text, sources: vec![best.run.source], certainty })
}

fn letters(question: &Question, run: &Run, units: &[Unit], sources: &[Source]) -> Letters {
    let is_foreign = |text: &str| differ_in_script(&question.text, text);
    if !run.units.iter().any(|unit| is_foreign(&units[*unit].text)) {
        Letters::Same
    } else if sources.iter().all(|source| is_foreign(&source.text)) {
        Letters::Other
    } else {
        Letters::OtherBeside
    }
}

/// The runs whose meaning is known, but for those that only say again what is asked.
fn candidates<'r>(
    question: &Question,
    units: &[Unit],
    ranking: &Ranking,
    runs: &'r [Run],
    sources: &[Source],
) -> Vec<Candidate<'r>> {
    let mut next = vec![0_usize; sources.len()];
    let mut found = Vec::new();
    for run in runs {
        let source = &sources[run.source];
        let place = next[run.source];
        next[run.source] += 1;
        let Some(meaning) = source.runs.get(place).copied() else { continue };
        if repeats(question, run, units, ranking) {
            continue;
        }
        let covered = f64::from(coverage(run, ranking));
        let worth = meaning + WORDS * covered + PASSAGE * passage(source);
        found.push(Candidate { run, meaning, covered, worth });
    }
    found
}

/// How near a passage is as a whole.
fn passage(source: &Source) -> f64 {
    source.fit.map_or(0.0, |fit| fit.meaning)
}

/// How near all that was found is, on average.
fn mean(sources: &[Source]) -> f64 {
    let known: Vec<f64> = sources.iter().filter_map(|source| Some(source.fit?.meaning)).collect();
    let count = u32::try_from(known.len().max(1)).unwrap_or(u32::MAX);
    known.iter().sum::<f64>() / f64::from(count)
}

/// How much of what is asked some unit of the run speaks of.
fn coverage(run: &Run, ranking: &Ranking) -> f32 {
    let mut covered = vec![0.0_f32; ranking.weights.len()];
    for unit in &run.units {
        for (best, own) in covered.iter_mut().zip(&ranking.units[*unit].around) {
            *best = best.max(*own);
        }
    }
    ranking.coverage(&covered)
}

/// Does the run say again what is asked, and nothing else? It answers nothing.
fn repeats(question: &Question, run: &Run, units: &[Unit], ranking: &Ranking) -> bool {
    let [unit] = run.units.as_slice() else { return false };
    let words = |text: &str| text.split_whitespace().count();
    let is_covered = ranking.coverage(&ranking.units[*unit].own) > 0.95;
    is_covered && 2 * words(&units[*unit].text) <= words(&question.text)
}

/// The words of a run, behind the heading that says what they are about, where they do not say it.
fn said(question: &Question, run: &Run, units: &[Unit]) -> String {
    if let [unit] = run.units.as_slice()
        && units[*unit].text.chars().count() > LONGEST
    {
        return window(question, &units[*unit]);
    }

    let text = text_of(&run.units, units);
    let label = run.label.trim_end_matches([':', '.']);
    let is_needed = !label.is_empty() && !label.ends_with(['?', '？']) && !share(label, &text);
    let length = label.chars().count() + 2 + text.chars().count();
    if !is_needed || length > LONGEST {
        return text;
    }
    // A row has colons of its own.
    let between = match units[run.units[0]].kind {
        Kind::Row => ". ",
        _ if text.contains('\n') => ":\n",
        _ => ": ",
    };
    format!("{label}{between}{text}")
}

/// Do the two share a word that carries meaning?
fn share(label: &str, text: &str) -> bool {
    let said: Vec<String> = terms::terms(text).into_iter().map(|term| term.stem).collect();
    terms::query_terms(label).iter().any(|stem| said.contains(stem))
}

#[cfg(test)]
mod tests {
    use crate::{Certainty, Fit, Quotation, Source, quote, runs};

    /// A source whose runs are as near as `meaning` says of their texts.
    fn source(headings: &[&str], text: &str, whole: f64, meaning: impl Fn(&str) -> f64) -> Source {
        let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
        let fit = Some(Fit { score: whole, meaning: whole });
        let title = "clinic.md".to_owned();
        let source = Source { title, headings, text: text.to_owned(), fit, runs: Vec::new() };
        let runs = runs(&source).iter().map(|run| meaning(run)).collect();
        Source { runs, ..source }
    }

    fn answer(question: &str, sources: &[Source]) -> Option<String> {
        quote(question, sources).filter(Quotation::is_sure).map(|quotation| quotation.text)
    }

    #[test]
    fn the_run_nearest_in_meaning_is_quoted_without_a_word_of_the_question() {
        let text =
            "## Address\n\nBrivibas 114, second floor.\n\n## Pain\n\nWe see you the same day.";
        let near = |run: &str| if run.contains("same day") { 0.7 } else { 0.2 };
        let sources = [source(&[], text, 0.5, near)];
        assert_eq!(
            answer("my tooth hurts, take me now?", &sources).as_deref(),
            Some("Pain: We see you the same day.")
        );
    }

    #[test]
    fn a_passage_without_vectors_yet_answers_by_its_words() {
        let far = source(&[], "## Address\n\nBrivibas 114, second floor.", 0.1, |_| 0.1);
        let new = source(&[], "## Tea\n\nA cup of green tea costs 3 euros.", 0.0, |_| 0.0);
        let new = Source { fit: None, runs: Vec::new(), ..new };
        let found = quote("What does a cup of green tea cost?", &[far.clone(), new]).unwrap();
        assert!(found.text.contains("3 euros"), "{}", found.text);
        assert_eq!(found.sources, [1]);
        assert_eq!(answer("What does a cup of green tea cost?", &[far]), None);
    }

    #[test]
    fn a_row_is_quoted_without_its_neighbours_and_with_its_heading() {
        let text = "| Service | Price |\n|---|---|\n| Cleaning | 60 |\n| Whitening | 240 |";
        let near = |run: &str| if run.contains("Whitening") { 0.7 } else { 0.5 };
        let sources = [source(&["Adults"], text, 0.6, near)];
        assert_eq!(
            answer("what would it set me back to get brighter teeth", &sources).as_deref(),
            Some("Adults. Service: Whitening; Price: 240")
        );
    }

    #[test]
    fn what_is_as_far_as_everything_else_is_no_answer() {
        let text = "We repair bicycles within two days.";
        let far = |_: &str| 0.45;
        let all: Vec<Source> = (0..3).map(|_| source(&[], text, 0.4, far)).collect();
        assert_eq!(answer("Is there a shower?", &all), None);
        let mut one = all;
        one[0].fit = Some(Fit { score: 0.9, meaning: 0.9 });
        assert!(answer("Is there a shower?", &one).is_some(), "nearer than the others by far");
    }

    #[test]
    fn what_is_nearly_near_enough_may_help_if_it_is_nearer_than_the_rest() {
        let text = "We repair bicycles within two days.";
        let quoted = |near: f64, whole: f64| {
            let mut all: Vec<Source> = (0..3).map(|_| source(&[], text, 0.3, |_| 0.2)).collect();
            all[0] = source(&[], text, whole, |_| near);
            quote("Is there a shower?", &all).map(|quotation| quotation.certainty)
        };
        assert_eq!(quoted(0.42, 0.6), Some(Certainty::Sure), "with .07 for being apart");
        assert_eq!(quoted(0.38, 0.6), Some(Certainty::Unsure));
        assert_eq!(quoted(0.46, 0.3), None, "no nearer than the rest");
        assert_eq!(quoted(0.2, 0.6), None);
    }

    #[test]
    fn where_no_word_can_be_covered_less_is_enough() {
        let near = |_: &str| 0.44;
        let russian = [source(&[], "Первая консультация бесплатна.", 0.4, near)];
        assert!(answer("Do I pay for the first visit?", &russian).is_some());
        let english = [source(&[], "We water plants.", 0.4, near)];
        assert_eq!(answer("Do I pay for the first visit?", &english), None);
    }

    #[test]
    fn what_could_have_been_said_in_the_letters_of_the_question_is_not_looked_for_in_others() {
        let russian = source(&[], "Первая консультация бесплатна.", 0.4, |_| 0.44);
        let english = source(&[], "We water plants.", 0.4, |_| 0.1);
        let question = "Do I pay for the first visit?";
        assert!(answer(question, std::slice::from_ref(&russian)).is_some());
        assert_eq!(answer(question, &[russian, english.clone()]), None);
        let near = source(&[], "Первая консультация бесплатна.", 0.7, |_| 0.6);
        assert!(answer(question, &[near, english]).is_some(), "unless it is near by far");
    }

    #[test]
    fn two_questions_have_two_answers() {
        let text =
            "## Insurance\n\nWe work with BTA and Ergo.\n\n## Address\n\nWe are at Brivibas 114.";
        let sources = [source(&[], text, 0.5, |_| 0.5)];
        assert_eq!(
            answer("Which insurance do you take and where is your address?", &sources).as_deref(),
            Some("Insurance: We work with BTA and Ergo.\nAddress: We are at Brivibas 114.")
        );
    }

    #[test]
    fn runs_of_other_rules_leave_the_choice_to_words() {
        let mut known = source(&[], "Delivery costs five euros.", 0.6, |_| 0.7);
        known.runs.clear();
        let found = answer("How much does delivery cost?", &[known]);
        assert_eq!(found.as_deref(), Some("Delivery costs five euros."));
    }
}
