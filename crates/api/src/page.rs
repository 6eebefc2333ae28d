//! Lists: `?limit=&cursor=` in, `{"items": [], "next_cursor": null}` out.
//!
//! A cursor is the id (or number) of the last item seen, so a page stays right while rows are
//! added.

use std::str::FromStr;

use replyx_core::page::{Page, PageRequest};
use serde::{Deserialize, Serialize};
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
