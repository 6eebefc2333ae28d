//! The workspace as the rules see it: packages, what they depend on, and their sources.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// All packages of the workspace.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
}

/// A package, named with its prefix: `replyx-core`.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
    manifest_path: PathBuf,
    #[serde(skip)]
    pub(crate) sources: Vec<Source>,
}

/// A line of a manifest.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for a normal dependency, otherwise `dev` or `build`.
    pub(crate) kind: Option<String>,
}

/// A file below `src`.
pub(crate) struct Source {
    /// As seen from the root of the workspace.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Workspace {
    /// Reads the workspace that this test was built from.
    pub(crate) fn read() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let json = output(Command::new(cargo).args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ]));
        let mut workspace: Self = serde_json::from_slice(&json).expect("cargo speaks JSON");
        for package in &mut workspace.packages {
            let src = package.manifest_path.with_file_name("src");
            package.sources = rust_files(&src).into_iter().map(read_source).collect();
            assert!(!package.sources.is_empty(), "`{}` has no sources", src.display());
        }
        workspace
    }

    /// The package called `replyx-{name}`.
    pub(crate) fn package(&mut self, name: &str) -> &mut Package {
        let name = format!("replyx-{name}");
        self.packages.iter_mut().find(|package| package.name == name).expect("a known package")
    }

    /// Every source file, with the short name of its package.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.packages
            .iter()
            .flat_map(|package| package.sources.iter().map(|source| (package.short_name(), source)))
    }
}

impl Package {
    /// The name without its prefix.
    pub(crate) fn short_name(&self) -> &str {
        self.name.strip_prefix("replyx-").unwrap_or(&self.name)
    }

    /// What the program itself is built from; tests may use what they like.
    pub(crate) fn production_dependencies(&self) -> impl Iterator<Item = &str> {
        self.dependencies
            .iter()
            .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
            .map(|dependency| dependency.name.as_str())
    }
}

impl Source {
    /// The lines that are not under `#[cfg(test)]`, numbered from 1. A file `tests.rs` has none.
    ///
    /// Goes by the layout that rustfmt gives: an item at the margin ends with the first `}` at the
    /// margin.
    pub(crate) fn production_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        enum In {
            Production,
            Attributes,
            Tests,
        }
        let is_tests = self.path.file_name().is_some_and(|name| name == "tests.rs");
        let mut place = if is_tests { In::Tests } else { In::Production };
        self.text.lines().zip(1..).filter_map(move |(line, number)| match place {
            In::Production if line == "#[cfg(test)]" => {
                place = In::Attributes;
                None
            }
            In::Production => Some((number, line)),
            In::Attributes => {
                if line.ends_with('{') {
                    place = In::Tests;
                } else if line.ends_with([';', '}']) {
                    place = In::Production;
                }
                None
            }
            In::Tests => {
                if line.starts_with('}') && !is_tests {
                    place = In::Production;
                }
                None
            }
        })
    }
}

/// The folder that holds `Cargo.lock`.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What a command says when it is run in [`root`].
pub(crate) fn output(command: &mut Command) -> Vec<u8> {
    let output = command.current_dir(root()).output().expect("the command exists");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Every Rust file below a folder, as seen from the root of the workspace.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let root = root().canonicalize().expect("the workspace exists");
    let folder = folder.canonicalize().expect("the folder exists");
    let mut files = Vec::new();

    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path.strip_prefix(&root).unwrap_or(&path).to_owned());
        }
    }
    files.sort();
    files
}

fn read_source(path: PathBuf) -> Source {
    let text = fs::read_to_string(root().join(&path)).expect("sources are UTF-8");
    Source { path, text }
}
