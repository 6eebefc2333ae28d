//! What is charged: one table.

/// What came of work that might cost something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// A customer's question was answered from the documents.
    Answered,
    /// The answer came in two: a first word at once, the answer later.
    TwoPart,
    /// The first word of an answer in two parts.
    FirstPart,
    /// Several questions, answered together by one turn.
    MiddleAnswer,
    /// The answer came late, and was sent.
    Late,
    /// An answer that was sent is edited.
    Edited,
    /// The model was cut off, and what it had said was sent.
    StreamCut,
    /// The documents did not hold the answer, and the assistant said so.
    Unknown,
    /// No model could be reached, and the assistant said so.
    Failed,
    /// The answer was not sent: a person took over, or it was canceled before any part was sent.
    Discarded,
    /// A fixed text: the greeting, or a note that this kind of message cannot be read.
    Fixed,
    /// Small talk, answered with a fixed text.
    Act,
    /// The customer has had as many answers as one gets, and was told so.
    Limited,
    /// The workspace has no money left, and the customer was told that nobody can answer.
    Unavailable,
    /// A person answered.
    ByHuman,
    /// An answer that only its owner sees.
    Preview,
    /// An answer to a question of a set.
    Evaluation,
    /// A document was read for the first time.
    Document,
    /// A document was read again.
    Reindex,
}

/// What is charged for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// Nothing.
    Free,
    /// The price of an answer.
    Answer,
    /// The price of a document.
    Document,
    /// The price of the tokens that models read and wrote.
    Tokens,
}

/// What is charged for each kind of work.
pub const CHARGES: &[(Work, Charge)] = &[
    (Work::Answered, Charge::Answer),
    (Work::TwoPart, Charge::Answer),
    // The answer that follows it is charged.
    (Work::FirstPart, Charge::Free),
    (Work::MiddleAnswer, Charge::Answer),
    (Work::Late, Charge::Answer),
    (Work::Edited, Charge::Free),
    (Work::StreamCut, Charge::Answer),
    (Work::Unknown, Charge::Free),
    (Work::Failed, Charge::Free),
    (Work::Discarded, Charge::Free),
    (Work::Fixed, Charge::Free),
    (Work::Act, Charge::Free),
    (Work::Limited, Charge::Free),
    (Work::Unavailable, Charge::Free),
    (Work::ByHuman, Charge::Free),
    (Work::Preview, Charge::Tokens),
    (Work::Evaluation, Charge::Tokens),
    (Work::Document, Charge::Document),
    (Work::Reindex, Charge::Free),
];

/// What is charged for this work.
pub fn of(work: Work) -> Charge {
    let found = CHARGES.iter().find(|(of, _)| *of == work);
    found.map_or(Charge::Free, |(_, charge)| *charge)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_of_work_stands_in_the_table_once() {
        // A new kind of work makes this match incomplete.
        let is_known = |work| match work {
            Work::Answered
            | Work::TwoPart
            | Work::FirstPart
            | Work::MiddleAnswer
            | Work::Late
            | Work::Edited
            | Work::StreamCut
            | Work::Unknown
            | Work::Failed
            | Work::Discarded
            | Work::Fixed
            | Work::Act
            | Work::Limited
            | Work::Unavailable
            | Work::ByHuman
            | Work::Preview
            | Work::Evaluation
            | Work::Document
            | Work::Reindex => true,
        };
        let kinds: HashSet<_> = CHARGES.iter().map(|(work, _)| *work).collect();
        assert!(kinds.iter().all(|work| is_known(*work)));
        assert_eq!((kinds.len(), CHARGES.len()), (19, 19));
    }

    #[test]
    fn what_helps_nobody_and_what_people_say_is_free() {
        use Work::{
            Act, ByHuman, Discarded, Edited, Failed, FirstPart, Fixed, Limited, Reindex,
            Unavailable, Unknown,
        };

        let free = CHARGES.iter().filter(|(_, charge)| *charge == Charge::Free);
        let free: HashSet<_> = free.map(|(work, _)| *work).collect();
        let expected = [
            Act,
            ByHuman,
            Discarded,
            Edited,
            Failed,
            FirstPart,
            Fixed,
            Limited,
            Reindex,
            Unavailable,
            Unknown,
        ];
        assert_eq!(free, HashSet::from(expected));
        assert_eq!(of(Work::StreamCut), Charge::Answer);
        assert_eq!(of(Work::Document), Charge::Document);
        assert_eq!(of(Work::Preview), Charge::Tokens);
    }
}
