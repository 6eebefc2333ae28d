//! The real program as a child process: started, killed, started again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long a start may take: debug builds on a loaded machine are slow.
const START: Duration = Duration::from_mins(1);
/// How many bytes of the log are kept.
const LOG: usize = 4 << 20;
/// How many warnings and errors a failing test shows.
const TOLD: usize = 40;

/// How to start the program.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Launch {
    /// `PROGRAM serve` on a free port, with nothing of this process's environment.
    pub fn serve(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: vec!["serve".to_owned()],
            variables: BTreeMap::from([("PORT".to_owned(), "0".to_owned())]),
        }
    }

    /// With an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.variables.insert(name.to_owned(), value.to_string());
        self
    }

    /// With limits that no test reaches. One that is about a limit sets it afterwards.
    #[must_use]
    pub fn unlimited(self) -> Self {
        const RATES: [&str; 19] = [
            "RATE_ADDRESS",
            "RATE_CONTACT",
            "RATE_HOOK_GUESSES",
            "RATE_INVITATION_RECIPIENT",
            "RATE_INVITATION_WORKSPACE",
            "RATE_INVITE",
            "RATE_JOBS",
            "RATE_KEY",
            "RATE_LOGIN",
            "RATE_LOGOUT",
            "RATE_METRICS",
            "RATE_NOTICE_MAIL",
            "RATE_PASSWORD_CHANGE",
            "RATE_PREVIEW",
            "RATE_REFRESH",
            "RATE_REGISTER",
            "RATE_SEARCH",
            "RATE_UPLOAD",
            "RATE_USER",
        ];

        RATES
            .into_iter()
            .fold(self, |launch, name| launch.with(name, "1000000/1s"))
            .with("MAX_REQUESTS_PER_ADDRESS", 1024)
            .with("MAX_CONNECTIONS_PER_ADDRESS", 16_384)
            .with("STREAMS_PER_USER", 1_000)
            .with("STREAMS_PER_WORKSPACE", 1_000)
    }

    /// With a further argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// With its data in this folder.
    #[must_use]
    pub fn data(self, folder: &Path) -> Self {
        self.with("DATA_DIR", folder.display())
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn start(&self) -> Program {
        let mut child = self.spawn();
        let stdout = child.stdout.take().expect("stdout is piped");
        let log = Log::follow(&mut child);
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(START, lines.next_line()).await.ok().and_then(Result::ok).flatten();
        let Some(line) = line else { panic!("the program did not start:\n{}", log.text()) };
        let base = line.trim_start_matches("listening on ").to_owned();
        // Keeps the pipe open, so that later lines find a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Program { child, base, log }
    }

    /// Starts a program that serves no HTTP.
    pub fn start_silent(&self) -> Program {
        let mut child = self.spawn();
        let log = Log::follow(&mut child);
        Program { child, base: String::new(), log }
    }

    /// Runs it to its end and returns its status with what it wrote to both outputs.
    ///
    /// # Panics
    ///
    /// When it cannot be started, and when it does not end within a minute: one that serves does
    /// not by itself.
    pub async fn run(&self) -> (ExitStatus, String) {
        let output = timeout(START, self.command().output()).await;
        let output = output.expect("it ends by itself").expect("the program can be started");
        let text = [output.stdout, output.stderr].concat();
        (output.status, String::from_utf8_lossy(&text).into_owned())
    }

    fn spawn(&self) -> Child {
        self.command().spawn().expect("the program can be started")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// A running program. Dropped, it is dead: what it held, a lock or a port, is free.
#[derive(Debug)]
pub struct Program {
    child: Child,
    base: String,
    log: Log,
}

impl Program {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// SIGKILL: it ends at once, wherever it is.
    pub async fn kill(mut self) {
        let _ = self.child.kill().await;
    }

    /// Waits until it ends by itself, and returns its exit status and its log.
    ///
    /// # Panics
    ///
    /// When it does not within a minute.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        let status = timeout(START, self.child.wait()).await;
        let status = status.expect("it ends").expect("it can be waited for");
        (status, self.log.text())
    }

    /// SIGTERM, and its exit status.
    ///
    /// # Panics
    ///
    /// When it does not end within 30 seconds.
    pub async fn terminate(mut self) -> (ExitStatus, String) {
        let pid = self.pid().to_string();
        let signalled = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(signalled.is_ok_and(|status| status.success()), "SIGTERM could not be sent");
        let status = timeout(Duration::from_secs(30), self.child.wait()).await;
        let status = status.expect("it ends").expect("it can be waited for");
        (status, self.log.text())
    }

    /// Kills it, and returns when the kernel has taken back what it held.
    fn end(&mut self) {
        let _ = self.child.start_kill();
        let deadline = Instant::now() + START;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Resident memory, kB, as the kernel counts it.
    ///
    /// # Panics
    ///
    /// When the process is gone.
    pub fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
    }
}

/// A test that fails says what the program had to say.
impl Drop for Program {
    fn drop(&mut self) {
        self.end();

        if std::thread::panicking() {
            let log = self.log.text();
            let is_trouble = |line: &&str| line.contains("WARN") || line.contains("ERROR");
            let troubles: Vec<_> = log.lines().filter(is_trouble).collect();
            let told = &troubles[troubles.len().saturating_sub(TOLD)..];
            eprintln!("--- the last of {} warnings and errors of the program:", troubles.len());
            eprintln!("{}", told.join("\n"));
        }
    }
}

/// What a program writes to standard error, bounded.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn follow(child: &mut Child) -> Self {
        let log = Self::default();
        let stderr = child.stderr.take().expect("stderr is piped");
        let kept = log.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut text = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
                if text.len() < LOG {
                    text.push_str(&line);
                    text.push('\n');
                }
            }
        });
        log
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
