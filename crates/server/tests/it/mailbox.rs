//! What the program mailed: without a mail server, files in its folder.

use std::{fs, path::Path};

use crate::harness::{Home, until};

/// A letter, as far as tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The headers, as they stand there.
    pub(crate) head: String,
    /// The text, decoded.
    pub(crate) text: String,
}

impl Letter {
    fn read(path: &Path) -> Self {
        let raw = fs::read_to_string(path).expect("a letter is text").replace("\r\n", "\n");
        let (head, body) = raw.split_once("\n\n").expect("a letter has a head");
        let boundary = head.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
        let part = match boundary {
            Some(boundary) => body
                .split(&format!("--{boundary}"))
                .find(|part| part.to_lowercase().contains("content-type: text/plain"))
                .expect("a letter has a text"),
            None => &raw,
        };
        let (about, text) = part.trim_start().split_once("\n\n").expect("a part has a head");
        let quoted = about.to_lowercase().contains("quoted-printable");
        let text = if quoted { unquoted(text) } else { text.to_owned() };
        Self { head: head.to_owned(), text }
    }

    /// The subject, as it stands there.
    pub(crate) fn subject(&self) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix("Subject: "));
        line.unwrap_or_default()
    }

    /// The six digits that stand on a line of their own.
    pub(crate) fn code(&self) -> Option<String> {
        let digits =
            |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
        self.text.lines().map(str::trim).find(digits).map(str::to_owned)
    }

    /// What stands behind `#token=` in its link.
    pub(crate) fn token(&self) -> Option<String> {
        let rest = self.text.split("#token=").nth(1)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        Some(rest[..end.unwrap_or(rest.len())].to_owned())
    }
}

fn unquoted(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let pair = [rest.next(), rest.next()].map(|byte| char::from(byte.unwrap_or(b'0')));
            let pair: String = pair.into_iter().collect();
            bytes.push(u8::from_str_radix(&pair, 16).expect("two hexadecimal digits"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("a letter is UTF-8")
}

impl Home {
    /// The letters to an address, oldest first.
    pub(crate) fn letters(&self, to: &str) -> Vec<Letter> {
        let Ok(files) = fs::read_dir(self.folder.path().join("mail")) else { return Vec::new() };
        let mut files: Vec<_> = files.map(|file| file.expect("it can be listed").path()).collect();
        files.retain(|path| path.extension().is_some_and(|kind| kind == "eml"));
        files.sort();
        let letters = files.iter().map(|path| Letter::read(path));
        letters.filter(|letter| letter.head.contains(&format!("To: {to}\n"))).collect()
    }

    /// Waits for the so-manieth letter to an address with this in its subject.
    pub(crate) async fn letter(&self, to: &str, subject: &str, number: usize) -> Letter {
        until(&format!("letter {number} `{subject}` for {to} arrives"), async || {
            let mut letters = self.letters(to);
            letters.retain(|letter| letter.subject().contains(subject));
            (letters.len() >= number).then(|| letters.swap_remove(number - 1))
        })
        .await
    }

    /// Waits for the so-manieth confirmation code of an address.
    pub(crate) async fn code(&self, to: &str, number: usize) -> String {
        let letter = self.letter(to, "code", number).await;
        letter.code().expect("it holds a code")
    }
}
