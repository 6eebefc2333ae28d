//! Acts on assistants and their evaluation.

use super::acts;
use crate::ids::{AssistantId, QuestionSetId, RunId};

acts! {
    WorkspaceLog, table ASSISTANT;

    /// An assistant was created.
    AssistantCreated = "assistant.created" on assistant: AssistantId { name: String }

    /// The draft of an assistant was changed.
    AssistantUpdated = "assistant.updated" on assistant: AssistantId { name: String, version: i64 }

    /// The draft of an assistant was published.
    AssistantPublished = "assistant.published" on assistant: AssistantId {
        name: String,
        number: i64,
    }

    /// An earlier version of an assistant was published again.
    AssistantRolledBack = "assistant.rolled_back" on assistant: AssistantId {
        name: String,
        from: i64,
        to: i64,
    }

    /// An assistant was paused: it answers nobody.
    AssistantPaused = "assistant.paused" on assistant: AssistantId { name: String }

    /// An assistant was resumed.
    AssistantResumed = "assistant.resumed" on assistant: AssistantId { name: String }

    /// Other times of replies are promised to the customers of an assistant.
    AssistantSlaSet = "assistant.sla_set" on assistant: AssistantId {
        name: String,
        first_reply_minutes: Option<u64>,
        next_reply_minutes: Option<u64>,
    }

    /// An assistant was deleted.
    AssistantDeleted = "assistant.deleted" on assistant: AssistantId { name: String }

    /// A question set was created.
    QuestionSetCreated = "question_set.created" on question_set: QuestionSetId {
        name: String,
        assistant_id: AssistantId,
        size: i64,
    }

    /// A question set was changed.
    QuestionSetUpdated = "question_set.updated" on question_set: QuestionSetId {
        name: String,
        size: i64,
    }

    /// A question set was deleted.
    QuestionSetDeleted = "question_set.deleted" on question_set: QuestionSetId { name: String }

    /// A run of a question set was queued.
    EvaluationStarted = "evaluation.started" on evaluation_run: RunId {
        question_set_id: QuestionSetId,
        version: Option<i64>,
        answers: bool,
    }
}
