//! The job that sends a mail.

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};
use replyx_channels::email::{self, Stamp};
use replyx_core::{
    ids::JobId,
    mail::{self, Letter, Mail},
    retry::Retry,
};
use replyx_engine::Engine;
use replyx_storage::jobs::ClaimedJob;

use super::{JobContext, registry::Failed};

/// How often the job is claimed at most: as often as a mail is tried.
pub(super) const ATTEMPTS: u32 = email::ATTEMPTS;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// Sends the mail of a job, unless what it says is out of date by now.
pub(super) async fn run(
    engine: &Engine,
    tools: &JobContext,
    job: &ClaimedJob,
) -> Result<(), Failed> {
    let never = |reason: String| Failed::made(reason, Retry::Never);
    let mail = mail::open_payload(&engine.keys, job.id, &job.payload)
        .map_err(|error| never(error.to_string()))?;
    let now = engine.clock.now();
    if is_stale(&mail, job.id, now) {
        count(&mail, "stale");
        return Err(never("what the mail says is out of date".to_owned()));
    }

    let sent = tools.post.send(&mail, &tools.product, &Stamp { id: job.id, at: now }).await;
    let failed = sent.err().map(|error| {
        let reason = match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        Failed::made(reason, error.retry(job.attempts))
    });

    let outcome = match &failed {
        None => "sent",
        Some(Failed { retry: Retry::After(_), .. }) => "again",
        Some(Failed { retry: Retry::Never, .. }) => "dead",
    };

    count(&mail, outcome);
    failed.map_or(Ok(()), Err)
}

/// Notes a mail that was tried too often without coming to an end.
pub(super) fn give_up(engine: &Engine, job: &ClaimedJob) {
    if let Ok(mail) = mail::open_payload(&engine.keys, job.id, &job.payload) {
        count(&mail, "dead");
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
