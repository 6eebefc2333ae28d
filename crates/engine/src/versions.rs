//! Settings of published versions, kept in memory.
//!
//! A version never changes, so what is kept of one is always right. Which version is published is
//! read from the database at the beginning of every turn and never kept: a turn that begins after a
//! publication or a rollback was acknowledged answers by it, in whichever process it runs.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use moka::{policy::EvictionPolicy, sync::Cache};
use replyx_core::{assistant::AssistantSettings, ids::AssistantId};
use replyx_storage::{StorageError, Tx, dialogs::DialogContext};

/// How much is kept at most, bytes of JSON.
const KEPT: u64 = 16 << 20;

/// Which version. The time tells apart what a restored backup numbers alike.
type Key = (AssistantId, i64, DateTime<Utc>);

/// Settings of published versions. One per process.
#[derive(Debug)]
pub struct VersionCache(Cache<Key, Kept>);

#[derive(Clone, Debug)]
struct Kept {
    settings: Arc<AssistantSettings>,
    bytes: u32,
}

impl Default for VersionCache {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(KEPT)
            .weigher(|_, kept: &Kept| kept.bytes)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self(cache)
    }
}

impl VersionCache {
    /// The settings of the version that was published when the context was read. `None`: the
    /// version is no longer stored.
    pub(crate) async fn settings(
        &self,
        tx: &mut Tx,
        context: &DialogContext,
    ) -> Result<Option<Arc<AssistantSettings>>, StorageError> {
        let assistant = context.dialog.assistant_id;
        let key = (assistant, context.version, context.version_at);
        if let Some(kept) = self.0.get(&key) {
            return Ok(Some(kept.settings));
        }

        let assistants = tx.workspace(context.dialog.workspace_id).assistants();
        let Some(version) = assistants.version(assistant, context.version).await? else {
            return Ok(None);
        };
        let length = serde_json::to_vec(&version.settings).map_or(usize::MAX, |json| json.len());
        let settings = Arc::new(version.settings);
        let bytes = u32::try_from(length).unwrap_or(u32::MAX);
        self.0.insert(key, Kept { settings: Arc::clone(&settings), bytes });
        Ok(Some(settings))
    }
}
