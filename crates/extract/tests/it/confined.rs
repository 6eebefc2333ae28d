use std::{fs::File, net::TcpListener, path::Path};

use replyx_core::knowledge::DocumentKind::{self, Pdf};
use replyx_extract::{
    ExtractError, Unreadable, confinement, isolated, isolated_pairs, pairs, parse,
};

use crate::extract::program;

/// What the test child achieved, a line each: `what: done` or `what: refused`.
async fn attempts(how: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.key");
    let database = folder.path().join("replyx.db");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::write(&database, "rows").unwrap();
    // Whoever starts the program may leave descriptors open, a lock or a log.
    let open = File::open(&secret).unwrap();
    rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();

    let order = format!(
        "%PDF-attempts {how} {} {} {}",
        server.local_addr().unwrap(),
        secret.display(),
        database.display()
    );
    let found = isolated(program(), Pdf, order.as_bytes()).await.unwrap();
    if !matches!(how, "free" | "paths") {
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "secret");
        assert_eq!(std::fs::read_to_string(&database).unwrap(), "rows");
    }
    found.text.lines().map(str::to_owned).collect()
}

/// What the system this test runs on must have: otherwise the test says so instead of passing.
async fn everything_is_there() {
    replyx_extract::hide().unwrap();
    let readable = rustix::process::dumpable_behavior().unwrap();
    assert_eq!(readable, rustix::process::DumpableBehavior::NotDumpable);
    let found = confinement(program()).await.unwrap();
    assert_eq!(found.missing, [], "this system cannot confine children");
}

#[tokio::test]
async fn a_child_that_was_taken_over_reaches_nothing() {
    everything_is_there().await;

    let said = attempts("confined").await;

    assert!(said.len() > 25, "{said:#?}");
    let achieved: Vec<&String> = said.iter().filter(|line| !line.ends_with(": refused")).collect();
    assert!(achieved.is_empty(), "{achieved:#?}");
}

/// The filter of calls holds by itself, where the kernel has no Landlock.
#[tokio::test]
async fn a_child_that_was_taken_over_reaches_nothing_without_landlock_either() {
    everything_is_there().await;

    let said = attempts("without-landlock").await;

    assert!(said.len() > 25, "{said:#?}");
    let achieved: Vec<&String> = said.iter().filter(|line| !line.ends_with(": refused")).collect();
    assert!(achieved.is_empty(), "{achieved:#?}");
}

/// Has the Landlock of this kernel rules for ports? Linux 6.7 brought them; before, the filter of
/// calls holds alone.
fn has_rules_for_ports() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(7))
}

/// Landlock holds by itself, where the kernel has no filters of calls or one of them has a hole.
#[tokio::test]
async fn landlock_alone_keeps_files_ports_and_programs_away() {
    everything_is_there().await;

    let mut said = attempts("without-seccomp").await;

    assert_eq!(said.len(), 10, "{said:#?}");
    if !has_rules_for_ports() {
        said.retain(|line| !line.starts_with("connect:") && !line.starts_with("listen:"));
    }
    let achieved: Vec<&String> = said.iter().filter(|line| !line.ends_with(": refused")).collect();
    assert!(achieved.is_empty(), "{achieved:#?}");

    // They are refused by Landlock and by nothing else.
    let said = attempts("paths").await;
    assert_eq!(said.len(), 9, "{said:#?}");
    let failed: Vec<&String> = said.iter().filter(|line| !line.ends_with(": done")).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The bound on descriptors holds by itself, where the kernel has neither Landlock nor filters of
/// calls.
#[tokio::test]
async fn no_further_descriptor_can_be_had_whatever_the_kernel_lacks() {
    everything_is_there().await;

    let said = attempts("limits").await;

    let refused = ["open a file", "connect", "open a file after raising the bound"];
    assert_eq!(said, refused.map(|what| format!("{what}: refused")));
    let said = attempts("descriptors").await;
    assert_eq!(said, refused.map(|what| format!("{what}: done")));
}

/// The same attempts succeed in a child that is not confined: otherwise the test above would prove
/// nothing.
#[tokio::test]
async fn the_attempts_are_real() {
    let said = attempts("free").await;

    for what in [
        "list a folder",
        "read the parent's environ",
        "read its own environment",
        "connect",
        "listen",
        "send a datagram",
        "make a pair of sockets",
        "run a program",
        "start a thread",
        "signal the parent",
        "become readable",
        "use what was inherited",
    ] {
        assert!(said.contains(&format!("{what}: done")), "{what}: {said:#?}");
    }
    let secrets = said.iter().filter(|line| line.contains("secret.key: done")).count();
    assert_eq!(secrets, 4, "{said:#?}");
}

#[tokio::test]
async fn a_kernel_that_lacks_parts_is_told_of_and_the_child_goes_on_with_the_others() {
    replyx_extract::hide().unwrap();
    let found = isolated(program(), Pdf, b"%PDF-old kernel").await.unwrap();
    assert_eq!(found.text, "files calls");
}

#[tokio::test]
async fn every_file_reads_as_it_does_without_confinement() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["data", "files/office", "files/pdf", "files/text"];
    let folders = folders.map(|folder| here.join("tests").join(folder));
    let mut read = 0;
    for entry in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(kind) = replyx_extract::detect(&name, &bytes) else { continue };
        // It eats all memory where nothing stops it.
        if name == "bomb.pdf" {
            continue;
        }
        let confined = match isolated(program(), kind, &bytes).await {
            Ok(found) => Ok(found),
            Err(ExtractError::Unreadable(why)) => Err(why),
            Err(other) => panic!("{name}: {other:?}"),
        };
        assert_eq!(confined, free(kind, bytes).await, "{name}");
        read += usize::from(confined.is_ok());
    }
    assert!(read > 30, "{read} files were read");
}

#[tokio::test]
async fn a_table_of_answers_is_read_in_a_child() {
    let table = "question,answer\nOpen?,Yes\n\"Cards, or cash?\",Both\n".as_bytes();
    let found = isolated_pairs(program(), table).await.unwrap();
    assert_eq!(found, pairs(table).unwrap());

    let bad = isolated_pairs(program(), b"question,answer\nOpen?,\n").await;
    let half = Unreadable::HalfPair { row: 2 };
    assert!(matches!(bad, Err(ExtractError::Unreadable(why)) if why == half), "{bad:?}");
    let missing = isolated_pairs(Path::new("/no/such/program"), table).await;
    assert!(matches!(missing, Err(ExtractError::Program(_))), "{missing:?}");
}

async fn free(kind: DocumentKind, bytes: Vec<u8>) -> Result<replyx_extract::Extracted, Unreadable> {
    tokio::task::spawn_blocking(move || parse(kind, &bytes)).await.unwrap()
}
