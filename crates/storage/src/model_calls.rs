//! What models were asked and what it cost: the `model_calls` table.
//!
//! A call that is paid for is written down before it is made, as [`PENDING`] with what it may cost,
//! and again when it has ended. What a process that died had under way becomes `lost` and keeps the
//! expected cost. Rows outlive the workspace they were for: the money was spent.

use chrono::NaiveDate;
use replyx_core::{
    ids::{AssistantId, DialogId, MessageId, ProcessId, WorkspaceId},
    money::Money,
    usage::{DayUsage, MOST_COST, MOST_TOKENS, ModelCall, PENDING, Purpose, Totals},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

/// A sum in two parts, millions and the rest: neither overflows, whatever is added up. [`whole`]
/// joins them.
macro_rules! halves {
    ($what:literal) => {
        concat!(
            "CAST(COALESCE(SUM((",
            $what,
            ") / 1000000), 0) AS BIGINT), CAST(COALESCE(SUM((",
            $what,
            ") % 1000000), 0) AS BIGINT)"
        )
    };
}

macro_rules! totals {
    () => {
        concat!(
            "COUNT(*), CAST(COALESCE(SUM(CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END), 0) AS BIGINT), ",
            halves!("prompt_tokens"),
            ", ",
            halves!("completion_tokens"),
            ", ",
            halves!("cost")
        )
    };
}

type TotalsRow = (i64, i64, i64, i64, i64, i64, i64, i64);
type DayRow =
    (String, Option<Uuid>, String, String, String, i64, i64, i64, i64, i64, i64, i64, i64);
type ModelRow = (Option<Uuid>, String, String, i64, i64, i64, i64, i64, i64, i64, i64, i64);

/// One workspace's calls of models.
pub struct ModelCalls<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

macro_rules! columns {
    () => {
        "workspace_id, id, assistant_id, dialog_id, message_id, purpose, provider, model, key_id,
         prompt_tokens, completion_tokens, estimated, cost, priced, first_token_ms, duration_ms,
         outcome, day, created_at, process_id"
    };
}

/// Stores calls, each another one; `$known` becomes of one that is there.
macro_rules! insert {
    ($known:literal) => {
        given!(
            [
                "workspace_id" "uuid", 2 "id" "uuid", 3 "assistant_id" "uuid", 4 "dialog_id" "uuid",
                5 "message_id" "uuid", 6 "purpose" "text", 7 "provider" "text", 8 "model" "text",
                9 "key_id" "uuid", 10 "prompt_tokens" "bigint", 11 "completion_tokens" "bigint",
                12 "estimated" "boolean", 13 "cost" "bigint", 14 "priced" "boolean",
                15 "first_token_ms" "bigint", 16 "duration_ms" "bigint", 17 "outcome" "text",
                18 "day" "text", 19 "created_at" "timestamptz", 20 "process_id" "uuid",
            ]
            concat!(
                "INSERT INTO model_calls (",
                columns!(),
                ") SELECT ",
                columns!(),
                " FROM given WHERE TRUE ON CONFLICT (workspace_id, id) DO ",
                $known
            )
        )
    };
}

impl ModelCalls<'_> {
    /// Writes calls down that this process is about to make, with what they may cost. One that is
    /// there already stays as it is.
    pub async fn begin(self, calls: &[ModelCall], by: ProcessId) -> Result<(), StorageError> {
        let calls: Vec<_> = calls.iter().map(|call| (self.workspace, call)).collect();
        begin(self.tx, &calls, by).await
    }

    /// Stores calls that have ended. One that was begun gets its figures; the message that it led
    /// to is not forgotten.
    pub async fn insert(self, calls: &[ModelCall]) -> Result<(), StorageError> {
        let calls: Vec<_> = calls.iter().map(|call| (self.workspace, call)).collect();
        insert(self.tx, &calls).await
    }

    /// All calls for a dialog together, without those that are under way.
    pub async fn of_dialog(self, dialog: DialogId) -> Result<Totals, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            totals!(),
            " FROM model_calls WHERE workspace_id = $1 AND dialog_id = $2 AND outcome <> $3"
        );
        let row =
            row!(self.tx, TotalsRow, SQL; self.workspace.into_uuid(), dialog.into_uuid(), PENDING);
        Ok(row.map(read_totals).unwrap_or_default())
    }

    /// The calls from one day to another, both included, of one assistant or of all, by day,
    /// assistant, purpose and model, in that order; at most `limit` rows. Those that are under way
    /// are left out.
    pub async fn by_day(
        self,
        assistant: Option<AssistantId>,
        from: NaiveDate,
        to: NaiveDate,
        limit: u32,
    ) -> Result<Vec<DayUsage>, StorageError> {
        macro_rules! by_day {
            ($more:literal) => {
                concat!(
                    "SELECT day, assistant_id, purpose, provider, model, ",
                    totals!(),
                    " FROM model_calls
                      WHERE workspace_id = $1 AND day >= $2 AND day <= $3 AND outcome <> $5",
                    $more,
                    " GROUP BY day, assistant_id, purpose, provider, model
                      ORDER BY day, assistant_id, purpose, provider, model LIMIT $4"
                )
            };
        }

        let workspace = self.workspace.into_uuid();
        let from = from.to_string();
        let to = to.to_string();

        let rows = if let Some(assistant) = assistant {
            rows!(self.tx, DayRow, by_day!(" AND assistant_id = $6");
                workspace, from, to, i64::from(limit), PENDING, assistant.into_uuid())
        } else {
            rows!(self.tx, DayRow, by_day!(""); workspace, from, to, i64::from(limit), PENDING)
        };

        rows.into_iter().map(read_day).collect()
    }
}

async fn begin(
    tx: &mut Tx,
    calls: &[(WorkspaceId, &ModelCall)],
    by: ProcessId,
) -> Result<(), StorageError> {
    const SQL: [&str; 2] = insert!("NOTHING");
    store(tx, calls, Some(by), SQL).await
}

async fn insert(tx: &mut Tx, calls: &[(WorkspaceId, &ModelCall)]) -> Result<(), StorageError> {
    const SQL: [&str; 2] = insert!(
        "UPDATE SET message_id = COALESCE(excluded.message_id, model_calls.message_id),
                    prompt_tokens = excluded.prompt_tokens,
                    completion_tokens = excluded.completion_tokens, estimated = excluded.estimated,
                    cost = excluded.cost, priced = excluded.priced,
                    first_token_ms = excluded.first_token_ms, duration_ms = excluded.duration_ms,
                    outcome = excluded.outcome, process_id = NULL"
    );
    store(tx, calls, None, SQL).await
}

async fn store(
    tx: &mut Tx,
    calls: &[(WorkspaceId, &ModelCall)],
    process: Option<ProcessId>,
    sql: [&'static str; 2],
) -> Result<(), StorageError> {
    // In one order, so that two transactions do not wait for each other's calls.
    let mut calls = calls.to_vec();
    calls.sort_unstable_by_key(|(workspace, call)| (*workspace, call.id));
    run_each!(tx, sql, &calls; |row|
        row.0.into_uuid(), row.1.id.into_uuid(), row.1.assistant_id.map(AssistantId::into_uuid),
        row.1.dialog_id.map(DialogId::into_uuid), row.1.message_id.map(MessageId::into_uuid),
        row.1.purpose.as_str(), &row.1.provider, &row.1.model, row.1.key_id,
        tokens(row.1.prompt_tokens), tokens(row.1.completion_tokens), row.1.estimated,
        row.1.cost.clamp(Money::ZERO, MOST_COST).micros(), row.1.priced,
        row.1.first_token_ms.map(count), count(row.1.duration_ms), &row.1.outcome,
        row.1.created_at.date_naive().to_string(), row.1.created_at,
        process.map(ProcessId::into_uuid));
    Ok(())
}

/// What a key to a provider was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// The key.
    pub key_id: Uuid,
    /// Requests since the day began, UTC.
    pub day_requests: i64,
    /// Their cost.
    pub day_cost: Money,
    /// Requests since the month began, UTC.
    pub month_requests: i64,
    /// Their cost.
    pub month_cost: Money,
}

/// What a model was used for in the whole installation, by one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUsage {
    /// The key, if one was used that is known by its id.
    pub key_id: Option<Uuid>,
    /// The provider's name.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// The sum of the calls.
    pub totals: Totals,
    /// How many of them had no price.
    pub unpriced: i64,
    /// How many of them were lost with their process, and are counted with what they may have cost.
    pub lost: i64,
}

/// All calls of models.
pub struct SystemModelCalls<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemModelCalls<'_> {
    /// [`ModelCalls::begin`] for calls of several workspaces.
    pub async fn begin_each(
        self,
        calls: &[(WorkspaceId, &ModelCall)],
        by: ProcessId,
    ) -> Result<(), StorageError> {
        begin(self.tx, calls, by).await
    }

    /// [`ModelCalls::insert`] for calls of several workspaces.
    pub async fn insert_each(
        self,
        calls: &[(WorkspaceId, &ModelCall)],
    ) -> Result<(), StorageError> {
        insert(self.tx, calls).await
    }

    /// Forgets calls of days before this one, a batch at a time ([`crate::sweep::BATCH`]). Returns
    /// how many.
    pub async fn forget(self, before: NaiveDate) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("model_calls", "day < $1");
        Ok(delete_batch!(self.tx, SQL; before.to_string()))
    }

    /// What each key was used for on a day and since the first of its month, without calls that are
    /// under way.
    pub async fn by_key(self, day: NaiveDate) -> Result<Vec<KeyUsage>, StorageError> {
        const SQL: &str = concat!(
            "SELECT key_id, CAST(SUM(CASE WHEN day = $2 THEN 1 ELSE 0 END) AS BIGINT), ",
            halves!("CASE WHEN day = $2 THEN cost ELSE 0 END"),
            ", COUNT(*), ",
            halves!("cost"),
            " FROM model_calls
              WHERE key_id IS NOT NULL AND day >= $1 AND day <= $2 AND outcome <> $3 GROUP BY key_id"
        );
        let first = chrono::Datelike::with_day(&day, 1).unwrap_or(day);
        let rows = rows!(self.tx, (Uuid, i64, i64, i64, i64, i64, i64), SQL;
            first.to_string(), day.to_string(), PENDING);
        Ok(rows
            .into_iter()
            .map(|(key_id, day_requests, day_high, day_low, month_requests, high, low)| KeyUsage {
                key_id,
                day_requests,
                day_cost: Money::from_micros(whole(day_high, day_low)),
                month_requests,
                month_cost: Money::from_micros(whole(high, low)),
            })
            .collect())
    }

    /// What embedding and reranking cost from one day to another, both included, without calls that
    /// are under way. What a preview or an evaluation embedded is known by the model.
    pub async fn search_cost(
        self,
        from: NaiveDate,
        to: NaiveDate,
        model: &str,
    ) -> Result<Money, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            halves!("cost"),
            " FROM model_calls
              WHERE day >= $1 AND day <= $2 AND outcome <> $3
                AND (purpose IN ('embedding', 'search', 'rerank')
                     OR (purpose IN ('preview', 'evaluation') AND model = $4))"
        );
        let rows =
            rows!(self.tx, (i64, i64), SQL; from.to_string(), to.to_string(), PENDING, model);
        Ok(rows.first().map_or(Money::ZERO, |(high, low)| Money::from_micros(whole(*high, *low))))
    }

    /// What every model was used for from one day to another, both included, in the whole
    /// installation, deleted workspaces included, by key, provider and model; at most `limit` rows.
    /// Calls that are under way are left out.
    pub async fn by_model(
        self,
        from: NaiveDate,
        to: NaiveDate,
        limit: u32,
    ) -> Result<Vec<ModelUsage>, StorageError> {
        const SQL: &str = concat!(
            "SELECT key_id, provider, model, ",
            totals!(),
            ", ",
            "CAST(COALESCE(SUM(CASE WHEN priced THEN 0 ELSE 1 END), 0) AS BIGINT)",
            " FROM model_calls WHERE day >= $1 AND day <= $2 AND outcome <> $4
              GROUP BY key_id, provider, model ORDER BY provider, model, key_id LIMIT $3"
        );

        const LOST: &str = "
            SELECT key_id, provider, model, COUNT(*) FROM model_calls
             WHERE day >= $1 AND day <= $2 AND outcome = 'lost' GROUP BY key_id, provider, model";

        let from = from.to_string();
        let to = to.to_string();
        let rows = rows!(self.tx, ModelRow, SQL; &from, &to, i64::from(limit), PENDING);
        let lost = rows!(self.tx, (Option<Uuid>, String, String, i64), LOST; &from, &to);

        let lost_of = |key: Option<Uuid>, provider: &str, model: &str| {
            let same = |(of, by, name, _): &&(Option<Uuid>, String, String, i64)| {
                *of == key && by == provider && name == model
            };
            lost.iter().find(same).map_or(0, |(.., count)| *count)
        };

        Ok(rows
            .into_iter()
            .map(|(key_id, provider, model, a, b, c, d, e, f, g, h, unpriced)| ModelUsage {
                lost: lost_of(key_id, &provider, &model),
                totals: read_totals((a, b, c, d, e, f, g, h)),
                key_id,
                provider,
                model,
                unpriced,
            })
            .collect())
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn tokens(number: u64) -> i64 {
    count(number.min(MOST_TOKENS))
}

/// The number whose millions and whose rest these are.
fn whole(high: i64, low: i64) -> i64 {
    high.saturating_mul(1_000_000).saturating_add(low)
}

fn read_totals(row: TotalsRow) -> Totals {
    let (calls, failed, prompt_high, prompt_low, completion_high, completion_low, high, low) = row;
    Totals {
        calls,
        failed,
        prompt_tokens: whole(prompt_high, prompt_low),
        completion_tokens: whole(completion_high, completion_low),
        cost: Money::from_micros(whole(high, low)),
    }
}

fn read_day(row: DayRow) -> Result<DayUsage, StorageError> {
    let corrupt = StorageError::corrupt("model_calls");
    let totals = (row.5, row.6, row.7, row.8, row.9, row.10, row.11, row.12);
    let (day, assistant, purpose, provider, model, ..) = row;
    let day = match day.parse::<NaiveDate>() {
        Ok(day) => day,
        Err(error) => return Err(corrupt(error)),
    };
    Ok(DayUsage {
        day,
        assistant_id: assistant.map(Into::into),
        purpose: purpose.parse::<Purpose>().map_err(StorageError::corrupt("model_calls"))?,
        provider,
        model,
        totals: read_totals(totals),
    })
}
