//! The models that assistants may use.

use replyx_core::{assistant::AssistantSettings, ids::WorkspaceId};
use replyx_llm::Models;
use replyx_storage::{StorageError, Tx};

use crate::Unacceptable;

/// The models a workspace may use.
pub struct Permitted<'m> {
    models: &'m Models,
    /// The only ones, of those that the installation allows.
    only: Option<Vec<String>>,
}

impl<'m> Permitted<'m> {
    /// Reads what a workspace may use.
    pub async fn of(
        models: &'m Models,
        tx: &mut Tx,
        workspace: WorkspaceId,
    ) -> Result<Self, StorageError> {
        let policy = tx.system().workspaces().model_policy(workspace).await?;
        Ok(Self { models, only: policy.unwrap_or_default().allowed })
    }

    /// Refuses settings that name a model that may not be used.
    pub fn check(&self, settings: &AssistantSettings) -> Result<(), Unacceptable> {
        self.check_model(settings.model.as_deref())?;
        self.check_fallbacks(&settings.fallback_models)
    }

    /// Refuses the model of an assistant if it may not be used: the one it names, else the default.
    pub fn check_model(&self, named: Option<&str>) -> Result<(), Unacceptable> {
        let meant = self.models.resolve_for(named, self.only.as_deref());
        if self.models.allows(&meant, self.only.as_deref()) {
            return Ok(());
        }

        let message = if named.is_some() {
            "is not a model that may be used here: `GET /api/v1/models` lists those that may"
        } else {
            "must name a model: the default may not be used here; `GET /api/v1/models` lists those that may"
        };
        Err(Unacceptable::new("model", message))
    }

    /// Refuses fallback models of which one may not be used.
    pub fn check_fallbacks(&self, names: &[String]) -> Result<(), Unacceptable> {
        if names.iter().all(|name| self.models.allows(name, self.only.as_deref())) {
            return Ok(());
        }

        let message =
            "names a model that may not be used here: `GET /api/v1/models` lists those that may";
        Err(Unacceptable::new("fallback_models", message))
    }
}
