//! Mail as it arrived, and as a person would read it.

use std::fmt;

use mailparse::ParsedMail;

/// A mail that was taken.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The address of `MAIL FROM`.
    pub from: String,
    /// The addresses of `RCPT TO`.
    pub to: Vec<String>,
    /// The message, its dots unstuffed.
    pub data: Vec<u8>,
    /// The headers, decoded, in order.
    pub headers: Vec<(String, String)>,
    /// The subject, decoded.
    pub subject: String,
    /// The first plain text, decoded.
    pub text: String,
    /// The first HTML, decoded.
    pub html: String,
}

impl Received {
    /// Reads a message.
    pub fn read(from: String, to: Vec<String>, data: Vec<u8>) -> Result<Self, String> {
        let mail = mailparse::parse_mail(&data).map_err(|error| error.to_string())?;
        let headers: Vec<_> =
            mail.headers.iter().map(|header| (header.get_key(), header.get_value())).collect();
        let part = |kind: &str| -> Result<String, String> {
            let part = mail.parts().find(|part: &&ParsedMail<'_>| part.ctype.mimetype == kind);
            part.map_or(Ok(String::new()), |part| {
                part.get_body().map_err(|error| error.to_string())
            })
        };
        let text = part("text/plain")?;
        let html = part("text/html")?;
        let mut received =
            Self { from, to, headers, subject: String::new(), text, html, data: Vec::new() };
        received.subject = received.header("Subject").unwrap_or_default().to_owned();
        received.data = data;
        Ok(received)
    }

    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The six digits that stand alone in the text.
    pub fn code(&self) -> Option<&str> {
        self.text
            .split(|c: char| c.is_whitespace())
            .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The first line of the text that is a link.
    pub fn link(&self) -> Option<&str> {
        self.text
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("http://") || line.starts_with("https://"))
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("to", &self.to)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
