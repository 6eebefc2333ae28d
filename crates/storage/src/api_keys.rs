//! Programs' keys to workspaces: the `api_keys` table. Keys are stored as the SHA-256 of
//! themselves.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{ApiKeyId, WorkspaceId},
    page::{Page, PageRequest},
    permission::{Permission, Permissions},
    role::Role,
    session::{Access, Principal, WorkspaceAccess},
    workspace::{ApiKey, KeyOwner},
};
use uuid::Uuid;

use crate::{StorageError, Tx, workspaces};

macro_rules! keys {
    () => {
        "SELECT workspace_id, id, name, prefix, scopes, service, created_by, expires_at, last_used_at,
                created_at
           FROM api_keys"
    };
}

/// A key, its workspace, and where its maker stands there.
#[derive(crate::FromRow)]
struct AccessRow {
    id: Uuid,
    name: String,
    scopes: String,
    service: bool,
    created_by: Uuid,
    expires_at: Option<DateTime<Utc>>,
    #[row(flatten)]
    workspace: workspaces::Row,
    /// The maker's role, if they may act there.
    role: Option<String>,
}

impl AccessRow {
    /// What the key may do now; `None` when its maker may do nothing.
    fn permissions(&self) -> Result<Option<Permissions>, StorageError> {
        let most = scopes(&self.scopes)?.and(Permissions::of_keys());
        if self.service {
            return Ok(Some(most));
        }
        let Some(role) = &self.role else { return Ok(None) };
        let role: Role = role.parse().map_err(StorageError::corrupt("members"))?;
        Ok(Some(most.and(Permissions::of_role(role))))
    }
}

#[derive(crate::FromRow)]
struct Row {
    workspace_id: Uuid,
    id: Uuid,
    name: String,
    prefix: String,
    scopes: String,
    service: bool,
    created_by: Uuid,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for ApiKey {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            workspace_id: row.workspace_id.into(),
            name: row.name,
            prefix: row.prefix,
            scopes: scopes(&row.scopes)?,
            owner: if row.service { KeyOwner::Workspace } else { KeyOwner::Maker },
            created_by: row.created_by.into(),
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            created_at: row.created_at,
        })
    }
}

fn scopes(words: &str) -> Result<Permissions, StorageError> {
    let scope = |word: &str| word.parse::<Permission>().map_err(StorageError::corrupt("api_keys"));
    words.split_whitespace().map(scope).collect()
}

/// One workspace's keys.
pub struct ApiKeys<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl ApiKeys<'_> {
    /// Stores a new key.
    pub(crate) async fn insert(self, key: &ApiKey, key_hash: &str) -> Result<(), StorageError> {
        const SQL: &str = "
            INSERT INTO api_keys
                   (workspace_id, id, name, prefix, key_hash, scopes, service, created_by, expires_at,
                    created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let scopes: Vec<&str> = key.scopes.iter().map(Permission::as_str).collect();
        let service = key.owner == KeyOwner::Workspace;
        run!(self.tx, SQL;
            self.workspace.into_uuid(), key.id.into_uuid(), &key.name, &key.prefix, key_hash,
            scopes.join(" "), service, key.created_by.into_uuid(), key.expires_at, key.created_at);
        Ok(())
    }

    /// The keys by id, newest first, also those that have ended.
    pub async fn list(
        self,
        page: PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey, ApiKeyId>, StorageError> {
        const SQL: &str =
            concat!(keys!(), " WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
        let before = page.after.map_or(Uuid::max(), ApiKeyId::into_uuid);
        let rows = rows!(self.tx, Row, SQL;
            self.workspace.into_uuid(), before, i64::from(page.limit) + 1);
        let keys = rows.into_iter().map(ApiKey::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(keys, page.limit, |key| key.id))
    }

    /// One key.
    pub async fn find(self, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError> {
        const SQL: &str = concat!(keys!(), " WHERE workspace_id = $1 AND id = $2");
        let row = row!(self.tx, Row, SQL; self.workspace.into_uuid(), id.into_uuid());
        row.map(ApiKey::try_from).transpose()
    }

    /// One key, which others can neither change nor revoke until the transaction ends.
    pub async fn lock(self, id: ApiKeyId) -> Result<Option<ApiKey>, StorageError> {
        macro_rules! find {
            () => {
                concat!(keys!(), " WHERE workspace_id = $1 AND id = $2")
            };
        }
        let sql = self.tx.sql(concat!(find!(), " FOR NO KEY UPDATE"), find!());
        let row = row!(self.tx, Row, sql; self.workspace.into_uuid(), id.into_uuid());
        row.map(ApiKey::try_from).transpose()
    }

    /// Stores the name of a key. Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is no such key.
    pub(crate) async fn save(self, key: &ApiKey) -> Result<(), StorageError> {
        const SQL: &str = "UPDATE api_keys SET name = $3 WHERE workspace_id = $1 AND id = $2";
        let id = key.id.into_uuid();
        let changed = run!(self.tx, SQL; self.workspace.into_uuid(), id, &key.name);
        StorageError::expect_one_row("api_keys", changed)?;
        self.tx.done.access.push(id);
        Ok(())
    }

    /// Revokes a key at once. Tells `Committed::access`.
    ///
    /// # Errors
    ///
    /// Fails when there is no such key.
    pub(crate) async fn delete(self, id: ApiKeyId) -> Result<(), StorageError> {
        const SQL: &str = "DELETE FROM api_keys WHERE workspace_id = $1 AND id = $2";
        let deleted = run!(self.tx, SQL; self.workspace.into_uuid(), id.into_uuid());
        StorageError::expect_one_row("api_keys", deleted)?;
        self.tx.done.access.push(id.into_uuid());
        Ok(())
    }
}

/// All keys.
pub struct SystemApiKeys<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemApiKeys<'_> {
    /// What a key gives access to now, and when it ends; `None` when there is no such key, it has
    /// ended, or its maker may not act in the workspace: they are no member, suspended, blocked, or
    /// their account is to be deleted. A service key has no such maker.
    pub async fn access(
        self,
        key_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(Access, Option<DateTime<Utc>>)>, StorageError> {
        const SQL: &str = concat!(
            "SELECT k.id, k.name, k.scopes, k.service, k.created_by, k.expires_at, m.role, ",
            workspaces::workspace_columns!(),
            " FROM api_keys k
               JOIN workspaces w ON w.id = k.workspace_id
               LEFT JOIN users u
                 ON u.id = k.created_by AND u.blocked_at IS NULL AND u.delete_at IS NULL
               LEFT JOIN members m
                 ON m.workspace_id = k.workspace_id AND m.user_id = u.id AND m.suspended_at IS NULL
              WHERE k.key_hash = $1 AND (k.expires_at IS NULL OR k.expires_at > $2)"
        );
        let Some(row) = row!(self.tx, AccessRow, SQL; key_hash, now) else { return Ok(None) };
        let Some(permissions) = row.permissions()? else { return Ok(None) };
        let maker = (!row.service).then(|| row.created_by.into());
        let workspace = workspaces::read(row.workspace);
        let place = WorkspaceAccess { workspace, role: None, permissions, suspended: false };
        let principal = Principal::Key { id: row.id.into(), name: row.name, maker };
        Ok(Some((Access { principal, place: Some(place) }, row.expires_at)))
    }

    /// Notes that these keys were used. A later use that is noted already stays.
    pub async fn touch(self, ids: &[ApiKeyId], now: DateTime<Utc>) -> Result<(), StorageError> {
        const SQL: &str = "
            UPDATE api_keys SET last_used_at = $2
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
        // In one order everywhere: two processes that note the same keys must not wait for each
        // other in a circle.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        for id in ids {
            run!(self.tx, SQL; id.into_uuid(), now);
        }
        Ok(())
    }
}
