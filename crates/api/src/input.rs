//! What clients send, refused in one way when it is malformed: 400 for what cannot be read, 413 and
//! 415 for what is not taken, 422 with the fields for what is not acceptable, 404 for an id that
//! cannot be one.

mod json;

use std::str::FromStr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::IntoResponse,
};
use garde::Validate;
use replyx_core::name;
pub use replyx_core::patch::Patch;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{ApiError, FieldError};

/// The largest JSON body, bytes.
pub const JSON_LIMIT: usize = 256 * 1024;

/// The longest name of an unknown field that is repeated to its sender, characters.
const LONGEST_NAME: usize = 64;

/// A JSON body that has been read and found acceptable.
#[derive(Clone, Copy, Debug)]
pub struct Body<T>(pub T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default> + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kinds = kinds(request.method());
        if !is_one_of(kinds, request.headers()) {
            let detail = format!("the body must be `{}`", kinds.join("` or `"));
            return Err(ApiError::UnsupportedMediaType(detail));
        }
        let value = acceptable(json_of(request, state).await?)?;
        Ok(Self(value))
    }
}

/// A JSON body that may be left out, or be `null`: then every field is.
#[derive(Clone, Copy, Debug)]
pub struct MaybeBody<T>(pub T);

impl<S, T> FromRequest<S> for MaybeBody<T>
where
    S: Send + Sync,
    T: Default + DeserializeOwned + Validate<Context: Default> + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let said = request.headers().contains_key(header::CONTENT_TYPE);
        if !said || announced(request.headers()) == Some(0) {
            let bytes = whole(Bytes::from_request(request, state).await, JSON_LIMIT)?;
            if bytes.is_empty() {
                return Ok(Self(T::default()));
            }
            return Err(ApiError::UnsupportedMediaType(format!("the body must be `{JSON}`")));
        }
        if !is_one_of(&[JSON], request.headers()) {
            return Err(ApiError::UnsupportedMediaType(format!("the body must be `{JSON}`")));
        }
        match json_of(request, state).await? {
            Value::Null => Ok(Self(T::default())),
            value => Ok(Self(acceptable(value)?)),
        }
    }
}

/// The body as JSON.
async fn json_of<S: Send + Sync>(request: Request, state: &S) -> Result<Value, ApiError> {
    if announced(request.headers()).is_some_and(|length| length > JSON_LIMIT as u64) {
        return Err(ApiError::TooLarge(JSON_LIMIT));
    }
    let bytes = whole(Bytes::from_request(request, state).await, JSON_LIMIT)?;
    serde_json::from_slice(&bytes)
        .map_err(|_| ApiError::Malformed("the body is not valid JSON".to_owned()))
}

/// The fields of a JSON object, if all of them are acceptable.
fn acceptable<T>(mut value: Value) -> Result<T, ApiError>
where
    T: DeserializeOwned + Validate<Context: Default> + 'static,
{
    if !value.is_object() {
        return Err(ApiError::field("", "the body must be an object"));
    }
    whole_numbers(&mut value);
    if let Some(field) = with_nul(&value) {
        return Err(ApiError::field(&field, "must not contain the character U+0000"));
    }
    let value: T = json::read(value).map_err(|wrong| ApiError::Invalid(vec![wrong]))?;
    value.validate().map_err(|report| ApiError::Invalid(fields(&report)))?;
    Ok(value)
}

/// A body that has been read, or why it could not be.
pub(crate) fn whole<R: IntoResponse>(
    read: Result<Bytes, R>,
    limit: usize,
) -> Result<Bytes, ApiError> {
    read.map_err(|rejection| {
        if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::TooLarge(limit)
        } else {
            ApiError::Malformed("the body did not arrive as a whole".to_owned())
        }
    })
}

/// The length of the body, if the head of the request tells.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    // A length that is no number never gets here: the server refuses it.
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// JSON.
const JSON: &str = "application/json";
/// A change as RFC 7396 writes it, which is how ours are written: fields that are left out stay as
/// they are.
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The kinds of body that a method takes.
fn kinds(method: &Method) -> &'static [&'static str] {
    if *method == Method::PATCH { &[JSON, MERGE_PATCH] } else { &[JSON] }
}

fn is_one_of(kinds: &[&str], headers: &HeaderMap) -> bool {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let sent = sent.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    kinds.iter().any(|kind| sent.eq_ignore_ascii_case(kind))
}

/// Writes `5.0` as `5`: to JSON they are the same number, to serde they are not.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            // Beyond 2^53 not every whole number is a double, so it could have been meant
            // otherwise.
            let whole = number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() <= 9e15);
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// The path of a text with the character that `PostgreSQL` cannot store.
fn with_nul(value: &Value) -> Option<String> {
    let below = |name: String, value: &Value| {
        with_nul(value).map(|rest| if rest.is_empty() { name } else { format!("{name}.{rest}") })
    };
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().zip(0..).find_map(|(item, index)| below(index.to_string(), item))
        }
        Value::Object(fields) => {
            fields.iter().find_map(|(name, field)| below(shortened(name), field))
        }
        _ => None,
    }
}

/// A name that a client sent, short enough to be repeated.
pub(crate) fn shortened(name: &str) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

fn fields(report: &garde::Report) -> Vec<FieldError> {
    report
        .iter()
        .map(|(path, error)| FieldError {
            field: path.to_string(),
            message: error.message().to_string(),
        })
        .collect()
}

/// An id from the path. What is no id names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub struct Id<T>(pub T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: FromStr + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let not_found = || ApiError::NotFound("object");
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        text.parse().map(Self).map_err(|_| not_found())
    }
}

/// Two ids from the path. What is no id names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub struct Ids<A, B>(pub A, pub B);

impl<S, A, B> FromRequestParts<S> for Ids<A, B>
where
    S: Send + Sync,
    A: FromStr + Send,
    B: FromStr + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let not_found = || ApiError::NotFound("object");
        let Path((first, second)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| not_found())?;
        match (first.parse(), second.parse()) {
            (Ok(first), Ok(second)) => Ok(Self(first, second)),
            _ => Err(not_found()),
        }
    }
}

/// Query parameters.
#[derive(Clone, Copy, Debug)]
pub struct Params<T>(pub T);

impl<S, T> FromRequestParts<S> for Params<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(ApiError::Malformed("the query contains the character U+0000".to_owned()));
        }
        let Query(value) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|error| ApiError::Malformed(error.body_text()))?;
        Ok(Self(value))
    }
}

/// Is it a name that may go into letters to others?
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
pub(crate) fn plain_name(text: &str, (): &()) -> garde::Result {
    name::check(text).map_err(garde::Error::new)
}

/// What other programs name their things by: 1 to 200 visible ASCII characters.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde asks for")]
pub(crate) fn visible(text: &str, (): &()) -> garde::Result {
    if (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(garde::Error::new("must have 1 to 200 visible ASCII characters, without blanks"))
}

#[cfg(test)]
mod tests {
    use garde::Validate;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Slow,
        Fast,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[garde(range(max = 9))]
        count: u32,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Form {
        #[garde(length(min = 1))]
        name: String,
        #[garde(skip)]
        #[expect(dead_code, reason = "only its reading is tested")]
        mode: Option<Mode>,
        #[garde(dive)]
        inner: Option<Inner>,
        #[garde(skip)]
        #[expect(dead_code, reason = "only its reading is tested")]
        at: Option<chrono::DateTime<chrono::Utc>>,
        #[garde(skip)]
        #[expect(dead_code, reason = "only its reading is tested")]
        list: Option<Vec<bool>>,
    }

    async fn refused(body: &str) -> Vec<(String, String)> {
        let request = http::Request::builder()
            .header("content-type", "application/json; charset=utf-8")
            .body(axum::body::Body::from(body.to_owned()))
            .unwrap();
        match Body::<Form>::from_request(request, &()).await {
            Err(ApiError::Invalid(errors)) => {
                errors.into_iter().map(|error| (error.field, error.message)).collect()
            }
            Err(ApiError::Malformed(text)) => vec![("malformed".to_owned(), text)],
            other => panic!("{body}: {other:?}"),
        }
    }

    #[tokio::test]
    async fn what_is_not_acceptable_is_named_and_never_repeated() {
        for (body, field, message) in [
            ("{}", "name", "is required"),
            (r#"{"name":5}"#, "name", "must be a string"),
            (r#"{"name":"a","mode":5}"#, "mode", "must be a string"),
            (r#"{"name":"a","mode":"expected s3cret"}"#, "mode", "must be `slow` or `fast`"),
            (r#"{"name":"a","inner":"s3cret: expected x"}"#, "inner", "must be an object"),
            (r#"{"name":"a","inner":{}}"#, "inner.count", "is required"),
            (r#"{"name":"a","inner":{"count":"s3cret"}}"#, "inner.count", "must be a whole number"),
            (r#"{"name":"a","inner":{"count":-1}}"#, "inner.count", "must be a whole number"),
            (r#"{"name":"a","inner":{"count":1.5}}"#, "inner.count", "must be a whole number"),
            (r#"{"name":"a","inner":{"count":1e300}}"#, "inner.count", "must be a whole number"),
            (r#"{"name":"a","inner":{"count":10}}"#, "inner.count", "greater than 9"),
            (r#"{"name":"a","more":"s3cret"}"#, "more", "is not known"),
            (r#"{"name":"a","inner":{"count":1,"more":"s3cret"}}"#, "inner.more", "is not known"),
            (r#"{"name":"a","list":{}}"#, "list", "must be an array"),
            (r#"{"name":"a","list":[true,"s3cret"]}"#, "list[1]", "must be a boolean"),
            (
                r#"{"name":"a","at":"expected s3cret"}"#,
                "at",
                "must be an RFC 3339 formatted date and time string",
            ),
            (r#"{"name":"a\u0000"}"#, "name", "must not contain the character U+0000"),
            (r#"["a"]"#, "", "the body must be an object"),
            ("null", "", "the body must be an object"),
            (r#"{"name":"#, "malformed", "the body is not valid JSON"),
        ] {
            assert_eq!(refused(body).await, [(field.to_owned(), message.to_owned())], "{body}");
        }
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let mut value = json!({"a": [5.0, -1e3, 0.5, 1e16, 7], "b": {"c": -0.0}});
        whole_numbers(&mut value);
        assert_eq!(value.to_string(), r#"{"a":[5,-1000,0.5,1e+16,7],"b":{"c":0}}"#);
    }

    #[test]
    fn a_nul_is_found_wherever_it_hides() {
        assert_eq!(with_nul(&json!({"a": [1, {"b": "x\0"}]})).as_deref(), Some("a.1.b"));
        assert_eq!(with_nul(&json!({"a": "\\u0000"})), None);
    }
}
