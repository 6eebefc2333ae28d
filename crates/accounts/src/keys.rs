//! API keys: programs' keys to a workspace. A key is shown once, when it is made; it is stored as a
//! hash.
//!
//! A key is its maker's: it may do what is among its scopes and what its maker may do now, and it
//! is dead while its maker may do nothing here. An owner may make a service key, which belongs to
//! the workspace and goes on when they leave. No key does what needs a person
//! ([`Permission::needs_person`]).

use chrono::{DateTime, SubsecRound, Utc};
use replyx_core::{
    actor::Caller,
    change::New,
    clock::random_hex,
    ids::ApiKeyId,
    page::{Page, PageRequest},
    permission::{Permission, Permissions},
    rules::key::HashedKey,
    secret::sha256_hex,
    workspace::{ApiKey, KeyOwner},
};
use replyx_storage::{Db, StorageError, retried};

use crate::{Cx, Error, Result, standing};

/// What an API key begins with.
pub const PREFIX: &str = "rx_live_";
/// What follows it in a key: so many hexadecimal digits.
const DIGITS: usize = 40;
/// How much of a key is kept for people to tell keys apart.
const SHOWN: usize = 12;

/// Can it be one of our keys at all?
pub fn is_key(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// A new key, as it is asked for.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its display name.
    pub name: String,
    /// What it may do: at most what its maker may do.
    pub scopes: Permissions,
    /// Whose it is. Only an owner makes a key of the workspace.
    pub owner: KeyOwner,
    /// When it expires; never by default.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Lists the workspace's API keys, newest first, including expired ones.
pub async fn list(
    cx: &Cx,
    caller: &Caller,
    page: PageRequest<ApiKeyId>,
) -> Result<Page<ApiKey, ApiKeyId>> {
    let mut tx = cx.db.read().await?;
    Ok(tx.workspace(caller.workspace_id).api_keys().list(page).await?)
}

/// Records that keys were used now. Uses are gathered and recorded together, not with each request.
pub async fn record_uses(
    db: &Db,
    used: &[ApiKeyId],
    now: DateTime<Utc>,
) -> std::result::Result<(), StorageError> {
    retried(|| async {
        let mut tx = db.begin().await?;
        tx.system().api_keys().touch(used, now).await?;
        tx.commit().await.map(drop)
    })
    .await
}

/// Finds a key of the workspace.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn read(cx: &Cx, caller: &Caller, id: ApiKeyId) -> Result<ApiKey> {
    let mut tx = cx.db.read().await?;
    let found = tx.workspace(caller.workspace_id).api_keys().find(id).await?;
    found.ok_or(Error::NotFound("key"))
}

/// Creates a key; returns it with its secret, which is stored nowhere.
///
/// # Errors
///
/// [`Error::Field`] for an end in the past and a scope that needs a person; [`Error::Forbidden`],
/// [`Error::TooManyKeys`].
pub async fn create(cx: &Cx, caller: &Caller, new: &NewKey) -> Result<(ApiKey, String)> {
    let expires_at = new.expires_at.map(|end| end.trunc_subsecs(6));
    let secret = format!("{PREFIX}{}", random_hex::<20>());

    let key = cx.write(|| async {
        let workspace = caller.workspace_id;
        let mut tx = cx.db.begin().await?;
        // The owners stand for the workspace: two who make the hundredth key at once must see each
        // other's.
        tx.workspace(workspace).members().lock_owners().await?;
        let standing = standing::of(&mut tx, caller, Permission::KeysWrite).await?;
        let page = PageRequest::new(Some(PageRequest::<()>::MAX), None);
        let others = tx.workspace(workspace).api_keys().list(page).await?.items.len();

        let key = ApiKey {
            id: cx.clock.id(),
            workspace_id: workspace,
            name: new.name.clone(),
            prefix: secret[..SHOWN].to_owned(),
            scopes: new.scopes,
            owner: new.owner,
            created_by: standing.person,
            expires_at,
            last_used_at: None,
            created_at: cx.clock.now(),
        };
        let hash = sha256_hex(secret.as_bytes());
        let change = key.create(hash, &standing, others, &caller.actor())?;
        let New(HashedKey { key, .. }) = tx.apply(change).await?;
        tx.commit().await?;
        Ok(key)
    });
    Ok((key.await?, secret))
}

/// Gives a key another name; without one it stays as it is.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn update(cx: &Cx, caller: &Caller, id: ApiKeyId, name: Option<&str>) -> Result<ApiKey> {
    cx.write(|| async {
        let workspace = caller.workspace_id;
        let mut tx = cx.db.begin().await?;
        let found = tx.workspace(workspace).api_keys().lock(id).await?;
        let key = found.ok_or(Error::NotFound("key"))?;
        let Some(name) = name.filter(|name| *name != key.name) else { return Ok(key) };

        let change = key.rename(name.to_owned(), &caller.actor(), cx.clock.now());
        let key = tx.apply(change).await?;
        tx.commit().await?;
        Ok(key)
    })
    .await
}

/// Revokes an API key.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn delete(cx: &Cx, caller: &Caller, id: ApiKeyId) -> Result<()> {
    cx.write(|| async {
        let workspace = caller.workspace_id;
        let mut tx = cx.db.begin().await?;
        let found = tx.workspace(workspace).api_keys().lock(id).await?;
        let key = found.ok_or(Error::NotFound("key"))?;
        tx.apply(key.delete(&caller.actor(), cx.clock.now())).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_of_a_key_is_one() {
        assert!(is_key(&format!("{PREFIX}{}", random_hex::<20>())));
        for text in
            ["", "rx_live_", "rx_live_00", &"0".repeat(48), &format!("{PREFIX}{}", "g".repeat(40))]
        {
            assert!(!is_key(text), "{text}");
        }
    }
}
