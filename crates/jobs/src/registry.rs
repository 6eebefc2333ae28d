//! The one list of all kinds of jobs: workers, metrics and tests go by it.
//!
//! The work of a kind is an ordinary function of the crate that owns the matter; a file here makes
//! it a [`Job`].

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use replyx_core::{job::Kind, retry::Retry};
use replyx_engine::attachments::FetchAttachment;
use replyx_engine::giving::GiveOut;
use replyx_knowledge::{
    evaluate::Evaluate,
    index::{IndexDocument, neighbours::IndexNeighbours},
    sources::FetchSource,
};

use crate::job::{Failed, Job, JobRun, Schedule};

mod evaluate;
mod fetch_attachment;
mod fetch_source;
mod give_out;
mod index;
mod mail;
mod sweeps;

use index::EmbedDocument;
use mail::SendMail;

/// All kinds.
const REGISTRY: &[Entry] = &[
    Entry::of::<IndexDocument>(),
    Entry::of::<EmbedDocument>(),
    Entry::of::<IndexNeighbours>(),
    Entry::of::<Evaluate>(),
    Entry::of::<FetchSource>(),
    Entry::of::<SendMail>(),
    Entry::of::<FetchAttachment>(),
    Entry::of::<GiveOut>(),
    Entry::of::<sweeps::ForgetDeliveries>(),
    Entry::of::<sweeps::ForgetParts>(),
    Entry::of::<sweeps::ForgetContactDays>(),
    Entry::of::<sweeps::ForgetKeptAnswers>(),
    Entry::of::<sweeps::ForgetSessions>(),
    Entry::of::<sweeps::ForgetRegistrations>(),
    Entry::of::<sweeps::ForgetPasswordResets>(),
    Entry::of::<sweeps::ForgetLoginAttempts>(),
    Entry::of::<sweeps::ForgetInvitations>(),
    Entry::of::<sweeps::ForgetIdempotencyKeys>(),
    Entry::of::<sweeps::ForgetModelCalls>(),
    Entry::of::<sweeps::ForgetDeadJobs>(),
    Entry::of::<sweeps::ForgetUploads>(),
    Entry::of::<sweeps::FollowSlas>(),
    Entry::of::<sweeps::IndexDialogs>(),
    Entry::of::<sweeps::RefreshDocuments>(),
    Entry::of::<sweeps::RefreshNeighbours>(),
    Entry::of::<sweeps::QueueSources>(),
    Entry::of::<sweeps::DeleteDocuments>(),
    Entry::of::<sweeps::RescopeDocuments>(),
    Entry::of::<sweeps::SweepFiles>(),
    Entry::of::<sweeps::DeleteAccounts>(),
    Entry::of::<sweeps::ReleaseHolds>(),
    Entry::of::<sweeps::EndTrials>(),
    Entry::of::<sweeps::WatchBalances>(),
    Entry::of::<sweeps::SealLedger>(),
    Entry::of::<sweeps::MeasureDatabase>(),
    Entry::of::<sweeps::TendOperators>(),
    Entry::of::<sweeps::ForgetWaits>(),
    Entry::of::<sweeps::ForgetBulkItems>(),
    Entry::of::<sweeps::ForgetOperatorStates>(),
    Entry::of::<sweeps::TellWaiting>(),
    Entry::of::<sweeps::WriteToMembers>(),
];

/// When giving a job up is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// When a job is looked at again that this version does not know.
const UNKNOWN: Duration = Duration::from_mins(1);
/// When a job that panicked is tried again.
const AFTER_PANIC: Duration = Duration::from_secs(30);

type Done<'a> = BoxFuture<'a, Result<(), Failed>>;

/// A kind of job without its type.
struct Entry {
    kind: Kind,
    attempts: u32,
    schedule: Schedule,
    run: fn(JobRun<'_>) -> Done<'_>,
    give_up: fn(JobRun<'_>) -> Done<'_>,
}

impl Entry {
    const fn of<J: Job>() -> Self {
        Self {
            kind: J::KIND,
            attempts: J::ATTEMPTS,
            schedule: J::SCHEDULE,
            run: run::<J>,
            give_up: give_up::<J>,
        }
    }

    fn find(name: &str) -> Option<&'static Self> {
        REGISTRY.iter().find(|entry| entry.kind.name == name)
    }

    /// May it be run at this attempt? Otherwise it is given up.
    fn may_run(&self, attempt: i64) -> bool {
        attempt <= i64::from(self.attempts)
    }
}

/// Runs a job by its kind, or ends it when it has been claimed more often than it may be: those
/// attempts did not end, so the job may be what ends the program.
pub(crate) async fn run_or_give_up(run: JobRun<'_>) -> Result<(), Failed> {
    let Some(entry) = Entry::find(&run.row.kind) else {
        // A newer version of the program may have queued it: it is left for that one.
        let reason = format!("no work is known by the name `{}`", run.row.kind);
        return Err(Failed::interrupted(reason, Retry::After(UNKNOWN)));
    };

    if entry.may_run(run.row.attempts) {
        (entry.run)(run).await
    } else {
        (entry.give_up)(run).await
    }
}

/// What becomes of a job that panicked at this attempt. It counts: the job may panic each time. One
/// that panicked while it was given up is not tried again: nothing would ever end it.
pub(crate) fn panicked(kind: &str, attempt: i64) -> Failed {
    if Entry::find(kind).is_none_or(|entry| entry.may_run(attempt)) {
        Failed::made("the job panicked".to_owned(), Retry::After(AFTER_PANIC))
    } else {
        Failed::made("the job panicked while it was given up".to_owned(), Retry::Never)
    }
}

/// The kinds that run by the clock.
pub fn scheduled() -> impl Iterator<Item = Kind> {
    let scheduled = |entry: &&Entry| entry.schedule != Schedule::WhenEnqueued;
    REGISTRY.iter().filter(scheduled).map(|entry| entry.kind)
}

/// When a job of this kind runs.
pub(crate) fn schedule(kind: &str) -> Schedule {
    Entry::find(kind).map_or(Schedule::WhenEnqueued, |entry| entry.schedule)
}

/// The kind as a label of a metric: never a word from the database.
pub(crate) fn label(kind: &str) -> &'static str {
    Entry::find(kind).map_or("unknown", |entry| entry.kind.name)
}

fn run<J: Job>(run: JobRun<'_>) -> Done<'_> {
    async move { payload::<J>(run)?.run(run).await }.boxed()
}

fn give_up<J: Job>(run: JobRun<'_>) -> Done<'_> {
    async move {
        let reason = format!("given up after {} attempts that did not end", run.row.attempts - 1);
        match payload::<J>(run)?.give_up(run).await {
            Ok(()) => Err(Failed::made(reason, Retry::Never)),
            Err(why) => Err(Failed::interrupted(why, Retry::After(AGAIN))),
        }
    }
    .boxed()
}

fn payload<J: Job>(run: JobRun<'_>) -> Result<J, Failed> {
    serde_json::from_value(run.row.payload.clone())
        .map_err(|error| Failed::made(error.to_string(), Retry::Never))
}

#[cfg(test)]
mod tests {
    use replyx_core::job::Lane;
    use replyx_engine::evaluation;
    use replyx_knowledge::index;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_that_panics_while_it_is_given_up_is_not_tried_again() {
        let after = |kind: &str, attempt: u32| panicked(kind, attempt.into()).retry;
        let most = index::ATTEMPTS;
        let document = IndexDocument::KIND.name;
        assert_eq!(after(document, most), Retry::After(AFTER_PANIC));
        assert_eq!(after(document, most + 1), Retry::Never);
        assert_eq!(after(Evaluate::KIND.name, evaluation::ATTEMPTS + 1), Retry::Never);
        assert_eq!(after("of_a_newer_version", 1_000), Retry::After(AFTER_PANIC));
    }

    #[test]
    fn each_kind_has_one_entry_and_its_own_label() {
        for entry in REGISTRY {
            let name = entry.kind.name;
            let same = REGISTRY.iter().filter(|other| other.kind.name == name);
            assert_eq!(same.count(), 1, "{name}");
            assert_eq!(label(name), name);
            assert!(entry.attempts > 0, "{name}");
        }
        assert_eq!(label("of_a_newer_version"), "unknown");
    }

    /// Both are stored: a queue that another version has filled must be read.
    #[test]
    fn kinds_keep_the_name_and_the_lane_under_which_they_are_stored() {
        let stored: Vec<_> =
            REGISTRY.iter().map(|entry| (entry.kind.name, entry.kind.lane.as_str())).collect();
        let expected = [
            ("index_document", "heavy"),
            ("embed_document", "heavy"),
            ("index_neighbours", "heavy"),
            ("evaluate", "evaluation"),
            ("fetch_source", "crawl"),
            ("mail", "light"),
            ("fetch_attachment", "light"),
            ("give_out", "light"),
            ("forget_deliveries", "scheduled"),
            ("forget_outbox", "scheduled"),
            ("forget_contact_days", "scheduled"),
            ("forget_kept_answers", "scheduled"),
            ("forget_sessions", "scheduled"),
            ("forget_registrations", "scheduled"),
            ("forget_password_resets", "scheduled"),
            ("forget_login_attempts", "scheduled"),
            ("forget_invitations", "scheduled"),
            ("forget_idempotency_keys", "scheduled"),
            ("forget_model_calls", "scheduled"),
            ("forget_dead_jobs", "scheduled"),
            ("forget_uploads", "scheduled"),
            ("follow_slas", "scheduled"),
            ("index_dialogs", "scheduled"),
            ("refresh_documents", "scheduled"),
            ("refresh_neighbours", "scheduled"),
            ("queue_sources", "scheduled"),
            ("delete_documents", "scheduled"),
            ("rescope_documents", "scheduled"),
            ("sweep_files", "scheduled"),
            ("delete_accounts", "scheduled"),
            ("release_holds", "scheduled"),
            ("end_trials", "scheduled"),
            ("watch_balances", "scheduled"),
            ("seal_ledger", "scheduled"),
            ("measure_database", "scheduled"),
            ("tend_operators", "scheduled"),
            ("forget_waits", "scheduled"),
            ("forget_bulk_items", "scheduled"),
            ("forget_operator_states", "scheduled"),
            ("tell_waiting", "scheduled"),
            ("write_to_members", "scheduled"),
        ];
        assert_eq!(stored, expected);
    }

    #[test]
    fn what_runs_by_the_clock_has_the_lane_with_one_row_for_each_kind() {
        for entry in REGISTRY {
            let is_scheduled = entry.schedule != Schedule::WhenEnqueued;
            assert_eq!(is_scheduled, entry.kind.lane == Lane::Scheduled, "{}", entry.kind.name);
        }
    }

    #[test]
    fn payloads_are_read_in_the_form_in_which_they_were_stored() {
        let one = "00000000-0000-7000-8000-000000000001";
        let two = "00000000-0000-7000-8000-000000000002";
        let workspace_id = one.parse().unwrap();

        let document = json!({"workspace_id": one, "document_id": two});
        let expected = IndexDocument { workspace_id, document_id: two.parse().unwrap() };
        let index: IndexDocument = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(index, expected);
        let embed: EmbedDocument = serde_json::from_value(document).unwrap();
        assert_eq!(embed, EmbedDocument(expected));

        let run = json!({"workspace_id": one, "run_id": two});
        let evaluate: Evaluate = serde_json::from_value(run).unwrap();
        assert_eq!(evaluate, Evaluate { workspace_id, run_id: two.parse().unwrap() });

        let source = json!({"workspace_id": one, "source_id": two});
        let fetch: FetchSource = serde_json::from_value(source).unwrap();
        assert_eq!(fetch, FetchSource { workspace_id, source_id: two.parse().unwrap() });

        let assistant = json!({"workspace_id": one, "assistant_id": two});
        let copy: IndexNeighbours = serde_json::from_value(assistant).unwrap();
        assert_eq!(copy, IndexNeighbours { workspace_id, assistant_id: two.parse().unwrap() });

        let attachment = json!({"workspace_id": one, "attachment_id": two});
        let fetch: FetchAttachment = serde_json::from_value(attachment).unwrap();
        let attachment_id = two.parse().unwrap();
        assert_eq!(fetch, FetchAttachment { workspace_id, attachment_id });

        let sealed = json!({"sealed": "AAAA"});
        let SendMail(mail) = serde_json::from_value(sealed.clone()).unwrap();
        assert_eq!(mail, sealed);

        let give: GiveOut = serde_json::from_value(json!({"workspace_id": one})).unwrap();
        assert_eq!(give, GiveOut { workspace_id });

        let _: sweeps::ForgetDeliveries = serde_json::from_value(json!({})).unwrap();
    }
}
