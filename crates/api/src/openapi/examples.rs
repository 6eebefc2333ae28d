//! Examples of bodies, put together from those of their fields.
//!
//! The example of a request is the shortest that works: the fields that must be there, or one where
//! none must be. The example of an answer has all fields; what may be `null` is, unless the field
//! has an example of its own.

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, Content, Paths, RefOr, content::Content as Body};

use super::operations;

/// How deep schemas may be nested.
const DEEPEST: usize = 12;

/// What a text without an example of its own shows. The tests of the document find it.
const PLACEHOLDER: &str = "(text)";

/// Which way a body goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

/// Gives every body that has no example one.
pub(super) fn add(paths: &mut Paths, components: &Components) {
    let schemas = serde_json::to_value(&components.schemas).unwrap_or_default();
    for item in paths.paths.values_mut() {
        for (_, operation) in operations::of(item) {
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.content
                    .values_mut()
                    .for_each(|content| exemplify(content, &schemas, Direction::In));
            }
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    response
                        .content
                        .values_mut()
                        .for_each(|content| exemplify(content, &schemas, Direction::Out));
                }
            }
        }
    }
}

fn exemplify(content: &mut RefOr<Content>, schemas: &Value, way: Direction) {
    let RefOr::T(Body { schema: Some(schema), example, examples, .. }) = content else { return };
    if example.is_none() && examples.is_empty() {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        *example = of(&schema, schemas, way, DEEPEST);
    }
}

/// An example of what fits a schema.
fn of(schema: &Value, schemas: &Value, way: Direction, deep: usize) -> Option<Value> {
    let deep = deep.checked_sub(1)?;
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return of(schemas.get(name)?, schemas, way, deep);
    }
    if let Some(given) = given(schema) {
        return Some(given);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().filter_map(|part| of(part, schemas, way, deep));
        let mut whole = Map::new();
        parts.for_each(|part| whole.extend(part.as_object().cloned().unwrap_or_default()));
        return Some(Value::Object(whole));
    }
    for one_of in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[one_of].as_array() {
            let choice = choices.iter().find(|choice| choice["type"] != "null")?;
            return of(choice, schemas, way, deep);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) if way == Direction::Out && kinds.contains(&json!("null")) => {
            return Some(Value::Null);
        }
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null")?.as_str()?,
        kind => kind.as_str()?,
    };
    match kind {
        "object" => {
            let shown = shown(schema, way);
            let fields = shown
                .into_iter()
                .filter_map(|(name, field)| Some((name.clone(), of(field, schemas, way, deep)?)));
            Some(Value::Object(fields.collect()))
        }
        "array" => {
            // What a list of plain strings may hold is known to its own example alone.
            let plain =
                schema["items"]["type"] == "string" && schema["items"].get("format").is_none();
            let item = match given(&schema["items"]) {
                None if plain => None,
                _ => of(&schema["items"], schemas, way, deep),
            };
            Some(Value::Array(item.into_iter().collect()))
        }
        "string" => Some(json!(text(schema["format"].as_str()))),
        "integer" => Some(schema.get("minimum").cloned().unwrap_or(json!(1))),
        "number" => Some(schema.get("minimum").cloned().unwrap_or(json!(0.5))),
        "boolean" => Some(json!(false)),
        _ => None,
    }
}

/// The fields that an example has.
fn shown(schema: &Value, way: Direction) -> Vec<(&String, &Value)> {
    let fields: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let must = |name: &str| required.iter().any(|required| required == name);
    match way {
        Direction::Out => fields,
        Direction::In if required.is_empty() => {
            // A change of nothing is no example; a name can be changed without harm.
            let name = fields.iter().find(|(name, _)| *name == "name");
            name.or(fields.first()).copied().into_iter().collect()
        }
        Direction::In => fields.into_iter().filter(|(name, _)| must(name)).collect(),
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
        _ => PLACEHOLDER,
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
        let id = text(Some("uuid"));
        assert_eq!(
            of(&schema, &schemas, Direction::Out, DEEPEST).unwrap(),
            json!({"id": id, "name": "Ann", "roles": ["owner"], "limit": 3, "maybe": "owner"})
        );
        let endless = of(&schemas["Loop"], &schemas, Direction::Out, DEEPEST);
        assert!(endless.is_some(), "what is nested without end is cut off");
    }

    #[test]
    fn an_answer_may_be_null_and_a_request_is_as_short_as_it_may_be() {
        let schema = json!({"type": "object", "required": ["email"], "properties": {
            "email": {"type": "string", "format": "email"},
            "error": {"type": ["string", "null"]},
            "notes": {"type": "array", "items": {"type": "string"}},
        }});
        let example = |schema: &Value, way| of(schema, &json!({}), way, DEEPEST).unwrap();
        assert_eq!(
            example(&schema, Direction::Out),
            json!({"email": "ann@example.org", "error": null, "notes": []})
        );
        assert_eq!(example(&schema, Direction::In), json!({"email": "ann@example.org"}));
        let change = json!({"type": "object", "properties": {
            "enabled": {"type": "boolean"},
            "name": {"type": ["string", "null"], "example": "Ann"},
        }});
        assert_eq!(example(&change, Direction::In), json!({"name": "Ann"}));
    }
}
