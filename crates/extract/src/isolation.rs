//! A child process that reads a hostile file, so that only the child suffers.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::Stdio,
    str::FromStr,
    sync::LazyLock,
    thread::available_parallelism,
    time::Duration,
};

use replyx_core::knowledge::DocumentKind;
use serde::{Serialize, de::DeserializeOwned};
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

/// As many children for small tasks: a crawl need not wait until long documents are read.
static TASKS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

/// As many children for tables: an import need not wait for the pages of crawls.
static TABLES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

/// What a child reads besides documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The questions with their answers of a CSV table.
    Pairs,
    /// A list of a site's pages, packed or not.
    Sitemap,
    /// Where a web page leads. Its address stands before it, on a line of its own.
    Links,
}

impl Task {
    /// The word for it on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::Sitemap => "sitemap",
            Self::Links => "links",
        }
    }
}

/// There is no task of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `pairs`, `sitemap` or `links`")]
pub struct UnknownTask;

impl FromStr for Task {
    type Err = UnknownTask;

    fn from_str(word: &str) -> Result<Self, UnknownTask> {
        let all = [Self::Pairs, Self::Sitemap, Self::Links];
        all.into_iter().find(|task| task.as_str() == word).ok_or(UnknownTask)
    }
}

/// Reads the questions with their answers of a CSV table in a child process `program extract --task
/// pairs`, which calls [`child_task`] with [`pairs`](crate::pairs).
///
/// # Errors
///
/// As [`isolated`].
pub async fn isolated_pairs(
    program: &Path,
    bytes: &[u8],
) -> Result<Vec<(String, String)>, ExtractError> {
    let found: Result<_, Unreadable> = task(program, Task::Pairs, bytes).await?;
    Ok(found?)
}

/// Has a child process `program extract --task TASK` do a task with these bytes.
///
/// # Errors
///
/// As [`isolated`].
pub async fn task<T: DeserializeOwned>(
    program: &Path,
    task: Task,
    bytes: &[u8],
) -> Result<T, ExtractError> {
    let closed = |error| ExtractError::Program(io::Error::other(error));
    let turns = match task {
        Task::Pairs => &TABLES,
        Task::Sitemap | Task::Links => &TASKS,
    };
    let _turn = turns.acquire().await.map_err(closed)?;
    ask(program, ["--task", task.as_str()], bytes, WALL).await
}

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
    let answer: Result<Extracted, Unreadable> =
        ask(program, ["--kind", kind.as_str()], bytes, wall).await?;
    Ok(answer?)
}

/// Gives a child these bytes, and reads its answer.
async fn ask<T: DeserializeOwned>(
    program: &Path,
    what: [&str; 2],
    bytes: &[u8],
    wall: Duration,
) -> Result<T, ExtractError> {
    let mut child = Command::new(program)
        .arg("extract")
        .args(what)
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
    serde_json::from_slice(&answer).map_err(|error| ExtractError::Program(io::Error::other(error)))
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
    let answer = match input()? {
        Some(bytes) => parse(kind, &bytes),
        None => Err(Unreadable::TooLong),
    };
    answer_with(&answer)
}

/// What the child process does that is given a task: as [`child_main`], with the work of the task.
/// What is too long is nothing.
///
/// # Errors
///
/// As [`child_main`].
pub fn child_task<T: Serialize>(work: impl FnOnce(&[u8]) -> T) -> io::Result<()> {
    confine()?;
    let bytes = input()?.unwrap_or_default();
    answer_with(&work(&bytes))
}

/// Everything on standard input; `None`: it is too long.
fn input() -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(INPUT + 1).read_to_end(&mut bytes)?;
    Ok((read as u64 <= INPUT).then_some(bytes))
}

fn answer_with(answer: &impl Serialize) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, answer).map_err(io::Error::other)?;
    output.flush()
}
