//! Output as the shell meets it: pipes whose reader has gone, files, terminals.

use std::{
    fs::File,
    io::{self, Read},
    process::{Command, Output, Stdio},
};

use replyx_testkit::api::Api;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::harness::{Home, REPLYX, until};

/// Runs a command whose outputs nobody reads: as `replyx ... 2>&1 | true`.
fn unread(arguments: &[&str], folder: &str) -> Output {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let errors = tempfile::tempfile().unwrap();
    let kept = errors.try_clone().unwrap();
    let status = Command::new(REPLYX)
        .args(arguments)
        .env_clear()
        .env("DATA_DIR", folder)
        .env("TELEGRAM_API_URL", "http://127.0.0.1:1")
        .env("RUST_BACKTRACE", "1")
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(errors)
        .status()
        .unwrap();
    let mut stderr = Vec::new();
    let mut kept = kept;
    io::Seek::rewind(&mut kept).unwrap();
    kept.read_to_end(&mut stderr).unwrap();
    Output { status, stdout: Vec::new(), stderr }
}

#[test]
fn a_command_into_a_closed_pipe_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["openapi"],
        &["config"],
        &["config", "check"],
        &["doctor"],
        &["migrate", "up"],
        &["migrate", "status"],
        &["admin", "audit", "verify"],
    ] {
        let output = unread(arguments, data);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked") && !said.contains("backtrace"), "{arguments:?}: {said}");
        assert!(!said.contains("Broken pipe"), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    }
}

/// Also the log may have no reader, and the program serves on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_output_nobody_reads_goes_on() {
    let home = Home::sqlite().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut child = tokio::process::Command::new(REPLYX)
        .args(["serve", "--port", &port.to_string()])
        .env_clear()
        .env("DATA_DIR", home.folder.path())
        .env("TELEGRAM_API_URL", home.telegram.url())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let client = reqwest::Client::new();
    let base = format!("http://127.0.0.1:{port}");
    until("it listens", async || {
        let asked = client.get(format!("{base}/health/live")).send().await;
        asked.is_ok().then_some(())
    })
    .await;
    let api = Api::new(base);
    // Each of these is logged.
    for _ in 0..3 {
        api.get("/api/v1/me").await.expect(401);
    }
    assert!(child.try_wait().unwrap().is_none(), "it lives");
}

/// Runs a command on a terminal and returns what it shows.
fn on_a_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut child = Command::new(REPLYX)
        .args(arguments)
        .env_clear()
        .env("DATA_DIR", "/nowhere")
        .env("TELEGRAM_API_URL", "http://127.0.0.1:1")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(slave())
        .stderr(slave())
        .spawn()
        .unwrap();
    let mut master = File::from(master);
    let reading = std::thread::spawn(move || {
        let mut shown = Vec::new();
        let mut buffer = [0; 4096];
        // A terminal that the last program has left answers with an error.
        while let Ok(length @ 1..) = master.read(&mut buffer) {
            shown.extend_from_slice(&buffer[..length]);
        }
        shown
    });
    child.wait().unwrap();
    String::from_utf8_lossy(&reading.join().unwrap()).into_owned()
}

#[test]
fn colors_are_for_terminals_that_want_them() {
    const ESCAPE: char = '\u{1b}';
    let shown = on_a_terminal(&["doctor"], &[("TERM", "xterm")]);
    assert!(shown.contains("configuration") && shown.contains(ESCAPE), "{shown}");
    for plain in [[("TERM", "xterm"), ("NO_COLOR", "1")], [("TERM", "dumb"), ("NO_COLOR", "")]] {
        let shown = on_a_terminal(&["doctor"], &plain);
        assert!(shown.contains("configuration") && !shown.contains(ESCAPE), "{plain:?}: {shown}");
    }
    let piped = Command::new(REPLYX).args(["config"]).env_clear().output().unwrap();
    assert!(!String::from_utf8_lossy(&piped.stdout).contains(ESCAPE));
}

/// The log of a start that fails: on a terminal in colors, in a file without.
#[tokio::test]
async fn the_log_in_a_file_has_no_colors() {
    let home = Home::sqlite().await;
    let program = home.launch().start().await;
    let started = async || Some(program.log()).filter(|log| log.contains("started"));
    let log = until("the start is told", started).await;
    assert!(!log.contains('\u{1b}'), "{log}");
}
