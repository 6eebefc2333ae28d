//! Secrets at rest: sealed with a key derived from `SECRET_KEY`, opened only where they are used.
//!
//! [`Keys::seal`] encrypts with XChaCha20-Poly1305 under a random nonce. The id of the row is
//! associated data: a sealed value copied into another row does not open there.

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::Clock;

/// The version byte of a sealed value: key derivation and cipher as described in [`Keys`].
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// A secret cannot be opened, or the master key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The master secret is too short to derive keys from.
    #[error("`SECRET_KEY` must have at least 32 characters")]
    Weak,
    /// The value was sealed with another key, for another row, or was damaged.
    #[error("a sealed value cannot be opened with this `SECRET_KEY`")]
    Sealed,
}

/// The keys derived from the installation's `SECRET_KEY` with HKDF-SHA-256, one per purpose; also
/// from those that were its `SECRET_KEY` before, which only open what they closed.
#[derive(Clone)]
pub struct Keys {
    master: Master,
    previous: Vec<Master>,
}

type Master = Zeroizing<[u8; 32]>;

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Derives the keys from the master secret.
    ///
    /// # Errors
    ///
    /// [`SecretError::Weak`] when it has fewer than 32 characters.
    pub fn derive(master: &SecretString) -> Result<Self, SecretError> {
        Self::ring(master, &[])
    }

    /// As [`Keys::derive`], with the master secrets of earlier times, newest first.
    ///
    /// # Errors
    ///
    /// [`SecretError::Weak`] when one of them has fewer than 32 characters.
    pub fn ring(master: &SecretString, previous: &[SecretString]) -> Result<Self, SecretError> {
        let digest = |master: &SecretString| {
            if master.expose_secret().chars().count() < 32 {
                return Err(SecretError::Weak);
            }
            Ok(Zeroizing::new(Sha256::digest(master.expose_secret()).into()))
        };
        let previous = previous.iter().map(digest).collect::<Result<_, _>>()?;
        Ok(Self { master: digest(master)?, previous })
    }

    /// The key of one purpose, 32 bytes.
    pub fn key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        expand(&self.master, purpose)
    }

    /// The key of one purpose, now and before, newest first.
    pub fn keys(&self, purpose: &str) -> Vec<Zeroizing<[u8; 32]>> {
        self.masters().map(|master| expand(master, purpose)).collect()
    }

    /// The ids of the master secrets, newest first: they tell secrets apart and nothing about them.
    pub fn ids(&self) -> Vec<String> {
        self.keys("id").iter().map(|id| hex(&id[..8])).collect()
    }

    fn masters(&self) -> impl Iterator<Item = &Master> {
        std::iter::once(&self.master).chain(&self.previous)
    }

    /// Encrypts a secret for the row it is stored in (`row`: the bytes of the row's id).
    pub fn seal(&self, secret: &SecretString, row: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = Clock::bytes();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: row };
        let sealed = cipher(&self.master)
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is far below the cipher's limit");
        [[VERSION].as_slice(), nonce.as_slice(), sealed.as_slice()].concat()
    }

    /// Decrypts what [`Keys::seal`] made for the same row.
    ///
    /// # Errors
    ///
    /// [`SecretError::Sealed`] when the key, the row or a byte differs.
    pub fn open(&self, sealed: &[u8], row: &[u8]) -> Result<SecretString, SecretError> {
        let (&[VERSION], rest) = sealed.split_at_checked(1).ok_or(SecretError::Sealed)? else {
            return Err(SecretError::Sealed);
        };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(SecretError::Sealed)?;
        let opened = self
            .masters()
            .find_map(|master| {
                let payload = Payload { msg: sealed, aad: row };
                cipher(master).decrypt(&XNonce::from(*nonce), payload).ok()
            })
            .ok_or(SecretError::Sealed)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| SecretError::Sealed)
    }
}

fn expand(master: &Master, purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(b"replyx"), master.as_slice())
        .expand(purpose.as_bytes(), key.as_mut_slice())
        .expect("32 bytes are within HKDF's limit");
    key
}

fn cipher(master: &Master) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*expand(master, "seal")))
}

/// HMAC-SHA-256 under a secret key, as lower-case hexadecimal: how short codes are stored, which a
/// bare hash would give away.
pub fn keyed_hash(key: &[u8; 32], text: &str) -> String {
    hex(&keyed_bytes(key, text))
}

/// As [`keyed_hash`], as bytes: a secret that follows from a text and a key.
pub fn keyed_bytes(key: &[u8; 32], text: &str) -> [u8; 32] {
    use hmac::{Hmac, Mac};
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// SHA-256 as lower-case hexadecimal: how content is compared and how secrets are looked up.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Compares two secrets in a time that does not depend on where they differ.
pub fn same(a: &str, b: &str) -> bool {
    use subtle::ConstantTimeEq;
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(master: &str) -> Keys {
        Keys::derive(&SecretString::from(master)).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_only_in_its_row_and_with_its_key() {
        let ours = keys("0123456789abcdef0123456789abcdef");
        let token = SecretString::from("12345:secret");
        let sealed = ours.seal(&token, b"row");

        assert_eq!(ours.open(&sealed, b"row").unwrap().expose_secret(), "12345:secret");
        assert_eq!(ours.open(&sealed, b"other").unwrap_err(), SecretError::Sealed);
        let theirs = keys("another-master-key-of-32-characters!");
        assert_eq!(theirs.open(&sealed, b"row").unwrap_err(), SecretError::Sealed);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(ours.open(&damaged, b"row").is_err(), "byte {at}");
        }
        assert!(ours.open(&[], b"row").is_err());
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn sealing_twice_shows_nothing_in_common() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        let token = SecretString::from("12345:secret");
        assert_ne!(keys.seal(&token, b"row"), keys.seal(&token, b"row"));
    }

    #[test]
    fn what_an_earlier_key_sealed_opens_and_is_never_sealed_anew() {
        let old = "0123456789abcdef0123456789abcdef";
        let new = "another-master-key-of-32-characters!";
        let sealed = keys(old).seal(&SecretString::from("12345:secret"), b"row");
        let ring = Keys::ring(&SecretString::from(new), &[SecretString::from(old)]).unwrap();

        assert_eq!(ring.open(&sealed, b"row").unwrap().expose_secret(), "12345:secret");
        let fresh = ring.seal(&SecretString::from("x"), b"row");
        assert!(keys(new).open(&fresh, b"row").is_ok() && keys(old).open(&fresh, b"row").is_err());
        assert_eq!(ring.keys("seal").len(), 2);
    }

    #[test]
    fn purposes_have_different_keys() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        assert_ne!(keys.key("seal"), keys.key("token"));
        assert!(Keys::derive(&SecretString::from("short")).is_err());
    }
}
