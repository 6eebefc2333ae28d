//! Accounts that wait for their e-mail address to be confirmed: the `registrations` table. Links
//! that reset a password: `password_resets`. Failed attempts to sign in: `login_attempts`.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::UserId,
    rules::user::PasswordLink,
    session::{Attempt, Patience},
    user::Registration,
};
use uuid::Uuid;

use crate::{StorageError, Tx, users};

macro_rules! columns {
    () => {
        "email, user_id, workspace_id, name, language, password_hash, code_hash, tries_left, expires_at,
         created_at"
    };
}

#[derive(crate::FromRow)]
struct Row {
    email: String,
    user_id: Uuid,
    workspace_id: Uuid,
    name: Option<String>,
    language: String,
    password_hash: String,
    code_hash: String,
    tries_left: i64,
    expires_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

/// All accounts to be.
pub struct Registrations<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Registrations<'_> {
    /// Stores a registration, in the place of an earlier one of the same address.
    pub(crate) async fn put(self, registration: &Registration) -> Result<(), StorageError> {
        const SQL: &str = concat!(
            "INSERT INTO registrations (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (email) DO UPDATE
                SET user_id = excluded.user_id, workspace_id = excluded.workspace_id,
                    name = excluded.name, language = excluded.language,
                    password_hash = excluded.password_hash, code_hash = excluded.code_hash,
                    tries_left = excluded.tries_left, expires_at = excluded.expires_at,
                    created_at = excluded.created_at"
        );
        run!(self.tx, SQL;
            &registration.email, registration.user_id.into_uuid(), registration.workspace_id.into_uuid(),
            &registration.name, registration.language.as_str(), &registration.password_hash,
            &registration.code_hash, registration.tries_left, registration.expires_at,
            registration.created_at);
        Ok(())
    }

    /// The registration of an address, whether or not its code is still good.
    pub async fn find(self, email: &str) -> Result<Option<Registration>, StorageError> {
        const SQL: &str = concat!("SELECT ", columns!(), " FROM registrations WHERE email = $1");
        row!(self.tx, Row, SQL; email).map(read).transpose()
    }

    /// Gives a registration a new code; `false` when there is none.
    pub async fn renew(
        self,
        email: &str,
        code_hash: &str,
        tries: i64,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        const SQL: &str = "
            UPDATE registrations SET code_hash = $2, tries_left = $3, expires_at = $4 WHERE email = $1";
        Ok(run!(self.tx, SQL; email, code_hash, tries, expires_at) > 0)
    }

    /// Uses up one try of a code that is still good, before the code is looked at; returns the
    /// registration, or `None` when there is none, its code has ended, or no try is left. However
    /// many try at once, no more are let through than there are tries.
    pub async fn spend_try(
        self,
        email: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Registration>, StorageError> {
        const SQL: &str = concat!(
            "UPDATE registrations SET tries_left = tries_left - 1
              WHERE email = $1 AND expires_at > $2 AND tries_left > 0 RETURNING ",
            columns!()
        );
        row!(self.tx, Row, SQL; email, now).map(read).transpose()
    }

    /// Removes a registration: it has become an account.
    pub async fn delete(self, email: &str) -> Result<bool, StorageError> {
        Ok(run!(self.tx, "DELETE FROM registrations WHERE email = $1"; email) > 0)
    }

    /// Removes registrations whose codes ended before this time, a batch at a time
    /// ([`crate::sweep::BATCH`]).
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("registrations", "expires_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}

/// All links that reset a password.
pub struct PasswordResets<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl PasswordResets<'_> {
    /// Stores a link's token in the place of the user's earlier ones.
    pub(crate) async fn insert(self, link: &PasswordLink) -> Result<(), StorageError> {
        const EARLIER: &str = "DELETE FROM password_resets WHERE user_id = $1";
        const SQL: &str =
            "INSERT INTO password_resets (token_hash, user_id, expires_at) VALUES ($1, $2, $3)";
        // Of two links that are asked for at once only one may stay.
        users::lock(self.tx, link.user_id).await?;
        let user = link.user_id.into_uuid();
        run!(self.tx, EARLIER; user);
        run!(self.tx, SQL; &link.token_hash, user, link.expires_at);
        Ok(())
    }

    /// Uses a token up; returns whose it was, if it was still good. It opens once, however many try
    /// at the same time.
    pub async fn take(
        self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<UserId>, StorageError> {
        const OWNER: &str = "SELECT user_id FROM password_resets WHERE token_hash = $1";
        const SQL: &str = "
            DELETE FROM password_resets WHERE token_hash = $1 AND expires_at > $2 RETURNING user_id";
        // First the user, then the links, as in `insert`: otherwise the two could wait for each
        // other.
        let Some(owner) = value!(self.tx, Uuid, OWNER; token_hash) else { return Ok(None) };
        users::lock(self.tx, owner.into()).await?;
        Ok(value!(self.tx, Uuid, SQL; token_hash, now).map(UserId::from))
    }

    /// Removes tokens that ended before this time, a batch at a time ([`crate::sweep::BATCH`]).
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("password_resets", "expires_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}

/// Attempts to sign in, by the hash of the account's address, whether or not there is such an
/// account.
pub struct LoginAttempts<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl LoginAttempts<'_> {
    /// Counts an attempt as failed before the password is looked at, so that many at once cannot
    /// outrun the count; or says when the next may be made, and counts nothing. Failures older than
    /// `patience.lock` are forgotten.
    pub async fn begin(
        self,
        account_hash: &str,
        patience: Patience,
        now: DateTime<Utc>,
    ) -> Result<Attempt, StorageError> {
        // Makes the row when there is none, and locks it in any case.
        const LOCK: &str = "
            INSERT INTO login_attempts (account_hash, failures, last_at) VALUES ($1, 0, $2)
            ON CONFLICT (account_hash) DO UPDATE SET failures = login_attempts.failures
            RETURNING failures, last_at";
        const COUNT: &str =
            "UPDATE login_attempts SET failures = $2, last_at = $3 WHERE account_hash = $1";
        let (failures, last_at) =
            row!(self.tx, (i64, DateTime<Utc>), LOCK; account_hash, now).unwrap_or((0, now));
        let failures = if now >= last_at + patience.lock { 0 } else { failures };
        if failures > 0 {
            let delay = patience.delay(u32::try_from(failures).unwrap_or(u32::MAX));
            let until = last_at + delay;
            // Without a delay nobody waits, also not for who was counted in the meantime by a clock
            // that is ahead.
            if !delay.is_zero() && now < until {
                return Ok(Attempt::Wait(until));
            }
        }
        run!(self.tx, COUNT; account_hash, failures + 1, now);
        Ok(Attempt::Allowed)
    }

    /// The attempt succeeded: all is forgotten.
    pub async fn clear(self, account_hash: &str) -> Result<(), StorageError> {
        run!(self.tx, "DELETE FROM login_attempts WHERE account_hash = $1"; account_hash);
        Ok(())
    }

    /// Removes counts whose latest attempt was before this time, a batch at a time
    /// ([`crate::sweep::BATCH`]).
    pub async fn forget(self, before: DateTime<Utc>) -> Result<u64, StorageError> {
        const SQL: [&str; 2] = batch!("login_attempts", "last_at < $1");
        Ok(delete_batch!(self.tx, SQL; before))
    }
}

fn read(row: Row) -> Result<Registration, StorageError> {
    Ok(Registration {
        email: row.email,
        user_id: row.user_id.into(),
        workspace_id: row.workspace_id.into(),
        name: row.name,
        language: row.language.parse().map_err(StorageError::corrupt("registrations"))?,
        password_hash: row.password_hash,
        code_hash: row.code_hash,
        tries_left: row.tries_left,
        expires_at: row.expires_at,
        created_at: row.created_at,
    })
}
