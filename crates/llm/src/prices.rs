//! What models cost.
//!
//! [`Prices::embedded`] is the table that comes with the program, [`Prices::with_file`] an
//! operator's own table on top of it. A model whose price is in neither costs an unknown amount,
//! never nothing.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use replyx_core::money::Money;
use serde::Deserialize;

use replyx_extractive::NAME as EXTRACTIVE;

use crate::chat::Usage;

/// Who runs the models that cost nothing because they run here, and the models.
const LOCAL: [(&str, &str); 2] = [(EXTRACTIVE, EXTRACTIVE), ("offline", replyx_e5::NAME)];

/// An operator's table is read this far, bytes.
const FILE: u64 = 1 << 20;

/// What a model's provider charges, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// For a million tokens read.
    pub input: Money,
    /// For a million tokens written.
    pub output: Money,
}

impl Price {
    /// What an answer costs; each kind of token is rounded up to a micro-unit.
    pub fn of(&self, usage: Usage) -> Money {
        self.input.per_million(usage.prompt_tokens)
            + self.output.per_million(usage.completion_tokens)
    }
}

/// What is known of a model.
#[derive(Clone, Debug)]
pub(crate) struct ModelFacts {
    pub(crate) price: Price,
    /// Tokens that it reads and writes at once.
    pub(crate) context: Option<u64>,
    /// Whose model it is: the name of a provider.
    pub(crate) provider: Option<Arc<str>>,
    /// Does it write answers?
    pub(crate) chats: bool,
}

/// What models cost. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Prices(Arc<BTreeMap<String, ModelFacts>>);

/// An operator's table of prices cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    /// The file cannot be read.
    #[error("the table of prices `{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file does not hold a table of prices. The source names line and field.
    #[error("the table of prices `{}` is malformed", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        source: serde_json::Error,
    },
    /// A price is negative.
    #[error("the table of prices `{}` has a negative price for `{model}`", path.display())]
    Negative {
        /// The file.
        path: PathBuf,
        /// The model.
        model: String,
    },
    /// A model stands in the file twice.
    #[error("the table of prices `{}` has two prices for `{model}`", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The model.
        model: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "about")]
    _about: Option<String>,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(rename = "source")]
    _source: Option<String>,
    #[serde(rename = "as_of")]
    _as_of: Option<String>,
    provider: Option<String>,
    models: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    model: String,
    input: i64,
    output: i64,
    context: Option<u64>,
    #[serde(default)]
    kind: Kind,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Chat,
    Embedding,
    Rerank,
}

impl Table {
    fn into_rows(self) -> impl Iterator<Item = (String, ModelFacts)> {
        self.groups.into_iter().flat_map(|group| {
            let provider: Option<Arc<str>> = group.provider.map(Arc::from);
            group.models.into_iter().map(move |row| {
                let input = Money::from_micros(row.input);
                let known = ModelFacts {
                    price: Price { input, output: Money::from_micros(row.output) },
                    context: row.context,
                    provider: provider.clone(),
                    chats: row.kind == Kind::Chat,
                };
                (row.model, known)
            })
        })
    }
}

static EMBEDDED: LazyLock<Prices> = LazyLock::new(|| {
    let table: Table = serde_json::from_str(include_str!("../data/prices.json"))
        .expect("the embedded table is read by a test");
    Prices(Arc::new(table.into_rows().collect()))
});

impl Default for Prices {
    fn default() -> Self {
        Self::embedded()
    }
}

impl Prices {
    /// The table that comes with the program.
    pub fn embedded() -> Self {
        EMBEDDED.clone()
    }

    /// The embedded table with an operator's own: its rows add models, and change those there are.
    /// The file has the form of the embedded one,
    /// `{"groups": [{"models": [{"model", "input", "output"}]}]}`, with prices in millionths of a
    /// US dollar per million tokens. A group may name its `provider`, a model its `context` in
    /// tokens and its `kind`: `chat` (unless given), `embedding` or `rerank`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read (at most 1 MiB), is not of this form, or names a price that is
    /// negative or a model twice.
    pub fn with_file(path: &Path) -> Result<Self, PriceFileError> {
        let text =
            read(path).map_err(|source| PriceFileError::Read { path: path.to_owned(), source })?;
        let table: Table = serde_json::from_str(&text)
            .map_err(|source| PriceFileError::Parse { path: path.to_owned(), source })?;
        let mut own = BTreeMap::new();
        for (model, known) in table.into_rows() {
            if known.price.input < Money::ZERO || known.price.output < Money::ZERO {
                return Err(PriceFileError::Negative { path: path.to_owned(), model });
            }
            if own.insert(model.clone(), known).is_some() {
                return Err(PriceFileError::Twice { path: path.to_owned(), model });
            }
        }
        let mut prices = (*EMBEDDED.0).clone();
        prices.extend(own);
        Ok(Self(Arc::new(prices)))
    }

    /// The price of a model, or nothing when it is not known. `provider:model` is looked up as it
    /// stands and then without its provider. A dated name (`gpt-4o-2024-08-06`) has the price of
    /// the longest known name it begins with; a name that goes on with anything but a date or
    /// `latest` is another model.
    pub fn of(&self, model: &str) -> Option<Price> {
        let bare = || model.split_once(':').and_then(|(_, bare)| self.of_name(bare));
        self.of_name(model).or_else(bare).map(|(_, known)| known.price)
    }

    /// The price of a model at a provider, or nothing when it is not known: `provider:model` is
    /// looked up first, then the model. What is free because it runs here is free nowhere else.
    pub fn at(&self, provider: &str, model: &str) -> Option<Price> {
        self.known(provider, model).map(|known| known.price)
    }

    pub(crate) fn known(&self, provider: &str, model: &str) -> Option<&ModelFacts> {
        let (name, known) =
            self.of_name(&format!("{provider}:{model}")).or_else(|| self.of_name(model))?;
        let elsewhere = LOCAL.iter().any(|(here, local)| name == *local && provider != *here);
        (!elsewhere).then_some(known)
    }

    /// The names of all models that write answers.
    pub(crate) fn chats(&self) -> impl Iterator<Item = (&str, &ModelFacts)> {
        self.0.iter().filter(|(_, known)| known.chats).map(|(name, known)| (name.as_str(), known))
    }

    fn of_name(&self, model: &str) -> Option<(&str, &ModelFacts)> {
        self.0
            .iter()
            .filter(|(name, _)| model.strip_prefix(name.as_str()).is_some_and(is_version))
            .max_by_key(|(name, _)| name.len())
            .map(|(name, known)| (name.as_str(), known))
    }
}

/// The price of a model in the embedded table; see [`Prices::of`].
pub fn price_of(model: &str) -> Option<Price> {
    EMBEDDED.of(model)
}

fn read(path: &Path) -> io::Result<String> {
    let size = fs::metadata(path)?.len();
    if size > FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has `{size}` bytes")));
    }
    fs::read_to_string(path)
}

/// Is this what follows a model's name in the name of one of its versions? A date has at least four
/// digits at its beginning; fewer are a part of another model's number.
fn is_version(rest: &str) -> bool {
    rest.is_empty()
        || rest.strip_prefix('-').is_some_and(|version| {
            version == "latest" || {
                let mut parts = version.split('-');
                let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
                parts.next().is_some_and(|year| year.len() >= 4 && digits(year))
                    && parts.all(|part| !part.is_empty() && digits(part))
            }
        })
}
