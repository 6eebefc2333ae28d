//! How a closed set of words (a status, a role) is written in the database, in JSON and in logs.

/// A stored word is not one this version of the program knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {kind}")]
pub struct UnknownWord {
    /// What the word should have been.
    pub kind: &'static str,
    /// The word that was found.
    pub word: String,
}

/// Makes an enum whose variants have one spelling everywhere.
///
/// `Outcome as "AnswerOutcome"` names it in the `OpenAPI` document where its own name would not do,
/// and `example` gives an example there.
macro_rules! words {
    (@name $name:ident) => { stringify!($name) };
    (@name $name:ident $schema:literal) => { $schema };
    ($(#[doc = $doc:literal])+ $name:ident $(as $schema:literal)? $(, example $example:literal)? {
        $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word of the set.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling used in the database, in JSON and in logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl $crate::shape::Shaped for $name {
            const SHAPE: $crate::shape::Shape = $crate::shape::Shape::Word(&[$($word),+]);
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownWord { kind: stringify!($name), word: word.to_owned() }),
                }
            }
        }

        #[cfg(feature = "input")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                use utoipa::openapi::schema::{ObjectBuilder, Type};

                let words = Self::ALL.iter().map(|word| word.as_str());
                let description = concat!($($doc, "\n"),+).trim();
                let schema = ObjectBuilder::new().schema_type(Type::String);
                let schema = schema.enum_values(Some(words)).description(Some(description));
                schema$(.examples([$example]))?.into()
            }
        }

        #[cfg(feature = "input")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $crate::words::words!(@name $name $($schema)?).into()
            }
        }
    };
}

pub(crate) use words;
