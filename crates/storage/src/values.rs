//! How values are stored in an `SQLite` file.
//!
//! | type | stored as |
//! |---|---|
//! | ids | 16 bytes |
//! | times | RFC 3339 in UTC with as many digits as needed, which sorts as time passes |
//! | days | `2030-01-31` |
//! | words of the domain, texts, JSON | text |
//! | bytes, sealed secrets, vectors | bytes |
//! | `bool` | 0 or 1 |

use std::{borrow::Cow, error::Error};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

/// Why a column could not be read.
type Unreadable = Box<dyn Error + Send + Sync>;

/// A value that can be bound to a statement.
pub(crate) trait ToValue {
    /// The value as it is stored.
    fn to_value(&self) -> ToSqlOutput<'_>;
}

/// A type that a column can be read as.
pub(crate) trait FromValue: Sized {
    /// Reads the value.
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable>;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> ToSqlOutput<'_> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> ToSqlOutput<'_> {
        self.as_ref().map_or(ToSqlOutput::Owned(Value::Null), ToValue::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        if matches!(value, ValueRef::Null) { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl ToValue for bool {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(Value::Integer(i64::from(*self)))
    }
}

impl FromValue for bool {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(value.as_i64()? != 0)
    }
}

impl ToValue for i32 {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(Value::Integer(i64::from(*self)))
    }
}

impl FromValue for i32 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(Self::try_from(value.as_i64()?)?)
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(Value::Integer(*self))
    }
}

impl FromValue for i64 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(value.as_i64()?)
    }
}

impl ToValue for f64 {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(Value::Real(*self))
    }
}

impl FromValue for f64 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(value.as_f64()?)
    }
}

impl ToValue for str {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(ValueRef::Text(self.as_bytes()))
    }
}

impl ToValue for String {
    fn to_value(&self) -> ToSqlOutput<'_> {
        self.as_str().to_value()
    }
}

impl ToValue for Cow<'_, str> {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(ValueRef::Text(self.as_bytes()))
    }
}

impl FromValue for String {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(value.as_str()?.to_owned())
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(ValueRef::Blob(self))
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> ToSqlOutput<'_> {
        self.as_slice().to_value()
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(value.as_blob()?.to_vec())
    }
}

impl ToValue for Uuid {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes()))
    }
}

impl FromValue for Uuid {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(Self::from_slice(value.as_blob()?)?)
    }
}

impl ToValue for DateTime<Utc> {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(Value::Text(self.to_rfc3339_opts(SecondsFormat::AutoSi, false)))
    }
}

impl FromValue for DateTime<Utc> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(DateTime::parse_from_rfc3339(value.as_str()?)?.to_utc())
    }
}

impl ToValue for NaiveDate {
    fn to_value(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(Value::Text(self.to_string()))
    }
}

impl FromValue for NaiveDate {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(value.as_str()?.parse()?)
    }
}

impl ToValue for Json<Box<RawValue>> {
    fn to_value(&self) -> ToSqlOutput<'_> {
        self.0.get().to_value()
    }
}

impl<T: DeserializeOwned> FromValue for Json<T> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Unreadable> {
        Ok(Self(serde_json::from_str(value.as_str()?)?))
    }
}
