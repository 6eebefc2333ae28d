//! Who answers: instructions, model and the texts said when there is nothing to answer with.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AssistantId, WorkspaceId},
    words::words,
};

words! {
    /// A language an assistant speaks of its own accord (its fixed texts; answers follow the customer).
    Language {
        /// English.
        English = "en",
        /// Russian.
        Russian = "ru",
    }
}

/// An assistant and its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Assistant {
    /// Identity.
    pub id: AssistantId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// How it answers.
    pub settings: Settings,
    /// Grows by one with every change; what an `ETag` shows.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// How an assistant answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What its owners call it.
    pub name: String,
    /// The chat model: `extractive`, or a name the configured provider knows. `None` follows the
    /// installation's default.
    pub model: Option<String>,
    /// The owner's instructions to the model.
    pub system_prompt: String,
    /// Randomness of the model, 0 to 2; 0.2 unless set, because support wants facts.
    pub temperature: f64,
    /// The language of the fixed texts.
    pub language: Language,
    /// Said in answer to `/start`; a fixed text of the language unless set.
    pub greeting: Option<String>,
    /// Said when the documents do not hold the answer; a fixed text of the language unless set.
    pub unknown_text: Option<String>,
    /// Said when no model could be reached; a fixed text of the language unless set.
    pub fallback_text: Option<String>,
}

impl Settings {
    /// The temperature of an assistant whose owner set none.
    pub const TEMPERATURE: f64 = 0.2;

    /// What is said in answer to `/start`.
    pub fn greeting(&self) -> &str {
        self.greeting.as_deref().unwrap_or(match self.language {
            Language::English => "Hello! Ask me anything, and I will look it up for you.",
            Language::Russian => "Здравствуйте! Задайте вопрос, и я найду на него ответ.",
        })
    }

    /// What is said when the documents do not hold the answer.
    pub fn unknown_text(&self) -> &str {
        self.unknown_text.as_deref().unwrap_or(match self.language {
            Language::English => "I don't know: I found nothing about this in the documents.",
            Language::Russian => "Я не знаю: в документах об этом ничего не нашлось.",
        })
    }

    /// What is said when no model could be reached.
    pub fn fallback_text(&self) -> &str {
        self.fallback_text.as_deref().unwrap_or(match self.language {
            Language::English => {
                "I cannot answer right now because of a technical problem. Please ask again in a few minutes."
            }
            Language::Russian => {
                "Сейчас не могу ответить из-за технической неполадки. Пожалуйста, спросите ещё раз через несколько минут."
            }
        })
    }
}
