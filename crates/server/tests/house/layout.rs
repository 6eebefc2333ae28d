//! How code looks on the page: paragraphs, one binding per line, comments no wider than code.

use std::fs;
use std::path::Path;

use crate::assert_none;
use crate::code::without_comment;
use crate::workspace::{Source, Workspace, root, rust_files};

/// From how many lines on a function should read as paragraphs.
const LONG: usize = 25;

/// How many of a hundred long functions may have neither a blank line nor a comment.
const DENSE_PERCENT: usize = 10;

/// How wide a comment may be; rustfmt holds code to the same.
const WIDTH: usize = 100;

/// A function as it stands in a file.
struct Function<'s> {
    name: &'s str,
    number: usize,
    /// From the line with `fn` to the one with the last brace.
    lines: Vec<&'s str>,
    /// What is between the braces.
    body: Vec<&'s str>,
}

impl Function<'_> {
    fn is_dense(&self) -> bool {
        self.body.iter().all(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"))
    }
}

/// The functions of a file that have a body of more than one line.
///
/// Goes by the layout that rustfmt gives: a function ends with the first `}` below its `fn`.
fn functions(source: &Source) -> Vec<Function<'_>> {
    let lines: Vec<(usize, &str)> = source.production_lines().collect();

    (0..lines.len())
        .filter_map(|at| {
            let (number, line) = lines[at];
            let name = name_of(line)?;
            let indent = &line[..line.len() - line.trim_start().len()];

            let below = lines[at..].iter();
            let open = at + below.clone().position(|(_, line)| line.ends_with(['{', ';', '}']))?;
            if !lines[open].1.ends_with('{') {
                return None;
            }
            let end = format!("{indent}}}");
            let close = at + below.clone().position(|(_, line)| *line == end)?;

            let text = |from, to| lines[from..to].iter().map(|(_, line)| *line).collect();
            Some(Function { name, number, lines: text(at, close + 1), body: text(open + 1, close) })
        })
        .collect()
}

fn name_of(line: &str) -> Option<&str> {
    let mut words = line.trim_start().split(' ').skip_while(|word| {
        word.starts_with("pub")
            || matches!(*word, "const" | "async" | "unsafe" | "extern" | "\"C\"")
    });
    let name = words.next().filter(|word| *word == "fn").and_then(|_| words.next())?;
    name.split(['(', '<']).next()
}

fn dense(workspace: &Workspace, allowed_percent: usize) -> Vec<String> {
    let mut long = 0;
    let mut dense = Vec::new();
    for (_, source) in workspace.sources() {
        for function in functions(source).iter().filter(|function| function.lines.len() >= LONG) {
            long += 1;
            if function.is_dense() {
                let lines = function.lines.len();
                let place = format!("{}:{}", source.path.display(), function.number);
                dense.push(format!("{place} `{}` has {lines} lines in one block", function.name));
            }
        }
    }
    if dense.len() * 100 <= long * allowed_percent { Vec::new() } else { dense }
}

/// Where several names are bound to as many values at once: `let (a, b) = (x, y);`.
fn paired(path: &Path, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(without_comment).map(str::trim).collect();

    (0..lines.len())
        .filter(|at| {
            // rustfmt may put the value on a line of its own.
            let value = lines.get(at + 1).filter(|_| lines[*at].ends_with('='));
            is_paired(&format!("{} {}", lines[*at], value.unwrap_or(&"")))
        })
        .map(|at| format!("{}:{} binds several names at once", path.display(), at + 1))
        .collect()
}

fn is_paired(code: &str) -> bool {
    let Some((pattern, value)) =
        code.strip_prefix("let (").and_then(|rest| rest.trim_end().split_once(" = "))
    else {
        return false;
    };

    // A pattern that may not match, with its `else` further down, is one question.
    let opens = value == "(" && !pattern.contains("Some(") && !pattern.contains("Ok(");
    let is_whole = value.starts_with('(') && value.ends_with(';') && !is_called(value);
    pattern.contains(", ") && (opens || is_whole)
}

/// Whether something is done with what stands in the parentheses: `(a + b).pair()`.
fn is_called(value: &str) -> bool {
    let mut depth = 0_usize;
    for (at, c) in value.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return value[at + 1..] != *";";
        }
    }
    false
}

fn wide(path: &Path, text: &str) -> Vec<String> {
    text.lines()
        .zip(1..)
        .filter(|(line, _)| line.trim_start().starts_with("//") && line.chars().count() > WIDTH)
        // An address cannot be wrapped.
        .filter(|(line, _)| !line.split(' ').any(|word| word.chars().count() > WIDTH / 2))
        .map(|(_, number)| format!("{}:{number} has a comment wider than {WIDTH}", path.display()))
        .collect()
}

#[test]
fn long_functions_read_as_paragraphs() {
    assert_none(&dense(&Workspace::read(), DENSE_PERCENT));
}

#[test]
fn each_line_binds_one_name_and_comments_are_wrapped() {
    let mut found = Vec::new();
    for path in rust_files(&root().join("crates")) {
        let text = fs::read_to_string(root().join(&path)).expect("sources are UTF-8");
        found.extend(paired(&path, &text));
        found.extend(wide(&path, &text));
    }
    assert_none(&found);
}

#[test]
fn a_dense_function_is_a_fault_once_there_are_too_many() {
    let mut workspace = Workspace::read();
    workspace.packages.retain(|package| package.short_name() == "live");
    let function = |name: &str, line: &str| {
        format!(
            "    pub async fn {name}(\n        a: u8,\n    ) {{\n{}    }}\n",
            line.repeat(LONG - 4)
        )
    };
    let text = format!(
        "impl X {{\n{}{}}}\n",
        function("dense", "        act();\n"),
        function("airy", "        // Why.\n"),
    );
    workspace.package("live").sources = vec![Source { path: "crates/live/src/x.rs".into(), text }];

    assert_eq!(dense(&workspace, 10), ["crates/live/src/x.rs:2 `dense` has 25 lines in one block"]);
    assert_none(&dense(&workspace, 50));
}

#[test]
fn pairs_of_values_are_faults_and_what_takes_a_tuple_apart_is_not() {
    let text = [
        "let (a, b) = (x, y);",
        "let (a, b): (u8, u8) = (x, f(y).z());",
        "let (a, b) = (",
        "let (a, b) =",
        "    (x, y);",
        "let (a, b) =",
        "    pair();",
        "let (Some(a), Some(b)) = (",
        "let (a, b) = pair();",
        "let (a, b) = (x, y).swap();",
        "let (a, b) = (x + y).halves();",
        "// let (a, b) = (x, y);",
    ];
    let found = paired(Path::new("x.rs"), &text.join("\n"));
    let expected = [1, 2, 3, 4].map(|number| format!("x.rs:{number} binds several names at once"));
    assert_eq!(found, expected);
}

#[test]
fn a_wide_comment_is_a_fault_unless_it_is_an_address() {
    let text = format!(
        "// {}\n/// {}\n// {}\nlet x = {};\n",
        "a ".repeat(60),
        "a ".repeat(48),
        "a".repeat(120),
        "a ".repeat(60)
    );
    let found = wide(Path::new("x.rs"), &text);
    assert_eq!(found, ["x.rs:1 has a comment wider than 100"]);
}
