//! Lists refer to their items, instead of repeating them.

use utoipa::openapi::{
    Components, Ref, RefOr,
    schema::{ArrayItems, Schema},
};

/// What the name of a list's schema begins with; the name of its items' follows.
const LIST: &str = "List_";

/// Lets every list refer to the schema of its items.
pub(super) fn refer(components: &mut Components) {
    let names: Vec<String> = components.schemas.keys().cloned().collect();
    for name in &names {
        let item = name.strip_prefix(LIST).filter(|item| components.schemas.contains_key(*item));
        let (Some(item), Some(RefOr::T(Schema::Object(list)))) =
            (item, components.schemas.get_mut(name))
        else {
            continue;
        };
        if let Some(RefOr::T(Schema::Array(items))) = list.properties.get_mut("items") {
            let reference = RefOr::Ref(Ref::from_schema_name(item));
            items.items = ArrayItems::RefOrSchema(Box::new(reference));
        }
    }
}
