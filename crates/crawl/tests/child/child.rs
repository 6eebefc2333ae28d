//! What the tests of crawling run as the program whose children read pages and lists.

use std::io;

fn main() -> io::Result<()> {
    let task = std::env::args().nth(3).ok_or_else(|| io::Error::other("no task"))?;
    replyx_crawl::task_main(task.parse().map_err(io::Error::other)?)
}
