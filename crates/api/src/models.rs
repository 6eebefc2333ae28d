//! The models that assistants may use.

pub mod list;

use replyx_core::{assistant::AssistantSettings, ids::WorkspaceId};
use replyx_storage::Tx;

use crate::{
    error::{ApiError, ApiResult},
    state::AppState,
};

/// The models a workspace may use.
pub(crate) struct Permitted<'s> {
    state: &'s AppState,
    /// The only ones, of those that the installation allows.
    only: Option<Vec<String>>,
}

impl<'s> Permitted<'s> {
    /// Reads what a workspace may use.
    pub(crate) async fn of(
        state: &'s AppState,
        tx: &mut Tx,
        workspace: WorkspaceId,
    ) -> ApiResult<Self> {
        let policy = tx.system().workspaces().model_policy(workspace).await?;
        Ok(Self { state, only: policy.unwrap_or_default().allowed })
    }

    /// Refuses settings that name a model that may not be used.
    pub(crate) fn check(&self, settings: &AssistantSettings) -> ApiResult<()> {
        self.check_model(settings.model.as_deref())?;
        self.check_fallbacks(&settings.fallback_models)
    }

    /// Refuses the model of an assistant if it may not be used: the one it names, else the default.
    pub(crate) fn check_model(&self, named: Option<&str>) -> ApiResult<()> {
        let models = &self.state.engine.models;
        let meant = models.resolve_for(named, self.only.as_deref());
        if models.allows(&meant, self.only.as_deref()) {
            return Ok(());
        }
        let detail = if named.is_some() {
            "is not a model that may be used here: `GET /api/v1/models` lists those that may"
        } else {
            "must name a model: the default may not be used here; `GET /api/v1/models` lists those that may"
        };
        Err(ApiError::field("model", detail))
    }

    /// Refuses models to fall back on of which one may not be used.
    pub(crate) fn check_fallbacks(&self, names: &[String]) -> ApiResult<()> {
        let models = &self.state.engine.models;
        if names.iter().all(|name| models.allows(name, self.only.as_deref())) {
            return Ok(());
        }
        let detail =
            "names a model that may not be used here: `GET /api/v1/models` lists those that may";
        Err(ApiError::field("fallback_models", detail))
    }
}
