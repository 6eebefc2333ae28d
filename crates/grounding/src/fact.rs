//! Facts: what can be right or wrong about a text.

use std::ops::Range;

use super::{Kind, contacts::Link, dates::Date, numbers::Unit};

/// On which side of the comparison a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It claims.
    Answer,
    /// It vouches: also by what comes to the same.
    Source,
}

/// A fact in a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) at: Range<usize>,
    pub(super) value: Value,
}

/// What is claimed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A link that runs something.
    Unsafe,
    /// A link.
    Link(Link),
    /// A mail address.
    Email(String),
    /// A telephone number.
    Phone(String),
    /// A date, in the ways it can be meant.
    Date(Vec<Date>),
    /// A time of day, minutes after midnight.
    Time(u32),
    /// A number, in the ways it can be meant, and the date or the time that it may be.
    Number { ways: Vec<String>, unit: Unit, date: Option<Date>, time: Option<u32>, in_words: bool },
    /// Letters and digits in one word: an article, a voucher.
    Code(String),
}

impl Value {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Unsafe => Kind::Unsafe,
            Self::Link(_) => Kind::Link,
            Self::Email(_) => Kind::Email,
            Self::Phone(_) => Kind::Phone,
            Self::Date(_) => Kind::Date,
            Self::Time(_) => Kind::Time,
            Self::Number { unit: Unit::Percent, .. } => Kind::Percent,
            Self::Number { unit: Unit::Price(_), .. } => Kind::Price,
            Self::Number { .. } => Kind::Number,
            Self::Code(_) => Kind::Code,
        }
    }
}
