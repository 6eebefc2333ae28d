//! Lists: `?limit=&cursor=` in, `{"items": [], "next_cursor": null}` out, and the address of the
//! next page in the header `Link` (RFC 8288).
//!
//! A cursor is the id (or number) of the last item seen, so a page stays right while rows are
//! added.

use std::{fmt, str::FromStr};

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use replyx_core::{
    ids::DialogId,
    page::{Page, PageRequest},
};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use crate::error::{ApiError, ApiResult};

/// Which page of a list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The maximum number of items: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The request for the database.
    ///
    /// # Errors
    ///
    /// 400 for a limit out of bounds and for a cursor that is not one of ours.
    pub fn request<C: FromStr>(&self) -> ApiResult<PageRequest<C>> {
        if self.limit.is_some_and(|limit| !(1..=PageRequest::<C>::MAX).contains(&limit)) {
            return Err(ApiError::Malformed("`limit` is 1 to 200".to_owned()));
        }
        let cursor = self.cursor.as_deref().map(str::parse).transpose();
        let after = cursor.map_err(|_| ApiError::Malformed("`cursor` is not valid".to_owned()))?;
        Ok(PageRequest::new(self.limit, after))
    }
}

/// A place in the queue, as a cursor: microseconds since 1970 and the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueCursor {
    /// Since when the dialog waits.
    pub since: DateTime<Utc>,
    /// The dialog.
    pub dialog: DialogId,
}

impl fmt::Display for QueueCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.since.timestamp_micros(), self.dialog)
    }
}

impl FromStr for QueueCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (since, dialog) = text.split_once('.').ok_or(())?;
        let since = since.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or(())?;
        Ok(Self { since, dialog: dialog.parse().map_err(drop)? })
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Asks for the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A page as clients see it.
    pub fn of<R, C: ToString>(page: Page<R, C>, view: impl FnMut(R) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(view).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

/// The cursor of the next page, on its way from a list to the header.
#[derive(Clone, Debug)]
struct NextCursor(String);

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        let next = self.next_cursor.clone().map(NextCursor);
        let mut response = Json(self).into_response();
        if let Some(next) = next {
            response.extensions_mut().insert(next);
        }
        response
    }
}

/// Names the next page of a list in `Link`: the address that was asked for, with another cursor.
pub async fn linked(request: Request, next: Next) -> Response {
    let asked = request.uri().clone();
    let mut response = next.run(request).await;
    if let Some(NextCursor(cursor)) = response.extensions_mut().remove::<NextCursor>()
        && let Ok(link) = HeaderValue::from_str(&link(&asked, &cursor))
    {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn link(asked: &Uri, cursor: &str) -> String {
    let given = form_urlencoded::parse(asked.query().unwrap_or_default().as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(given.filter(|(name, _)| name != "cursor"))
        .append_pair("cursor", cursor)
        .finish();
    format!(r#"<{}?{query}>; rel="next""#, asked.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        let asked =
            Uri::from_static("/api/v1/documents?assistant_id=7&cursor=1&name=a%26b&limit=2");
        let expected =
            r#"</api/v1/documents?assistant_id=7&name=a%26b&limit=2&cursor=2>; rel="next""#;
        assert_eq!(link(&asked, "2"), expected);
        let first = Uri::from_static("/api/v1/bots");
        assert_eq!(link(&first, "x y"), r#"</api/v1/bots?cursor=x+y>; rel="next""#);
    }
}
