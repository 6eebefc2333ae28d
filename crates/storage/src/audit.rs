//! The audit log: the `audit_entries` and `audit_heads` tables. Entries are only ever added.
//!
//! Adding locks the chain's head until the transaction ends, so it is done at the commit. The only
//! way to add one is an act with its own type, in a change ([`Tx::apply`]).

use chrono::{DateTime, Utc};
use replyx_core::{
    audit::{Act, Entry, GENESIS, hash},
    ids::WorkspaceId,
    page::{Page, PageRequest},
};
use uuid::Uuid;

use crate::{StorageError, Tx, stored::Stored};

/// The name of the chain that is no workspace's.
const PLATFORM: &str = "platform";

macro_rules! entries {
    () => {
        "SELECT seq, at, actor, actor_id, actor_name, action, target, target_id, address, outcome,
                details, hash
           FROM audit_entries"
    };
}

/// Which entries of a log are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only acts of this name, or of this kind (`member` finds `member.removed`).
    pub action: Option<String>,
    /// Only acts of this account or key.
    pub actor_id: Option<Uuid>,
}

/// One workspace's audit log.
pub struct Audit<'t> {
    pub(crate) tx: &'t mut Tx,
    pub(crate) workspace: WorkspaceId,
}

impl Audit<'_> {
    /// The entries, newest first.
    pub async fn list(
        self,
        filter: &AuditFilter,
        page: PageRequest<i64>,
    ) -> Result<Page<Entry, i64>, StorageError> {
        list(self.tx, Some(self.workspace), filter, page).await
    }
}

/// All audit logs. `None` is the platform's.
pub struct SystemAudit<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SystemAudit<'_> {
    /// The entries of the platform's log, newest first.
    pub async fn list(
        self,
        filter: &AuditFilter,
        page: PageRequest<i64>,
    ) -> Result<Page<Entry, i64>, StorageError> {
        list(self.tx, None, filter, page).await
    }

    /// Every log there is, also those of deleted workspaces: whose, the number and the hash of its
    /// newest entry.
    pub async fn chains(self) -> Result<Vec<(Option<WorkspaceId>, i64, String)>, StorageError> {
        let sql = "SELECT chain, seq, hash FROM audit_heads ORDER BY chain";
        rows!(self.tx, (String, i64, String), sql)
            .into_iter()
            .map(|(chain, seq, hash)| Ok((workspace_of(&chain)?, seq, hash)))
            .collect()
    }

    /// The entries of a log after a number, oldest first, to be checked.
    pub async fn read(
        self,
        chain: Option<WorkspaceId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, StorageError> {
        const SQL: &str =
            concat!(entries!(), " WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3");
        let rows = rows!(self.tx, Row, SQL; name_of(chain), after, i64::from(limit));
        rows.into_iter().map(|row| row.entry(chain)).collect()
    }
}

#[derive(crate::FromRow)]
struct Row {
    seq: i64,
    at: DateTime<Utc>,
    actor: String,
    actor_id: Option<Uuid>,
    actor_name: String,
    action: String,
    target: String,
    target_id: Option<String>,
    address: String,
    outcome: String,
    details: String,
    hash: String,
}

impl Row {
    fn entry(self, workspace_id: Option<WorkspaceId>) -> Result<Entry, StorageError> {
        let details = serde_json::from_str(&self.details);
        let act = Act {
            at: self.at,
            actor: self.actor.parse().map_err(StorageError::corrupt("audit_entries"))?,
            actor_id: self.actor_id,
            actor_name: self.actor_name,
            action: self.action,
            target: self.target,
            target_id: self.target_id,
            address: self.address,
            outcome: self.outcome.parse().map_err(StorageError::corrupt("audit_entries"))?,
            details: details.map_err(StorageError::corrupt("audit_entries"))?,
        };
        Ok(Entry { workspace_id, seq: self.seq, act, hash: self.hash })
    }
}

fn name_of(chain: Option<WorkspaceId>) -> String {
    chain.map_or_else(|| PLATFORM.to_owned(), |id| id.to_string())
}

fn workspace_of(name: &str) -> Result<Option<WorkspaceId>, StorageError> {
    if name == PLATFORM {
        return Ok(None);
    }
    name.parse().map(Some).map_err(StorageError::corrupt("audit_heads"))
}

/// The act as its texts will be read: the hash is over what is stored.
fn as_stored(act: Act) -> Act {
    let clean = |text: String| text.stored();
    Act {
        actor_name: clean(act.actor_name),
        action: clean(act.action),
        target: clean(act.target),
        target_id: act.target_id.map(clean),
        address: clean(act.address),
        ..act
    }
}

/// Adds an entry to a chain, whose head is locked from then on.
pub(crate) async fn append(
    tx: &mut Tx,
    chain: Option<WorkspaceId>,
    act: &Act,
) -> Result<(), StorageError> {
    // The hash of a new head is that of the entry before the first; of a known one, that of its
    // newest entry.
    const NEXT: &str = "
        INSERT INTO audit_heads (chain, seq, hash) VALUES ($1, 1, $2)
        ON CONFLICT (chain) DO UPDATE SET seq = audit_heads.seq + 1 RETURNING seq, hash";
    const ADD: &str = "
        INSERT INTO audit_entries
               (chain, seq, at, actor, actor_id, actor_name, action, target, target_id, address,
                outcome, details, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    const HEAD: &str = "UPDATE audit_heads SET hash = $2 WHERE chain = $1";
    let details = act.details.to_string();
    // Hashed as it will be read: a fraction may differ in its last digit from what was written.
    let read = serde_json::from_str(&details).map_err(StorageError::corrupt("audit_entries"))?;
    let act = as_stored(Act { details: read, ..act.clone() });
    let name = name_of(chain);
    let next = row!(tx, (i64, String), NEXT; &name, GENESIS);
    let (seq, previous) =
        next.ok_or(StorageError::RowsAffected { table: "audit_heads", actual: 0 })?;
    let hash = hash(&previous, chain, seq, &act);
    run!(tx, ADD;
        &name, seq, act.at, act.actor.as_str(), act.actor_id, &act.actor_name, &act.action,
        &act.target, &act.target_id, &act.address, act.outcome.as_str(), &details, &hash);
    run!(tx, HEAD; &name, &hash);
    tx.done.audit.push(Entry { workspace_id: chain, seq, act, hash });
    Ok(())
}

async fn list(
    tx: &mut Tx,
    chain: Option<WorkspaceId>,
    filter: &AuditFilter,
    page: PageRequest<i64>,
) -> Result<Page<Entry, i64>, StorageError> {
    const SQL: &str = concat!(
        entries!(),
        " WHERE chain = $1 AND seq < $2
            AND ($3 IS NULL OR action = $3 OR SUBSTR(action, 1, LENGTH($3) + 1) = $3 || '.')
            AND ($4 IS NULL OR actor_id = $4)
          ORDER BY seq DESC LIMIT $5"
    );
    let rows = rows!(tx, Row, SQL;
        name_of(chain), page.after.unwrap_or(i64::MAX), &filter.action, filter.actor_id, i64::from(page.limit) + 1);
    let entries: Result<Vec<_>, _> = rows.into_iter().map(|row| row.entry(chain)).collect();
    Ok(Page::of(entries?, page.limit, |entry| entry.seq))
}
