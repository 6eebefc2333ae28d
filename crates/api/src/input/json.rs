//! Reads a JSON value into a type. What does not fit is said in the words of JSON and never repeats
//! what was sent: the deserializer knows which kind of value was asked for, so no parser's sentence
//! has to be read.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, Expected, IntoDeserializer, Unexpected, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Number, Value};

use super::shortened;
use crate::error::FieldError;

/// Reads a value.
///
/// # Errors
///
/// What is wrong with which field.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(Json(value)).map_err(|error| {
        let path = error.path().to_string();
        error.into_inner().at(&path)
    })
}

/// Why a value does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Misfit {
    /// It is not what is expected.
    Not(String),
    /// It is none of these words.
    NoneOf(&'static [&'static str]),
    /// An object lacks a field.
    Missing(&'static str),
    /// An object has a field that is not known.
    Unknown(String),
    /// A type has a rule of its own, whose words may repeat what was sent.
    Refused,
}

impl Misfit {
    fn not(expected: &str) -> Self {
        Self::Not(expected.to_owned())
    }

    fn at(self, path: &str) -> FieldError {
        let parent = if path == "." { "" } else { path };
        let (field, message) = match self {
            Self::Not(expected) => (parent.to_owned(), format!("must be {expected}")),
            Self::NoneOf(words) => (parent.to_owned(), format!("must be {}", one_of(words))),
            Self::Missing(field) => (below(parent, field), "is required".to_owned()),
            Self::Unknown(field) => (below(parent, &field), "is not known".to_owned()),
            Self::Refused => (parent.to_owned(), "is not acceptable".to_owned()),
        };
        FieldError { field: shortened(&field), message }
    }
}

/// The path of a field of an object. Some paths name it already.
fn below(parent: &str, field: &str) -> String {
    let names_it = parent == field || parent.ends_with(&format!(".{field}"));
    match parent {
        "" => field.to_owned(),
        parent if names_it => parent.to_owned(),
        parent => format!("{parent}.{field}"),
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [first, second] => format!("{first} or {second}"),
        [only] => only.clone(),
        many => format!("one of {}", many.join(", ")),
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.clone().at(".").message)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Refused
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Not(expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Not(expected.to_string())
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::Not(expected.to_string())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::NoneOf(expected)
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::Unknown(field.to_owned())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// A value that is being read.
struct Json(Value);

impl IntoDeserializer<'_, Misfit> for Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn fields(map: Map<String, Value>) -> impl Iterator<Item = (String, Json)> {
    map.into_iter().map(|(name, value)| (name, Json(value)))
}

fn visit_map<'de, V: Visitor<'de>>(
    map: Map<String, Value>,
    visitor: V,
) -> Result<V::Value, Misfit> {
    let mut fields = MapDeserializer::new(fields(map));
    let value = visitor.visit_map(&mut fields)?;
    fields.end()?;
    Ok(value)
}

fn visit_seq<'de, V: Visitor<'de>>(items: Vec<Value>, visitor: V) -> Result<V::Value, Misfit> {
    let mut items = SeqDeserializer::new(items.into_iter().map(Json));
    let value = visitor.visit_seq(&mut items)?;
    items.end()?;
    Ok(value)
}

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, Misfit> {
    if let Some(number) = number.as_u64() {
        visitor.visit_u64(number)
    } else if let Some(number) = number.as_i64() {
        visitor.visit_i64(number)
    } else {
        visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
    }
}

/// Numbers: whatever is wrong with one, this is what it must be.
macro_rules! numbers {
    ($($method:ident)+ => $expected:literal) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let Value::Number(number) = &self.0 else { return Err(Misfit::not($expected)) };
            visit_number(number, visitor).map_err(|_| Misfit::not($expected))
        }
    )+};
}

impl<'de> Deserializer<'de> for Json {
    type Error = Misfit;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        => "a whole number"
    }

    numbers! { deserialize_f32 deserialize_f64 => "a number" }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => visit_number(&number, visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visit_seq(items, visitor),
            Value::Object(map) => visit_map(map, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::Bool(flag) = self.0 else { return Err(Misfit::not("a boolean")) };
        visitor.visit_bool(flag)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::String(text) = self.0 else { return Err(Misfit::not("a string")) };
        // A type that reads texts, such as a time, says what it reads.
        let expected = (&visitor as &dyn Expected).to_string();
        visitor.visit_string(text).map_err(|misfit| match misfit {
            Misfit::Refused => Misfit::Not(expected),
            misfit => misfit,
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(Self(value)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::Array(items) = self.0 else { return Err(Misfit::not("an array")) };
        visit_seq(items, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::Object(map) = self.0 else { return Err(Misfit::not("an object")) };
        visit_map(map, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.into_deserializer()),
            Value::Object(map) => {
                let variants = MapDeserializer::new(fields(map));
                visitor.visit_enum(MapAccessDeserializer::new(variants))
            }
            _ => Err(Misfit::not("a string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { char bytes byte_buf unit unit_struct tuple_struct identifier }
}
