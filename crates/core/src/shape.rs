//! What a value looks like in JSON, as data: the description of events is made of it.

use chrono::{DateTime, Utc};

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An identity.
    Id,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Any text.
    Text,
    /// A time, as RFC 3339 writes it.
    Time,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any number of values of one form.
    List(&'static Self),
    /// Named values.
    Object(&'static [Field]),
}

/// A named value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub doc: &'static str,
    /// Its form.
    pub shape: Shape,
    /// Is it there?
    pub presence: Presence,
}

/// Whether a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Always.
    Always,
    /// Left out where there is nothing to say.
    Sometimes,
}

/// A type whose values have one form.
pub trait Shaped {
    /// The form.
    const SHAPE: Shape;
}

impl Shaped for i64 {
    const SHAPE: Shape = Shape::Integer;
}

impl Shaped for bool {
    const SHAPE: Shape = Shape::Boolean;
}

impl Shaped for String {
    const SHAPE: Shape = Shape::Text;
}

impl Shaped for DateTime<Utc> {
    const SHAPE: Shape = Shape::Time;
}

impl<T: Shaped> Shaped for Option<T> {
    const SHAPE: Shape = T::SHAPE;
}

impl<T: Shaped> Shaped for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}
