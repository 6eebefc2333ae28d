//! What the tests of indexing run as the extracting program: a good child, unless its input tells
//! it to be slow or to die. `crates/extract/tests/child` does worse.

use std::{
    io::{self, BufRead},
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
        b"%PDF-slow" => sleep(Duration::from_secs(1)),
        // What is left of a child that the kernel ended.
        b"%PDF-memory" => process::abort(),
        _ => {}
    }

    replyx_extract::child_main(kind)
}
