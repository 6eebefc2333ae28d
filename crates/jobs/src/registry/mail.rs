//! The job that sends a mail.

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};
use replyx_channels::email::{self, Stamp};
use replyx_core::{
    ids::JobId,
    job::Kind,
    mail::{self, Letter, Mail},
    retry::Retry,
};
use serde::Deserialize;

use crate::job::{Failed, Job, JobRun};

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// Sends a mail. Its payload is sealed: only the row of the queue opens it.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct SendMail(pub(crate) serde_json::Value);

impl Job for SendMail {
    const KIND: Kind = mail::KIND;
    /// It is claimed as often as a mail is tried.
    const ATTEMPTS: u32 = email::ATTEMPTS;

    /// Sends the mail, unless what it says is out of date by now.
    async fn run(self, run: JobRun<'_>) -> Result<(), Failed> {
        let JobRun { engine, context, row } = run;
        let never = |reason: String| Failed::made(reason, Retry::Never);
        let mail = mail::open_payload(&engine.keys, row.id, &self.0)
            .map_err(|error| never(error.to_string()))?;
        let now = engine.clock.now();
        if is_stale(&mail, row.id, now) {
            count(&mail, "stale");
            return Err(never("what the mail says is out of date".to_owned()));
        }

        let stamp = Stamp { id: row.id, at: now };
        let sent = context.post.send(&mail, &context.product, &stamp).await;
        let failed = sent.err().map(|error| {
            let reason = match error.source() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            };
            Failed::made(reason, error.retry(row.attempts))
        });

        let outcome = match &failed {
            None => "sent",
            Some(Failed { retry: Retry::After(_), .. }) => "again",
            Some(Failed { retry: Retry::Never, .. }) => "dead",
        };

        count(&mail, outcome);
        failed.map_or(Ok(()), Err)
    }

    /// Counts a mail that was tried too often without coming to an end.
    async fn give_up(self, run: JobRun<'_>) -> Result<(), String> {
        if let Ok(mail) = mail::open_payload(&run.engine.keys, run.row.id, &self.0) {
            count(&mail, "dead");
        }
        Ok(())
    }
}

fn count(mail: &Mail, outcome: &'static str) {
    metrics::counter!("mails_total", "outcome" => outcome).increment(1);
    tracing::info!(letter = mail.letter.kind(), outcome, "mail");
}

/// Has the code or the link run out while the mail could not be sent? The user has asked again
/// since.
fn is_stale(mail: &Mail, job: JobId, now: DateTime<Utc>) -> bool {
    let good = match &mail.letter {
        Letter::Confirmation { minutes, .. } | Letter::Reset { minutes, .. } => {
            MINUTE * u64::from(*minutes)
        }
        Letter::Invitation { days, .. } => DAY * u64::from(*days),
        // By then somebody has answered, or the next letter says more.
        Letter::InboxNews { .. } => 2 * 60 * MINUTE,
        _ => return false,
    };
    let Some(made) = job.into_uuid().get_timestamp() else { return false };
    let age = Duration::from_secs(u64::try_from(now.timestamp()).unwrap_or_default())
        .saturating_sub(Duration::from_secs(made.to_unix().0));
    age > Duration::from_secs(good)
}

#[cfg(test)]
mod tests {
    use replyx_core::{assistant::Language, clock::Clock};

    use super::*;

    #[test]
    fn a_code_that_has_run_out_is_not_sent_and_other_letters_wait() {
        let clock = Clock::manual(DateTime::from_timestamp(1_795_356_300, 0).unwrap());
        let job: JobId = clock.id();
        let mail = |letter| Mail { to: "a@b".to_owned(), language: Language::English, letter };
        let code = mail(Letter::Confirmation { code: "1".to_owned(), minutes: 15 });
        let notice = mail(Letter::PasswordChanged);

        clock.advance(Duration::from_secs(15 * MINUTE));
        assert!(!is_stale(&code, job, clock.now()));
        clock.advance(Duration::from_secs(1));
        assert!(is_stale(&code, job, clock.now()));
        clock.advance(Duration::from_secs(DAY));
        assert!(!is_stale(&notice, job, clock.now()));
    }
}
