//! Where something that was created is.

use std::convert::Infallible;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponseParts, ResponseParts},
};

/// The address of what was created, for the `Location` of a 201: a path of this program.
#[derive(Clone, Debug)]
pub struct Location(pub String);

impl IntoResponseParts for Location {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        // Made of our own words and ids, it is always a header value.
        if let Ok(location) = HeaderValue::from_str(&self.0) {
            parts.headers_mut().insert(header::LOCATION, location);
        }
        Ok(parts)
    }
}
