//! Settings that a platform admin may change while the program runs.
//!
//! Each has a name, a kind and a default, defined once in [`SETTINGS`]. The configuration of a
//! process may set another default under the same name; a value stored by an admin wins over both.

use std::{str::FromStr, time::Duration};

/// How often something may be done: `20/5m`, a number of goes in a time (`s`, `m`, `h`, `d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSetting {
    /// So many goes, at least 1.
    pub count: u32,
    /// In this time, at least a second and at most a week.
    pub per: Duration,
}

/// A text is not a value of a setting; says what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadValue(String);

impl FromStr for RateSetting {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let bad = || {
            BadValue(
                "a rate such as `20/5m`: a count, then seconds, minutes, hours or days".to_owned(),
            )
        };
        let (count, per) = text.split_once('/').ok_or_else(bad)?;
        let count =
            count.parse().ok().filter(|count| (1..=10_000_000).contains(count)).ok_or_else(bad)?;
        let unit = per.chars().next_back().ok_or_else(bad)?;
        let number = &per[..per.len() - unit.len_utf8()];
        let number: u64 = if number.is_empty() { 1 } else { number.parse().map_err(|_| bad())? };
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(bad()),
        };
        let seconds = number.checked_mul(seconds).filter(|seconds| (1..=604_800).contains(seconds));
        Ok(Self { count, per: Duration::from_secs(seconds.ok_or_else(bad)?) })
    }
}

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Int {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A [`RateSetting`].
    Rate,
    /// Names of models, separated by commas; empty for none in particular.
    Models,
}

/// The longest name of a model, characters.
pub const MODEL_NAME: usize = 100;
/// At most so many models stand in a list.
pub const MODELS: usize = 200;

/// The names in a list of models: trimmed, without empty ones.
pub fn model_names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// Can this be the name of a model? Visible ASCII characters without a comma or a space: two names
/// that look alike are the same name.
pub fn is_model_name(name: &str) -> bool {
    let visible = |byte: u8| byte.is_ascii_graphic() && byte != b',';
    (1..=MODEL_NAME).contains(&name.len()) && name.bytes().all(visible)
}

impl SettingKind {
    /// Checks a value as it is written.
    ///
    /// # Errors
    ///
    /// [`BadValue`] says what would be acceptable.
    pub fn check(self, value: &str) -> Result<(), BadValue> {
        match self {
            Self::Bool if matches!(value, "true" | "false") => Ok(()),
            Self::Bool => Err(BadValue("`true` or `false`".to_owned())),
            Self::Int { min, max } => match value.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(()),
                _ => Err(BadValue(format!("a whole number from {min} to {max}"))),
            },
            Self::Choice(words) if words.contains(&value) => Ok(()),
            Self::Choice(words) => Err(BadValue(format!("one of `{}`", words.join("`, `")))),
            Self::Rate => value.parse::<RateSetting>().map(|_| ()),
            Self::Models
                if model_names(value).all(is_model_name)
                    && model_names(value).count() <= MODELS =>
            {
                Ok(())
            }
            Self::Models => Err(BadValue(format!(
                "at most {MODELS} names of models, separated by commas, of visible ASCII characters"
            ))),
        }
    }

    /// The word for it: `bool`, `int`, `choice`, `rate`, `models`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int { .. } => "int",
            Self::Choice(_) => "choice",
            Self::Rate => "rate",
            Self::Models => "models",
        }
    }
}

/// A setting's definition.
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    /// Its name, in the API and in configuration files; in capitals, an environment variable.
    pub name: &'static str,
    /// What values it takes.
    pub kind: SettingKind,
    /// Its value unless set.
    pub default: &'static str,
    /// What it does.
    pub description: &'static str,
}

macro_rules! settings {
    ($($(#[$meta:meta])* $constant:ident = $name:literal, $kind:expr, $default:literal, $description:literal;)+) => {
        $($(#[$meta])* pub const $constant: &str = $name;)+

        /// Every setting.
        pub const SETTINGS: &[SettingSpec] = &[$(
            SettingSpec { name: $name, kind: $kind, default: $default, description: $description }
        ),+];
    };
}

use SettingKind::{Bool, Choice, Int, Models, Rate};

settings! {
    /// Names of models.
    ALLOWED_MODELS = "allowed_models", Models, "",
        "The models that assistants may use, separated by commas. Empty: DEFAULT_MODEL, FALLBACK_MODELS, `extractive` and every model with a price.";
    /// Bool.
    REGISTRATION_OPEN = "registration_open", Bool, "true",
        "Whether anybody may register; otherwise registration is by invitation only.";
    /// Choice.
    EMAIL_CONFIRMATION = "email_confirmation", Choice(&["auto", "always", "never"]), "auto",
        "Whether new e-mail addresses must be confirmed; `auto`: if mail is sent through SMTP.";
    /// Days.
    DELETION_GRACE_DAYS = "deletion_grace_days", Int { min: 0, max: 90 }, "7",
        "How many days a deleted account can still be restored.";
    /// Days.
    SESSION_DAYS = "session_days", Int { min: 1, max: 365 }, "30",
        "How many days a session lasts without being renewed.";
    /// Minutes.
    LOGIN_LOCK_MINUTES = "login_lock_minutes", Int { min: 1, max: 1_440 }, "15",
        "How many minutes an account is locked after ten failed attempts to sign in.";
    /// Streams.
    STREAMS_PER_USER = "streams_per_user", Int { min: 1, max: 10_000 }, "20",
        "How many event streams a user or an API key may have open at once.";
    /// Streams.
    STREAMS_PER_WORKSPACE = "streams_per_workspace", Int { min: 1, max: 100_000 }, "200",
        "How many event streams the members and API keys of a workspace may have open at once, together.";
    /// Minutes.
    OPERATOR_ABSENCE_MINUTES = "operator_absence_minutes", Int { min: 1, max: 1_440 }, "5",
        "How many minutes an operator may be offline before the dialogs they have go back to those that wait.";
    /// Per address.
    RATE_REGISTER = "rate_register", Rate, "50/1h", "Registrations, confirmations and accepted invitations, per address.";
    /// Per address.
    RATE_LOGIN = "rate_login", Rate, "100/5m", "Attempts to sign in, per address.";
    /// Per address and user.
    RATE_PASSWORD_CHANGE = "rate_password_change", Rate, "10/5m", "Changes of password or second factor, per user.";
    /// Per user.
    RATE_LOGOUT = "rate_logout", Rate, "20/1m", "Log-outs, per user.";
    /// Per address.
    RATE_PASSWORD_RESET = "rate_password_reset", Rate, "100/1m", "Forgotten passwords asked for and reset, per address.";
    /// Per account.
    RATE_RESET_MAIL = "rate_reset_mail", Rate, "3/1h", "Mails with a link that resets the password, per mailbox.";
    /// Per address.
    RATE_REFRESH = "rate_refresh", Rate, "50/5m", "Tokens renewed, per address.";
    /// Per account.
    RATE_RESEND = "rate_resend", Rate, "3/1h", "Confirmation codes asked for, and codes sent again, per mailbox.";
    /// Per user or key.
    RATE_UPLOAD = "rate_upload", Rate, "100/5m",
        "Files uploaded or replaced, answers imported and sources fetched, per user or key.";
    /// Mebibytes.
    UPLOAD_MB_PER_DAY = "upload_mb_per_day", Int { min: 1, max: 1_000_000 }, "1024",
        "How many MiB of documents and imported answers a workspace may upload in a day (UTC).";
    /// Mebibytes.
    WORKSPACE_FILES_MB = "workspace_files_mb", Int { min: 1, max: 100_000_000 }, "10240",
        "How many MiB of documents and files a workspace may keep. Beyond it nothing is uploaded until something is deleted.";
    /// Mebibytes.
    CRAWL_MB_PER_DAY = "crawl_mb_per_day", Int { min: 1, max: 1_000_000 }, "4096",
        "How many MiB of web pages a workspace may fetch in a day (UTC), whether they are kept or not.";
    /// Hours.
    ANSWER_CACHE_HOURS = "answer_cache_hours", Int { min: 0, max: 720 }, "24",
        "For how many hours a checked answer of a model may serve the same first question of other customers; 0: never.";
    /// Per user or key.
    RATE_JOBS = "rate_jobs", Rate, "120/5m",
        "Other work that takes long, per user or key: documents read again, renamed, linked, unlinked or deleted, answers added or changed, assistants published, rolled back or deleted, evaluations.";
    /// Per user or key.
    RATE_PREVIEW = "rate_preview", Rate, "60/5m", "Answers previewed, per user or key.";
    /// Per user or key.
    RATE_SEARCH = "rate_search", Rate, "300/5m", "Searches in an assistant's documents, per user or key.";
    /// Per user or key.
    RATE_INVITE = "rate_invite", Rate, "50/1h", "Invitations sent, per user.";
    /// Per workspace.
    RATE_INVITATION_WORKSPACE = "rate_invitation_workspace", Rate, "100/1d",
        "Invitations sent, per workspace, by all its members together.";
    /// Per mailbox.
    RATE_INVITATION_RECIPIENT = "rate_invitation_recipient", Rate, "5/1d",
        "Invitations sent to one mailbox, from all workspaces together.";
    /// Per mailbox and kind.
    RATE_NOTICE_MAIL = "rate_notice_mail", Rate, "10/1d",
        "Notices of one kind (a new sign-in, a changed password) to one mailbox; beyond it none is sent.";
    /// Per customer.
    RATE_CONTACT = "rate_contact", Rate, "30/1m",
        "Answers to one customer. Beyond it they are told so once, and what they write is kept without an answer.";
    /// Per customer and day.
    CONTACT_ANSWERS_PER_DAY = "contact_answers_per_day", Int { min: 1, max: 1_000_000 }, "200",
        "How many answers one customer gets on a day (UTC). Beyond it as for `rate_contact`.";
    /// Days.
    TRIAL_DURATION_DAYS = "trial_duration_days", Int { min: 0, max: 3_650 }, "7",
        "How many days the trial of a new workspace lasts.";
    /// Answers.
    TRIAL_MESSAGE_LIMIT = "trial_message_limit", Int { min: 0, max: 1_000_000 }, "50",
        "How many answers the trial of a new workspace has; 0: there is no trial.";
    /// US cents.
    TRIAL_COST_LIMIT = "trial_cost_limit", Int { min: 0, max: 100_000_000 }, "500",
        "What models may cost during a trial, US cents; beyond it the trial ends.";
    /// Answers.
    WELCOME_BONUS = "welcome_bonus", Int { min: 0, max: 1_000_000 }, "50",
        "How many answers the bonus of a new owner is worth, by the price when it is given.";
    /// Answers.
    LOW_BALANCE_ANSWERS = "low_balance_answers", Int { min: 0, max: 1_000_000 }, "50",
        "A balance that is enough for fewer answers than this is low.";
    /// Per address.
    RATE_METRICS = "rate_metrics", Rate, "20/5m", "Reads of `/metrics`, per address.";
    /// Per address.
    RATE_HOOK_GUESSES = "rate_hook_guesses", Rate, "60/1m", "Webhook calls with a wrong path or secret, per address.";
    /// Per user.
    RATE_USER = "rate_user", Rate, "1200/1m", "All requests together, per user.";
    /// Per key.
    RATE_KEY = "rate_key", Rate, "1200/1m", "All requests together, per API key.";
    /// Per address.
    RATE_ADDRESS = "rate_address", Rate, "600/1m", "Requests without credentials, per address.";
}

/// The definition of a setting.
pub fn spec(name: &str) -> Option<&'static SettingSpec> {
    SETTINGS.iter().find(|spec| spec.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_kind_and_every_name_is_one_of_a_kind() {
        for spec in SETTINGS {
            spec.kind.check(spec.default).unwrap();
            assert_eq!(SETTINGS.iter().filter(|other| other.name == spec.name).count(), 1);
        }
    }

    #[test]
    fn a_list_of_models_holds_names_that_cannot_be_mistaken() {
        for good in [
            "",
            " , ",
            "gpt-4o",
            "gpt-4o, ollama:llama3:8b ,openrouter:openai/gpt-4o",
            "ft:gpt-4o:acme::x",
        ] {
            assert!(Models.check(good).is_ok(), "{good}");
        }
        for bad in [
            "gpt 4o",
            "gpt\u{2011}4o",
            "gpt-4\u{43e}",
            "gpt-4o\u{200b}",
            "a\tb",
            &"a".repeat(101),
            &"a,".repeat(201),
        ] {
            assert!(Models.check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rate_is_a_count_in_a_time() {
        let rate = |text: &str| {
            text.parse::<RateSetting>().ok().map(|rate| (rate.count, rate.per.as_secs()))
        };
        assert_eq!(rate("20/5m"), Some((20, 300)));
        assert_eq!(rate("3/h"), Some((3, 3600)));
        assert_eq!(rate("1/7d"), Some((1, 604_800)));
        for bad in [
            "",
            "5",
            "/5m",
            "0/5m",
            "-1/5m",
            "5/0s",
            "5/8d",
            "5/5",
            "5/5y",
            "5/5mé",
            "5/é",
            "5/99999999999999999999s",
        ] {
            assert_eq!(rate(bad), None, "{bad}");
        }
    }
}
