//! No file that is or would be committed names a folder of the machine on which it was written.

use std::fs;
use std::process::Command;

use crate::assert_none;
use crate::workspace::{output, root};

/// Absolute folders, in two halves so that this file passes.
const FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Where the text names one of the folders from the root of the file system.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        for folder in FOLDERS {
            let absolute = line.match_indices(folder).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "_-.*})/".contains(c))
            });
            if absolute {
                faults.push(format!("{path}:{number} names a folder below `{folder}`"));
            }
        }
    }
    faults
}

#[test]
fn no_file_names_a_folder_of_this_machine() {
    let listed = output(Command::new("git").args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]));
    let listed = String::from_utf8(listed).expect("file names are UTF-8");
    let mut found = Vec::new();
    for path in listed.split_terminator('\0') {
        // A listed file may have been deleted since.
        if let Ok(bytes) = fs::read(root().join(path)) {
            found.extend(faults(path, &String::from_utf8_lossy(&bytes)));
        }
    }
    assert!(listed.contains("Cargo.toml"), "git lists nothing");
    assert_none(&found);
}

#[test]
fn an_absolute_folder_is_a_fault_and_a_relative_one_is_not() {
    for folder in FOLDERS {
        let text = format!("first line\nsee {folder}notes.md\n");
        assert_eq!(faults("a.md", &text), [format!("a.md:2 names a folder below `{folder}`")]);
        assert_none(&faults("a.md", &format!("see src{folder}notes.md, ${{DIR}}{folder}")));
    }
}
