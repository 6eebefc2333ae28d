//! What a confined child does besides reading documents: it joins each [`Task`] with its work.

use std::io;

use replyx_extract::{Task, child_task, pairs};

use crate::{links::Links, sitemap};

/// Does a task with what is on standard input, and answers on standard output.
///
/// # Errors
///
/// Fails when limits cannot be set or the pipes break.
pub fn task_main(task: Task) -> io::Result<()> {
    match task {
        Task::Pairs => child_task(pairs),
        Task::Sitemap => child_task(sitemap::read),
        Task::Links => child_task(Links::read_addressed),
    }
}
