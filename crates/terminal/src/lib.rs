//! What commands write for people: into a pipe whose reader has gone nothing is written, and
//! quietly; colors are for terminals.

use std::{
    env, fmt,
    io::{self, ErrorKind, IsTerminal, Write},
    process,
};

/// Prints a line to standard output, as `println!` does. Where nobody reads any more the program
/// ends, as it would by the signal that other programs end by.
#[macro_export]
macro_rules! say {
    () => { $crate::line(format_args!("")) };
    ($($text:tt)+) => { $crate::line(format_args!($($text)+)) };
}

/// Prints a line to standard error, as `eprintln!` does; one that nobody can read is left out.
#[macro_export]
macro_rules! complain {
    ($($text:tt)+) => { $crate::complaint(format_args!($($text)+)) };
}

/// Prints a line to standard output; [`say!`] is the way to call it.
pub fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}") {
        finish(&error);
    }
}

/// Prints a line to standard error; [`complain!`] is the way to call it.
pub fn complaint(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The end of a command whose output cannot be written.
fn finish(error: &io::Error) -> ! {
    if error.kind() == ErrorKind::BrokenPipe {
        process::exit(0);
    }
    complaint(format_args!("replyx: standard output cannot be written: {error}"));
    process::exit(1);
}

/// Whether a stream takes colors: a terminal that understands them, unless `NO_COLOR` is set.
pub fn colors(stream: &impl IsTerminal) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// A color of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// What went wrong.
    Red,
    /// What is well.
    Green,
    /// What deserves a look.
    Yellow,
    /// Labels.
    Cyan,
    /// Details.
    Gray,
    /// What matters most, in the terminal's own color.
    Bold,
}

/// Colors text for standard output, where that takes colors.
#[derive(Clone, Copy, Debug)]
pub struct Painter {
    colors: bool,
}

impl Painter {
    /// For standard output.
    #[allow(clippy::new_without_default, reason = "what standard output takes is no default")]
    pub fn new() -> Self {
        Self { colors: colors(&io::stdout()) }
    }

    /// For standard error.
    pub fn for_errors() -> Self {
        Self { colors: colors(&io::stderr()) }
    }

    /// The text in this color.
    pub fn paint(self, color: Color, text: impl fmt::Display) -> String {
        if !self.colors {
            return text.to_string();
        }
        let code = match color {
            Color::Red => 31,
            Color::Green => 32,
            Color::Yellow => 33,
            Color::Cyan => 36,
            Color::Gray => 90,
            Color::Bold => 1,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
