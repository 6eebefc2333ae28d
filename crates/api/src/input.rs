//! What clients send, refused in one way when it is malformed: 400 for what cannot be read, 413 and 415 for
//! what is not taken, 422 with the fields for what is not acceptable, 404 for an id that cannot be one.

use std::str::FromStr;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use garde::Validate;
use serde::de::DeserializeOwned;

use crate::error::{ApiError, FieldError};

/// The largest JSON body, bytes.
pub const JSON_LIMIT: usize = 256 * 1024;

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
        let Json(value) = Json::<T>::from_request(request, state).await.map_err(refused)?;
        value.validate().map_err(|report| ApiError::Invalid(fields(&report)))?;
        Ok(Self(value))
    }
}

fn refused(rejection: JsonRejection) -> ApiError {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            ApiError::UnsupportedMediaType("the body must be `application/json`".to_owned())
        }
        // A field that is missing or of the wrong type.
        JsonRejection::JsonDataError(error) => {
            ApiError::Invalid(vec![data_error(&error.body_text())])
        }
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge(JSON_LIMIT),
        _ => ApiError::Malformed("the body is not valid JSON".to_owned()),
    }
}

/// Takes the field out of the message (`...: FIELD: what is wrong at line 1 column 2`).
fn data_error(text: &str) -> FieldError {
    let detail = text.rsplit_once(": missing field").map_or(text, |(_, rest)| rest);
    if let Some(field) = detail.split('`').nth(1).filter(|_| detail.len() < text.len()) {
        return FieldError { field: field.to_owned(), message: "is required".to_owned() };
    }
    let reason = text.split_once("target type: ").map_or(text, |(_, reason)| reason);
    let reason = reason.split(" at line ").next().unwrap_or(reason);
    match reason.split_once(": ") {
        Some((field, message)) if !field.contains(' ') => {
            FieldError { field: field.to_owned(), message: message.to_owned() }
        }
        _ => FieldError { field: String::new(), message: reason.to_owned() },
    }
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
        let Query(value) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|error| ApiError::Malformed(error.body_text()))?;
        Ok(Self(value))
    }
}
