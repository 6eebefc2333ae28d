//! The shapes of bodies, as far as they follow from the direction a body goes and not from its
//! type.
//!
//! - What the program sends is sent whole: all properties of an answer are required, and those that
//!   may be empty are `null`. The few that are left out at times are named in [`SOMETIMES`], and
//!   those of events in their table.
//! - What a client sends may leave out what has a default. A schema that goes both ways therefore
//!   becomes two: `Name` for answers, `NameInput` for requests.
//! - A header or another parameter is there or not there; it is never `null`.

use std::collections::BTreeSet;

use serde_json::json;
use utoipa::openapi::{
    Components, Content, ObjectBuilder, Paths, Ref, RefOr, Response, Schema, Type,
    path::{Operation, Parameter},
    request_body::RequestBody,
    schema::{
        AdditionalProperties, ArrayItems, KnownFormat, Object, OneOfBuilder, SchemaFormat,
        SchemaType,
    },
};

use super::{operations, problems::CODES};
use crate::events::schema::sometimes;

/// Properties of answers that are not always there: by schema, and never `null`.
const SOMETIMES: [(&str, &[&str]); 5] = [
    ("Problem", &["available", "errors", "holder", "message", "needed"]),
    ("StreamedEvent", &["id"]),
    ("Tokens", &["access_token", "refresh_token", "csrf_token"]),
    (
        "RegisteredUser",
        &["access_token", "refresh_token", "token_type", "expires_in", "csrf_token"],
    ),
    (
        "SavedInboxQuery",
        &["view", "control", "assistant_id", "channel_id", "assignee_id", "tag", "unread", "order"],
    ),
];

/// Mere bytes.
const BYTES: &str = "application/octet-stream";
/// A stream of events.
const STREAM: &str = "text/event-stream";

/// The schema of a problem's code.
const CODE: &str = "ProblemCode";

/// Completes all schemas. To be called before examples are made of them.
pub(super) fn complete(paths: &mut Paths, components: &mut Components) {
    name_codes(components);
    let requests = roots(paths, components, Direction::Request);
    let requests = reached(components, requests);
    let answers = roots(paths, components, Direction::Answer);
    let answers = reached(components, answers);

    let two_ways: Vec<String> = requests
        .intersection(&answers)
        .filter(|name| leads_to_defaults(components, name))
        .cloned()
        .collect();
    for name in &two_ways {
        if let Some(schema) = components.schemas.get(name).cloned() {
            components.schemas.insert(input(name), schema);
        }
    }
    // The copies refer to copies; what is left for answers does not.
    let sent = |name: &String| if two_ways.contains(name) { input(name) } else { name.clone() };
    let sent: Vec<String> = requests.iter().map(sent).collect();
    for name in &two_ways {
        lead_requests(paths, components, &sent, name);
    }
    for name in answers.iter().filter(|name| !requests.contains(*name) || two_ways.contains(name)) {
        if let Some(schema) = components.schemas.get_mut(name) {
            walk(schema, &mut |schema| require_all(name, schema));
        }
    }
    for (_, operation) in paths.paths.values_mut().flat_map(operations::of) {
        bodies_of_other_kinds(operation);
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
                forbid_null(schema);
            }
        }
    }
}

/// What generators of clients need to know of bodies that are no JSON: a file is binary, and an
/// event stream is read as text, in which each event has the form that is described.
fn bodies_of_other_kinds(operation: &mut Operation) {
    if let Some(RefOr::T(RequestBody { content, .. })) = &mut operation.request_body
        && let Some(schema) = content.get_mut(BYTES).and_then(schema_of)
    {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        *schema = ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).into();
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && let Some(schema) = response.content.get_mut(STREAM).and_then(schema_of)
        {
            let text = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("The stream, as `text/event-stream` frames."));
            *schema = OneOfBuilder::new().item(schema.clone()).item(text).into();
        }
    }
}

/// The closed list of codes, as a schema of its own.
fn name_codes(components: &mut Components) {
    let words: BTreeSet<&str> = CODES.iter().map(|code| code.name).collect();
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .description(Some("The stable name of a kind of problem. Later versions may add some."))
        .examples([json!("not_found")]);
    components.schemas.insert(CODE.to_owned(), schema.into());
    if let Some(RefOr::T(Schema::Object(problem))) = components.schemas.get_mut("Problem") {
        problem.properties.insert("code".to_owned(), Ref::from_schema_name(CODE).into());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Answer,
}

/// The schemas that bodies of this direction name themselves.
fn roots(paths: &mut Paths, components: &mut Components, direction: Direction) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut note =
        |schema: &mut RefOr<Schema>| walk(schema, &mut |schema| names.extend(named(schema)));
    for (_, operation) in paths.paths.values_mut().flat_map(operations::of) {
        match direction {
            Direction::Request => request_schemas(operation).for_each(&mut note),
            Direction::Answer => {
                operation.responses.responses.values_mut().flat_map(schemas_of).for_each(&mut note);
            }
        }
    }
    if direction == Direction::Answer {
        components.responses.values_mut().flat_map(schemas_of).for_each(&mut note);
    }
    names
}

fn request_schemas(operation: &mut Operation) -> impl Iterator<Item = &mut RefOr<Schema>> {
    let body = match &mut operation.request_body {
        Some(RefOr::T(RequestBody { content, .. })) => Some(content),
        _ => None,
    };
    body.into_iter().flat_map(|content| content.values_mut()).filter_map(schema_of)
}

fn schemas_of(response: &mut RefOr<Response>) -> Vec<&mut RefOr<Schema>> {
    match response {
        RefOr::T(response) => response.content.values_mut().filter_map(schema_of).collect(),
        RefOr::Ref(_) => Vec::new(),
    }
}

fn schema_of(content: &mut RefOr<Content>) -> Option<&mut RefOr<Schema>> {
    match content {
        RefOr::T(content) => content.schema.as_mut(),
        RefOr::Ref(_) => None,
    }
}

/// These schemas, and all that they refer to.
fn reached(components: &mut Components, roots: BTreeSet<String>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> = roots.into_iter().collect();
    while let Some(name) = open.pop() {
        if let Some(schema) = components.schemas.get_mut(&name)
            && reached.insert(name)
        {
            walk(schema, &mut |schema| open.extend(named(schema)));
        }
    }
    reached
}

/// The schema that this one refers to.
fn named(schema: &RefOr<Schema>) -> Option<String> {
    match schema {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(_) => None,
    }
}

/// Looks at a schema and at all within it, references not followed.
fn walk(schema: &mut RefOr<Schema>, look: &mut impl FnMut(&mut RefOr<Schema>)) {
    look(schema);
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                walk(items, look);
            }
        }
        Schema::Object(object) => {
            object.properties.values_mut().for_each(|property| walk(property, look));
            if let Some(AdditionalProperties::RefOr(more)) =
                object.additional_properties.as_deref_mut()
            {
                walk(more, look);
            }
        }
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(|one| walk(one, look)),
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(|part| walk(part, look)),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(|one| walk(one, look)),
        _ => {}
    }
}

/// Are there properties that a client may leave out, here or in what this refers to?
fn leads_to_defaults(components: &mut Components, name: &str) -> bool {
    let within = reached(components, BTreeSet::from([name.to_owned()]));
    within.iter().any(|name| has_defaults(components, name))
}

/// Are there properties that a client may leave out?
fn has_defaults(components: &Components, name: &str) -> bool {
    matches!(components.schemas.get(name), Some(RefOr::T(Schema::Object(Object { properties, required, .. })))
        if required.len() < properties.len())
}

/// The name of what requests send, where answers have a schema of their own.
fn input(name: &str) -> String {
    format!("{name}Input")
}

/// Leads requests, and the schemas that are sent in them, to the schema of requests.
fn lead_requests(paths: &mut Paths, components: &mut Components, sent: &[String], name: &str) {
    let input = input(name);
    let mut lead = |schema: &mut RefOr<Schema>| {
        if named(schema).as_deref() == Some(name)
            && let RefOr::Ref(reference) = schema
        {
            reference.ref_location = format!("#/components/schemas/{input}");
        }
    };
    for (_, operation) in paths.paths.values_mut().flat_map(operations::of) {
        request_schemas(operation).for_each(|schema| walk(schema, &mut lead));
    }
    for request in sent {
        if let Some(schema) = components.schemas.get_mut(request) {
            walk(schema, &mut lead);
        }
    }
}

fn require_all(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else { return };
    let absent = SOMETIMES.iter().find(|(known, _)| *known == name).map(|(_, fields)| *fields);
    let absent: Vec<&str> =
        absent.unwrap_or_default().iter().copied().chain(sometimes(name)).collect();
    object.required = object
        .properties
        .keys()
        .filter(|field| !absent.contains(&field.as_str()))
        .cloned()
        .collect();
    for field in absent {
        if let Some(schema) = object.properties.get_mut(field) {
            forbid_null(schema);
        }
    }
}

/// Takes the `null` out of a type, and out of what it is unless given.
fn forbid_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(Object { schema_type, default, .. })) => {
            default.take_if(|value| value.is_null());
            if let SchemaType::Array(types) = schema_type {
                types.retain(|one| *one != Type::Null);
                if let [one] = types.as_slice() {
                    *schema_type = SchemaType::Type(one.clone());
                }
            }
        }
        RefOr::T(Schema::OneOf(choice)) => {
            choice.items.retain(|one| !is_null(one));
            if let [one] = choice.items.as_slice() {
                *schema = one.clone();
            }
        }
        _ => {}
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(
        schema,
        RefOr::T(Schema::Object(Object { schema_type: SchemaType::Type(Type::Null), .. }))
    )
}
