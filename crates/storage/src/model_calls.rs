//! What models were asked and what it cost: the `model_calls` table.

use chrono::NaiveDate;
use replyx_core::{
    ids::{AssistantId, DialogId, MessageId, WorkspaceId},
    money::Money,
    usage::{DayUsage, ModelCall, Purpose, Totals},
};
use uuid::Uuid;

use crate::{StorageError, Tx};

macro_rules! totals {
    () => {
        "COUNT(*), CAST(COALESCE(SUM(CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END), 0) AS BIGINT),
         CAST(COALESCE(SUM(prompt_tokens), 0) AS BIGINT),
         CAST(COALESCE(SUM(completion_tokens), 0) AS BIGINT), CAST(COALESCE(SUM(cost), 0) AS BIGINT)"
    };
}

type TotalsRow = (i64, i64, i64, i64, i64);
type DayRow = (String, Uuid, String, String, String, i64, i64, i64, i64, i64);

/// One workspace's calls of models.
pub struct ModelCalls<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl ModelCalls<'_> {
    /// Stores calls. One that is stored already changes nothing.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn insert(self, calls: &[ModelCall]) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO model_calls (workspace_id, id, assistant_id, dialog_id, message_id, purpose, provider,
                                     model, key_id, prompt_tokens, completion_tokens, estimated, cost,
                                     first_token_ms, duration_ms, outcome, day, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
            ON CONFLICT DO NOTHING";
        for call in calls {
            run!(self.tx, SQL;
                self.workspace.into_uuid(), call.id.into_uuid(), call.assistant_id.into_uuid(),
                call.dialog_id.map(DialogId::into_uuid), call.message_id.map(MessageId::into_uuid),
                call.purpose.as_str(), &call.provider, &call.model, call.key_id,
                count(call.prompt_tokens), count(call.completion_tokens), call.estimated,
                call.cost.micros(), call.first_token_ms.map(count), count(call.duration_ms),
                &call.outcome, call.created_at.date_naive().to_string(), call.created_at);
        }
        Ok(())
    }

    /// All calls for a dialog together.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn of_dialog(self, dialog: DialogId) -> Result<Totals, StorageError> {
        const SQL: &str = concat!(
            "SELECT ",
            totals!(),
            " FROM model_calls WHERE workspace_id = $1 AND dialog_id = $2"
        );
        let row = row!(self.tx, TotalsRow, SQL; self.workspace.into_uuid(), dialog.into_uuid());
        Ok(row.map(read_totals).unwrap_or_default())
    }

    /// The calls from one day to another, both included, of one assistant or of all, by day, assistant, purpose
    /// and model, in that order; at most `limit` rows.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or a row cannot be read.
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
                    " FROM model_calls WHERE workspace_id = $1 AND day >= $2 AND day <= $3",
                    $more,
                    " GROUP BY day, assistant_id, purpose, provider, model
                      ORDER BY day, assistant_id, purpose, provider, model LIMIT $4"
                )
            };
        }
        let workspace = self.workspace.into_uuid();
        let (from, to) = (from.to_string(), to.to_string());
        let rows = if let Some(assistant) = assistant {
            rows!(self.tx, DayRow, by_day!(" AND assistant_id = $5");
                workspace, from, to, i64::from(limit), assistant.into_uuid())
        } else {
            rows!(self.tx, DayRow, by_day!(""); workspace, from, to, i64::from(limit))
        };
        rows.into_iter().map(read_day).collect()
    }
}

/// What a key to a provider was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// The key.
    pub key_id: Uuid,
    /// Requests since the day began, UTC.
    pub day_requests: i64,
    /// What they cost.
    pub day_cost: Money,
    /// Requests since the month began, UTC.
    pub month_requests: i64,
    /// What they cost.
    pub month_cost: Money,
}

/// All calls of models.
pub struct SystemModelCalls<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemModelCalls<'_> {
    /// Forgets calls of days before this one. Returns how many.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn forget(self, before: NaiveDate) -> Result<u64, StorageError> {
        // Through the workspaces, because the index by day begins with them.
        const SQL: &str = "
            DELETE FROM model_calls
             WHERE workspace_id IN (SELECT id FROM workspaces) AND day < $1";
        Ok(run!(self.tx, SQL; before.to_string()))
    }

    /// What each key was used for on a day and since the first of its month.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn by_key(self, day: NaiveDate) -> Result<Vec<KeyUsage>, StorageError> {
        const SQL: &str = "
            SELECT key_id, CAST(SUM(CASE WHEN day = $2 THEN 1 ELSE 0 END) AS BIGINT),
                   CAST(SUM(CASE WHEN day = $2 THEN cost ELSE 0 END) AS BIGINT),
                   COUNT(*), CAST(SUM(cost) AS BIGINT)
              FROM model_calls
             WHERE key_id IS NOT NULL AND day >= $1 AND day <= $2 GROUP BY key_id";
        let first = chrono::Datelike::with_day(&day, 1).unwrap_or(day);
        let rows = rows!(self.tx, (Uuid, i64, i64, i64, i64), SQL;
            first.to_string(), day.to_string());
        Ok(rows
            .into_iter()
            .map(|(key_id, day_requests, day_cost, month_requests, month_cost)| KeyUsage {
                key_id,
                day_requests,
                day_cost: Money::from_micros(day_cost),
                month_requests,
                month_cost: Money::from_micros(month_cost),
            })
            .collect())
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn read_totals((calls, failed, prompt_tokens, completion_tokens, cost): TotalsRow) -> Totals {
    Totals { calls, failed, prompt_tokens, completion_tokens, cost: Money::from_micros(cost) }
}

fn read_day(row: DayRow) -> Result<DayUsage, StorageError> {
    let corrupt = StorageError::corrupt("model_calls");
    let (day, assistant, purpose, provider, model, calls, failed, prompt, completion, cost) = row;
    let day = match day.parse::<NaiveDate>() {
        Ok(day) => day,
        Err(error) => return Err(corrupt(error)),
    };
    Ok(DayUsage {
        day,
        assistant_id: assistant.into(),
        purpose: purpose.parse::<Purpose>().map_err(StorageError::corrupt("model_calls"))?,
        provider,
        model,
        totals: read_totals((calls, failed, prompt, completion, cost)),
    })
}
