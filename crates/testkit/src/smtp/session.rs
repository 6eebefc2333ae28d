//! One connection: RFC 5321 in the order it asks for.

use std::{io, sync::Arc};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::either::Either;

use super::{Encryption, Received, SmtpFault, SmtpStep, World};

type Wire = Either<TcpStream, TlsStream<TcpStream>>;

/// RFC 5321, 4.5.3.1: a line of text with its end.
const LINE: usize = 1_000;
/// The largest message, bytes.
const MESSAGE: usize = 5 * 1024 * 1024;
/// So many recipients of one message.
const RECIPIENTS: usize = 100;

/// Why a connection ends.
enum End {
    Closed,
    Broken,
    /// It goes on encrypted.
    Upgrade,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

struct Session {
    stream: BufReader<Wire>,
    world: Arc<World>,
    encrypted: bool,
    greeted: bool,
    known: bool,
    from: Option<String>,
    to: Vec<String>,
}

pub(super) async fn serve(stream: TcpStream, world: Arc<World>) {
    // Broken or closed: either way there is nobody to tell.
    let _ = converse(stream, world).await;
}

async fn converse(tcp: TcpStream, world: Arc<World>) -> Result<(), End> {
    let tls =
        world.tls.as_ref().map(|(when, config)| (*when, TlsAcceptor::from(Arc::clone(config))));
    let mut session = match &tls {
        Some((Encryption::Implicit, acceptor)) => {
            Session::new(Either::Right(acceptor.accept(tcp).await?), world)
        }
        _ => Session::new(Either::Left(tcp), world),
    };
    if session.strike(SmtpStep::Connect).await? {
        return Ok(());
    }
    session.say("220 fake.test ESMTP").await?;
    loop {
        let (Err(End::Upgrade), Some((_, acceptor))) = (session.talk().await, &tls) else {
            return Ok(());
        };
        if !session.stream.buffer().is_empty() {
            session.world.violation("commands behind STARTTLS, in the clear");
        }
        let Either::Left(tcp) = session.stream.into_inner() else { return Ok(()) };
        session = Session::new(Either::Right(acceptor.accept(tcp).await?), session.world);
    }
}

impl Session {
    fn new(stream: Wire, world: Arc<World>) -> Self {
        Self {
            encrypted: matches!(stream, Either::Right(_)),
            stream: BufReader::new(stream),
            known: world.login.is_none(),
            world,
            greeted: false,
            from: None,
            to: Vec::new(),
        }
    }

    async fn talk(&mut self) -> Result<(), End> {
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));

            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.ehlo(rest).await?,
                "STARTTLS" => {
                    if !self.greeted || self.encrypted || self.world.tls.is_none() {
                        self.refuse(503, "STARTTLS at the wrong time").await?;
                        continue;
                    }
                    self.say("220 2.0.0 go ahead").await?;
                    return Err(End::Upgrade);
                }
                "AUTH" => self.auth(rest).await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.rcpt(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.reset();
                    self.say("250 2.0.0 forgotten").await?;
                }
                "NOOP" => self.say("250 2.0.0 fine").await?,
                "QUIT" => {
                    if !self.strike(SmtpStep::Quit).await? {
                        self.say("221 2.0.0 bye").await?;
                    }
                    return Err(End::Closed);
                }
                _ => self.refuse(500, "is not a command").await?,
            }
        }
    }

    async fn ehlo(&mut self, name: &str) -> Result<(), End> {
        if name.is_empty() || name.contains(' ') {
            return self.refuse(501, "EHLO needs one name").await;
        }
        self.greeted = true;
        self.reset();
        let extra = match (&self.world.tls, &self.world.login) {
            (Some(_), _) if !self.encrypted => "250-STARTTLS\r\n",
            (_, Some(_)) => "250-AUTH PLAIN\r\n",
            _ => "",
        };
        self.say(&format!("250-fake.test\r\n250-8BITMIME\r\n{extra}250 SIZE {MESSAGE}")).await
    }

    async fn auth(&mut self, rest: &str) -> Result<(), End> {
        if self.strike(SmtpStep::Auth).await? {
            return Ok(());
        }
        let Some((user, password)) = self.world.login.clone() else {
            return self.refuse(502, "AUTH was not offered").await;
        };
        let given = rest.strip_prefix("PLAIN ").and_then(|text| BASE64_STANDARD.decode(text).ok());
        if self.world.tls.is_some() && !self.encrypted {
            return self.refuse(538, "AUTH in the clear").await;
        }
        if !self.greeted || self.from.is_some() {
            return self.refuse(503, "AUTH at the wrong time").await;
        }
        if given.as_deref() == Some(format!("\0{user}\0{password}").as_bytes()) {
            self.known = true;
            return self.say("235 2.7.0 welcome").await;
        }
        // Not a violation: a wrong password is no breach of the protocol.
        self.say("535 5.7.8 wrong user or password").await
    }

    async fn mail(&mut self, rest: &str) -> Result<(), End> {
        if !self.greeted || self.from.is_some() {
            return self.refuse(503, "MAIL at the wrong time").await;
        }
        if !self.known {
            return self.refuse(530, "MAIL before AUTH").await;
        }
        let Some(from) = path(rest, "FROM:") else {
            return self.refuse(501, "MAIL without a path").await;
        };
        if self.strike(SmtpStep::Mail).await? {
            return Ok(());
        }
        self.from = Some(from);
        self.say("250 2.1.0 fine").await
    }

    async fn rcpt(&mut self, rest: &str) -> Result<(), End> {
        if self.from.is_none() {
            return self.refuse(503, "RCPT before MAIL").await;
        }
        if self.to.len() >= RECIPIENTS {
            return self.refuse(452, "too many recipients").await;
        }
        let Some(to) = path(rest, "TO:").filter(|to| !to.is_empty()) else {
            return self.refuse(501, "RCPT without a path").await;
        };
        self.to.push(to);
        if self.strike(SmtpStep::Rcpt).await? {
            self.to.pop();
            return Ok(());
        }
        self.say("250 2.1.5 fine").await
    }

    async fn data(&mut self) -> Result<(), End> {
        if self.to.is_empty() {
            return self.refuse(503, "DATA before RCPT").await;
        }
        if self.strike(SmtpStep::Data).await? {
            return Ok(());
        }

        self.say("354 go ahead").await?;
        let mut data = Vec::new();
        loop {
            let line = self.bytes().await?;
            if line == b"." {
                break;
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            if data.len() + line.len() > MESSAGE {
                return self.refuse(552, "the message is too large").await;
            }
            data.extend_from_slice(line);
            data.extend_from_slice(b"\r\n");
        }

        if !data.is_ascii() {
            return self.refuse(554, "8-bit text without BODY=8BITMIME").await;
        }

        let from = self.from.clone().unwrap_or_default();
        let mail = match Received::read(from, self.to.clone(), data) {
            Ok(mail) => mail,
            Err(why) => return self.refuse(554, &why).await,
        };

        for name in ["Date", "From", "Message-ID"] {
            let count = mail.headers.iter().filter(|(other, _)| other == name).count();
            if count != 1 {
                self.world.violation(format!("a message with {count} headers `{name}`"));
            }
        }

        match self.world.strike(SmtpStep::Message) {
            Some(SmtpFault::KeepAndDrop) => {
                self.world.keep(mail);
                return Err(End::Closed);
            }
            Some(fault) => {
                self.suffer(fault).await?;
                self.reset();
            }
            None => {
                self.world.keep(mail);
                self.reset();
                self.say("250 2.0.0 taken").await?;
            }
        }

        Ok(())
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// Triggers an ordered fault. True when the step has been answered.
    async fn strike(&mut self, step: SmtpStep) -> Result<bool, End> {
        match self.world.strike(step) {
            None => Ok(false),
            Some(fault) => self.suffer(fault).await.map(|()| true),
        }
    }

    async fn suffer(&mut self, fault: SmtpFault) -> Result<(), End> {
        match fault {
            SmtpFault::Refuse(code) => {
                let who = self.to.last().map_or("you", String::as_str).to_owned();
                self.say(&format!("{code} refused <{who}>")).await?;
                // RFC 5321, 3.8: a server that says 421 closes.
                if code == 421 { Err(End::Closed) } else { Ok(()) }
            }
            SmtpFault::Drop | SmtpFault::KeepAndDrop => Err(End::Closed),
            SmtpFault::Hang => std::future::pending().await,
            SmtpFault::Garble => {
                let who = self.to.last().cloned().unwrap_or_default();
                self.say(&format!("HTTP/1.1 200 OK {who}")).await
            }
        }
    }

    async fn refuse(&mut self, code: u16, why: &str) -> Result<(), End> {
        self.world.violation(why);
        self.say(&format!("{code} {why}")).await
    }

    async fn say(&mut self, text: &str) -> Result<(), End> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await?;
        self.stream.get_mut().flush().await?;
        Ok(())
    }

    async fn line(&mut self) -> Result<String, End> {
        let bytes = self.bytes().await?;
        match String::from_utf8(bytes) {
            Ok(line) if !line.chars().any(char::is_control) => Ok(line),
            _ => {
                self.world.violation("a command with control characters");
                self.say("500 5.5.2 not a command").await?;
                Err(End::Closed)
            }
        }
    }

    /// A line without its end.
    async fn bytes(&mut self) -> Result<Vec<u8>, End> {
        let mut line = Vec::new();
        let limit = u64::try_from(LINE).unwrap_or(u64::MAX);
        if (&mut self.stream).take(limit).read_until(b'\n', &mut line).await? == 0 {
            return Err(End::Closed);
        }
        match line.strip_suffix(b"\r\n") {
            Some(whole) if !whole.contains(&b'\r') => Ok(whole.to_vec()),
            _ => {
                let why = if line.ends_with(b"\n") {
                    "ends or holds a bare CR or LF"
                } else {
                    "is too long"
                };
                self.world.violation(format!("a line {why}"));
                self.say("500 5.5.2 not a line").await?;
                Err(End::Closed)
            }
        }
    }
}

/// The address of `FROM:<address> PARAMETER...`.
fn path(rest: &str, name: &str) -> Option<String> {
    let start = rest.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name))?;
    let (address, parameters) = rest[start.len()..].strip_prefix('<')?.split_once('>')?;
    let plain =
        !address.contains([' ', '<']) && (parameters.is_empty() || parameters.starts_with(' '));
    plain.then(|| address.to_owned())
}
