//! What a backup says of its contents at its end, by which a copy is compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How many things there were, and what they add up to in whatever order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How many bytes they have, as a backup holds them.
    pub bytes: u64,
    /// The sum of their SHA-256 hashes, in four parts of 64 bits.
    hashes: [u64; 4],
}

impl Sum {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.count += 1;
        self.bytes += bytes.len() as u64;
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        for (sum, part) in self.hashes.iter_mut().zip(hash.as_chunks::<8>().0) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*part));
        }
    }
}

/// What stands at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Of each table.
    pub(crate) tables: BTreeMap<String, Sum>,
    /// Of all files, each with its key.
    pub(crate) files: Sum,
}

impl Summary {
    /// How another one differs, in words; `None`: it does not.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let names = self.tables.keys().chain(other.tables.keys());
        for name in names {
            let [one, two] =
                [self, other].map(|it| it.tables.get(name).cloned().unwrap_or_default());
            if one.count != two.count {
                let [one, two] = [one.count, two.count];
                return Some(format!("`{name}` has {two} rows instead of {one}"));
            }
            if one != two {
                return Some(format!("the rows of `{name}` are not those that were written"));
            }
        }
        (self.files != other.files).then(|| {
            let [one, two] = [self.files.count, other.files.count];
            if one == two {
                "a file is not the one that was written".to_owned()
            } else {
                format!("there are {two} files instead of {one}")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_does_not_matter_and_everything_else_does() {
        let sum = |rows: &[&[u8]]| {
            let mut sum = Sum::default();
            for row in rows {
                sum.add(row);
            }
            sum
        };
        assert_eq!(sum(&[b"a", b"b"]), sum(&[b"b", b"a"]));
        assert_ne!(sum(&[b"a", b"b"]), sum(&[b"a", b"a"]));
        assert_ne!(sum(&[b"a", b"a"]), sum(&[]));

        let summary = |rows: &[&[u8]], files: &[&[u8]]| Summary {
            tables: [("users".to_owned(), sum(rows))].into(),
            files: sum(files),
        };
        let one = summary(&[b"a"], &[b"x"]);
        assert_eq!(one.difference(&one), None);
        let told = |other: Summary| one.difference(&other).unwrap();
        assert_eq!(told(summary(&[], &[b"x"])), "`users` has 0 rows instead of 1");
        assert!(told(summary(&[b"b"], &[b"x"])).contains("not those that were written"));
        assert!(told(summary(&[b"a"], &[b"y"])).contains("not the one that was written"));
        assert_eq!(told(summary(&[b"a"], &[])), "there are 0 files instead of 1");
    }
}
