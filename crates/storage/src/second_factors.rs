//! Second factors: the `totp_*` columns of `users` and the `recovery_codes` table.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::UserId,
    rules::second_factor::{ConfirmedSecondFactor, RecoveryCodes},
    user::SecondFactor,
};

use crate::{StorageError, Tx, users};

const DELETE_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";

/// All second factors.
pub struct SecondFactors<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SecondFactors<'_> {
    /// Stores a secret that has yet to be confirmed, in place of an earlier unconfirmed one.
    ///
    /// # Errors
    ///
    /// Fails when there is a confirmed one already.
    pub(crate) async fn begin(self, begun: &SecondFactor) -> Result<(), StorageError> {
        const SQL: &str =
            "UPDATE users SET totp_sealed = $2 WHERE id = $1 AND totp_confirmed_at IS NULL";
        let changed = run!(self.tx, SQL; begun.user_id.into_uuid(), &begun.secret_sealed[..]);
        StorageError::expect_one_row("users", changed)
    }

    /// The second factor of a user, confirmed or not.
    pub async fn find(self, user: UserId) -> Result<Option<SecondFactor>, StorageError> {
        const SQL: &str = "
            SELECT totp_sealed, totp_confirmed_at FROM users WHERE id = $1 AND totp_sealed IS NOT NULL";
        let row = row!(self.tx, (Vec<u8>, Option<DateTime<Utc>>), SQL; user.into_uuid());
        Ok(row.map(|(secret_sealed, confirmed_at)| SecondFactor {
            user_id: user,
            secret_sealed,
            confirmed_at,
        }))
    }

    /// From now on the second factor is asked for. Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is none to confirm.
    pub(crate) async fn confirm(
        self,
        confirmed: &ConfirmedSecondFactor,
    ) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE users SET totp_confirmed_at = $2, totp_step = $3
             WHERE id = $1 AND totp_sealed IS NOT NULL AND totp_confirmed_at IS NULL";
        let user = confirmed.user_id;
        let changed = run!(self.tx, SQL; user.into_uuid(), confirmed.at, confirmed.step);
        StorageError::expect_one_row("users", changed)?;
        self.tx.done.access.push(user.into_uuid());
        replace_codes(self.tx, user, &confirmed.code_hashes).await
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
    pub(crate) async fn replace_recovery_codes(
        self,
        codes: &RecoveryCodes,
    ) -> Result<(), StorageError> {
        replace_codes(self.tx, codes.user_id, &codes.hashes).await
    }

    /// How many recovery codes have not been used.
    pub async fn recovery_codes_left(self, user: UserId) -> Result<i64, StorageError> {
        const SQL: &str =
            "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL";
        Ok(value!(self.tx, i64, SQL; user.into_uuid()).unwrap_or_default())
    }

    /// Removes the second factor and its recovery codes. Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is none.
    pub(crate) async fn remove(self, user: UserId) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE users SET totp_sealed = NULL, totp_confirmed_at = NULL
             WHERE id = $1 AND totp_sealed IS NOT NULL";
        let removed = run!(self.tx, SQL; user.into_uuid());
        StorageError::expect_one_row("users", removed)?;
        run!(self.tx, DELETE_CODES; user.into_uuid());
        self.tx.done.access.push(user.into_uuid());
        Ok(())
    }
}

async fn replace_codes(
    tx: &mut Tx,
    user: UserId,
    code_hashes: &[String],
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)";
    // Of two who replace them at once, the later one must see, and remove, the codes of the other.
    users::lock(tx, user).await?;
    run!(tx, DELETE_CODES; user.into_uuid());
    for hash in code_hashes {
        run!(tx, SQL; user.into_uuid(), hash);
    }
    Ok(())
}
