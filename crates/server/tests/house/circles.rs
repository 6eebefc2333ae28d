//! No circles: modules that stand side by side must not import each other, directly or through
//! others.
//!
//! A module may use its parent and its children; what is forbidden is that `a` needs `b` and `b`
//! needs `a` where both have the same parent. A name that a module passes on with `pub use` counts
//! as a use of its true home.

use std::collections::{BTreeMap, BTreeSet};

use crate::assert_none;
use crate::code::code_of;
use crate::workspace::{Package, Source, Workspace};

/// A module's path inside its crate: `["worker", "registry"]`; the root is empty.
type Module = Vec<String>;

/// Which sibling uses which, below one parent.
type Siblings = BTreeMap<String, BTreeSet<String>>;

fn faults(workspace: &Workspace) -> Vec<String> {
    let mut faults = Vec::new();

    for package in &workspace.packages {
        let name = package.short_name();

        for (parent, siblings) in Modules::of(package).siblings() {
            let parent = parent.join("::");
            let place = if parent.is_empty() { "the root" } else { &parent };
            for circle in circles(&siblings) {
                faults.push(format!("`{name}`, in {place}: {}", circle.join(" -> ")));
            }
        }
    }
    faults
}

/// The modules of one crate and what each of them names.
struct Modules {
    /// The paths that a module names, absolute, of things that may be modules or in modules.
    named: BTreeMap<Module, BTreeSet<Module>>,
    /// What a module passes on: `exports[module][name]` is the path that the name stands for.
    exports: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Modules {
    fn of(package: &Package) -> Self {
        let files: BTreeMap<Module, String> =
            package.sources.iter().map(|source| (module_of(source), code_of(source))).collect();

        let mut modules = Self {
            named: files.keys().map(|module| (module.clone(), BTreeSet::new())).collect(),
            exports: BTreeMap::new(),
        };
        for (module, code) in &files {
            modules.read(module, code);
        }
        modules
    }

    fn read(&mut self, module: &Module, code: &str) {
        let mut rest = String::new();

        for statement in code.split_inclusive(';') {
            let Some((before, tree)) = use_of(statement) else {
                rest.push_str(statement);
                continue;
            };
            rest.push_str(before);

            let public = before.trim_end().ends_with("pub") || before.trim_end().ends_with(')');
            for path in leaves(tree) {
                let Some(path) = self.absolute(module, &path) else { continue };
                if let Some(name) = path.last().filter(|_| public) {
                    let exports = self.exports.entry(module.clone()).or_default();
                    exports.insert(name.clone(), path.clone());
                }
                self.name(module, path);
            }
        }

        for path in paths(&rest) {
            if let Some(path) = self.absolute(module, &path) {
                self.name(module, path);
            }
        }
    }

    fn name(&mut self, module: &Module, path: Module) {
        self.named.entry(module.clone()).or_default().insert(path);
    }

    /// The path from the root of the crate; none if it leads into another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let from = |base: &[String], rest: &[String]| {
            let path: Module =
                base.iter().chain(rest).filter(|name| *name != "self").cloned().collect();
            Some(path)
        };

        match path.first()?.as_str() {
            "crate" => from(&[], &path[1..]),
            "self" => from(module, &path[1..]),
            "super" => {
                let steps = path.iter().take_while(|name| *name == "super").count();
                from(module.get(..module.len().checked_sub(steps)?)?, &path[steps..])
            }
            first => {
                let mut child = module.clone();
                child.push(first.to_owned());
                self.named.contains_key(&child).then(|| from(module, path)).flatten()
            }
        }
    }

    /// The module that a path leads to, through re-exports.
    fn home(&self, path: &[String], steps: usize) -> Option<Module> {
        let module = (0..=path.len())
            .rev()
            .map(|end| &path[..end])
            .find(|prefix| self.named.contains_key(*prefix))?;

        let passed_on = path
            .get(module.len())
            .and_then(|name| self.exports.get(module)?.get(name))
            .filter(|target| *target != path && steps > 0);
        match passed_on {
            Some(target) => self.home(target, steps - 1),
            None => Some(module.to_vec()),
        }
    }

    /// For each parent, which of its children uses which other one.
    fn siblings(&self) -> BTreeMap<Module, Siblings> {
        let mut parents: BTreeMap<Module, Siblings> = BTreeMap::new();

        for (module, paths) in &self.named {
            for home in paths.iter().filter_map(|path| self.home(path, 5)) {
                let shared = module.iter().zip(&home).take_while(|(a, b)| a == b).count();
                if let (Some(user), Some(used)) = (module.get(shared), home.get(shared)) {
                    let siblings = parents.entry(module[..shared].to_vec()).or_default();
                    siblings.entry(user.clone()).or_default().insert(used.clone());
                }
            }
        }
        parents
    }
}

/// A shortest circle through the first sibling of each group that is tied together.
fn circles(siblings: &Siblings) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();

    for start in siblings.keys() {
        if seen.contains(start) {
            continue;
        }
        if let Some(circle) = shortest(siblings, start) {
            seen.extend(circle.iter().cloned());
            circles.push(circle);
        }
    }
    circles
}

fn shortest(siblings: &Siblings, start: &String) -> Option<Vec<String>> {
    let mut reached = BTreeSet::new();
    let mut ends = vec![vec![start.clone()]];

    while !ends.is_empty() {
        let mut next = Vec::new();
        for path in ends {
            for used in path.last().and_then(|last| siblings.get(last)).into_iter().flatten() {
                let longer: Vec<_> = path.iter().chain([used]).cloned().collect();
                if used == start {
                    return Some(longer);
                }
                if reached.insert(used.clone()) {
                    next.push(longer);
                }
            }
        }
        ends = next;
    }
    None
}

/// `crates/x/src/a/b.rs` is the module `a::b`.
fn module_of(source: &Source) -> Module {
    let mut module: Module = source
        .path
        .with_extension("")
        .iter()
        .skip_while(|part| *part != "src")
        .skip(1)
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if module == ["lib"] || module == ["main"] || module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

/// What stands before a `use` that the statement ends with, and the tree after it.
fn use_of(statement: &str) -> Option<(&str, &str)> {
    let at = statement
        .match_indices("use ")
        .map(|(at, _)| at)
        .find(|at| statement[..*at].chars().next_back().is_none_or(char::is_whitespace))?;
    let tree = statement[at + "use ".len()..].trim_end_matches(';');

    let is_tree = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c);
    tree.chars().all(is_tree).then_some((&statement[..at], tree))
}

/// The paths of a tree of imports: `a::{b, c::d}` are `a::b` and `a::c::d`.
fn leaves(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![segments(path)];
    };

    let prefix = segments(&tree[..open]);
    let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];

    let mut depth = 0;
    let branches = inner.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    branches
        .filter(|branch| !branch.trim().is_empty())
        .flat_map(leaves)
        .map(|leaf| prefix.iter().cloned().chain(leaf).collect())
        .collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The paths in code that begin with `crate::` or `super::`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_path = |c: char| c.is_alphanumeric() || "_:".contains(c);
    code.split(|c| !is_path(c))
        .filter(|path| path.starts_with("crate::") || path.starts_with("super::"))
        .map(segments)
        .collect()
}

fn with(files: &[(&str, &str)]) -> Vec<String> {
    let mut workspace = Workspace::read();
    workspace.packages.retain(|package| package.short_name() == "core");
    let sources = files.iter().map(|(name, text)| Source {
        path: format!("crates/core/src/{name}.rs").into(),
        text: (*text).to_owned(),
    });
    workspace.package("core").sources = sources.collect();
    faults(&workspace)
}

#[test]
fn no_module_imports_a_neighbor_that_imports_it() {
    assert_none(&faults(&Workspace::read()));
}

#[test]
fn two_modules_that_import_each_other_are_a_fault() {
    let found = with(&[
        ("lib", "mod a;\nmod b;\n"),
        ("a", "use crate::b::{self, B};\n"),
        ("b", "fn f() {\n    super::a::g();\n}\n"),
    ]);
    assert_eq!(found, ["`core`, in the root: a -> b -> a"]);
}

#[test]
fn a_circle_of_three_that_goes_through_a_reexport_and_a_child_is_a_fault() {
    let found = with(&[
        ("lib", "mod a;\nmod b;\nmod c;\npub use c::C;\n"),
        ("a", "mod inner;\n"),
        ("a/inner", "use crate::b::B;\n"),
        ("b", "use crate::C;\n"),
        ("c", "use crate::a;\n"),
    ]);
    assert_eq!(found, ["`core`, in the root: a -> b -> c -> a"]);
}

#[test]
fn a_parent_and_its_child_may_use_each_other() {
    let found = with(&[
        ("lib", "mod a;\n"),
        ("a", "mod inner;\nuse inner::B;\npub struct A;\n"),
        ("a/inner", "use super::A;\npub struct B;\n"),
    ]);
    assert_none(&found);
}

#[test]
fn what_is_only_said_in_comments_or_used_in_tests_is_free() {
    let found = with(&[
        ("lib", "mod a;\nmod b;\n"),
        ("a", "use crate::b::B;\n"),
        ("b", "// See `crate::a::A`.\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n"),
    ]);
    assert_none(&found);
}
