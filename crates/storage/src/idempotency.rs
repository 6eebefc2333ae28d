//! Requests that may be repeated without being done twice: the `idempotency_keys` table.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{StorageError, Tx};

/// What is known of a request that came with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyedRequest {
    /// Nothing: it is ours to do now.
    Fresh,
    /// It was done; this was the answer.
    Done {
        /// The HTTP status.
        status: u16,
        /// Headers and body, sealed.
        response_sealed: Vec<u8>,
    },
    /// It is being done at this moment.
    Running,
    /// The key was used for another request.
    Other,
}

#[derive(crate::FromRow)]
struct Row {
    request_hash: String,
    status: Option<i64>,
    response_sealed: Option<Vec<u8>>,
    created_at: DateTime<Utc>,
}

/// All requests with a key.
pub struct IdempotencyKeys<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl IdempotencyKeys<'_> {
    /// Claims a key for a request, unless it is known. Of many at once one gets it. A claim without
    /// an answer that is older than `stale` belonged to a process that died: it is claimed again.
    pub async fn begin(
        self,
        scope: &str,
        key: &str,
        request_hash: &str,
        now: DateTime<Utc>,
        stale: Duration,
    ) -> Result<KeyedRequest, StorageError> {
        const CLAIM: &str = "
            INSERT INTO idempotency_keys (scope, key, request_hash, created_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (scope, key) DO NOTHING";
        const READ: &str = "
            SELECT request_hash, status, response_sealed, created_at FROM idempotency_keys
             WHERE scope = $1 AND key = $2";
        const AGAIN: &str = "
            UPDATE idempotency_keys SET created_at = $4
             WHERE scope = $1 AND key = $2 AND status IS NULL AND created_at = $3";
        if run!(self.tx, CLAIM; scope, key, request_hash, now) == 1 {
            return Ok(KeyedRequest::Fresh);
        }
        // Gone again already: its holder released it, and the client may repeat.
        let Some(known) = row!(self.tx, Row, READ; scope, key) else {
            return Ok(KeyedRequest::Running);
        };
        if known.request_hash != request_hash {
            return Ok(KeyedRequest::Other);
        }
        if let (Some(status), Some(response_sealed)) = (known.status, known.response_sealed) {
            let status =
                u16::try_from(status).map_err(StorageError::corrupt("idempotency_keys"))?;
            return Ok(KeyedRequest::Done { status, response_sealed });
        }
        let claimed = known.created_at + stale < now
            && run!(self.tx, AGAIN; scope, key, known.created_at, now) == 1;
        Ok(if claimed { KeyedRequest::Fresh } else { KeyedRequest::Running })
    }

    /// Stores the answer, unless there is one: all who ask get the same.
    pub async fn finish(
        self,
        scope: &str,
        key: &str,
        status: u16,
        response_sealed: &[u8],
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE idempotency_keys SET status = $3, response_sealed = $4
             WHERE scope = $1 AND key = $2 AND status IS NULL";
        run!(self.tx, SQL; scope, key, i64::from(status), response_sealed);
        Ok(())
    }

    /// Gives a claim back: the request was not done.
    pub async fn abandon(self, scope: &str, key: &str) -> Result<(), StorageError> {
        const SQL: &str =
            "DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND status IS NULL";
        run!(self.tx, SQL; scope, key);
        Ok(())
    }

    /// Removes keys that were claimed before this time, a batch at a time
    /// ([`crate::sweep::BATCH`]).
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("idempotency_keys", "created_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}
