//! What the table of events becomes: the type, its list of kinds, and what each is about.

/// The text of a doc comment; nothing of other attributes.
macro_rules! doc_of {
    (doc = $text:literal) => {
        $text
    };
    ($($other:tt)*) => {
        ""
    };
}

/// Whether an attribute says that a field may be left out.
macro_rules! may_be_absent {
    (serde(skip_serializing_if = $test:literal, default)) => {
        true
    };
    ($($other:tt)*) => {
        false
    };
}

/// Notes what a field says of the subject.
macro_rules! note_subject {
    ($subject:ident, dialog_id, $value:ident) => {
        $subject.dialog_id = Some(*$value);
    };
    ($subject:ident, message_id, $value:ident) => {
        $subject.message_id = Some(*$value);
    };
    ($subject:ident, $other:ident, $value:ident) => {
        let _ = $value;
    };
}

macro_rules! events {
    ($(
        $(#[$($meta:tt)*])*
        $kind:ident = $name:literal { $($(#[$($field_meta:tt)*])* $field:ident: $type:ty),* $(,)? }
    )+) => {
        /// A fact.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        pub enum Event {
            $(
                $(#[$($meta)*])*
                #[serde(rename = $name)]
                $kind { $($(#[$($field_meta)*])* $field: $type),* },
            )+
        }

        impl Event {
            /// Every kind of event.
            pub const KINDS: &'static [EventKind] = &[$(EventKind {
                name: $name,
                type_name: stringify!($kind),
                doc: concat!($(doc_of!($($meta)*)),*),
                fields: &[$(Field {
                    name: stringify!($field),
                    doc: concat!($(doc_of!($($field_meta)*)),*),
                    shape: <$type as Shaped>::SHAPE,
                    presence: if $(may_be_absent!($($field_meta)*) ||)* false {
                        Presence::Sometimes
                    } else {
                        Presence::Always
                    },
                }),*],
            }),+];

            /// The stable name of this kind of fact, as streams and webhooks show it.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$kind { .. } => $name),+ }
            }

            /// What it is about.
            pub fn subject(&self) -> Subject {
                let mut subject = Subject::default();
                match self {
                    $(Self::$kind { $($field),* } => {
                        $(note_subject!(subject, $field, $field);)*
                    }),+
                }
                subject
            }
        }
    };
}
