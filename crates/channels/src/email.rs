//! E-mail: a letter becomes a message, which is sent by SMTP or written to a folder.
//!
//! [`Post::send`] renders the [`Letter`](replyx_core::mail::Letter) in its language from the
//! templates under `email/templates`, as text and as HTML, and hands it over. Nothing that a person
//! typed can become a header, an address or markup: addresses are parsed, values are made one line
//! before they are rendered, and the HTML templates escape. A mail has one `Message-ID` however
//! often it is sent, so that a receiver can tell a repeat.
//!
//! No error holds an address, a password, or what the mail server said.

use std::{path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use replyx_core::{ids::JobId, mail::Mail};
use secrecy::SecretString;

mod address;
mod error;
mod folder;
mod letter;
mod relay;

pub use error::{ATTEMPTS, EmailError, Stage};

/// What the letters are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// Where it is found.
    pub url: Option<String>,
}

/// What makes a mail this one: the same again when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Whose work it is: becomes the `Message-ID`, or the name of the file.
    pub id: JobId,
    /// The `Date`.
    pub at: DateTime<Utc>,
}

/// A way for letters out of the house.
#[derive(Clone, Debug)]
pub struct Post {
    from: Mailbox,
    way: Transport,
}

#[derive(Clone, Debug)]
enum Transport {
    Smtp(relay::Relay),
    Folder(PathBuf),
}

impl Post {
    /// Mail by SMTP: `smtp://user:password@host:587?tls=required`, or `smtps://host:465` for TLS
    /// from the start. `tls` is `required` unless it says `opportunistic` or `none`. Nothing is
    /// connected yet.
    ///
    /// # Errors
    ///
    /// [`EmailError::Url`] or [`EmailError::From`] when one of them cannot be read.
    pub fn smtp(url: &SecretString, from: &str) -> Result<Self, EmailError> {
        let from = address::sender(from)?;
        let relay = relay::Relay::parse(url, from.email.domain())?;
        Ok(Self { from, way: Transport::Smtp(relay) })
    }

    /// Mail into a folder, one `.eml` file for each, named by its [`Stamp::id`], which sorts by
    /// time. The folder is made when it is needed.
    ///
    /// # Errors
    ///
    /// [`EmailError::From`] when it cannot be read.
    pub fn folder(path: impl Into<PathBuf>, from: &str) -> Result<Self, EmailError> {
        Ok(Self { from: address::sender(from)?, way: Transport::Folder(path.into()) })
    }

    /// Gives a mail server so long for a whole mail, instead of 30 s.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        if let Transport::Smtp(relay) = &mut self.way {
            relay.patience = patience;
        }
        self
    }

    /// By which way: `smtp` or `folder`.
    pub const fn way(&self) -> &'static str {
        match self.way {
            Transport::Smtp(_) => "smtp",
            Transport::Folder(_) => "folder",
        }
    }

    /// Renders a mail and hands it over, within 30 s. After a failure whose outcome is not known
    /// the mail may have left all the same.
    ///
    /// # Errors
    ///
    /// [`EmailError::retry`] says whether to try again.
    #[tracing::instrument(name = "email.send", skip_all, fields(letter = mail.letter.kind(), way = self.way()))]
    pub async fn send(
        &self,
        mail: &Mail,
        product: &Product,
        stamp: &Stamp,
    ) -> Result<(), EmailError> {
        let to = address::recipient(&mail.to)?;
        let message = self.compose(&to, mail, product, stamp)?.formatted();
        match &self.way {
            Transport::Smtp(relay) => relay.send(&self.from.email, &to.email, &message).await,
            Transport::Folder(path) => folder::put(path.clone(), stamp.id, message).await,
        }
    }

    /// Tries the way without sending anything: a mail server is greeted, encryption is begun and we
    /// sign in.
    ///
    /// # Errors
    ///
    /// What would fail before a mail is handed over.
    pub async fn probe(&self) -> Result<(), EmailError> {
        match &self.way {
            Transport::Smtp(relay) => relay.probe().await,
            Transport::Folder(_) => Ok(()),
        }
    }

    fn compose(
        &self,
        to: &Mailbox,
        mail: &Mail,
        product: &Product,
        stamp: &Stamp,
    ) -> Result<Message, EmailError> {
        const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
        let letter = letter::render(mail, product)?;
        Message::builder()
            .message_id(Some(format!("<{}@{}>", stamp.id, self.from.email.domain())))
            .date(stamp.at.into())
            .from(self.from.clone())
            .to(to.clone())
            .subject(letter.subject)
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
            .map_err(EmailError::Compose)
    }
}
