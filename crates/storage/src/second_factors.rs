//! Second factors: the `totp_*` columns of `users` and the `recovery_codes` table.

use chrono::{DateTime, Utc};
use replyx_core::ids::UserId;

use crate::{StorageError, Tx, users};

const DELETE_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";

/// A user's second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// The TOTP secret, sealed for the user's id.
    pub secret_sealed: Vec<u8>,
    /// Since when it is asked for; not yet, while its first code has not been shown.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// All second factors.
pub struct SecondFactors<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SecondFactors<'_> {
    /// Stores a secret that has yet to be confirmed, in place of an earlier unconfirmed one;
    /// `false` when there is a confirmed one already.
    pub async fn begin(self, user: UserId, secret_sealed: &[u8]) -> Result<bool, StorageError> {
        const SQL: &str =
            "UPDATE users SET totp_sealed = $2 WHERE id = $1 AND totp_confirmed_at IS NULL";
        Ok(run!(self.tx, SQL; user.into_uuid(), secret_sealed) > 0)
    }

    /// The second factor of a user, confirmed or not.
    pub async fn find(self, user: UserId) -> Result<Option<SecondFactor>, StorageError> {
        const SQL: &str = "
            SELECT totp_sealed, totp_confirmed_at FROM users WHERE id = $1 AND totp_sealed IS NOT NULL";
        let row = row!(self.tx, (Vec<u8>, Option<DateTime<Utc>>), SQL; user.into_uuid());
        Ok(row.map(|(secret_sealed, confirmed_at)| SecondFactor { secret_sealed, confirmed_at }))
    }

    /// From now on the second factor is asked for. Stores the recovery codes and the time step of
    /// the code that was shown. `false` when there is none to confirm. Tells `Committed::access`.
    pub async fn confirm(
        self,
        user: UserId,
        step: i64,
        code_hashes: &[String],
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE users SET totp_confirmed_at = $2, totp_step = $3
             WHERE id = $1 AND totp_sealed IS NOT NULL AND totp_confirmed_at IS NULL";
        if run!(self.tx, SQL; user.into_uuid(), now, step) == 0 {
            return Ok(false);
        }
        self.tx.done.access.push(user.into_uuid());
        self.replace_recovery_codes(user, code_hashes).await?;
        Ok(true)
    }

    /// Accepts a TOTP code of this time step, unless one of it or of a later one was accepted
    /// before: each code opens once, however many ask at the same time.
    pub async fn spend_step(self, user: UserId, step: i64) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE users SET totp_step = $2
             WHERE id = $1 AND totp_confirmed_at IS NOT NULL AND totp_step < $2";
        Ok(run!(self.tx, SQL; user.into_uuid(), step) > 0)
    }

    /// Accepts a recovery code that has not been used yet.
    pub async fn spend_recovery_code(
        self,
        user: UserId,
        code_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE recovery_codes SET used_at = $3
             WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL";
        Ok(run!(self.tx, SQL; user.into_uuid(), code_hash, now) > 0)
    }

    /// Puts new recovery codes in the place of all old ones.
    pub async fn replace_recovery_codes(
        self,
        user: UserId,
        code_hashes: &[String],
    ) -> Result<(), StorageError> {
        const SQL: &str = "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)";
        // Of two who replace them at once, the later one must see, and remove, the codes of the
        // other.
        users::lock(self.tx, user).await?;
        run!(self.tx, DELETE_CODES; user.into_uuid());
        for hash in code_hashes {
            run!(self.tx, SQL; user.into_uuid(), hash);
        }
        Ok(())
    }

    /// How many recovery codes have not been used.
    pub async fn recovery_codes_left(self, user: UserId) -> Result<i64, StorageError> {
        const SQL: &str =
            "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL";
        Ok(value!(self.tx, i64, SQL; user.into_uuid()).unwrap_or_default())
    }

    /// Removes the second factor and its recovery codes; `false` when there was none. Tells
    /// `Committed::access`.
    pub async fn remove(self, user: UserId) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE users SET totp_sealed = NULL, totp_confirmed_at = NULL
             WHERE id = $1 AND totp_sealed IS NOT NULL";
        if run!(self.tx, SQL; user.into_uuid()) == 0 {
            return Ok(false);
        }
        run!(self.tx, DELETE_CODES; user.into_uuid());
        self.tx.done.access.push(user.into_uuid());
        Ok(true)
    }
}
