//! Examples of bodies, put together from those of their fields.

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, Content, Paths, RefOr, content::Content as Body};

use super::operations;

/// How deep schemas may be nested.
const DEEPEST: usize = 12;

/// Gives every body that has no example one.
pub(super) fn add(paths: &mut Paths, components: &Components) {
    let schemas = serde_json::to_value(&components.schemas).unwrap_or_default();
    for item in paths.paths.values_mut() {
        for (_, operation) in operations::of(item) {
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.content.values_mut().for_each(|content| exemplify(content, &schemas));
            }
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    response.content.values_mut().for_each(|content| exemplify(content, &schemas));
                }
            }
        }
    }
}

fn exemplify(content: &mut RefOr<Content>, schemas: &Value) {
    let RefOr::T(Body { schema: Some(schema), example, examples, .. }) = content else { return };
    if example.is_none() && examples.is_empty() {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        *example = of(&schema, schemas, DEEPEST);
    }
}

/// An example of what fits a schema.
fn of(schema: &Value, schemas: &Value, deep: usize) -> Option<Value> {
    let deep = deep.checked_sub(1)?;
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return of(schemas.get(name)?, schemas, deep);
    }
    if let Some(given) = given(schema) {
        return Some(given);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().filter_map(|part| of(part, schemas, deep));
        let mut whole = Map::new();
        parts.for_each(|part| whole.extend(part.as_object().cloned().unwrap_or_default()));
        return Some(Value::Object(whole));
    }
    for one_of in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[one_of].as_array() {
            let choice = choices.iter().find(|choice| choice["type"] != "null")?;
            return of(choice, schemas, deep);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null")?.as_str()?,
        kind => kind.as_str()?,
    };
    match kind {
        "object" => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields =
                fields.filter_map(|(name, field)| Some((name.clone(), of(field, schemas, deep)?)));
            Some(Value::Object(fields.collect()))
        }
        "array" => Some(Value::Array(of(&schema["items"], schemas, deep).into_iter().collect())),
        "string" => Some(json!(text(schema["format"].as_str()))),
        "integer" => Some(schema.get("minimum").cloned().unwrap_or(json!(1))),
        "number" => Some(schema.get("minimum").cloned().unwrap_or(json!(0.5))),
        "boolean" => Some(json!(false)),
        _ => None,
    }
}

/// The example that the schema itself brings.
fn given(schema: &Value) -> Option<Value> {
    let first = |list: &str| schema[list].as_array().and_then(|list| list.first());
    let given = schema.get("example").or_else(|| first("examples")).or_else(|| schema.get("const"));
    given.or_else(|| schema.get("default")).or_else(|| first("enum")).cloned()
}

fn text(format: Option<&str>) -> &'static str {
    match format {
        Some("uuid") => "019a8c5e-3f00-7c41-9d52-6a0c6f1e2b7d",
        Some("date-time") => "2026-03-14T09:26:53.589793Z",
        Some("email") => "ann@example.org",
        Some("uri") => "https://example.org/",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_made_of_the_examples_of_fields() {
        let schemas = json!({
            "Role": {"type": "string", "enum": ["owner", "viewer"]},
            "Loop": {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/Loop"}}},
        });
        let schema = json!({"allOf": [
            {"type": "object", "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": ["string", "null"], "example": "Ann"},
                "roles": {"type": "array", "items": {"$ref": "#/components/schemas/Role"}},
            }},
            {"type": "object", "properties": {
                "limit": {"type": "integer", "minimum": 3},
                "maybe": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Role"}]},
            }},
        ]});
        let example = of(&schema, &schemas, DEEPEST).unwrap();
        let id = text(Some("uuid"));
        assert_eq!(
            example,
            json!({"id": id, "name": "Ann", "roles": ["owner"], "limit": 3, "maybe": "owner"})
        );
        let endless = of(&schemas["Loop"], &schemas, DEEPEST);
        assert!(endless.is_some(), "what is nested without end is cut off");
    }
}
