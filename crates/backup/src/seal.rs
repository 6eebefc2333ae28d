//! Encryption of a backup, by age: what is written is an age file, which its own tools open, too.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    iter,
};

use age::{
    DecryptError, Decryptor, Encryptor, Identity, scrypt,
    stream::{StreamReader, StreamWriter},
    x25519,
};
use secrecy::SecretString;

use crate::BackupError;

/// What an age file begins with.
const NAME: &[u8] = b"age-encryption.org/";

/// Who can read a backup that is written.
#[derive(Clone)]
pub enum Seal {
    /// Everybody who has the file.
    Open,
    /// Those who know a passphrase.
    Passphrase(SecretString),
    /// Those who have the secret key of one of these public ones.
    Recipients(Vec<x25519::Recipient>),
}

impl Seal {
    /// For the public keys of age (`age1...`), of which there is at least one.
    ///
    /// # Errors
    ///
    /// [`BackupError::Recipient`] names the one that is no key.
    pub fn to(recipients: &[String]) -> Result<Self, BackupError> {
        let parsed = recipients.iter().map(|text| {
            text.trim().parse().map_err(|_| BackupError::Recipient(text.trim().to_owned()))
        });
        Ok(Self::Recipients(parsed.collect::<Result<_, _>>()?))
    }

    /// Wraps the file.
    pub(crate) fn wrap(&self, file: BufWriter<File>) -> io::Result<Sink> {
        let encryptor = match self {
            Self::Open => return Ok(Sink::Open(file)),
            Self::Passphrase(passphrase) => Encryptor::with_user_passphrase(passphrase.clone()),
            Self::Recipients(recipients) => {
                Encryptor::with_recipients(recipients.iter().map(|one| one as &dyn age::Recipient))
                    .map_err(|error| io::Error::other(error.to_string()))?
            }
        };
        Ok(Sink::Sealed(Box::new(encryptor.wrap_output(file)?)))
    }
}

/// What opens an encrypted backup. Nothing is needed for one that is not.
#[derive(Clone, Default)]
pub struct Opener {
    passphrase: Option<SecretString>,
    identities: Vec<x25519::Identity>,
}

impl Opener {
    /// Opens with a passphrase.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: SecretString) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// Opens with the secret keys of a file as `age-keygen` writes it: one a line, and comments.
    ///
    /// # Errors
    ///
    /// [`BackupError::Identity`] when there is no key, or a line is none.
    pub fn with_identities(mut self, text: &str) -> Result<Self, BackupError> {
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            self.identities.push(line.parse().map_err(|_| BackupError::Identity)?);
        }
        if self.identities.is_empty() {
            return Err(BackupError::Identity);
        }
        Ok(self)
    }

    /// Unwraps the file if it is encrypted.
    pub(crate) fn unwrap(
        &self,
        mut file: BufReader<File>,
        failed: impl Fn(io::Error) -> BackupError,
    ) -> Result<Source, BackupError> {
        if !file.fill_buf().map_err(&failed)?.starts_with(NAME) {
            return Ok(Source::Open(file));
        }
        let refused = |error| match error {
            DecryptError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                failed(error)
            }
            DecryptError::NoMatchingKeys
            | DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed
            | DecryptError::ExcessiveWork { .. } => BackupError::Encrypted,
            _ => BackupError::Damaged("its encryption cannot be read".to_owned()),
        };
        let decryptor = Decryptor::new_buffered(file).map_err(refused)?;

        let passphrase = self.passphrase.clone().map(scrypt::Identity::new);
        let passphrase = passphrase.iter().map(|one| one as &dyn Identity);
        let identities = self.identities.iter().map(|one| one as &dyn Identity);
        let none: iter::Empty<&dyn Identity> = iter::empty();
        let opened = decryptor.decrypt(none.chain(passphrase).chain(identities));
        Ok(Source::Sealed(Box::new(opened.map_err(refused)?)))
    }
}

/// Where a backup is written.
pub(crate) enum Sink {
    Open(BufWriter<File>),
    Sealed(Box<StreamWriter<BufWriter<File>>>),
}

impl Sink {
    /// Writes what is left.
    pub(crate) fn finish(self) -> io::Result<File> {
        let mut file = match self {
            Self::Open(file) => file,
            Self::Sealed(sealed) => sealed.finish()?,
        };
        file.flush()?;
        file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Open(file) => file.write(bytes),
            Self::Sealed(sealed) => sealed.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Open(file) => file.flush(),
            Self::Sealed(sealed) => sealed.flush(),
        }
    }
}

/// Where a backup is read.
pub(crate) enum Source {
    Open(BufReader<File>),
    Sealed(Box<StreamReader<BufReader<File>>>),
}

impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Open(file) => file.read(bytes),
            Self::Sealed(sealed) => sealed.read(bytes),
        }
    }
}
