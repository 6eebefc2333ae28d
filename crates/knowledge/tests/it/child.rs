//! The program that reads files for these tests, and the files.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

/// The child that reads, or misbehaves: `tests/child/child.rs`.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_replyx-index-child"))
}

/// The child under a name of its own, which is held while it reads [`HeldChild::FILE`].
pub(crate) struct HeldChild {
    folder: TempDir,
}

impl HeldChild {
    /// What the child is held with.
    pub(crate) const FILE: &[u8] = b"%PDF-held";

    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        symlink(program(), folder.path().join("child")).unwrap();
        Self { folder }
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("child")
    }

    /// Waits until the child has the file.
    pub(crate) async fn reading(&self) {
        while !self.folder.path().join("reading").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets the child read on.
    pub(crate) fn go(&self) {
        fs::write(self.folder.path().join("go"), "").unwrap();
    }
}

/// A file of the tests of `replyx-extract`.
pub(crate) fn data(name: &str) -> Vec<u8> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../extract/tests/data", name].iter().collect();
    fs::read(path).expect("the tests' data is there")
}
