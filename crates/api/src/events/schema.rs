//! The schema of what a stream sends: the union of all kinds of events, told apart by their `type`.
//!
//! It is made of [`Event::KINDS`], so a kind that is added to the log is in the document as well.

use std::{borrow::Cow, collections::BTreeMap};

use replyx_core::{
    event::{Event, EventKind, Recorded, VERSION},
    shape::{Field, Presence, Shape},
};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, Ref, RefOr,
        schema::{
            ArrayBuilder, Discriminator, Object, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat,
            Type,
        },
    },
};

/// The schema `Event`: what stands in `data`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EventData {}

impl PartialSchema for EventData {
    fn schema() -> RefOr<Schema> {
        let names =
            || kinds().map(|(kind, schema)| (kind, format!("#/components/schemas/{schema}")));
        let mapping: BTreeMap<String, String> =
            names().map(|(kind, path)| (kind.to_owned(), path)).collect();
        let mut union = OneOfBuilder::new().description(Some(
            "An event, told apart by its `type`. Later versions may add kinds and fields.",
        ));
        for (_, path) in names() {
            union = union.item(Ref::new(path));
        }

        let mut discriminator = Discriminator::new("type");
        discriminator.mapping = mapping;
        union.discriminator(Some(discriminator)).into()
    }
}

/// The schema of `data` on the wire: the JSON of an event as text, and the event once that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EventText {}

impl PartialSchema for EventText {
    fn schema() -> RefOr<Schema> {
        let first = Recorded::examples().into_iter().next();
        let example = serde_json::to_string(&first).unwrap_or_default();
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The event as JSON, in one line."))
            .examples([json!(example)]);
        OneOfBuilder::new().item(text).item(Ref::from_schema_name(EventData::name())).into()
    }
}

impl ToSchema for EventText {
    fn name() -> Cow<'static, str> {
        "EventText".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((EventData::name().into_owned(), EventData::schema()));
        EventData::schemas(schemas);
    }
}

impl ToSchema for EventData {
    fn name() -> Cow<'static, str> {
        "Event".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let examples = Recorded::examples();
        for (kind, example) in Event::KINDS.iter().zip(examples) {
            let example = serde_json::to_value(example).unwrap_or_default();
            schemas.push((schema_name(kind), of_kind(kind, example).into()));
        }
        schemas.extend(of_the_stream().map(|(name, schema)| (name.to_owned(), schema.into())));
    }
}

/// The names of all kinds, with those of their schemas.
fn kinds() -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
    let recorded = Event::KINDS.iter().map(|kind| (kind.name, schema_name(kind).into()));
    recorded.chain([
        ("ping", "PingEvent".into()),
        ("reset", "ResetEvent".into()),
        ("bye", "ByeEvent".into()),
    ])
}

fn schema_name(kind: &EventKind) -> String {
    format!("{}Event", kind.type_name)
}

/// The fields of a schema that are left out at times.
pub(crate) fn sometimes(schema: &str) -> Vec<&'static str> {
    fn collect(fields: &[Field], found: &mut Vec<&'static str>) {
        for field in fields {
            if field.presence == Presence::Sometimes {
                found.push(field.name);
            }
            match field.shape {
                Shape::List(Shape::Object(inner)) => collect(inner, found),
                Shape::Object(inner) => collect(inner, found),
                _ => {}
            }
        }
    }

    let mut found = Vec::new();
    if let Some(kind) = Event::KINDS.iter().find(|kind| schema_name(kind) == schema) {
        collect(kind.fields, &mut found);
    }
    found
}

fn of_kind(kind: &EventKind, example: Value) -> Object {
    let number = of(Shape::Integer, Some("Its number in the log; goes into `Last-Event-ID`."));
    let time = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("When it happened."));
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .enum_values(Some([VERSION]))
        .description(Some("The version of its form. A later one keeps all fields of this one."));

    let frame = ObjectBuilder::new()
        .description(Some(kind.doc.trim()))
        .property("id", number)
        .property("at", time)
        .property("version", version)
        .property("type", name_of(kind.name))
        .required("id")
        .required("at")
        .required("version")
        .required("type");
    with(frame, kind.fields).examples([example]).build()
}

/// What a stream sends besides the log.
fn of_the_stream() -> [(&'static str, Object); 3] {
    let frame = |name, doc| {
        ObjectBuilder::new().description(Some(doc)).property("type", name_of(name)).required("type")
    };
    let number = of(Shape::Integer, Some("The number that the stream goes on from."));
    let reason = of(Shape::Word(&["access_ended"]), Some("Why the stream ends."));

    [
        (
            "PingEvent",
            frame("ping", "The stream is alive.").examples([json!({"type": "ping"})]).build(),
        ),
        (
            "ResetEvent",
            frame("reset", "Events were missed that cannot be sent: read everything again.")
                .property("id", number)
                .required("id")
                .examples([json!({"id": 42, "type": "reset"})])
                .build(),
        ),
        (
            "ByeEvent",
            frame("bye", "The access that opened the stream has ended, and the stream ends.")
                .property("reason", reason)
                .required("reason")
                .examples([json!({"type": "bye", "reason": "access_ended"})])
                .build(),
        ),
    ]
}

fn name_of(kind: &'static str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([kind]))
        .description(Some("What happened."))
        .build()
}

fn with(mut object: ObjectBuilder, fields: &[Field]) -> ObjectBuilder {
    for field in fields {
        object = object.property(field.name, of(field.shape, Some(field.doc.trim())));
        if field.presence == Presence::Always {
            object = object.required(field.name);
        }
    }
    object
}

fn of(shape: Shape, doc: Option<&'static str>) -> Schema {
    let simple = |kind| ObjectBuilder::new().schema_type(kind).description(doc);
    let format = |format| Some(SchemaFormat::KnownFormat(format));
    match shape {
        Shape::Id => simple(Type::String).format(format(KnownFormat::Uuid)).into(),
        Shape::Integer => simple(Type::Integer).format(format(KnownFormat::Int64)).into(),
        Shape::Boolean => simple(Type::Boolean).into(),
        Shape::Text => simple(Type::String).into(),
        Shape::Time => simple(Type::String).format(format(KnownFormat::DateTime)).into(),
        Shape::Word(words) => simple(Type::String).enum_values(Some(words.iter().copied())).into(),
        Shape::List(items) => {
            let items = RefOr::T(of(*items, None));
            ArrayBuilder::new().items(items).description(doc).into()
        }
        Shape::Object(fields) => with(ObjectBuilder::new().description(doc), fields).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_union_with_a_schema_and_an_example_of_its_type() {
        let union = serde_json::to_value(EventData::schema()).unwrap();
        let mut schemas = Vec::new();
        EventData::schemas(&mut schemas);
        let schemas: BTreeMap<String, Value> = schemas
            .into_iter()
            .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap()))
            .collect();

        let mapping = union["discriminator"]["mapping"].as_object().unwrap();
        assert_eq!(union["discriminator"]["propertyName"], "type");
        assert_eq!(mapping.len(), Event::KINDS.len() + 3);
        assert_eq!(union["oneOf"].as_array().unwrap().len(), mapping.len());
        assert_eq!(schemas.len(), mapping.len());
        for kind in Event::KINDS {
            assert!(mapping.contains_key(kind.name), "{}", kind.name);
        }
        for (name, path) in mapping {
            let schema = &schemas[path.as_str().unwrap().rsplit('/').next().unwrap()];
            assert_eq!(schema["properties"]["type"]["enum"], json!([name]));
            let example = &schema["examples"][0];
            assert_eq!(example["type"], json!(name));
            let shown: Vec<_> = example.as_object().unwrap().keys().collect();
            for required in schema["required"].as_array().unwrap() {
                assert!(shown.iter().any(|field| *required == json!(field)), "{name}: {required}");
            }
            for field in shown {
                assert!(schema["properties"].get(field).is_some(), "{name}: {field}");
            }
        }
    }
}
