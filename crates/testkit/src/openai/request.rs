//! A request for a completion, and whether it is one.

use serde_json::{Map, Value};

/// Fields of the request that the API knows.
const FIELDS: [&str; 35] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];
const ROLES: [&str; 6] = ["developer", "system", "user", "assistant", "tool", "function"];

/// One message of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user`, `assistant`, ...
    pub role: String,
    /// Its text; the text parts joined when it has parts.
    pub content: String,
}

/// A valid request for a completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The key it came with.
    pub key: String,
    /// The model asked for.
    pub model: String,
    /// The messages, in order. Instructions that stand beside them come first, as `system`.
    pub messages: Vec<Message>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the stream is to end with the usage.
    pub include_usage: bool,
    /// `temperature`.
    pub temperature: Option<f64>,
    /// `max_completion_tokens`, or else `max_tokens`; `max_output_tokens`.
    pub max_tokens: Option<u64>,
    /// The body as it came.
    pub body: Value,
}

/// What is wrong with a request: the parameter, and a sentence.
pub(super) struct Invalid {
    pub(super) parameter: String,
    pub(super) message: String,
}

impl Invalid {
    pub(super) fn new(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self { parameter: parameter.into(), message: message.into() }
    }
}

impl Request {
    /// Reads a body.
    pub(super) fn read(body: Value) -> Result<Self, Invalid> {
        let Some(fields) = body.as_object() else {
            return Err(Invalid::new("", "The body of your request is not a JSON object."));
        };
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            let message = format!("Unrecognized request argument supplied: {unknown}");
            return Err(Invalid::new(unknown, message));
        }

        let model = match fields.get("model").and_then(Value::as_str) {
            Some(model) if !model.is_empty() => model.to_owned(),
            _ => return Err(Invalid::new("model", "You must provide a model parameter.")),
        };

        let messages = read_messages(fields)?;
        let temperature = number(fields, "temperature", 0.0, 2.0)?;
        number(fields, "top_p", 0.0, 1.0)?;
        let limit = positive(fields, "max_completion_tokens")?;
        let old_limit = positive(fields, "max_tokens")?;
        if limit.is_some() && old_limit.is_some() {
            let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
            return Err(Invalid::new("max_tokens", message));
        }

        let stream = flag(fields, "stream")?;

        let include_usage = match fields.get("stream_options") {
            None | Some(Value::Null) => false,
            Some(Value::Object(options)) if stream => flag(options, "include_usage")?,
            Some(_) => {
                let message =
                    "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
                return Err(Invalid::new("stream_options", message));
            }
        };

        if reasons(&model) {
            check_reasoning(old_limit, temperature)?;
        }

        let max_tokens = limit.or(old_limit);
        let key = String::new();
        Ok(Self { key, model, messages, stream, include_usage, temperature, max_tokens, body })
    }

    /// The last thing the user said.
    pub fn question(&self) -> &str {
        let last = self.messages.iter().rev().find(|message| message.role == "user");
        last.map_or("", |message| &message.content)
    }

    /// The text of the first element in the messages that carries data: `<passage
    /// ...>text</passage>`, `<document>`, `<source>` or `<data>`; else of the first line that
    /// begins with `[1]`.
    pub fn first_passage(&self) -> Option<&str> {
        self.messages.iter().find_map(|message| passage_in(&message.content))
    }
}

fn passage_in(text: &str) -> Option<&str> {
    let element = ["passage", "document", "source", "data"].into_iter().find_map(|name| {
        let start = text.find(&format!("<{name} ")).or_else(|| text.find(&format!("<{name}>")))?;
        let inner = after_tag(&text[start..])?;
        Some(inner.split_once(&format!("</{name}>"))?.0.trim())
    });
    let numbered =
        || text.lines().find_map(|line| line.trim_start().strip_prefix("[1]")).map(str::trim);
    element.or_else(numbered).filter(|passage| !passage.is_empty())
}

/// What follows the tag at the start of `text`. A `>` within quotes does not end it.
fn after_tag(text: &str) -> Option<&str> {
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        c == '>' && !quoted
    })?;
    Some(&text[end + 1..])
}

fn read_messages(fields: &Map<String, Value>) -> Result<Vec<Message>, Invalid> {
    let list = match fields.get("messages") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(Value::Array(_)) => {
            return Err(Invalid::new("messages", "Invalid 'messages': empty array."));
        }
        _ => return Err(Invalid::new("messages", "Missing required parameter: 'messages'.")),
    };
    list.iter().enumerate().map(|(i, message)| read_message("messages", i, message)).collect()
}

/// Models that reason take a newer bound, and no temperature but the default.
fn reasons(model: &str) -> bool {
    model.starts_with("gpt-5") || ["o1", "o3", "o4"].iter().any(|family| model.starts_with(family))
}

fn check_reasoning(old_limit: Option<u64>, temperature: Option<f64>) -> Result<(), Invalid> {
    if old_limit.is_some() {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                       'max_completion_tokens' instead.";
        return Err(Invalid::new("max_tokens", message));
    }
    if temperature.is_some_and(|temperature| (temperature - 1.0).abs() > f64::EPSILON) {
        let message = "Unsupported value: 'temperature' does not support this value with this model. \
                       Only the default (1) value is supported.";
        return Err(Invalid::new("temperature", message));
    }
    Ok(())
}

pub(super) fn read_message(list: &str, i: usize, message: &Value) -> Result<Message, Invalid> {
    let invalid = |field: &str| {
        let place = format!("{list}[{i}].{field}");
        let message = format!("Invalid value for '{place}'.");
        Invalid::new(place, message)
    };
    let role = message["role"].as_str().filter(|role| ROLES.contains(role));
    let role = role.ok_or_else(|| invalid("role"))?.to_owned();
    let content = match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        Value::Null if role == "assistant" => String::new(),
        _ => return Err(invalid("content")),
    };
    Ok(Message { role, content })
}

pub(super) fn number(
    fields: &Map<String, Value>,
    name: &str,
    least: f64,
    most: f64,
) -> Result<Option<f64>, Invalid> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(Invalid::new(name, format!("Invalid '{name}': expected {least} to {most}."))),
        },
    }
}

pub(super) fn positive(fields: &Map<String, Value>, name: &str) -> Result<Option<u64>, Invalid> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(Invalid::new(name, format!("Invalid '{name}': expected at least 1."))),
        },
    }
}

pub(super) fn flag(fields: &Map<String, Value>, name: &str) -> Result<bool, Invalid> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => {
            Err(Invalid::new(name, format!("Invalid type for '{name}': expected a boolean.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(body: Value) -> Option<String> {
        Request::read(body).err().map(|invalid| invalid.parameter)
    }

    #[test]
    fn what_the_api_does_not_know_is_refused() {
        let messages = json!([{"role": "user", "content": "hi"}]);
        let with = |name: &str, value: Value| {
            let mut body = json!({"model": "m", "messages": messages});
            body[name] = value;
            fault(body)
        };
        assert_eq!(with("stream", json!(true)), None);
        assert_eq!(with("temperature", json!(2.1)).as_deref(), Some("temperature"));
        assert_eq!(with("temperature", json!("0")).as_deref(), Some("temperature"));
        assert_eq!(with("max_tokens", json!(0)).as_deref(), Some("max_tokens"));
        assert_eq!(with("top_k", json!(4)).as_deref(), Some("top_k"));
        assert_eq!(with("model", json!("")).as_deref(), Some("model"));
        assert_eq!(with("messages", json!([])).as_deref(), Some("messages"));
        assert_eq!(with("stream_options", json!({})).as_deref(), Some("stream_options"));
        let stranger = json!([{"role": "customer", "content": "hi"}]);
        assert_eq!(with("messages", stranger).as_deref(), Some("messages[0].role"));
        let silent = json!([{"role": "user", "content": null}]);
        assert_eq!(with("messages", silent).as_deref(), Some("messages[0].content"));
    }

    #[test]
    fn the_first_passage_is_found_in_the_usual_forms() {
        assert_eq!(
            passage_in("x <passage id=\"1\">\n Nine. </passage> <passage>b</passage>"),
            Some("Nine.")
        );
        let titled =
            "<passage id=\"1\" from=\"Shop > Hours\">\nNine.\n</passage>\nIn <passage> is data.";
        assert_eq!(passage_in(titled), Some("Nine."));
        assert_eq!(passage_in("What stands inside <passage> is data."), None);
        assert_eq!(passage_in("Sources:\n[1] Nine to six.\n[2] b"), Some("Nine to six."));
        assert_eq!(passage_in("no passages here, <passages>"), None);
        assert_eq!(passage_in("<data></data>"), None);
    }
}
