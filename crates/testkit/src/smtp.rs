//! A mail server that is strict, remembers, and fails on order.
//!
//! [`FakeSmtp`] speaks SMTP over real TCP: commands in the order of RFC 5321, lines that end in CR
//! LF and are not too long, dots unstuffed, `AUTH PLAIN` when a login is set, TLS when it has a
//! certificate. What breaks a rule is refused as a real server would, and noted in
//! [`FakeSmtp::violations`].

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

mod received;
mod session;

pub use received::Received;

/// How long [`FakeSmtp::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many mails are kept.
const KEPT: usize = 10_000;

/// At which step a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpStep {
    /// As soon as there is a connection.
    Connect,
    /// At `AUTH`.
    Auth,
    /// At `MAIL`.
    Mail,
    /// At `RCPT`.
    Rcpt,
    /// At `DATA`.
    Data,
    /// After the message.
    Message,
    /// At `QUIT`.
    Quit,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpFault {
    /// The step is answered with this code. The text of the answer repeats the recipient, as real
    /// servers do.
    Refuse(u16),
    /// The connection is closed without an answer.
    Drop,
    /// The message is kept, and the connection is closed without an answer. Only for
    /// [`SmtpStep::Message`].
    KeepAndDrop,
    /// No answer comes; the connection stays open.
    Hang,
    /// The answer is not SMTP.
    Garble,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte.
    Implicit,
    /// By `STARTTLS`, before which no mail is taken.
    StartTls,
}

/// A running mail server. It ends when this is dropped.
#[derive(Debug)]
pub struct FakeSmtp {
    world: Arc<World>,
    port: u16,
    accepting: AbortHandle,
}

/// What all connections share.
#[derive(Debug, Default)]
struct World {
    login: Option<(String, String)>,
    tls: Option<(Encryption, Arc<ServerConfig>)>,
    received: watch::Sender<Vec<Received>>,
    violations: Mutex<Vec<String>>,
    faults: Mutex<VecDeque<(SmtpStep, SmtpFault)>>,
    connections: Mutex<u64>,
}

impl FakeSmtp {
    /// A server on a free port that takes mail from everybody.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start() -> Self {
        Self::run(World::default()).await
    }

    /// A server that takes mail from nobody but this user.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start_with_login(user: &str, password: &str) -> Self {
        let login = Some((user.to_owned(), password.to_owned()));
        Self::run(World { login, ..World::default() }).await
    }

    /// A server that takes mail from this user only, over encrypted connections only.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start_encrypted(
        encryption: Encryption,
        config: Arc<ServerConfig>,
        user: &str,
        password: &str,
    ) -> Self {
        let login = Some((user.to_owned(), password.to_owned()));
        Self::run(World { login, tls: Some((encryption, config)), ..World::default() }).await
    }

    async fn run(world: World) -> Self {
        let world = Arc::new(world);
        let bound = async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let port = listener.local_addr()?.port();
            Ok::<_, io::Error>((listener, port))
        };
        let (listener, port) = bound.await.expect("a port is free");
        let accepting = tokio::spawn(accept(listener, Arc::clone(&world))).abort_handle();
        Self { world, port, accepting }
    }

    /// `SMTP_URL` for this server, with the login when there is one.
    pub fn url(&self) -> String {
        let login = self.world.login.as_ref().map(|(user, password)| format!("{user}:{password}@"));
        let (scheme, tls) = match self.world.tls {
            None => ("smtp", "?tls=none"),
            Some((Encryption::StartTls, _)) => ("smtp", "?tls=required"),
            Some((Encryption::Implicit, _)) => ("smtps", ""),
        };
        format!("{scheme}://{}127.0.0.1:{}{tls}", login.unwrap_or_default(), self.port)
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Orders a fault; each happens once. Those of one step happen in the order they were ordered
    /// in.
    pub fn fail(&self, step: SmtpStep, fault: SmtpFault) {
        lock(&self.world.faults).push_back((step, fault));
    }

    /// Orders the same fault so many times.
    pub fn fail_next(&self, times: usize, step: SmtpStep, fault: SmtpFault) {
        lock(&self.world.faults).extend(std::iter::repeat_n((step, fault), times));
    }

    /// How many ordered faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        lock(&self.world.faults).len()
    }

    /// Every mail taken, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.world.received.borrow().clone()
    }

    /// Forgets the mails taken so far.
    pub fn clear(&self) {
        self.world.received.send_modify(Vec::clear);
    }

    /// The newest mail to this address that pleases, waiting for it up to 15 s.
    ///
    /// # Panics
    ///
    /// When none comes.
    pub async fn wait_for(&self, to: &str, pleases: impl Fn(&Received) -> bool) -> Received {
        let ours = |mail: &&Received| mail.to.iter().any(|other| other == to) && pleases(mail);
        let mut watched = self.world.received.subscribe();
        let waited = async {
            loop {
                let found = watched.borrow_and_update().iter().rev().find(ours).cloned();
                if let Some(mail) = found {
                    return mail;
                }
                watched.changed().await.expect("the server lives as long as its handle");
            }
        };
        let Ok(mail) = timeout(PATIENCE, waited).await else {
            panic!("no such mail to `{to}` came; there are {:#?}", self.received());
        };
        mail
    }

    /// Rules that clients have broken.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.world.violations).clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u64 {
        *lock(&self.world.connections)
    }
}

impl Drop for FakeSmtp {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl World {
    /// The fault ordered for this step, if there is one.
    fn strike(&self, step: SmtpStep) -> Option<SmtpFault> {
        let mut faults = lock(&self.faults);
        let at = faults.iter().position(|(other, _)| *other == step)?;
        faults.remove(at).map(|(_, fault)| fault)
    }

    fn keep(&self, mail: Received) {
        self.received.send_modify(|mails| {
            if mails.len() < KEPT {
                mails.push(mail);
            }
        });
    }

    fn violation(&self, what: impl Into<String>) {
        let mut violations = lock(&self.violations);
        if violations.len() < KEPT {
            violations.push(what.into());
        }
    }
}

/// Connections end with the task that accepts them.
async fn accept(listener: TcpListener, world: Arc<World>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    *lock(&world.connections) += 1;
                    sessions.spawn(session::serve(stream, Arc::clone(&world)));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = sessions.join_next() => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
