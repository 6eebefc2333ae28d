//! Who reads what foreign servers send: a child for each page and each list, confined like the one
//! that reads documents.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    thread::available_parallelism,
};

use replyx_core::ids::WorkspaceId;
use replyx_extract::{ExtractError, Task};
use replyx_live::Seats;
use url::Url;

use crate::{
    links::Links,
    sitemap::{self, Sitemap},
};

/// As many children as cores. Workspaces take turns: a site whose pages take long to read does not
/// keep the crawls of others waiting.
static SEATS: LazyLock<Seats<WorkspaceId>> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, usize::from);
    Seats::new(cores, cores)
});

/// Who reads pages and lists.
#[derive(Clone, Debug)]
pub enum Reader {
    /// A confined child of this program.
    Child(Arc<Path>),
    /// This process: for tests, which read nothing hostile.
    Here,
}

impl Reader {
    /// Children of this program.
    pub fn child(program: PathBuf) -> Self {
        Self::Child(program.into())
    }

    /// Where a page leads. One that ends its reader leads nowhere.
    ///
    /// # Errors
    ///
    /// Fails when no child can be run: a later try may fare better.
    pub(super) async fn links(
        &self,
        workspace: WorkspaceId,
        url: &Url,
        body: &[u8],
    ) -> io::Result<Links> {
        match self {
            Self::Child(program) => {
                let _seat = SEATS.take(workspace).await;
                let input = Links::addressed(url, body);
                answered(replyx_extract::task(program, Task::Links, &input).await)
            }
            Self::Here => Ok(Links::read(url, body)),
        }
    }

    /// The list that a body is; `None`: it is something else.
    ///
    /// # Errors
    ///
    /// As [`Self::links`].
    pub(super) async fn sitemap(
        &self,
        workspace: WorkspaceId,
        body: &[u8],
    ) -> io::Result<Option<Sitemap>> {
        match self {
            Self::Child(program) => {
                let _seat = SEATS.take(workspace).await;
                answered(replyx_extract::task(program, Task::Sitemap, body).await)
            }
            Self::Here => Ok(sitemap::read(body)),
        }
    }
}

/// What a child has found; nothing if what it read was too much for it.
fn answered<T: Default>(found: Result<T, ExtractError>) -> io::Result<T> {
    match found {
        Ok(found) => Ok(found),
        Err(ExtractError::Unreadable(_)) => Ok(T::default()),
        Err(ExtractError::Program(error)) => Err(error),
    }
}
