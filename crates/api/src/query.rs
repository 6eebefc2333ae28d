//! Refuses query parameters that an operation does not have: a typo in a filter would otherwise
//! show everything.
//!
//! Which ones an operation has is read from the `OpenAPI` document, so every operation is checked,
//! also one without any parameter, and a parameter that is not described does not work.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use replyx_core::nearest::nearest;
use url::form_urlencoded;
use utoipa::openapi::{OpenApi, RefOr, path::HttpMethod, path::Operation, path::ParameterIn};

use crate::{error::ApiError, input::shortened, openapi::operations_of};

/// The base of the operations that are checked. What monitors and Telegram call is not: they may
/// add parameters of their own.
const API: &str = "/api/v1/";

/// The query parameters of every operation.
pub(crate) struct Known(HashMap<String, Vec<(HttpMethod, BTreeSet<String>)>>);

impl Known {
    /// Those that the document describes.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let mut known = HashMap::new();
        for (path, item) in &document.paths.paths {
            let mut item = item.clone();
            let operations = operations_of(&mut item);
            let parameters = operations.map(|(method, operation)| (method, names(operation)));
            known.insert(path.clone(), parameters.collect());
        }
        Self(known)
    }

    fn find(&self, path: &str, method: &Method) -> Option<&BTreeSet<String>> {
        let method = match *method {
            Method::GET | Method::HEAD => HttpMethod::Get,
            Method::POST => HttpMethod::Post,
            Method::PUT => HttpMethod::Put,
            Method::PATCH => HttpMethod::Patch,
            Method::DELETE => HttpMethod::Delete,
            _ => return None,
        };
        let operations = self.0.get(path)?;
        operations.iter().find(|(known, _)| *known == method).map(|(_, names)| names)
    }

    /// The refusal of a query with a parameter that the operation does not have.
    fn check(&self, path: &str, method: &Method, query: &str) -> Result<(), ApiError> {
        let Some(known) = self.find(path, method) else { return Ok(()) };
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        match names.find(|name| !known.contains(&**name)) {
            None => Ok(()),
            Some(unknown) => Err(ApiError::UnknownParameter(sentence(&unknown, known))),
        }
    }
}

fn names(operation: &Operation) -> BTreeSet<String> {
    let parameters = operation.parameters.iter().flatten();
    let queries = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
            Some(parameter.name.clone())
        }
        _ => None,
    });
    queries.collect()
}

fn sentence(unknown: &str, known: &BTreeSet<String>) -> String {
    let unknown = shortened(unknown);
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let takes = match names.as_slice() {
        [] => "this operation takes no query parameters".to_owned(),
        [one] => format!("this operation takes {one}"),
        [all @ .., last] => format!("this operation takes {} and {last}", all.join(", ")),
    };
    match nearest(&unknown, known.iter().map(String::as_str)) {
        Some(meant) => {
            format!("unknown query parameter `{unknown}`: did you mean `{meant}`? {takes}")
        }
        None => format!("unknown query parameter `{unknown}`: {takes}"),
    }
}

/// Answers 400 to an operation's unknown parameters.
pub(crate) async fn known(
    State(known): State<Arc<Known>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if let Some(query) = request.uri().query()
        && path.starts_with(API)
        && let Err(refusal) = known.check(path, request.method(), query)
    {
        return refusal.into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_document_describes_is_known_and_nothing_else() {
        let known = Known::of(&crate::router::document());
        let refused = |method: Method, path: &str, query: &str| {
            known.check(path, &method, query).err().map(|error| error.to_string())
        };
        let list = "/api/v1/bots";
        for good in ["", "limit=1", "cursor=x&limit=1", "%6cimit=1"] {
            assert_eq!(refused(Method::GET, list, good), None, "{good}");
        }
        let takes = "this operation takes `cursor` and `limit`";
        assert_eq!(
            refused(Method::HEAD, list, "limit=1&statu%73=open").unwrap(),
            format!("unknown query parameter `status`: {takes}")
        );
        assert_eq!(
            refused(Method::GET, list, "limt=1").unwrap(),
            format!("unknown query parameter `limt`: did you mean `limit`? {takes}")
        );
        let nothing = refused(Method::POST, "/api/v1/assistants", "dry_run=1").unwrap();
        assert!(nothing.ends_with("this operation takes no query parameters"), "{nothing}");
        assert!(refused(Method::GET, list, "=1").is_some(), "a name may not be empty");
        let long = refused(Method::GET, list, &"x".repeat(9_000)).unwrap();
        assert!(long.len() < 200, "{long}");
    }
}
