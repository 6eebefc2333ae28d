//! Does the mail server talk to us? It is greeted, encryption is begun and we sign in; no mail is
//! handed over.

use replyx_channels::email::{EmailError, Stage};

use super::{Finding, PATIENCE};
use crate::config::Config;

const ABOUT: &str = "mail";

/// Asks the mail server, if there is one.
pub(super) async fn look(config: &Config) -> Finding {
    if !config.sends_mail() {
        return Finding::note(ABOUT, "is written to DATA_DIR/mail; set SMTP_URL to send it");
    }
    let post = match config.post() {
        Ok(post) => post.with_patience(PATIENCE),
        Err(error) => return Finding::fault(ABOUT, format!("{error:#}")),
    };
    match post.probe().await {
        Ok(()) => Finding::ok(ABOUT, "the mail server takes us; nothing was sent"),
        Err(error) => {
            let remedy = remedy(&error);
            Finding::fault(ABOUT, format!("{:#}: {remedy}", anyhow::Error::from(error)))
        }
    }
}

const fn remedy(error: &EmailError) -> &'static str {
    match error {
        EmailError::NotEncrypted => {
            "use smtps://, or say `?tls=none` in SMTP_URL if the way to it is safe"
        }
        EmailError::Refused { stage: Stage::SignIn, .. } => {
            "check user and password in SMTP_URL (special characters percent-encoded)"
        }
        EmailError::Refused { .. } | EmailError::Garbled => {
            "check that SMTP_URL names a mail server, and its `tls`"
        }
        _ => "check host and port in SMTP_URL, its `tls`, and the network",
    }
}
