//! The program that reads files for these tests, and the files.

use std::path::{Path, PathBuf};

/// The child that reads, or misbehaves: `tests/child/child.rs`.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_replyx-index-child"))
}

/// A file of the tests of `replyx-extract`.
pub(crate) fn data(name: &str) -> Vec<u8> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../extract/tests/data", name].iter().collect();
    std::fs::read(path).expect("the tests' data is there")
}
