//! multilingual-e5-small: texts become vectors that are near each other when the texts mean the
//! same, in this process and without a network.
//!
//! [`E5::load`] reads the one weights file that is known, [`E5::embed`] gives a text its vector. It
//! blocks, and uses the thread it is called on and no other; one model may be used by many threads.
//!
//! The arithmetic is our own: weights stay in four bits, as they are in the file, and are
//! multiplied in whole numbers by the [`Kernel`] that suits the running processor.

use std::{io, path::Path};

mod attention;
mod functions;
mod kernel;
mod model;
mod tokenizer;
mod weights;

pub use kernel::Kernel;

use model::Model;

/// What the model is called.
pub const NAME: &str = "multilingual-e5-small";
/// Numbers of a vector.
pub const WIDTH: usize = 384;
/// The name of the weights file in its folder.
pub const FILE: &str = "e5-small-q4.bin";
/// Size of the weights file, bytes.
pub const FILE_BYTES: u64 = 71_622_400;

/// The model cannot be loaded, or a text cannot be embedded.
#[derive(Debug, thiserror::Error)]
pub enum E5Error {
    /// The file cannot be read.
    #[error("the file `{FILE}` cannot be read")]
    Read(#[from] io::Error),
    /// The file is not the known one.
    #[error("the file `{FILE}` is not the expected one: its SHA-256 is `{found}`")]
    Unknown {
        /// What its SHA-256 is.
        found: String,
    },
    /// The file does not hold what it has to.
    #[error("the file `{FILE}` is damaged")]
    Damaged,
}

/// What a text is to the model, which tells questions from passages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What is searched for.
    Question,
    /// What is searched.
    Passage,
}

/// A vector, and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// [`WIDTH`] numbers, of unit length.
    pub vector: Vec<f32>,
    /// Was the end of the text left out, because it has more than 512 pieces?
    pub cut: bool,
}

/// The model in memory.
pub struct E5(Model);

impl std::fmt::Debug for E5 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("E5").finish_non_exhaustive()
    }
}

impl E5 {
    /// Reads the model from its file, which stays open.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not the known one.
    pub fn load(path: &Path) -> Result<Self, E5Error> {
        Self::load_for(path, Kernel::best())
    }

    /// Reads the model and multiplies with this kernel, which need not be the best one.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn load_for(path: &Path, kernel: Kernel) -> Result<Self, E5Error> {
        Model::load(path, kernel).map(Self)
    }

    /// The code that multiplies.
    pub const fn kernel(&self) -> Kernel {
        self.0.kernel()
    }

    /// The vector of each text; at most its first 512 pieces count. Texts that come together take
    /// less time than one by one.
    ///
    /// # Errors
    ///
    /// When the file, from which the vectors of word pieces are read, was changed in its place.
    pub fn embed(&self, role: Role, texts: &[impl AsRef<str>]) -> Result<Vec<Embedded>, E5Error> {
        let prefix = match role {
            Role::Question => "query: ",
            Role::Passage => "passage: ",
        };
        let texts: Vec<String> =
            texts.iter().map(|text| [prefix, text.as_ref()].concat()).collect();
        let embedded = self.0.embed(&texts)?;
        Ok(embedded.into_iter().map(|(vector, cut)| Embedded { vector, cut }).collect())
    }
}
