//! Embeddings: vectors that are near each other when their texts share words.
//!
//! A word is known by its first five letters, so that its forms are one; each adds itself to a few
//! places of the vector. The same text has the same vector in every run.

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{
    World,
    dialect::Dialect,
    lock,
    refusal::{authorized, fail, invalid_request, known, read_json},
    remember,
    request::{Invalid, positive},
};
use crate::net::Connection;

const FIELDS: [&str; 5] = ["dimensions", "encoding_format", "input", "model", "user"];
/// What the API takes at once (<https://platform.openai.com/docs/api-reference/embeddings>).
const INPUTS: usize = 2_048;
/// The longest input, tokens; here a token is four bytes.
const INPUT_TOKENS: usize = 8_192;
/// All inputs together, tokens.
const REQUEST_TOKENS: usize = 300_000;

/// A valid request for embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingRequest {
    /// The key it came with.
    pub key: String,
    /// The model asked for.
    pub model: String,
    /// The texts, in order.
    pub input: Vec<String>,
    /// How long each vector is to be.
    pub dimensions: usize,
    base64: bool,
}

/// The vector of a text, of unit length.
pub fn embedding(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    let lower = text.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let stem: String = word.chars().take(5).collect();
        let mut state = hash(&stem);
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let place = usize::try_from(state >> 33).unwrap_or_default() % dimensions;
            vector[place] += if state & (1 << 32) == 0 { 1.0 } else { -1.0 };
        }
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length == 0.0 {
        vector[0] = 1.0;
        return vector;
    }
    vector.iter().map(|x| x / length).collect()
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

pub(super) async fn embed(
    State(world): State<Arc<World>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: HttpRequest,
) -> Response {
    let dialect = Dialect::Completions;
    let (parts, body) = request.into_parts();
    let key = match authorized(&world, dialect, &parts.headers) {
        Ok(key) => key,
        Err(refusal) => return *refusal,
    };

    let body = read_json(body).await.map_err(|message| Invalid::new("", message));
    let request = match body.and_then(|body| read(&body, key)) {
        Ok(request) => Arc::new(request),
        Err(invalid) => return invalid_request(&world, dialect, &invalid),
    };

    if let Err(refusal) = known(&world, dialect, &request.model) {
        return *refusal;
    }

    remember(&world.embedded, Arc::clone(&request), world.history);
    let fault = lock(&world.embedding_faults).pop_front();
    if let Some(fault) = &fault
        && let Some(response) = fail(dialect, fault, &connection).await
    {
        return response;
    }

    Json(answer(&request)).into_response()
}

fn answer(request: &EmbeddingRequest) -> Value {
    let tokens: usize = request.input.iter().map(|text| tokens(text)).sum();
    let data: Vec<Value> = request
        .input
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = embedding(text, request.dimensions);
            let embedding = if request.base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                json!(BASE64_STANDARD.encode(bytes))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    json!({
        "object": "list", "data": data, "model": request.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })
}

fn tokens(text: &str) -> usize {
    text.len().div_ceil(4)
}

fn read(body: &Value, key: String) -> Result<EmbeddingRequest, Invalid> {
    let fields = body
        .as_object()
        .ok_or_else(|| Invalid::new("", "The body of your request is not a JSON object."))?;
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let message = format!("Unrecognized request argument supplied: {unknown}");
        return Err(Invalid::new(unknown, message));
    }
    let model = fields.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
    let base64 = match fields.get("encoding_format").and_then(Value::as_str) {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(Invalid::new("encoding_format", "Expected float or base64.")),
    };
    let most = if model.ends_with("-large") { 3_072 } else { 1_536 };
    let dimensions = positive(fields, "dimensions")?
        .map_or(most, |dimensions| usize::try_from(dimensions).unwrap_or(usize::MAX));
    if dimensions > most || model.ends_with("ada-002") && fields.contains_key("dimensions") {
        return Err(Invalid::new("dimensions", "The model does not have so many dimensions."));
    }
    Ok(EmbeddingRequest { key, input: read_input(fields)?, model, dimensions, base64 })
}

fn read_input(fields: &Map<String, Value>) -> Result<Vec<String>, Invalid> {
    let refuse = |message: &str| Err(Invalid::new("input", message));

    let input: Vec<String> = match fields.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => list
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| Invalid::new("input", "Invalid 'input': expected strings."))?,
        _ => return refuse("Missing required parameter: 'input'."),
    };

    if input.is_empty() || input.len() > INPUTS {
        return refuse("Invalid 'input': expected 1 to 2048 inputs.");
    }
    if input.iter().any(String::is_empty) {
        return refuse("Invalid 'input': input cannot be an empty string.");
    }
    if input.iter().any(|text| tokens(text) > INPUT_TOKENS) {
        return refuse("Invalid 'input': maximum input length is 8192 tokens.");
    }
    if input.iter().map(|text| tokens(text)).sum::<usize>() > REQUEST_TOKENS {
        return refuse("Requested too many tokens, max 300000 tokens per request.");
    }

    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &str, b: &str) -> f32 {
        embedding(a, 1_536).iter().zip(embedding(b, 1_536)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn texts_that_share_words_are_near() {
        assert!((likeness("When do you open?", "when do you open") - 1.0).abs() < 1e-5);
        let near = likeness("Сколько стоит доставка?", "Доставки по Риге стоят 3 евро");
        let far = likeness("Сколько стоит доставка?", "We open at nine");
        assert!(near > 0.2 && far.abs() < 0.1, "{near} {far}");
        let nothing = embedding(" ?! ", 8);
        assert!((nothing.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_limits_of_the_api_are_kept() {
        let fault = |body: Value| read(&body, String::new()).err().map(|invalid| invalid.parameter);
        let of = |input: Value| fault(json!({"model": "text-embedding-3-small", "input": input}));
        assert_eq!(of(json!("hi")), None);
        assert_eq!(of(json!(["hi"])), None);
        for refused in
            [json!([]), json!(""), json!(["a", ""]), json!([1]), json!("x".repeat(40_000))]
        {
            assert_eq!(of(refused).as_deref(), Some("input"));
        }
        assert_eq!(of(json!(vec!["x"; INPUTS + 1])).as_deref(), Some("input"));
        assert_eq!(of(json!(vec!["x".repeat(4_000); 301])).as_deref(), Some("input"));
        let long = json!({"model": "text-embedding-3-small", "input": "a", "dimensions": 1537});
        assert_eq!(fault(long).as_deref(), Some("dimensions"));
    }
}
