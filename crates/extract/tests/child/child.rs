//! What the tests of extraction run as the extracting program: a good child, unless its input tells
//! it to misbehave.

use std::{
    hint::black_box,
    io::{self, BufRead, Write},
    thread::sleep,
    time::Duration,
};

#[cfg(target_os = "linux")]
mod attempts;

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args == ["extract", "--probe"] {
        return replyx_extract::probe_main();
    }
    assert!(std::env::vars_os().next().is_none(), "the environment is not the child's business");
    if args == ["extract", "--task", "pairs"] {
        return replyx_extract::child_task(replyx_extract::pairs);
    }
    assert_eq!(args[..2], ["extract", "--kind"]);
    let kind = args[2].parse().map_err(io::Error::other)?;

    // Peeked at: the bytes stay in the buffer for the real child.
    let order = io::stdin().lock().fill_buf()?.to_vec();
    match order.as_slice() {
        b"%PDF-hang" => sleep(Duration::from_hours(1)),
        b"%PDF-slow" => {
            sleep(Duration::from_secs(1));
            replyx_extract::child_main(kind)?;
        }
        b"%PDF-flood" => flood()?,
        b"%PDF-memory" => {
            replyx_extract::confine()?;
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(black_box(vec![1; 64 << 20]));
            }
        }
        #[cfg(target_os = "linux")]
        order if order.starts_with(b"%PDF-attempts ") => attempt(order)?,
        #[cfg(target_os = "linux")]
        b"%PDF-old kernel" => {
            forget(&[attempts::LANDLOCK, attempts::SECCOMP])?;
            let missing = replyx_extract::confine()?.missing;
            let parts: Vec<&str> = missing.iter().map(|missing| missing.part.as_str()).collect();
            attempts::answer(&parts.join(" "))?;
        }
        b"%PDF-nonsense" => println!("{{\"Ok\": 7}}"),
        b"%PDF-write" => {
            replyx_extract::confine()?;
            let file = std::env::temp_dir().join("replyx-extract-must-not-write");
            std::fs::write(file, "x").expect("must fail or die");
        }
        _ => replyx_extract::child_main(kind)?,
    }
    Ok(())
}

/// From here on the kernel does not know these calls.
#[cfg(target_os = "linux")]
fn forget(calls: &[libc::c_long]) -> io::Result<()> {
    attempts::forget(calls).map_err(|error| io::Error::other(error.to_string()))
}

/// `%PDF-attempts HOW SERVER PATH...`, where `HOW` is one of
///
/// - `confined`, `free`: all attempts, confined or not,
/// - `without-landlock`: all attempts, held by the filter of calls,
/// - `without-seccomp`, `paths`: those that Landlock refuses, held by it alone or not at all,
/// - `limits`, `descriptors`: those that the bound on descriptors refuses, held by it alone or not
///   at all.
#[cfg(target_os = "linux")]
fn attempt(order: &[u8]) -> io::Result<()> {
    let order = String::from_utf8_lossy(order).into_owned();
    let words: Vec<&str> = order.split(' ').collect();
    let how = words[1];
    let server = words[2];
    let paths = &words[3..];
    let parent = rustix::process::getppid().expect("somebody waits for this");
    match how {
        "without-landlock" => forget(&[attempts::LANDLOCK])?,
        "without-seccomp" => forget(&[attempts::SECCOMP])?,
        "limits" => forget(&[attempts::LANDLOCK, attempts::SECCOMP])?,
        _ => {}
    }
    if !matches!(how, "free" | "paths" | "descriptors") {
        replyx_extract::confine()?;
    }

    let said = match how {
        "without-seccomp" => attempts::of_paths(paths, server) + &attempts::of_programs(),
        "paths" => attempts::of_paths(paths, server),
        "limits" | "descriptors" => attempts::of_descriptors(paths, server),
        _ => attempts::all(parent, paths, server),
    };
    attempts::answer(&said)
}

fn flood() -> io::Result<()> {
    loop {
        io::stdout().write_all(b"xxxxxxxxxxxxxxxx")?;
    }
}
