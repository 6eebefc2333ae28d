//! Replies that operators keep ready, with placeholders for what differs from dialog to dialog.

use chrono::{DateTime, Utc};

use crate::{
    assistant::Language,
    ids::{CannedReplyId, WorkspaceId},
    words::words,
};

words! {
    /// What a canned reply leaves open. In its text it stands in braces: `{customer}`.
    Placeholder {
        /// The name that the customer gives themselves.
        Customer = "customer",
        /// The operator who writes.
        Operator = "operator",
        /// The assistant of the dialog.
        Assistant = "assistant",
        /// The workspace.
        Workspace = "workspace",
    }
}

/// A reply that operators keep ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedReply {
    /// Identity.
    pub id: CannedReplyId,
    /// The workspace it belongs to.
    pub workspace_id: WorkspaceId,
    /// What an operator types to find it; one of a language has it in a workspace.
    pub shortcut: String,
    /// The language it is written in; `None`: any.
    pub language: Option<Language>,
    /// What it is about, in a few words.
    pub title: String,
    /// The words, with placeholders.
    pub text: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl CannedReply {
    /// No workspace has more.
    pub const MOST: i64 = 1_000;

    /// The text for a dialog: each placeholder is replaced by its value, in one line.
    pub fn fill(&self, value: impl Fn(Placeholder) -> String) -> String {
        let mut filled = String::with_capacity(self.text.len());
        for part in parts(&self.text) {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Named(name, whole) => {
                    // A name that is no longer known stays as it was stored.
                    let value = name.parse().map_or_else(|_| whole.to_owned(), &value);
                    let words: Vec<&str> = value.split_whitespace().collect();
                    filled.push_str(&words.join(" "));
                }
            }
        }
        filled
    }
}

/// A text names something that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{{{0}}}` is not a placeholder; known are {known}", known = known())]
pub struct UnknownPlaceholder(pub String);

fn known() -> String {
    let known: Vec<_> = Placeholder::ALL.iter().map(|one| format!("`{{{one}}}`")).collect();
    known.join(", ")
}

/// Checks that everything in braces can be filled in. Braces around anything but lower-case letters
/// and underscores are ordinary text.
///
/// # Errors
///
/// The first name that is not known.
pub fn check(text: &str) -> Result<(), UnknownPlaceholder> {
    let unknown = parts(text).find_map(|part| match part {
        Part::Named(name, _) if name.parse::<Placeholder>().is_err() => Some(name.to_owned()),
        _ => None,
    });
    unknown.map_or(Ok(()), |name| Err(UnknownPlaceholder(name)))
}

enum Part<'t> {
    Literal(&'t str),
    /// The name, and the name in its braces.
    Named(&'t str, &'t str),
}

/// The pieces of a text in their order.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(name) = named(rest) {
            let (whole, after) = rest.split_at(name.len() + 2);
            rest = after;
            return Some(Part::Named(name, whole));
        }

        // Up to the next brace, and over this one if it begins no name.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find('{').map_or(rest.len(), |at| first + at);
        let (literal, after) = rest.split_at(end);
        rest = after;
        Some(Part::Literal(literal))
    })
}

/// The name in braces with which a text begins.
fn named(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('{')?;
    let (name, _) = inner.split_once('}')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn filled(text: &str) -> String {
        let now = DateTime::UNIX_EPOCH;
        let reply = CannedReply {
            id: Uuid::nil().into(),
            workspace_id: Uuid::nil().into(),
            shortcut: "hi".to_owned(),
            language: None,
            title: "Hello".to_owned(),
            text: text.to_owned(),
            created_at: now,
            updated_at: now,
        };
        reply.fill(|placeholder| match placeholder {
            Placeholder::Customer => "Аня\n{operator}".to_owned(),
            other => format!("<{other}>"),
        })
    }

    #[test]
    fn placeholders_are_filled_once_and_other_braces_stay() {
        assert_eq!(
            filled("Hello {customer}, {operator} here."),
            "Hello Аня {operator}, <operator> here."
        );
        assert_eq!(filled("{assistant}{workspace}"), "<assistant><workspace>");
        for text in ["{}", "{ customer }", "{Customer}", "{\"a\": 1}", "a { b", "{{", "}{", "Ж{"] {
            assert_eq!(filled(text), text);
            assert_eq!(check(text), Ok(()));
        }
        assert_eq!(filled("{{customer}}"), "{Аня {operator}}");
    }

    #[test]
    fn an_unknown_name_is_named() {
        assert_eq!(
            check("Hi {customer}, {order_id}"),
            Err(UnknownPlaceholder("order_id".to_owned()))
        );
        let told = check("{order}").unwrap_err().to_string();
        assert!(
            told.starts_with("`{order}` is not a placeholder; known are `{customer}`, "),
            "{told}"
        );
    }
}
