//! The pages that browsers run, embedded in the program: no folder beside it, no Node to build it.
//!
//! `make web-bundle` builds the pages and packs their files into one file per page, which is
//! committed; `make test` builds them again and compares the bytes. Cargo never runs npm.
//!
//! # The format of a bundle
//!
//! Lines of text, an empty line, then the files' bytes one after another. The first line is
//! `replyx-bundle 1`; each other line describes a file: its path, its media type (spaces are
//! written as `+`), its size, its size in the bundle, and `br` or `plain`, separated by spaces.

mod bundle;

use std::sync::LazyLock;

pub use bundle::{BundleError, File};

static CONSOLE: LazyLock<Vec<File>> = LazyLock::new(|| {
    let packed = include_bytes!("../../../web/console.bundle");
    bundle::unpack(packed).expect("the committed bundle can be unpacked: a test does so")
});

/// The files of the console, sorted by path. They are unpacked when first asked for.
pub fn console() -> &'static [File] {
    &CONSOLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_console_has_a_page_that_names_only_its_own_files() {
        let files = console();
        let page = files.iter().find(|file| file.path == "index.html").expect("there is a page");
        assert_eq!(page.kind, "text/html; charset=utf-8");

        let html = String::from_utf8(page.plain.clone()).expect("the page is text");
        let named: Vec<&str> = html
            .split(['"', '\''])
            .filter_map(|text| text.strip_prefix("/app/"))
            .filter(|path| !path.is_empty())
            .collect();
        assert!(named.iter().any(|path| path.starts_with("assets/")), "{named:?}");
        for path in named {
            assert!(files.iter().any(|file| file.path == path), "{path} is not in the bundle");
        }
    }
}
