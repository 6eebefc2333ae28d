//! The page that shows the `OpenAPI` document: Swagger UI, out of the program itself, so that it
//! works offline.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tokio::task::spawn_blocking;
use utoipa_swagger_ui::Config;

use crate::{
    asset::{Asset, AssetLifetime},
    error::{ApiError, ApiResult},
};

/// Where the page is.
pub(crate) const PATH: &str = "/api/docs";
/// The page itself, which names the rest.
const PAGE: &str = "index.html";

/// What the page is made of.
struct Page {
    config: Arc<Config<'static>>,
    /// The files that have been asked for, by name. There are a dozen.
    files: Mutex<HashMap<String, Arc<Asset>>>,
}

/// `GET /api/docs` and what the page loads.
pub(crate) fn routes() -> Router {
    let config = Config::from("/api/openapi.json")
        // By default it sends the document to a validator on the internet.
        .validator_url("none")
        .deep_linking(true)
        .display_request_duration(true)
        .doc_expansion("none")
        .filter(true)
        .try_it_out_enabled(true)
        // Tokens that are typed in are forgotten with the page.
        .persist_authorization(false)
        .use_base_layout();
    let page = Page { config: Arc::new(config), files: Mutex::default() };
    Router::new()
        .route(PATH, get(async || Redirect::to("/api/docs/")))
        .route("/api/docs/", get(index))
        .route("/api/docs/{*file}", get(file))
        .with_state(Arc::new(page))
}

async fn index(page: State<Arc<Page>>, headers: HeaderMap) -> ApiResult<Response> {
    page.0.answer(PAGE.to_owned(), &headers).await
}

async fn file(
    page: State<Arc<Page>>,
    file: Option<Path<String>>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let Path(file) = file.ok_or(ApiError::NotFound("file"))?;
    page.0.answer(file, &headers).await
}

impl Page {
    async fn answer(&self, name: String, headers: &HeaderMap) -> ApiResult<Response> {
        let known = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(asset) = known {
            return Ok(asset.answer(headers));
        }
        let config = Arc::clone(&self.config);
        let wanted = name.clone();
        let read = spawn_blocking(move || read(&wanted, config)).await?;
        let asset = Arc::new(read.ok_or(ApiError::NotFound("file"))?);
        let answer = asset.answer(headers).into_response();
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name, asset);
        Ok(answer)
    }
}

/// A file that is part of the program; nothing for any other name.
fn read(name: &str, config: Arc<Config<'static>>) -> Option<Asset> {
    let file = utoipa_swagger_ui::serve(name, config).ok().flatten()?;
    let kind = HeaderValue::from_str(&file.content_type).ok()?;
    let fresh = if name == PAGE { AssetLifetime::Never } else { AssetLifetime::Hour };
    Some(Asset::new(kind, fresh, file.bytes.into_owned()))
}
