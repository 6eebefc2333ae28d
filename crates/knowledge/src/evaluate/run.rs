//! Runs of question sets: the job that asks the questions, and what tells runs apart.

use replyx_core::{
    assistant::AssistantSettings,
    evaluation::Question,
    ids::{RunId, WorkspaceId},
    job::{Kind, Lane},
    secret::sha256_hex,
};
use serde::{Deserialize, Serialize};

/// The job, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluate {
    /// Whose run.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub run_id: RunId,
}

impl Evaluate {
    /// What the queue calls this job.
    pub const KIND: Kind = Kind { name: "evaluate", lane: Lane::Evaluation };
}

/// What a run measured, as one word: the settings and the questions. Two runs with the same hash
/// asked the same of the same.
pub fn settings_hash(settings: &AssistantSettings, questions: &[Question]) -> String {
    let whole = serde_json::json!({"settings": settings, "questions": questions});
    sha256_hex(whole.to_string().as_bytes())
}
