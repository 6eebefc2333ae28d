//! What clients are told when a use case of `assistants` or `engine` fails, or one of any crate is
//! refused for a reason that several have.

use std::time::Duration;

use replyx_assistants::{
    Missing, Unacceptable,
    answers::AnswerError,
    assistants::{CreateError, DeleteError, GateClosed, OperationError, PublishError, UpdateError},
    documents::{DayIsFull, DocumentError, TooManyWaiting, WorkspaceIsFull},
    evaluation::EvaluationError,
    sources::SourceError,
};

use super::ApiError;

/// When a client may try again whose assistant was getting documents all the time.
const AGAIN: Duration = Duration::from_secs(1);

impl From<Missing> for ApiError {
    fn from(Missing(what): Missing) -> Self {
        Self::NotFound(what)
    }
}

impl From<Unacceptable> for ApiError {
    fn from(refused: Unacceptable) -> Self {
        Self::field(refused.field, refused.message)
    }
}

impl From<TooManyWaiting> for ApiError {
    fn from(refused: TooManyWaiting) -> Self {
        Self::Conflict { code: "too_many_waiting", detail: refused.to_string() }
    }
}

impl From<DayIsFull> for ApiError {
    fn from(refused: DayIsFull) -> Self {
        Self::Limited { limit: refused.to_string(), after: refused.after }
    }
}

impl From<WorkspaceIsFull> for ApiError {
    fn from(refused: WorkspaceIsFull) -> Self {
        Self::Conflict { code: "workspace_full", detail: refused.to_string() }
    }
}

impl From<GateClosed> for ApiError {
    fn from(closed: GateClosed) -> Self {
        let detail = closed.to_string();
        match closed {
            GateClosed::Unmeasured(_) => Self::Conflict { code: "evaluation_required", detail },
            GateClosed::Regressed(_) => Self::Conflict { code: "evaluation_regressed", detail },
        }
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Unacceptable(refused) => refused.into(),
            CreateError::Storage(error) => error.into(),
        }
    }
}

impl From<UpdateError> for ApiError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Missing(missing) => missing.into(),
            UpdateError::Changed => Self::PreconditionFailed,
            UpdateError::Unacceptable(refused) => refused.into(),
            UpdateError::Storage(error) => error.into(),
        }
    }
}

impl From<DeleteError> for ApiError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::Missing(missing) => missing.into(),
            DeleteError::HasChannels => {
                Self::Conflict { code: "assistant_in_use", detail: error.to_string() }
            }
            DeleteError::Growing => Self::Busy(AGAIN),
            DeleteError::Storage(error) => error.into(),
        }
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Missing(missing) => missing.into(),
            PublishError::Unacceptable(refused) => refused.into(),
            PublishError::Gate(closed) => closed.into(),
            PublishError::Storage(error) => error.into(),
        }
    }
}

impl From<OperationError> for ApiError {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Missing(missing) => missing.into(),
            OperationError::Storage(error) => error.into(),
        }
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Missing(missing) => missing.into(),
            DocumentError::IsPage(_) => {
                Self::Conflict { code: "is_page", detail: error.to_string() }
            }
            DocumentError::LastAssistant => {
                Self::Conflict { code: "last_assistant", detail: error.to_string() }
            }
            DocumentError::TooManyWaiting(refused) => refused.into(),
            DocumentError::DayIsFull(refused) => refused.into(),
            DocumentError::WorkspaceIsFull(refused) => refused.into(),
            DocumentError::Unsupported(refused) => Self::UnsupportedMediaType(refused.to_string()),
            DocumentError::Interrupted(error) => error.into(),
            DocumentError::Storage(error) => error.into(),
        }
    }
}

impl From<AnswerError> for ApiError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Missing(missing) => missing.into(),
            AnswerError::Changed => Self::PreconditionFailed,
            AnswerError::Unacceptable(refused) => refused.into(),
            AnswerError::TooManyWaiting(refused) => refused.into(),
            AnswerError::DayIsFull(refused) => refused.into(),
            AnswerError::WorkspaceIsFull(refused) => refused.into(),
            AnswerError::Corrupt(_) | AnswerError::Reader(_) => Self::Internal(error.into()),
            AnswerError::Interrupted(error) => error.into(),
            AnswerError::Storage(error) => error.into(),
        }
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Missing(missing) => missing.into(),
            SourceError::Changed => Self::PreconditionFailed,
            SourceError::Unacceptable(refused) => refused.into(),
            SourceError::TooMany => {
                Self::Conflict { code: "too_many_sources", detail: error.to_string() }
            }
            SourceError::Storage(error) => error.into(),
        }
    }
}

impl From<EvaluationError> for ApiError {
    fn from(error: EvaluationError) -> Self {
        match error {
            EvaluationError::Missing(missing) => missing.into(),
            EvaluationError::Changed => Self::PreconditionFailed,
            EvaluationError::Unacceptable(refused) => refused.into(),
            EvaluationError::TooManySets => {
                Self::Conflict { code: "too_many_question_sets", detail: error.to_string() }
            }
            EvaluationError::TooManyRuns => {
                Self::Conflict { code: "too_many_runs", detail: error.to_string() }
            }
            EvaluationError::IsGate => {
                Self::Conflict { code: "question_set_in_use", detail: error.to_string() }
            }
            EvaluationError::Storage(error) => error.into(),
        }
    }
}
