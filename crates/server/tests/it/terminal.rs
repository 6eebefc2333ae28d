//! Output as the shell meets it: pipes whose reader has gone, files, terminals.

use std::{
    fs::File,
    io::{self, Read, Write},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use replyx_core::clock::Clock;
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

/// A command on a terminal, at which somebody can type.
struct Terminal {
    child: Child,
    keys: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn open(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let child = Command::new(REPLYX)
            .args(arguments)
            .env_clear()
            .env("TELEGRAM_API_URL", "http://127.0.0.1:1")
            .envs(variables.iter().copied())
            .stdin(slave())
            .stdout(slave())
            .stderr(slave())
            .spawn()
            .unwrap();
        let keys = File::from(master);
        let mut screen = keys.try_clone().unwrap();
        let shown = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { child, keys, shown }
    }

    async fn shows(&self, text: &str) {
        until(&format!("`{text}` is shown"), async || {
            let shown = self.shown.lock().unwrap().clone();
            String::from_utf8_lossy(&shown).contains(text).then_some(())
        })
        .await;
    }

    /// Types a line, and tells whether the command ended well.
    async fn enter(mut self, line: &str) -> bool {
        writeln!(self.keys, "{line}").unwrap();
        let status = until("the command ends", async || self.child.try_wait().unwrap()).await;
        status.success()
    }
}

/// A person may take their time, and others do not know that they are asked something.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_migrations_back_is_alone_from_the_question_to_the_end() {
    for home in [Home::postgres().await, Home::sqlite().await] {
        let db = &home.db.db;
        let process = Clock::system().id();
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = elsewhere.path().to_str().unwrap();
        let variables = [("DATABASE_URL", &*home.db.url), ("DATA_DIR", folder)];
        home.open().await.program.terminate().await;

        let asked = Terminal::open(&["migrate", "down"], &variables);
        asked.shows("Type `yes`").await;
        if db.is_shared() {
            let (status, text) = home.launch().run().await;
            assert!(!status.success() && text.contains("`migrate down` is working"), "{text}");
            let another = tempfile::tempdir().unwrap();
            let other = Terminal::open(
                &["migrate", "down", "--yes"],
                &[variables[0], ("DATA_DIR", another.path().to_str().unwrap())],
            );
            other.shows("another `migrate` is at work").await;
            assert!(!other.enter("").await);
        }
        // A process that does not know the lock.
        let mut tx = db.begin().await.unwrap();
        tx.system().processes().beat(process, Clock::system().now()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!asked.enter("yes").await, "taken back under a process that lives");
        assert!(db.migrations().await.unwrap().iter().all(|migration| migration.applied));

        let mut tx = db.begin().await.unwrap();
        tx.system().processes().leave(process).await.unwrap();
        tx.commit().await.unwrap();
        let asked = Terminal::open(&["migrate", "down"], &variables);
        asked.shows("Type `yes`").await;
        assert!(asked.enter("yes").await);
        assert!(!db.migrations().await.unwrap().last().unwrap().applied);
        // The lock has gone with the command.
        home.launch().start().await.terminate().await;
    }
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
