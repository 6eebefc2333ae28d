//! Pages of the web, fetched politely and without being led into our own network.
//!
//! # How one gets in
//!
//! 1. [`admit`] says whether an address may be fetched at all: the API asks before it stores a
//!    source.
//! 2. [`Fetcher`] is the only one who speaks to foreign servers. There is one per process.
//! 3. [`Crawl::begin`] opens an [`Order`], [`Crawl::next`] returns one [`Visit`] after another.
//!    What becomes of the pages is the caller's matter; nothing is stored here.
//!
//! # What holds
//!
//! - No connection is made to an address that was not checked: the names of hosts are looked up
//!   here, once per connection, and only public addresses are handed to the connection. Each
//!   redirect is an address like any other.
//! - Nothing is unbounded: pages, bytes, redirects, links, time per page, variations of one path.
//! - A host is asked once a second unless its `robots.txt` says otherwise, and not at all where
//!   that refuses us.
//! - What a page is, is decided by content. Pages are foreign text: what is read of them here
//!   (links, a few words for robots) takes time in proportion to their length.

mod address;
mod child;
mod fetch;
mod links;
mod meter;
mod pace;
mod place;
mod plan;
mod reader;
mod resolve;
mod robots;
mod run;
mod sitemap;
mod twins;

pub use address::is_public;
pub use child::task_main;
pub use fetch::{Answer, CrawlSettings, FetchError, Fetcher, Limits, Page, Validators};
pub use links::{Directives, Links};
pub use meter::Meter;
pub use place::{Scope, normalise};
pub use plan::{Known, Order};
pub use reader::Reader;
pub use resolve::{LookUp, Private, Refused, admit};
pub use run::{Crawl, Outcome, Skip, Visit};
