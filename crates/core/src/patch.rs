//! A change of a value that may be absent.

use serde::{Deserialize, Deserializer};

/// A field of a change, as RFC 7396 writes it: left out it stays as it is, `null` clears it. In a
/// request it needs `#[serde(default)]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// It is replaced.
    Set(T),
}

impl<T> Patch<T> {
    /// Changes a value.
    pub fn apply(self, value: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *value = None,
            Self::Set(new) => *value = Some(new),
        }
    }

    /// Does it say anything?
    pub const fn changes(&self) -> bool {
        !matches!(self, Self::Keep)
    }

    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(change(value)),
        }
    }

    /// The same, borrowed.
    pub const fn as_ref(&self) -> Patch<&T> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Clear, Self::Set))
    }
}

/// What a new value must be: `#[garde(inner(...))]`.
#[cfg(feature = "input")]
impl<T> garde::rules::inner::Inner<T> for Patch<T> {
    type Key = garde::error::NoKey;

    fn validate_inner<F>(&self, mut validate: F)
    where
        F: FnMut(&T, &Self::Key),
    {
        if let Self::Set(value) = self {
            validate(value, &Self::Key::default());
        }
    }
}

/// A new value that has rules of its own: `#[garde(dive)]`.
#[cfg(feature = "input")]
impl<T: garde::Validate> garde::Validate for Patch<T> {
    type Context = T::Context;

    fn validate_into(
        &self,
        context: &Self::Context,
        parent: &mut dyn FnMut() -> garde::Path,
        report: &mut garde::Report,
    ) {
        if let Self::Set(value) = self {
            value.validate_into(context, parent, report);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Form {
        #[serde(default)]
        name: Patch<String>,
    }

    fn read(value: Value) -> Patch<String> {
        serde_json::from_value::<Form>(value).unwrap().name
    }

    #[test]
    fn null_and_an_absent_field_differ() {
        assert_eq!(read(json!({})), Patch::Keep);
        assert_eq!(read(json!({"name": null})), Patch::Clear);
        assert_eq!(read(json!({"name": "Ada"})), Patch::Set("Ada".to_owned()));
    }

    #[test]
    fn a_value_is_kept_cleared_or_replaced() {
        let changed = |patch: Patch<u8>| {
            let mut value = Some(1);
            patch.apply(&mut value);
            value
        };
        assert_eq!(changed(Patch::Keep), Some(1));
        assert_eq!(changed(Patch::Clear), None);
        assert_eq!(changed(Patch::Set(2)), Some(2));
    }
}
