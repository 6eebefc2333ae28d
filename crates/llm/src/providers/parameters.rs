//! Which parameters a model takes.
//!
//! Servers that speak one protocol differ in the parameters they know, and refuse a request for one
//! they do not. A [`Shape`] says what is sent to a model. It begins with what the model's name
//! tells, loses what the server refuses by name, and is remembered in [`Shapes`], so that a refusal
//! is paid for once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

/// So many models are remembered; those beyond are learnt again each time.
const MODELS: usize = 256;

/// A model that reasons first spends tokens of the same budget on it. With little effort it takes a
/// few hundred; this is what it is given on top of the answer's own.
const REASONING: u32 = 4_096;

/// A parameter that a model may not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// `temperature`.
    Temperature,
    /// The usual name of the bound on tokens: refused, the other one is sent.
    Limit,
    /// How much a model that reasons shall reason.
    Effort,
    /// `stream_options`: that usage be reported.
    Usage,
    /// `store`: that the provider keep nothing.
    Store,
    /// The role `system`: refused, the instructions stand before the first question.
    System,
}

/// What is sent to a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    reasons: bool,
    newer: bool,
    refused: Vec<Parameter>,
}

impl Shape {
    /// What a model's name tells.
    fn of(model: &str) -> Self {
        match reasoning(model) {
            // Only a model that reasons, and can be told how much, is told.
            Reasoning::Never => Self { refused: vec![Parameter::Effort], ..Self::default() },
            Reasoning::Unasked => {
                Self { reasons: true, refused: vec![Parameter::Effort], ..Self::default() }
            }
            Reasoning::Steered => {
                Self { reasons: true, newer: true, refused: vec![Parameter::Temperature] }
            }
        }
    }

    /// Is the parameter sent? For [`Parameter::Limit`]: under its usual name?
    pub(super) fn sends(&self, parameter: Parameter) -> bool {
        !self.refused.contains(&parameter)
    }

    /// Is the bound on tokens sent under the name that newer models know?
    pub(super) fn newer_limit(&self) -> bool {
        self.newer == self.sends(Parameter::Limit)
    }

    /// The bound on tokens, with room for reasoning.
    pub(super) fn limit(&self, answer: u32) -> u32 {
        if self.reasons { answer.saturating_add(REASONING) } else { answer }
    }

    /// The shape without the parameter that this error names, when it names one that was sent.
    pub(super) fn without(&self, status: u16, body: &Value) -> Option<Self> {
        let parameter = named(status, body, |parameter| self.sends(parameter))?;
        let mut less = self.clone();
        less.refused.push(parameter);
        Some(less)
    }
}

/// Whether a model reasons before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reasoning {
    /// No, or nothing is known of it.
    Never,
    /// Yes, and it takes all parameters.
    Unasked,
    /// Yes; it takes an effort, a newer bound and no temperature.
    Steered,
}

/// What a model's name tells of it. `OpenAI`'s `o1` and later reason, and `gpt-5` and later except
/// those for chats; the fifth generation of Claude; `DeepSeek`'s since the fourth.
fn reasoning(model: &str) -> Reasoning {
    let bare = model.rsplit('/').next().unwrap_or(model);
    let generation = |rest: &str| -> u32 {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().unwrap_or(0)
    };
    let steered = if let Some(rest) = bare.strip_prefix("gpt-") {
        generation(rest) >= 5 && !bare.contains("-chat")
    } else if let Some(rest) = bare.strip_prefix("claude-") {
        // The names of the third generation begin with its number, all later ones with a family.
        rest.split_once('-').is_some_and(|(family, rest)| {
            generation(family) == 0 && (5..100).contains(&generation(rest))
        })
    } else {
        bare.strip_prefix('o').is_some_and(|rest| (1..100).contains(&generation(rest)))
    };
    let unasked = ["deepseek-flash", "deepseek-v", "deepseek-reasoner"];
    match steered {
        true => Reasoning::Steered,
        false if unasked.iter().any(|family| bare.starts_with(family)) => Reasoning::Unasked,
        false => Reasoning::Never,
    }
}

/// The parameter that an error says is not supported: of several among those that were sent, the
/// one it names first, because what follows is often a list of what is supported.
fn named(status: u16, body: &Value, sent: impl Fn(Parameter) -> bool) -> Option<Parameter> {
    if !matches!(status, 400 | 422) {
        return None;
    }
    let error = body.get("error").unwrap_or(body);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_ascii_lowercase();
    let parameter = text(&error["param"]);
    // Some servers send a list of faults, with the place of each.
    let message = match error.get("message").or_else(|| error.get("detail")) {
        Some(Value::String(message)) => message.to_ascii_lowercase(),
        Some(other) => other.to_string().to_ascii_lowercase(),
        None => text(error),
    };
    // What is too much or too little is not unsupported.
    if !UNSUPPORTED.iter().any(|sign| message.contains(sign)) {
        return None;
    }
    let place = |name: &str, of: Parameter| match parameter.as_str() {
        "" => message.find(name),
        // A role is no parameter of its own.
        named if of == Parameter::System && named.starts_with("messages") => message.find(name),
        named => (named == name).then_some(0),
    };
    NAMES
        .iter()
        .filter(|(_, parameter)| sent(*parameter))
        .filter_map(|(name, parameter)| Some((place(name, *parameter)?, *parameter)))
        .min_by_key(|(place, _)| *place)
        .map(|(_, parameter)| parameter)
}

/// How servers say that they do not know a parameter.
const UNSUPPORTED: [&str; 8] = [
    "support",
    "unrecogni",
    "unknown",
    "permitted",
    "unexpected",
    "extra",
    "not allowed",
    "deprecated",
];

/// The names of the parameters in the protocols.
const NAMES: [(&str, Parameter); 14] = [
    ("system role", Parameter::System),
    ("role 'system'", Parameter::System),
    ("system message", Parameter::System),
    ("stream_options", Parameter::Usage),
    ("include_usage", Parameter::Usage),
    ("reasoning_effort", Parameter::Effort),
    ("reasoning.effort", Parameter::Effort),
    ("reasoning", Parameter::Effort),
    ("output_config", Parameter::Effort),
    ("effort", Parameter::Effort),
    ("temperature", Parameter::Temperature),
    ("max_tokens", Parameter::Limit),
    ("max_completion_tokens", Parameter::Limit),
    ("store", Parameter::Store),
];

/// What is known of the models behind one server. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shapes(Arc<Mutex<HashMap<String, Shape>>>);

impl Shapes {
    /// What is sent to a model.
    pub(super) fn of(&self, model: &str) -> Shape {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(model).cloned().unwrap_or_else(|| Shape::of(model))
    }

    /// Remembers what a model takes.
    pub(super) fn learn(&self, model: &str, shape: &Shape) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MODELS || known.contains_key(model) {
            known.insert(model.to_owned(), shape.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_that_reason_are_known_by_their_names() {
        for model in [
            "o1",
            "o3-mini",
            "o4-mini",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5.6-luna",
            "openai/gpt-5",
            "claude-opus-5-5",
            "claude-sonnet-5",
            "gpt-10",
        ] {
            assert_eq!(reasoning(model), Reasoning::Steered, "{model}");
        }
        for model in [
            "gpt-4o",
            "gpt-4.1-mini",
            "gpt-5-chat-latest",
            "gpt-oss-20b",
            "olmo",
            "o",
            "ollama",
            "claude-3-5-sonnet-20241022",
            "claude-opus-4-8",
            "claude-sonnet-4-20250514",
            "llama3:8b",
            "claude-3-haiku-20240307",
            "",
        ] {
            assert_eq!(reasoning(model), Reasoning::Never, "{model}");
        }
    }

    #[test]
    fn a_bound_leaves_room_for_reasoning() {
        let shapes = Shapes::default();
        assert_eq!(shapes.of("gpt-4o").limit(300), 300);
        for model in ["gpt-5", "deepseek-flash"] {
            assert_eq!(shapes.of(model).limit(300), 300 + REASONING, "{model}");
        }
        assert!(shapes.of("gpt-5").newer_limit() && !shapes.of("deepseek-flash").newer_limit());
        assert_eq!(shapes.of("gpt-5").limit(u32::MAX), u32::MAX);
    }

    #[test]
    fn a_refused_parameter_is_found_in_the_ways_servers_tell() {
        let of = |body: Value| named(400, &body, |_| true);
        let error =
            |param: &str, message: &str| json!({"error": {"param": param, "message": message}});
        assert_eq!(
            of(error(
                "max_tokens",
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                 'max_completion_tokens' instead.",
            )),
            Some(Parameter::Limit)
        );
        assert_eq!(
            of(error(
                "temperature",
                "Unsupported value: 'temperature' does not support 0.2 with this model. Only the \
                 default (1) value is supported.",
            )),
            Some(Parameter::Temperature)
        );
        let listed = json!({"detail": [{"loc": ["body", "stream_options"],
            "msg": "extra fields not permitted", "type": "value_error.extra"}]});
        assert_eq!(named(422, &listed, |_| true), Some(Parameter::Usage));
        let flat = json!({"object": "error", "message": "Unknown argument: stream_options"});
        assert_eq!(of(flat), Some(Parameter::Usage));
        let claude = json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "`temperature` is deprecated for this model."}});
        assert_eq!(of(claude), Some(Parameter::Temperature));
        let too_long =
            "'max_tokens' is too large: 300. This model's maximum context length is 200.";
        assert_eq!(of(error("", too_long)), None);
        assert_eq!(of(error("messages", "Unsupported temperature of a message")), None);
        assert_eq!(named(500, &error("temperature", "unsupported"), |_| true), None);
    }

    #[test]
    fn a_parameter_is_given_up_once_and_remembered() {
        let shapes = Shapes::default();
        let body = json!({"error": {"param": "temperature", "message": "not supported"}});
        let less = shapes.of("m").without(400, &body).unwrap();
        assert!(!less.sends(Parameter::Temperature) && less.sends(Parameter::Limit));
        assert_eq!(less.without(400, &body), None);
        shapes.learn("m", &less);
        assert_eq!(shapes.clone().of("m"), less);
        for other in 0..2 * MODELS {
            shapes.learn(&other.to_string(), &less);
        }
        assert_eq!(shapes.0.lock().unwrap().len(), MODELS);
    }
}
