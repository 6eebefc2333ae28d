//! Every metric of the program with what it says: the one list from which `/metrics` has its `HELP`
//! lines.
//!
//! Names that exist stay as they are: dashboards rely on them. What is new gets a line here; a test
//! reads the sources and finds what is missing.

use metrics::Unit;

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by their size.
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

/// Kind, name and help.
pub(super) const FAMILIES: &[(Kind, &str, &str)] = &[
    (Counter, "access_reads_total", "Reads of a caller's access from the database."),
    (Counter, "answer_checks_total", "Answers checked against their sources, by outcome."),
    (Counter, "bus_connections_lost_total", "Lost connections to the message bus in Redis."),
    (Gauge, "clock_ahead_of_database_seconds", "Clock of this machine minus that of the database."),
    (Gauge, "data_dir_free_bytes", "Bytes that may still be written to the disk of DATA_DIR."),
    (Gauge, "data_dir_size_bytes", "Size of the disk of DATA_DIR, bytes."),
    (Gauge, "database_takes_writes", "Whether the database took all writes lately: 1 or 0."),
    (Gauge, "db_pool_checked_out", "Database connections in use."),
    (Gauge, "db_pool_open", "Open database connections."),
    (Gauge, "db_pool_size", "The most database connections of this process."),
    (Gauge, "db_growth_bytes_per_day", "Growth of the database over at most 30 days, bytes a day."),
    (Gauge, "db_size_bytes", "Size of the database when it was last measured."),
    (Gauge, "db_size_measured_timestamp_seconds", "When the database was last measured."),
    (Gauge, "db_table_bytes", "Size of a table with its indexes (PostgreSQL), by table."),
    (Gauge, "db_table_rows", "Rows of a table, estimated on PostgreSQL, by table."),
    (Counter, "deliveries_total", "Replies whose delivery has ended, by outcome."),
    (Counter, "dialog_summaries_total", "Summaries of long dialogs, by outcome."),
    (Counter, "embedding_failures_total", "Failed calls of the embedding model, by reason."),
    (Counter, "embedding_truncated_total", "Texts too long for the offline embedding model."),
    (Counter, "file_orphans_deleted_total", "Files deleted because no row names them."),
    (
        Counter,
        "file_store_operations_total",
        "Operations of the store of large files, by operation and outcome.",
    ),
    (
        Gauge,
        "extract_confinement",
        "Parts of the confinement in force: 1, 0, or 0.5 for some of it, by part.",
    ),
    (Counter, "gate_fallbacks_total", "Admissions decided in this process because Redis was away."),
    (Histogram, "http_request_duration_seconds", "Time to answer an HTTP request."),
    (Counter, "http_requests_total", "HTTP requests, by method, route template and status."),
    (Counter, "hook_lookups_total", "Webhook addresses looked up in the database."),
    (Histogram, "job_duration_seconds", "Time of one run of a background job, by kind."),
    (Counter, "jobs_total", "Background jobs, by kind and outcome."),
    (Counter, "kept_answers_total", "First questions looked up among kept answers, by outcome."),
    (Counter, "late_answers_total", "Answers that came after the fallback text."),
    (Counter, "limit_fallbacks_total", "Limits kept in this process because Redis was away."),
    (Counter, "mails_total", "Mails handed over, by outcome."),
    (Counter, "model_admission_refused_total", "Model calls that got no place in time, by reason."),
    (Gauge, "model_admission_waiting", "Model calls that wait for a place."),
    (Gauge, "model_breaker_open", "Breaker of a provider: 0 closed, 0.5 half open, 1 open."),
    (Counter, "model_calls_lost_total", "Model calls whose process died before they ended."),
    (Counter, "model_calls_refused_total", "Model calls that were not made, by reason."),
    (Counter, "model_failovers_total", "Model calls moved to another provider, by reason."),
    (Histogram, "model_first_token_seconds", "Time from asking a model to its first token."),
    (Counter, "model_key_events_total", "Changes of provider keys that use caused, by event."),
    (
        Counter,
        "model_key_use_unknown_total",
        "Starts at which the use of model keys could not be read.",
    ),
    (Gauge, "model_keys", "Provider keys, by provider and state."),
    (Counter, "model_price_unknown_total", "Model calls without a known price."),
    (Histogram, "model_queue_seconds", "Time a model call waited for its place."),
    (Histogram, "model_request_duration_seconds", "Time of one attempt at a model."),
    (Counter, "model_requests_total", "Attempts at models, by provider and outcome."),
    (Counter, "model_retries_total", "Repeated attempts at models, by reason."),
    (Counter, "model_tokens_total", "Tokens of models, by provider and kind."),
    (
        Counter,
        "model_usage_clamped_total",
        "Model calls whose provider reported more tokens than there can be.",
    ),
    (Counter, "model_usage_estimated_total", "Model calls whose usage had to be estimated."),
    (Counter, "news_unknown_total", "Messages of other processes that this version does not know."),
    (Histogram, "passage_embedding_seconds", "Time to embed a batch of passages."),
    (Counter, "passages_embedded_total", "Passages given vectors."),
    (Histogram, "query_embedding_seconds", "Time to embed a question."),
    (Counter, "question_rewrites_total", "Questions made self-contained, by outcome."),
    (Counter, "rate_limited_total", "Requests refused with 429, by limit."),
    (Gauge, "redis_available", "Whether Redis answers: 1 or 0."),
    (Counter, "refused_for_room_total", "What was refused for want of room, by what and bound."),
    (Counter, "requests_repeated_total", "Requests done again after the database undid them."),
    (Counter, "rerank_requests_total", "Calls of the reranking model, by outcome."),
    (Histogram, "rerank_seconds", "Time of the reranking model."),
    (
        Counter,
        "scheduled_rows_total",
        "What jobs that run by the clock deleted or queued, by kind.",
    ),
    (Histogram, "search_duration_seconds", "Time to search an assistant's passages."),
    (Counter, "search_loads_total", "Assistants whose passages were loaded into memory."),
    (Counter, "search_without_vectors_total", "Searches by words alone, by reason."),
    (Counter, "slow_bodies_total", "Bodies given up because they came too slowly."),
    (Counter, "slow_heads_total", "Connections closed because no request came in time."),
    (Counter, "slow_readers_total", "Connections closed because an answer was not taken in time."),
    (Gauge, "sse_connections", "Open event streams."),
    (Counter, "sse_slow_readers_total", "Event streams closed because the reader was too slow."),
    (Counter, "streams_ended_total", "Event streams that ended, by reason."),
    (
        Counter,
        "streams_refused_total",
        "Event streams refused because too many were open, by bound.",
    ),
    (Counter, "telegram_bot_files_total", "Files of customers fetched, by outcome."),
    (Counter, "telegram_bot_groups_moved_total", "Groups that became supergroups."),
    (Counter, "telegram_bot_plain_fallbacks_total", "Messages sent as plain text after a refusal."),
    (Counter, "telegram_bot_poll_errors_total", "Failed polls of Telegram, by kind."),
    (Counter, "telegram_bot_rate_limit_hits_total", "429 answers of Telegram."),
    (Counter, "telegram_bot_rate_limit_waits_total", "Sends rescheduled by our own limits."),
    (Histogram, "telegram_bot_send_duration_seconds", "Time of one send to Telegram."),
    (Counter, "telegram_bot_sends_total", "Sends to Telegram, by outcome."),
    (Counter, "telegram_bot_uncertain_sends_total", "Sends that may or may not have arrived."),
    (Counter, "telegram_bots_failed_total", "Bots that were marked as failed."),
    (Gauge, "telegram_bots_left", "Bots left to other processes, for want of open files."),
    (Gauge, "telegram_bots_running", "Bots that this process runs."),
    (Gauge, "telegram_total_bots", "Bots that should run."),
    (Histogram, "turn_duration_seconds", "Time of a turn, from its start to the stored reply."),
    (Counter, "turns_total", "Turns, by outcome."),
    (Counter, "updates_ignored_total", "Telegram updates that were not taken, by reason."),
    (Counter, "updates_total", "Telegram updates received, by outcome."),
];

/// Gives every metric its `HELP` line.
pub(super) fn describe() {
    for (kind, name, help) in FAMILIES {
        // The unit stands in the name.
        match kind {
            Counter => metrics::describe_counter!(*name, Unit::Count, *help),
            Gauge => metrics::describe_gauge!(*name, *help),
            Histogram => metrics::describe_histogram!(*name, Unit::Seconds, *help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;

    /// The metrics that the sources of a folder record: name and kind.
    fn recorded(folder: &Path, found: &mut BTreeMap<String, Kind>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                recorded(&path, found);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap_or_default();
            for (macro_name, kind) in
                [("counter!(", Counter), ("gauge!(", Gauge), ("histogram!(", Histogram)]
            {
                for (place, _) in source.match_indices(macro_name) {
                    if source[..place].ends_with("describe_") {
                        continue;
                    }
                    let argument = source[place + macro_name.len()..].trim_start();
                    let name = argument.strip_prefix('"').and_then(|rest| rest.split('"').next());
                    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
                    if let Some(name) = name.filter(|name| name.bytes().all(is_name)) {
                        found.insert(name.to_owned(), kind);
                    }
                }
            }
        }
    }

    #[test]
    fn every_metric_of_the_sources_is_listed_once_under_its_kind_and_no_other_is() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
        let mut found = BTreeMap::new();
        for one in fs::read_dir(crates).unwrap() {
            let sources = one.unwrap().path().join("src");
            if sources.is_dir() {
                recorded(&sources, &mut found);
            }
        }
        let listed: BTreeMap<String, Kind> =
            FAMILIES.iter().map(|(kind, name, _)| ((*name).to_owned(), *kind)).collect();
        assert_eq!(listed.len(), FAMILIES.len(), "a metric is listed twice");
        assert!(found.len() > 50, "the sources were read: {found:?}");
        assert_eq!(found, listed, "`crates/server/src/telemetry/families.rs` lists every metric");
    }

    #[test]
    fn names_and_texts_are_in_the_form_that_prometheus_asks_for() {
        for (kind, name, help) in FAMILIES {
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name} is snake_case"
            );
            assert_eq!(*kind == Counter, name.ends_with("_total"), "{name}");
            assert!(*kind != Histogram || name.ends_with("_seconds"), "{name}");
        }
    }
}
