//! Mail by SMTP. One connection for each mail: mails are few, and a connection that is kept has to
//! be distrusted.

use std::time::Duration;

use lettre::{
    Address,
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailParameter},
    },
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use url::{Host, Url};

use super::{EmailError, Stage};

/// How long a whole mail may take, unless told otherwise.
const WHOLE: Duration = Duration::from_secs(30);
/// How long to wait for a connection to one of the server's addresses.
const CONNECT: Duration = Duration::from_secs(10);
/// How long to say goodbye; the mail has left already.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where mail is handed over, and how.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    host: String,
    port: u16,
    tls: Tls,
    login: Option<(String, SecretString)>,
    hello: String,
    pub(super) patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    /// From the first byte.
    Implicit,
    /// By `STARTTLS`, or not at all.
    Required,
    /// By `STARTTLS` if the server can.
    Opportunistic,
    None,
}

impl Relay {
    /// Reads the address of a mail server. `domain` is the sender's: by that name we introduce
    /// ourselves.
    pub(super) fn parse(url: &SecretString, domain: &str) -> Result<Self, EmailError> {
        // The error of the parser may show a part of the password.
        let url = Url::parse(url.expose_secret()).map_err(|_| EmailError::Url("is not a url"))?;
        let mut tls = None;
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("tls", "required") => tls = Some(Tls::Required),
                ("tls", "opportunistic") => tls = Some(Tls::Opportunistic),
                ("tls", "none") => tls = Some(Tls::None),
                ("tls", _) => {
                    return Err(EmailError::Url(
                        "has a `tls` that is not `required`, `opportunistic` or `none`",
                    ));
                }
                _ => return Err(EmailError::Url("has a parameter other than `tls`")),
            }
        }
        let (tls, port) = match (url.scheme(), tls) {
            ("smtps", None) => (Tls::Implicit, 465),
            ("smtps", Some(_)) => {
                return Err(EmailError::Url("is `smtps`, which takes no `tls`"));
            }
            ("smtp", tls) => (tls.unwrap_or(Tls::Required), 587),
            _ => return Err(EmailError::Url("does not begin with `smtp://` or `smtps://`")),
        };
        if !matches!(url.path(), "" | "/") {
            return Err(EmailError::Url("has a path"));
        }
        Ok(Self {
            host: host(&url)?,
            port: url.port().unwrap_or(port),
            tls,
            login: login(&url)?,
            hello: domain.to_owned(),
            patience: WHOLE,
        })
    }

    /// Hands a message over.
    pub(super) async fn send(
        &self,
        from: &Address,
        to: &Address,
        message: &[u8],
    ) -> Result<(), EmailError> {
        // Dropping the connection on the way ends the attempt: the server keeps only what it has
        // confirmed.
        let mut connection = timeout(self.patience, async {
            let mut connection = self.connect().await?;
            hand_over(&mut connection, from, to, message).await?;
            Ok::<_, EmailError>(connection)
        })
        .await
        .map_err(|_| EmailError::TimedOut)??;
        let _ = timeout(GOODBYE, connection.quit()).await;
        Ok(())
    }

    /// Connects, signs in and says goodbye.
    pub(super) async fn probe(&self) -> Result<(), EmailError> {
        let connected = timeout(self.patience, self.connect()).await;
        let mut connection = connected.map_err(|_| EmailError::TimedOut)??;
        let _ = timeout(GOODBYE, connection.quit()).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, EmailError> {
        let at = failed(Stage::Greeting);
        let tls = || TlsParameters::new(self.host.clone()).map_err(EmailError::Connection);
        let hello = ClientId::Domain(self.hello.clone());
        let implicit = (self.tls == Tls::Implicit).then(tls).transpose()?;
        let address = (self.host.trim_matches(['[', ']']), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &hello, implicit, None)
                .await
                .map_err(at)?;

        match self.tls {
            Tls::Required | Tls::Opportunistic if connection.can_starttls() => {
                connection.starttls(tls()?, &hello).await.map_err(at)?;
            }
            Tls::Required => return Err(EmailError::NotEncrypted),
            Tls::Implicit | Tls::Opportunistic | Tls::None => {}
        }

        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection
                .auth(DEFAULT_MECHANISMS, &credentials)
                .await
                .map_err(failed(Stage::SignIn))?;
        }

        Ok(connection)
    }
}

async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    from: &Address,
    to: &Address,
    message: &[u8],
) -> Result<(), EmailError> {
    let mut parameters = Vec::new();
    if [from, to].iter().any(|address| !address.user().is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(EmailError::Alphabet);
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }

    connection
        .command(Mail::new(Some(from.clone()), parameters))
        .await
        .map_err(failed(Stage::Sender))?;
    connection
        .command(Rcpt::new(to.clone(), Vec::new()))
        .await
        .map_err(failed(Stage::Recipient))?;
    connection.command(Data).await.map_err(failed(Stage::Message))?;
    connection.message(message).await.map_err(failed(Stage::Message))?;

    Ok(())
}

/// Sorts a failure by what the server was asked.
fn failed(stage: Stage) -> impl Fn(smtp::Error) -> EmailError + Copy {
    move |error| match error.status() {
        Some(code) => EmailError::Refused { stage, code: code.into() },
        // Its text holds what the server said.
        None if error.is_response() => EmailError::Garbled,
        None => EmailError::Connection(error),
    }
}

fn host(url: &Url) -> Result<String, EmailError> {
    match url.host() {
        // The scheme is not one of the web's: a name comes as it was written.
        Some(Host::Domain(name)) if !name.is_empty() => Ok(name.to_owned()),
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Ipv6(address)) => Ok(address.to_string()),
        _ => Err(EmailError::Url("has no host")),
    }
}

fn login(url: &Url) -> Result<Option<(String, SecretString)>, EmailError> {
    let Some(password) = url.password() else {
        return if url.username().is_empty() {
            Ok(None)
        } else {
            Err(EmailError::Url("has a user and no password"))
        };
    };
    // A query decodes `%40` to `@` as a login needs it, but a `+` to a space: it is written `%2B`
    // there.
    let decoded = |text: &str| {
        let query = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
        let pair = url::form_urlencoded::parse(query.as_bytes()).next();
        pair.map(|(_, text)| text.into_owned()).unwrap_or_default()
    };
    Ok(Some((decoded(url.username()), SecretString::from(decoded(password)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Relay, EmailError> {
        Relay::parse(&SecretString::from(url), "example.org")
    }

    #[test]
    fn the_forms_of_an_address() {
        for (url, host, port, tls) in [
            ("smtp://mail.example.org", "mail.example.org", 587, Tls::Required),
            ("smtp://mail.example.org/?tls=required", "mail.example.org", 587, Tls::Required),
            (
                "smtp://mail.example.org:25?tls=opportunistic",
                "mail.example.org",
                25,
                Tls::Opportunistic,
            ),
            ("smtp://127.0.0.1:1025?tls=none", "127.0.0.1", 1025, Tls::None),
            ("smtp://[::1]:1025?tls=none", "::1", 1025, Tls::None),
            ("smtps://mail.example.org", "mail.example.org", 465, Tls::Implicit),
            ("smtps://mail.example.org:2465", "mail.example.org", 2465, Tls::Implicit),
        ] {
            let relay = parse(url).unwrap();
            assert_eq!((relay.host.as_str(), relay.port, relay.tls), (host, port, tls), "{url}");
            assert!(relay.login.is_none());
        }
        for url in [
            "",
            "mail.example.org",
            "http://mail.example.org",
            "smtp://",
            "smtp://mail.example.org?tls=maybe",
            "smtp://mail.example.org?ssl=1",
            "smtp://mail.example.org/name",
            "smtps://mail.example.org?tls=none",
            "smtp://user@mail.example.org",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_login_is_decoded_and_not_shown() {
        let relay =
            parse("smtps://ann%40example.org:p%2Bq+%26%3A%20%D1%8F@mail.example.org").unwrap();
        let (user, password) = relay.login.clone().unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("ann@example.org", "p+q+&: я"));
        assert!(!format!("{relay:?}").contains("p+q"));
        let error = parse("smtps://ann:hunter2@mail.example.org:99999").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
