//! A child process that reads a hostile file, so that only the child suffers.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::Stdio,
    sync::LazyLock,
    thread::available_parallelism,
    time::Duration,
};

use replyx_core::knowledge::DocumentKind;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    sync::Semaphore,
    time::timeout,
};

use super::{
    ExtractError, Extracted, MAX_TEXT, Unreadable,
    confinement::{Confinement, confine},
    parse,
};

/// Longest time from start to answer: more than the processor time, for a child gives way to
/// everybody else.
const WALL: Duration = Duration::from_mins(2);
/// Longest answer, bytes: JSON may double a text, and headings come on top.
const OUTPUT: u64 = 2 * MAX_TEXT as u64 + 1024 * 1024;
/// Largest file the child takes, bytes.
const INPUT: u64 = 64 * 1024 * 1024;

/// As many children as cores at once: a hundred documents wait for each other and not for memory.
static CHILDREN: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

/// Reads a file in a child process `program extract --kind KIND`, which calls [`child_main`]. Waits
/// for its turn when many files are being read.
///
/// # Errors
///
/// Returns [`ExtractError::Unreadable`] when the file is at fault, [`ExtractError::Program`] when
/// the child cannot be run.
pub async fn isolated(
    program: &Path,
    kind: DocumentKind,
    bytes: &[u8],
) -> Result<Extracted, ExtractError> {
    isolated_within(program, kind, bytes, WALL).await
}

/// As [`isolated`], with another bound on the time from the child's start to its answer.
///
/// # Errors
///
/// As [`isolated`].
pub async fn isolated_within(
    program: &Path,
    kind: DocumentKind,
    bytes: &[u8],
    wall: Duration,
) -> Result<Extracted, ExtractError> {
    let closed = |error| ExtractError::Program(io::Error::other(error));
    let _turn = CHILDREN.acquire().await.map_err(closed)?;
    let mut child = Command::new(program)
        .args(["extract", "--kind", kind.as_str()])
        // Secrets in our environment are none of the parser's business.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(ExtractError::Program)?;
    let (mut input, mut output) = match (child.stdin.take(), child.stdout.take()) {
        (Some(input), Some(output)) => (input, output.take(OUTPUT + 1)),
        _ => return Err(ExtractError::Program(io::Error::other("the child has no pipes"))),
    };
    let talk = async {
        let mut answer = Vec::new();
        let feed = async {
            // A child that dies stops reading; its end says more than the broken pipe.
            let _ = input.write_all(bytes).await;
            drop(input);
        };
        let ((), read) = tokio::join!(feed, output.read_to_end(&mut answer));
        read.map(|_| answer)
    };
    let answer = match timeout(wall, talk).await {
        Err(_) => {
            // Reaped here, so that no zombie stays.
            let _ = child.kill().await;
            return Err(Unreadable::TooComplex.into());
        }
        Ok(answer) => answer.map_err(ExtractError::Program)?,
    };
    if answer.len() as u64 > OUTPUT {
        let _ = child.kill().await;
        return Err(Unreadable::TooLong.into());
    }
    let Ok(status) = timeout(wall, child.wait()).await else {
        let _ = child.kill().await;
        return Err(Unreadable::TooComplex.into());
    };
    if !status.map_err(ExtractError::Program)?.success() {
        // A panic, an overflown stack, a limit: no more is known of a process that died.
        return Err(Unreadable::TooComplex.into());
    }
    let answer: Result<Extracted, Unreadable> = serde_json::from_slice(&answer)
        .map_err(|error| ExtractError::Program(io::Error::other(error)))?;
    Ok(answer?)
}

/// Asks a child process `program extract --probe`, which calls [`probe_main`], how far children are
/// confined here.
///
/// # Errors
///
/// Returns [`ExtractError::Program`] when the child cannot be run, or says nothing that can be
/// read.
pub async fn confinement(program: &Path) -> Result<Confinement, ExtractError> {
    let asked = Command::new(program)
        .args(["extract", "--probe"])
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(WALL, asked)
        .await
        .map_err(|late| ExtractError::Program(io::Error::other(late)))?
        .map_err(ExtractError::Program)?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| ExtractError::Program(io::Error::other(error)))
}

/// What the child process does that only tells how far it is confined, on standard output.
///
/// # Errors
///
/// As [`child_main`].
pub fn probe_main() -> io::Result<()> {
    let confinement = confine()?;
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &confinement).map_err(io::Error::other)?;
    output.flush()
}

/// What the child process does: confines itself, reads the file from standard input, answers on
/// standard output.
///
/// # Errors
///
/// Fails when limits cannot be set or the pipes break.
pub fn child_main(kind: DocumentKind) -> io::Result<()> {
    confine()?;
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(INPUT + 1).read_to_end(&mut bytes)?;
    let answer = if read as u64 > INPUT { Err(Unreadable::TooLong) } else { parse(kind, &bytes) };
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &answer).map_err(io::Error::other)?;
    output.flush()
}
