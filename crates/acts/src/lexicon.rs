//! What people write, in the languages the rules know.
//!
//! Patterns are written as [`crate::pattern`] says. Small talk is a list of phrases for each act;
//! a message is small talk when phrases and fillers account for all of it.

mod english;
mod russian;

use std::sync::LazyLock;

use replyx_core::message::MessageAct;

use crate::{
    pattern::{Pattern, Seen, Vocabulary},
    reading::Reading,
};

/// What the rules know of one language, compiled.
pub(crate) struct Lexicon {
    /// Its words.
    pub(crate) vocabulary: Vocabulary,
    /// Phrases of small talk.
    pub(crate) small_talk: Vec<(MessageAct, Vec<Pattern>)>,
    /// Words between phrases of small talk that change nothing.
    pub(crate) fillers: Vec<Pattern>,
    /// A human is asked for.
    pub(crate) human: Vec<Pattern>,
    /// A human is asked for, unless the clause asks how, when or which.
    pub(crate) human_unless_asked: Vec<Pattern>,
    /// What cancels a wish when it stands directly before its verb.
    pub(crate) negations: Vec<Pattern>,
    /// A booking is to be made or changed.
    pub(crate) booking: Vec<Pattern>,
    /// A booking is to be made, if the clause names a time.
    pub(crate) booking_at: Vec<Pattern>,
    /// What became of an order is asked.
    pub(crate) order: Vec<Pattern>,
    /// Somebody complains.
    pub(crate) complaint: Vec<Pattern>,
    /// Somebody may be complaining: takes a second sign.
    pub(crate) anger: Vec<Pattern>,
}

/// A lexicon as it is written.
struct Written {
    classes: &'static [(&'static str, &'static str)],
    small_talk: &'static [(MessageAct, &'static str)],
    fillers: &'static str,
    human: &'static str,
    human_unless_asked: &'static str,
    negations: &'static str,
    booking: &'static str,
    booking_at: &'static str,
    order: &'static str,
    complaint: &'static str,
    anger: &'static str,
}

impl Written {
    fn compile(&self) -> Lexicon {
        let mut words = Vocabulary::new(self.classes);
        let small_talk = self.small_talk.iter();
        let small_talk = small_talk.map(|(act, lines)| (*act, words.compile(lines))).collect();
        Lexicon {
            small_talk,
            fillers: words.compile(self.fillers),
            human: words.compile(self.human),
            human_unless_asked: words.compile(self.human_unless_asked),
            negations: words.compile(self.negations),
            booking: words.compile(self.booking),
            booking_at: words.compile(self.booking_at),
            order: words.compile(self.order),
            complaint: words.compile(self.complaint),
            anger: words.compile(self.anger),
            vocabulary: words,
        }
    }
}

static LEXICONS: LazyLock<[Lexicon; 2]> =
    LazyLock::new(|| [english::ENGLISH.compile(), russian::RUSSIAN.compile()]);

/// A message as one language sees it.
pub(crate) struct Sight<'r> {
    /// What is known of the language.
    pub(crate) lexicon: &'static Lexicon,
    /// The words of the message.
    pub(crate) words: Vec<Seen<'r>>,
}

impl<'r> Sight<'r> {
    /// The message as every language that the rules know sees it.
    pub(crate) fn all(reading: &'r Reading) -> Vec<Self> {
        let see = |lexicon: &'static Lexicon| Self {
            lexicon,
            words: lexicon.vocabulary.see(&reading.words),
        };
        LEXICONS.iter().map(see).collect()
    }

    /// The clauses of the message.
    pub(crate) fn clauses(&self) -> impl Iterator<Item = &[Seen<'r>]> {
        self.words.chunk_by(|_, next| !next.word.opens)
    }

    /// Is one of the patterns found in a clause that passes?
    pub(crate) fn finds(
        &self,
        patterns: &[Pattern],
        passes: impl Fn(&[Seen<'_>], usize, usize) -> bool,
    ) -> bool {
        self.clauses().any(|clause| {
            patterns.iter().any(|pattern| {
                let found = pattern.find(clause, &self.lexicon.vocabulary);
                found.is_some_and(|(from, to)| passes(clause, from, to))
            })
        })
    }

    /// Is a word of the message of this class?
    pub(crate) fn holds(&self, class: &str) -> bool {
        self.words.iter().any(|word| self.lexicon.vocabulary.holds(class, word))
    }
}
