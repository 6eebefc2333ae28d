//! Settings that are words: one of a closed set, or a list of them.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IntoDeserializer, value},
};

/// The parts of a list that is separated by commas.
pub(super) fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Reads one of a closed set of words; the error names them all.
pub(super) fn word<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read: Result<T, value::Error> = T::deserialize(text.into_deserializer());
    read.map_err(D::Error::custom)
}
