//! Words of the letters: templates, and what they are given.
//!
//! A letter has one template in each language, from which both its forms are made. The first line
//! is the subject; the rest is built of the parts in `parts.txt` and `parts.html` and stands in
//! `layout.txt` and `layout.html`. A template that asks for what it is not given is an error. Every
//! value is one line of bounded length.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use replyx_core::{
    assistant::Language,
    mail::{Letter, Mail},
    name::{in_letter, is_invisible},
    role::Role,
};

use super::{EmailError, Product};

/// The longest name, in characters: what strangers call themselves stays short in our letters.
const NAME: usize = 80;
/// The longest description of a program, in characters.
const PROGRAM: usize = 200;
/// The longest link, in characters.
const LINK: usize = 2_000;
/// The longest subject, in characters.
const SUBJECT: usize = 180;

macro_rules! letters {
    ($($kind:literal),+ $(,)?) => {
        &[$(
            (Language::English, $kind, include_str!(concat!("templates/en/", $kind, ".j2"))),
            (Language::Russian, $kind, include_str!(concat!("templates/ru/", $kind, ".j2"))),
        )+]
    };
}

const LETTERS: &[(Language, &str, &str)] = letters![
    "confirmation",
    "account_exists",
    "welcome",
    "reset",
    "password_changed",
    "invitation",
    "new_sign_in",
    "bot_moved",
    "balance_low",
    "balance_depleted",
    "trial_ending",
    "inbox_news",
    "deletion_scheduled",
];

const SHARED: [(&str, &str); 4] = [
    ("parts.txt", include_str!("templates/parts.txt")),
    ("parts.html", include_str!("templates/parts.html")),
    ("layout.txt", include_str!("templates/layout.txt")),
    ("layout.html", include_str!("templates/layout.html")),
];

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    let letters = LETTERS.iter().flat_map(|(language, kind, source)| {
        let (subject, body) = source.split_once('\n').unwrap_or((source, ""));
        [("subject", subject), ("txt", body), ("html", body)]
            .map(|(form, source)| (format!("{language}/{kind}.{form}"), source))
    });
    for (name, source) in
        SHARED.map(|(name, source)| (name.to_owned(), source)).into_iter().chain(letters)
    {
        templates
            .add_template_owned(name, source)
            .expect("a template that cannot be read fails every test of this crate");
    }
    templates
});

/// A letter in words.
#[derive(Debug)]
pub(super) struct Rendered {
    /// One line.
    pub(super) subject: String,
    /// The letter as plain text.
    pub(super) text: String,
    /// The same as a whole HTML document.
    pub(super) html: String,
}

/// Puts a letter into words.
pub(super) fn render(mail: &Mail, product: &Product) -> Result<Rendered, EmailError> {
    let Mail { language, letter, .. } = mail;

    let common = context! {
        product => line(&product.name, NAME),
        url => product.url.as_deref().map(|url| line(url, LINK)),
        language => language.as_str(),
    };

    let own = context! { ..values(*language, letter), ..common.clone() };
    let make = |form: &str, values: Value| {
        let name = format!("{language}/{}.{form}", letter.kind());
        TEMPLATES.get_template(&name)?.render(values)
    };

    let whole = || {
        let subject = line(&make("subject", own.clone())?, SUBJECT);
        let text = make("txt", context! { parts => "parts.txt", ..own.clone() })?;
        let html = make("html", context! { parts => "parts.html", ..own.clone() })?;
        let frame = |layout: &str, body: Value| {
            let values = context! { subject => subject.as_str(), body => body, ..common.clone() };
            TEMPLATES.get_template(layout)?.render(values)
        };
        let text = tidy(&frame("layout.txt", Value::from(text.trim()))?);
        let html = frame("layout.html", Value::from_safe_string(html))?;
        Ok(Rendered { subject, text, html })
    };

    whole().map_err(EmailError::Render)
}

/// What the template of a letter is given besides what all are.
fn values(language: Language, letter: &Letter) -> Value {
    let minutes = |minutes: &u32| period(language, *minutes);
    match letter {
        Letter::Confirmation { code, minutes: good } => {
            context! { code => line(code, NAME), period => minutes(good) }
        }
        Letter::AccountExists | Letter::PasswordChanged => context! {},
        Letter::Welcome { name: person } => context! { name => name(person) },
        Letter::Reset { link, minutes: good } => {
            context! { link => line(link, LINK), period => minutes(good) }
        }
        Letter::Invitation { workspace, inviter, role, link, days } => context! {
            workspace => name(workspace),
            inviter => name(inviter),
            role => role_name(language, role),
            link => line(link, LINK),
            period => period(language, days.saturating_mul(DAY)),
        },
        Letter::NewSignIn { at, address, user_agent } => context! {
            at => time(*at),
            address => line(address, NAME),
            user_agent => in_letter(&line(user_agent, PROGRAM)),
        },
        Letter::BotMoved { workspace, bot } => {
            context! { workspace => name(workspace), bot => name(bot) }
        }
        Letter::BalanceLow { workspace, available, answers } => context! {
            workspace => name(workspace),
            available => name(available),
            answers => answers,
        },
        Letter::BalanceDepleted { workspace } => context! { workspace => name(workspace) },
        Letter::TrialEnding { workspace, ends_at, answers } => context! {
            workspace => name(workspace),
            at => time(*ends_at),
            answers => answers,
        },
        Letter::InboxNews { workspace, requests, late, mentions, link } => context! {
            workspace => name(workspace),
            requests => requests,
            late => late,
            mentions => mentions,
            link => link.as_deref().map(|link| line(link, LINK)),
        },
        Letter::DeletionScheduled { at } => context! { at => time(*at) },
    }
}

/// What somebody calls themselves or a workspace: one short line in which nothing becomes a link.
fn name(text: &str) -> String {
    in_letter(&line(text, NAME))
}

/// Makes a text one line of at most so many characters, without characters that control how others
/// are shown.
fn line(text: &str, longest: usize) -> String {
    let plain = |c: char| if c.is_control() || is_invisible(c) { ' ' } else { c };
    // Looked at no further than needed: the whole may be large.
    let start: String = text.chars().take(4 * longest).map(plain).collect();
    let words = start.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= longest {
        return words;
    }
    words.chars().take(longest - 1).chain(['…']).collect()
}

/// Takes away what the templates' own line ends leave behind.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && tidy.ends_with("\n\n")) {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    tidy
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Minutes.
const HOUR: u32 = 60;
/// Minutes.
const DAY: u32 = 24 * HOUR;

/// For how long something is good, in the largest unit that leaves no rest.
fn period(language: Language, minutes: u32) -> String {
    let (count, english, russian) = match minutes {
        m if m > DAY && m.is_multiple_of(DAY) => {
            (m / DAY, ["day", "days"], ["день", "дня", "дней"])
        }
        m if m > 0 && m.is_multiple_of(HOUR) => {
            (m / HOUR, ["hour", "hours"], ["час", "часа", "часов"])
        }
        m => (m, ["minute", "minutes"], ["минуту", "минуты", "минут"]),
    };
    let word = match language {
        Language::English => english[usize::from(count != 1)],
        Language::Russian => match (count % 10, count % 100) {
            (_, 11..=14) => russian[2],
            (1, _) => russian[0],
            (2..=4, _) => russian[1],
            _ => russian[2],
        },
    };
    format!("{count} {word}")
}

fn role_name(language: Language, role: &str) -> String {
    match (language, role.parse()) {
        (Language::Russian, Ok(role)) => match role {
            Role::Owner => "владелец",
            Role::Admin => "администратор",
            Role::Operator => "оператор",
            Role::Viewer => "наблюдатель",
        }
        .to_owned(),
        _ => line(role, NAME),
    }
}

#[cfg(test)]
mod tests;
