//! What the tests of indexing run as the extracting program: a good child, unless its input tells
//! it to wait or to die. `crates/extract/tests/child` does worse.

use std::{
    fs,
    io::{self, BufRead},
    path::Path,
    process,
    thread::sleep,
    time::Duration,
};

fn main() -> io::Result<()> {
    let kind = std::env::args().nth(3).ok_or_else(|| io::Error::other("no format"))?;
    let kind = kind.parse().map_err(io::Error::other)?;

    // Peeked at: the bytes stay in the buffer for the real child.
    let order = io::stdin().lock().fill_buf()?.to_vec();
    match order.as_slice() {
        b"%PDF-held" => wait()?,
        // What is left of a child that the kernel ended.
        b"%PDF-memory" => process::abort(),
        _ => {}
    }

    replyx_extract::child_main(kind)
}

/// Says beside the program that the file is being read, and waits to be let go on.
fn wait() -> io::Result<()> {
    let program = std::env::args().next().ok_or_else(|| io::Error::other("no name"))?;
    let folder = Path::new(&program).parent().ok_or_else(|| io::Error::other("no folder"))?;
    fs::write(folder.join("reading"), "")?;
    while !folder.join("go").exists() {
        sleep(Duration::from_millis(5));
    }
    Ok(())
}
