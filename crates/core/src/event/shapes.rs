//! The shapes of what events carry that is more than a value.

use crate::{
    knowledge::{DocumentWarning, WarningCode},
    shape::{Field, Presence, Shape, Shaped},
};

impl Shaped for DocumentWarning {
    const SHAPE: Shape = Shape::Object(&[
        Field {
            name: "code",
            doc: "What it is.",
            shape: WarningCode::SHAPE,
            presence: Presence::Always,
        },
        Field {
            name: "count",
            doc: "How many pages, sheets, rows or values are concerned.",
            shape: Shape::Integer,
            presence: Presence::Always,
        },
        Field {
            name: "pages",
            doc: "The pages that are concerned, from 1.",
            shape: Shape::List(&Shape::Integer),
            presence: Presence::Sometimes,
        },
        Field {
            name: "names",
            doc: "The names of sheets or attachments that are concerned.",
            shape: Shape::List(&Shape::Text),
            presence: Presence::Sometimes,
        },
        Field {
            name: "detail",
            doc: "The same in a sentence for the owner.",
            shape: Shape::Text,
            presence: Presence::Always,
        },
    ]);
}
