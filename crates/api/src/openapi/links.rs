//! What can be done with a thing that an operation has just made: links from its answer to the
//! operations of the thing.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{
    Components, Paths, RefOr, Schema,
    link::{Link, LinkBuilder},
    path::HttpMethod,
    response::Response,
};

use super::operations;

/// The base of all paths that are linked.
const API: &str = "/api/v1/";

/// An operation of one thing.
struct Target {
    operation: String,
    /// The names of the parameters of its path, in their order.
    parameters: Vec<String>,
}

/// Links every answer that holds the id of a new thing to the operations of this thing.
pub(super) fn add(paths: &mut Paths, components: &Components) {
    let targets = targets(paths);
    for (path, item) in &mut paths.paths {
        for (method, operation) in operations::of(item) {
            if method != HttpMethod::Post {
                continue;
            }
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                if matches!(status.as_str(), "201" | "202") && has_id(response, components) {
                    response.links.extend(links(path, &targets));
                }
            }
        }
    }
}

/// The operations of single things, by path.
fn targets(paths: &mut Paths) -> BTreeMap<String, Vec<Target>> {
    let mut targets: BTreeMap<String, Vec<Target>> = BTreeMap::new();
    for (path, item) in &mut paths.paths {
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters: Vec<String> = names.map(str::to_owned).collect();
        if !path.ends_with('}') {
            continue;
        }
        for (method, operation) in operations::of(item) {
            let reads = matches!(method, HttpMethod::Get | HttpMethod::Patch | HttpMethod::Delete);
            if let Some(id) = operation.operation_id.clone().filter(|_| reads) {
                let target = Target { operation: id, parameters: parameters.clone() };
                targets.entry(path.clone()).or_default().push(target);
            }
        }
    }
    targets
}

/// To the things of the collection at `path`: they are found below it, at the top under the same
/// word, or at both.
fn links(path: &str, targets: &BTreeMap<String, Vec<Target>>) -> BTreeMap<String, RefOr<Link>> {
    let collection = path.rsplit('/').next().unwrap_or_default();
    let at_top = format!("{API}{collection}");
    let of = |base: &str| {
        let below = |(path, _): &(&String, &Vec<Target>)| {
            path.rsplit_once("/{").is_some_and(|(parent, _)| parent == base)
        };
        targets.iter().find(below).map(|(_, found)| found)
    };
    let found = of(path).into_iter().chain(of(&at_top).filter(|_| at_top != path));
    let link = |target: &Target| {
        let (last, earlier) = target.parameters.split_last()?;
        let mut link = LinkBuilder::new()
            .operation_id(&target.operation)
            .parameter(last, json!("$response.body#/id"));
        for name in earlier {
            link = link.parameter(name, Value::String(format!("$request.path.{name}")));
        }
        Some((target.operation.clone(), RefOr::T(link.build())))
    };
    found.flatten().filter_map(link).collect()
}

fn has_id(response: &Response, components: &Components) -> bool {
    response.content.values().any(|content| {
        let RefOr::T(content) = content else { return false };
        content.schema.as_ref().is_some_and(|schema| holds_id(schema, components))
    })
}

fn holds_id(schema: &RefOr<Schema>, components: &Components) -> bool {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            let target = components.schemas.get(name);
            target.is_some_and(|schema| holds_id(schema, components))
        }
        RefOr::T(Schema::Object(object)) => object.properties.contains_key("id"),
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter().any(|part| holds_id(part, components)),
        RefOr::T(_) => false,
    }
}
