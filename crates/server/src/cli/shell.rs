//! `replyx completions SHELL` and `replyx man FOLDER`: what a package installs beside the program.

use std::{fs, path::Path};

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use replyx_terminal::say;

use super::Cli;

/// Prints the completions for a shell.
pub fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut for_people(), "replyx", &mut script);
    say!("{}", String::from_utf8_lossy(&script).trim_end());
}

/// The command line without what the program only says to itself, which the completions would
/// offer.
fn for_people() -> Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new("replyx")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments().cloned())
        .subcommands(shown.cloned())
}

/// Writes the manual pages into a folder: one of the program and one of each command.
pub fn manual(folder: &Path) -> anyhow::Result<()> {
    let about = || format!("the manual cannot be written to `{}`", folder.display());

    fs::create_dir_all(folder).with_context(about)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(about)
}
