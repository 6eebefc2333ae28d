//! Failures, as clients see them: RFC 9457 problems with a stable `code`.
//!
//! No text of an internal error reaches a client; it is logged here, once, with all its causes.

mod assistants;
mod billing;
mod fleet;
mod operators;

use std::{error::Error, time::Duration};

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use replyx_accounts as accounts;
use replyx_billing::spend::Insufficient;
use replyx_engine::providers::ProviderError;
use replyx_live::TooMany;
use replyx_storage::StorageError;
use serde::Serialize;
use utoipa::ToSchema;

pub use operators::{NewerReplyView, OperatorView};

use crate::rate_headers;

/// A failed request. The `Display` text of all but [`ApiError::Internal`] is shown to the client.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No access token, or not a valid one.
    #[error("missing or invalid credentials")]
    Unauthenticated,
    /// The caller's role, or their key's scopes, do not allow this.
    #[error("your role or the scopes of your key do not allow this")]
    Forbidden,
    /// Something else than a permission stands in the caller's way.
    #[error("{detail}")]
    Refused {
        /// The stable code.
        code: &'static str,
        /// What prevents it.
        detail: &'static str,
    },
    /// A change authorised by a cookie does not prove that one of our pages meant it.
    #[error(
        "the CSRF token is missing or does not belong to this session, or the request comes from another site"
    )]
    Csrf,
    /// Also the answer for what belongs to somebody else: a stranger must not learn that it exists.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// There is such a thing, and it lacks what is asked for.
    #[error("{detail}")]
    Absent {
        /// The stable code.
        code: &'static str,
        /// What it lacks.
        detail: &'static str,
    },
    /// The path exists, the method does not.
    #[error("this method is not allowed here")]
    MethodNotAllowed,
    /// The body or the query cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The query has a parameter that the operation does not have.
    #[error("{0}")]
    UnknownParameter(String),
    /// The body can be read, and some of its fields are not acceptable.
    #[error("some fields are invalid")]
    Invalid(Vec<FieldError>),
    /// The body can be read, and what one of its fields stands for (a code, a token) is not good.
    #[error("{detail}")]
    Unacceptable {
        /// The stable code.
        code: &'static str,
        /// What is not good.
        detail: &'static str,
    },
    /// The state of things does not allow it.
    #[error("{detail}")]
    Conflict {
        /// The stable code.
        code: &'static str,
        /// What prevents it.
        detail: String,
    },
    /// Somebody else has the dialog.
    #[error("{detail}")]
    NotYours {
        /// What prevents it.
        detail: String,
        /// Who has it.
        holder: Option<OperatorView>,
    },
    /// There is not enough money.
    #[error(transparent)]
    InsufficientFunds(Insufficient),
    /// A colleague has answered since the client read the dialog.
    #[error("a colleague has answered since you read the dialog")]
    NewerReply(Box<NewerReplyView>),
    /// The object has changed since the client read it.
    #[error("it has been changed since you read it; read it again")]
    PreconditionFailed,
    /// The body is larger than is taken.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The body came too slowly.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The body is of a kind that is not taken.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The caller has called too often.
    #[error("{0}")]
    TooManyRequests(TooMany),
    /// The caller has as many of something open as they may have.
    #[error("{detail}")]
    TooManyOpen {
        /// The stable code.
        code: &'static str,
        /// What there are too many of.
        detail: &'static str,
        /// When to retry.
        after: Duration,
    },
    /// As [`Self::TooManyRequests`], for a limit that is not a rate.
    #[error("too many requests: {limit}")]
    Limited {
        /// Which limit it is, in words.
        limit: String,
        /// When to retry.
        after: Duration,
    },
    /// Too many requests are being worked on.
    #[error("the server is overloaded; retry later")]
    Busy(Duration),
    /// The database or the store of files is busy or away. The client may try again after a moment;
    /// what a use case could repeat by itself it has repeated.
    #[error("the database or the store of files is busy or unreachable; retry later")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The outside world did not answer.
    #[error("{0}")]
    BadGateway(String),
    /// A use case about people was refused.
    #[error(transparent)]
    Account(accounts::Error),
    /// An internal error.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, as a path from the body's root: `settings.name`.
    #[schema(example = "email")]
    pub field: String,
    /// What is wrong with it.
    #[schema(example = "not a valid email")]
    pub message: String,
}

/// An RFC 9457 problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A URI reference that names the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found")]
    kind: String,
    /// What kind of problem it is, in words.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// The details of this occurrence.
    #[schema(example = "no such assistant")]
    detail: String,
    /// The stable name of the kind of problem.
    #[schema(example = "not_found")]
    code: &'static str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The operator who has the dialog (`not_yours`).
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<OperatorView>,
    /// The colleague's reply (`newer_reply`).
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Box<NewerReplyView>>,
    /// The money that can be spent, a decimal number (`insufficient_funds`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.02")]
    available: Option<String>,
    /// The money that it takes, a decimal number (`insufficient_funds`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.05")]
    needed: Option<String>,
}

impl Problem {
    /// What a client is told of a failure. What is internal is not told, and not logged here.
    pub(crate) fn of(error: ApiError) -> Self {
        let (status, code) = error.kind();
        let problem = Self {
            kind: format!("/problems/{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: error.to_string(),
            code,
            errors: Vec::new(),
            holder: None,
            message: None,
            available: None,
            needed: None,
        };
        match error {
            ApiError::Invalid(errors) => Self { errors, ..problem },
            ApiError::NotYours { holder, .. } => Self { holder, ..problem },
            ApiError::NewerReply(message) => Self { message: Some(message), ..problem },
            ApiError::InsufficientFunds(Insufficient { available, needed }) => Self {
                available: Some(available.to_string()),
                needed: Some(needed.to_string()),
                ..problem
            },
            _ => problem,
        }
    }

    /// The HTTP status.
    pub(crate) const fn status(&self) -> u16 {
        self.status
    }
}

impl ApiError {
    /// A field that is not acceptable.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// The same failure once more, for a second reader. What failed inside is told only once, to
    /// the log.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::Unauthenticated => Self::Unauthenticated,
            Self::Forbidden => Self::Forbidden,
            Self::Csrf => Self::Csrf,
            Self::NotFound(what) => Self::NotFound(what),
            Self::Malformed(detail) => Self::Malformed(detail.clone()),
            Self::Refused { code, detail } => Self::Refused { code, detail },
            Self::TooManyRequests(wait) => Self::TooManyRequests(wait.clone()),
            Self::Internal(source) => Self::Internal(with_causes(source.as_ref()).into()),
            Self::Unavailable(source) => Self::Unavailable(with_causes(source.as_ref()).into()),
            other => Self::Internal(other.to_string().into()),
        }
    }

    const fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Refused { code, .. } => (StatusCode::FORBIDDEN, code),
            Self::Csrf => (StatusCode::FORBIDDEN, "csrf_failed"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::Absent { code, .. } => (StatusCode::NOT_FOUND, code),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
            Self::UnknownParameter(_) => (StatusCode::BAD_REQUEST, "unknown_parameter"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Self::Unacceptable { code, .. } => (StatusCode::UNPROCESSABLE_ENTITY, code),
            Self::Conflict { code, .. } => (StatusCode::CONFLICT, code),
            Self::NotYours { .. } => (StatusCode::CONFLICT, "not_yours"),
            Self::NewerReply(_) => (StatusCode::CONFLICT, "newer_reply"),
            Self::InsufficientFunds(_) => (StatusCode::PAYMENT_REQUIRED, "insufficient_funds"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::UnsupportedMediaType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::TooManyRequests(_) | Self::Limited { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
            }
            Self::TooManyOpen { code, .. } => (StatusCode::TOO_MANY_REQUESTS, code),
            Self::Busy(_) | Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::BadGateway(_) => (StatusCode::BAD_GATEWAY, "bad_gateway"),
            Self::Account(refusal) => of_account(refusal),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// What a refusal of `accounts` is in HTTP.
const fn of_account(refusal: &accounts::Error) -> (StatusCode, &'static str) {
    use accounts::Error as E;
    let status = match refusal {
        E::WrongCredentials | E::CodeRequired | E::WrongCode | E::RefreshReused => {
            StatusCode::UNAUTHORIZED
        }
        E::AccountBlocked
        | E::WrongPassword
        | E::ProofRequired
        | E::WrongProof
        | E::RegistrationClosed
        | E::NotForYou
        | E::WorkspaceSuspended => StatusCode::FORBIDDEN,
        E::WrongFirstCode
        | E::WrongConfirmation
        | E::WrongLink
        | E::NotInvited
        | E::NoInvitation => StatusCode::UNPROCESSABLE_ENTITY,
        E::SecondFactorExists
        | E::NoSecondFactor
        | E::EmailTaken
        | E::InvitationVoid
        | E::AlreadyMember
        | E::InviteeIsMember
        | E::TooManyJoined
        | E::TooManyOwned
        | E::LastOwner
        | E::OwnerOfOthers
        | E::TooManyKeys
        | E::Yourself
        | E::JobRunning
        | E::JobScheduled => StatusCode::CONFLICT,
        // These have a place of their own among the errors of the API.
        E::Unauthenticated
        | E::Forbidden
        | E::NotFound(_)
        | E::Changed
        | E::Field { .. }
        | E::NotMeant
        | E::TooMany(_)
        | E::Busy(_)
        | E::Storage(_)
        | E::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    match refusal.code() {
        Some(code) => (status, code),
        None => (status, "internal"),
    }
}

impl From<ProviderError> for ApiError {
    fn from(error: ProviderError) -> Self {
        let detail = error.to_string();
        match error {
            ProviderError::NotFound(what) => Self::NotFound(what),
            ProviderError::Field { field, message } => Self::field(field, message),
            ProviderError::TooManyKeys => Self::Conflict { code: "too_many_model_keys", detail },
            ProviderError::TooManyProviders => {
                Self::Conflict { code: "too_many_model_providers", detail }
            }
            ProviderError::Storage(source) => source.into(),
        }
    }
}

impl From<accounts::Error> for ApiError {
    fn from(error: accounts::Error) -> Self {
        use accounts::Error as E;
        match error {
            E::Unauthenticated => Self::Unauthenticated,
            E::Forbidden => Self::Forbidden,
            E::NotFound(what) => Self::NotFound(what),
            E::Changed => Self::PreconditionFailed,
            E::Field { field, message } => Self::field(field, message),
            E::NotMeant => Self::Csrf,
            E::TooMany(refusal) => Self::TooManyRequests(refusal),
            E::Busy(after) => Self::Busy(after),
            E::Storage(source) => source.into(),
            E::Internal(source) => Self::Internal(source),
            refusal => Self::Account(refusal),
        }
    }
}

impl<E> From<E> for ApiError
where
    E: Into<Internal>,
{
    fn from(error: E) -> Self {
        let Internal(source) = error.into();
        match source.downcast_ref::<StorageError>() {
            Some(storage) if storage.is_transient() => Self::Unavailable(source),
            _ => Self::Internal(source),
        }
    }
}

/// An error of a lower layer that a client has no part in.
#[derive(Debug)]
pub struct Internal(Box<dyn Error + Send + Sync>);

impl From<StorageError> for Internal {
    fn from(error: StorageError) -> Self {
        Self(Box::new(error))
    }
}

impl From<tokio::task::JoinError> for Internal {
    fn from(error: tokio::task::JoinError) -> Self {
        Self(Box::new(error))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Internal(source) = &self {
            tracing::error!(error = source.as_ref() as &dyn Error, "request failed");
        }
        if let Self::Unavailable(source) = &self {
            tracing::warn!(error = source.as_ref() as &dyn Error, "request failed in the database");
        }

        let status = self.kind().0;
        let retry_after = match &self {
            Self::Busy(after) | Self::TooManyOpen { after, .. } | Self::Limited { after, .. } => {
                Some(HeaderValue::from(seconds(*after)))
            }
            Self::TooManyRequests(refusal) => Some(HeaderValue::from(seconds(refusal.wait))),
            Self::Unavailable(_) => Some(HeaderValue::from_static("1")),
            _ => None,
        };
        let mut limit = HeaderMap::new();
        if let Self::TooManyRequests(refusal) = &self {
            rate_headers::write(&refusal.limits, &mut limit);
        }

        let problem = Problem::of(self);
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.extend(limit);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(retry_after) = retry_after {
            headers.insert(header::RETRY_AFTER, retry_after);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The text of an error and of all its causes, for the log.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Whole seconds after which the time has passed.
fn seconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// A result with an [`ApiError`].
pub type ApiResult<T> = Result<T, ApiError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_told_by_its_second_reader_keeps_its_causes() {
        let cause = std::io::Error::other("the disk is full");
        let failed = StorageError::Folder { folder: "x".to_owned(), source: cause };
        let ApiError::Internal(again) = ApiError::from(failed).again() else {
            panic!("it has become another failure")
        };
        assert!(again.to_string().ends_with(": the disk is full"), "{again}");
    }
}
