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

use super::{ExtractError, Extracted, MAX_TEXT, Unreadable, parse};

/// Address space of the child, bytes.
const MEMORY: u64 = 1024 * 1024 * 1024;
/// Processor time of the child, seconds.
const CPU: u64 = 20;
/// Longest time from start to answer: more than the processor time, for a child gives way to everybody else.
const WALL: Duration = Duration::from_mins(2);
/// Longest answer, bytes: JSON may double a text, and headings come on top.
const OUTPUT: u64 = 2 * MAX_TEXT as u64 + 1024 * 1024;
/// Largest file the child takes, bytes.
const INPUT: u64 = 64 * 1024 * 1024;

/// How much a child gives way to others: customers' answers come first.
#[cfg(unix)]
const NICE: i32 = 10;

/// As many children as cores at once: a hundred documents wait for each other and not for memory.
static CHILDREN: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

/// Reads a file in a child process `program extract --kind KIND`, which calls [`child_main`]. Waits for its turn
/// when many files are being read.
///
/// # Errors
///
/// Returns [`ExtractError::Unreadable`] when the file is at fault, [`ExtractError::Program`] when the child cannot
/// be run.
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

/// Takes memory, processor time, core dumps, files to write and its place in the queue for the processor away from
/// this process, for good.
///
/// # Errors
///
/// Fails when the system refuses.
#[cfg(unix)]
pub fn confine() -> io::Result<()> {
    use rlimit::Resource;
    rustix::process::nice(NICE)?;
    for (resource, limit) in
        [(Resource::AS, MEMORY), (Resource::CPU, CPU), (Resource::CORE, 0), (Resource::FSIZE, 0)]
    {
        // A limit that is stricter already cannot be raised again, and need not be.
        let (_, hard) = rlimit::getrlimit(resource)?;
        let limit = limit.min(hard);
        rlimit::setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

/// Nothing can be taken away here; the bound on time still holds.
///
/// # Errors
///
/// Never fails.
#[cfg(not(unix))]
pub fn confine() -> io::Result<()> {
    Ok(())
}
