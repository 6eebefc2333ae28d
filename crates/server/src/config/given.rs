//! What was given: flags of the command line, environment variables and a file; the earlier wins.
//! And from where each setting has its value.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    path::{Path, PathBuf},
};

use config::{ConfigError, File, FileFormat, Value};

use super::{DEFAULTS, Raw, embeddings::RawEmbeddings, http::RawBounds, models::RawModels, names};

/// From where a setting has its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file of settings.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
    /// The file of a secret, named by this variable or setting.
    SecretFile(String),
    /// The database, where a platform admin has set it.
    Admin,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::SecretFile(name) => write!(f, "file named by {name}"),
            Self::Admin => f.write_str("platform admin"),
        }
    }
}

/// Flags that stand for settings: name of the setting, flag, value.
pub type Flags = Vec<(&'static str, &'static str, String)>;

/// Everything that was given, by the name of the setting.
#[derive(Clone, Default)]
pub(super) struct GivenSettings {
    values: BTreeMap<String, (Origin, Value)>,
    /// Warnings about variables that look like settings but are not.
    pub(super) suspicions: Vec<String>,
}

/// The settings that are no secrets.
#[derive(Clone, Debug)]
pub(super) struct TypedSettings {
    pub(super) raw: Raw,
    pub(super) models: RawModels,
    pub(super) embeddings: RawEmbeddings,
    pub(super) bounds: RawBounds,
}

/// Names alone: among the values are secrets.
impl fmt::Debug for GivenSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl GivenSettings {
    /// Reads the file and joins it with variables and flags. What is wrong goes into `faults`.
    pub(super) fn read(
        file: Option<&Path>,
        variables: HashMap<String, String>,
        flags: Flags,
        faults: &mut Vec<String>,
    ) -> Self {
        let mut given = Self::default();
        if let Some(path) = file {
            given.take_file(path, faults);
        }

        for (name, value) in variables {
            let setting = name.to_lowercase();
            if value.is_empty() {
                continue;
            }
            if names::is_known(&setting) {
                given.values.insert(setting, (Origin::Variable(name), Value::from(value)));
            } else if let Some(suspicion) = names::suspicious(&name) {
                given.suspicions.push(suspicion);
            }
        }

        for (setting, flag, value) in flags {
            given.values.insert(setting.to_owned(), (Origin::Flag(flag), Value::from(value)));
        }

        given.suspicions.sort();
        given
    }

    fn take_file(&mut self, path: &Path, faults: &mut Vec<String>) {
        let shown = path.display();

        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                faults.push(format!("the file of settings `{shown}` cannot be read: {error}"));
                return;
            }
        };

        let source = File::from_str(&text, FileFormat::Toml);
        let read = config::Config::builder().add_source(source).build();
        let table = read.and_then(config::Config::try_deserialize::<BTreeMap<String, Value>>);
        let table = match table {
            Ok(table) => table,
            Err(error) => {
                let why = without_excerpt(&error.to_string());
                faults.push(format!("the file of settings `{shown}` is not valid TOML: {why}"));
                return;
            }
        };

        for (name, value) in table {
            match names::unknown_in_file(&name) {
                Some(unknown) => faults.push(format!("{shown}: {unknown}")),
                None => {
                    self.values.insert(name, (Origin::File(path.to_owned()), value));
                }
            }
        }
    }

    /// From where a setting has its value.
    pub(super) fn origin(&self, name: &str) -> Origin {
        let file = format!("{name}{}", names::FILE);
        if let Some((origin, _)) = self.values.get(&file) {
            let named = match origin {
                Origin::Variable(name) => name.clone(),
                _ => file,
            };
            return Origin::SecretFile(named);
        }
        self.values.get(name).map_or(Origin::Default, |(origin, _)| origin.clone())
    }

    /// The text that was given for a setting; a fault when something else was.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some((_, value)) = self.values.get(name) else { return Ok(None) };
        let text = value.clone().into_string();
        text.map(Some).map_err(|_| format!("{} must be a text", self.called(name)))
    }

    /// What a setting is called where it was set: the flag, or the variable's name.
    pub(super) fn called(&self, name: &str) -> String {
        match self.values.get(name) {
            Some((Origin::Flag(flag), _)) => (*flag).to_owned(),
            Some((Origin::File(path), _)) => format!("{}: {name}", path.display()),
            _ => name.to_uppercase(),
        }
    }

    /// All settings that are no secrets. One that cannot be used goes into `faults` and counts as
    /// not given.
    pub(super) fn typed(&mut self, faults: &mut Vec<String>) -> anyhow::Result<TypedSettings> {
        let typed = typed(self.values.iter());
        if typed.is_ok() {
            return Ok(typed?);
        }
        // Each by itself, so that all that is wrong is found at once.
        let names: Vec<String> = self.values.keys().cloned().collect();
        for name in names {
            let alone = self.values.get_key_value(&name);
            if let Err(error) = self::typed(alone.into_iter()) {
                let called = self.called(&name);
                let value = self.text(&name).ok().flatten().map(|value| masked(&value));
                let value = value.map_or_else(String::new, |value| format!(", not `{value}`"));
                faults.push(match expected(&error) {
                    Some(expected) => format!("{called} must be {expected}{value}"),
                    None => format!("{called} cannot be used: {error}"),
                });
                self.values.remove(&name);
            }
        }
        Ok(self::typed(self.values.iter())?)
    }
}

fn typed<'v>(
    given: impl Iterator<Item = (&'v String, &'v (Origin, Value))>,
) -> Result<TypedSettings, ConfigError> {
    let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
    let mut builder = config::Config::builder().add_source(defaults);
    for (name, (_, value)) in given {
        builder = builder.set_override(name, value.clone())?;
    }
    let settings = builder.build()?;
    Ok(TypedSettings {
        raw: settings.clone().try_deserialize()?,
        models: settings.clone().try_deserialize()?,
        embeddings: settings.clone().try_deserialize()?,
        bounds: settings.try_deserialize()?,
    })
}

/// What a setting should be, as its reader says it.
fn expected(error: &ConfigError) -> Option<String> {
    let text = match error {
        ConfigError::At { error, .. } => return expected(error),
        ConfigError::Type { expected, .. } => (*expected).to_owned(),
        // What is wrong within a section is told as the section's reader tells it.
        ConfigError::Message(text) if text.contains(" field `") => return None,
        ConfigError::Message(text) => text.clone(),
        _ => return None,
    };
    let what = text.rsplit_once("expected ").map_or(text.as_str(), |(_, what)| what);
    Some(match what {
        what if what.contains("16 bit") => "a whole number from 0 to 65535".to_owned(),
        what if what.contains("integer") => "a whole number, 0 or more".to_owned(),
        what if what.contains("IP address") => {
            "an IP address such as `127.0.0.1` or `::`".to_owned()
        }
        what if what.contains("boolean") => "`true` or `false`".to_owned(),
        what if what.starts_with('`') || what.starts_with("one of `") => what.to_owned(),
        _ => return None,
    })
}

/// A value that may be shown: an address keeps no password.
pub(super) fn masked(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => value.to_owned(),
    }
}

/// Where and why a file cannot be read, without the line itself: it may hold a secret.
fn without_excerpt(error: &str) -> String {
    let mut lines = error.lines();
    let place = lines.next().unwrap_or_default().trim_end_matches(':');
    match lines.next_back().map(str::trim).filter(|reason| !reason.contains('|')) {
        Some(reason) if !reason.is_empty() => format!("{place}: {reason}"),
        _ => place.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (value, shown) in [
            ("https://ann:hunter2@api.example.org/v1?a=@b", "https://***@api.example.org/v1?a=@b"),
            ("https://token@api.example.org", "https://***@api.example.org"),
            ("https://a:b/c@d", "https://a:b/c@d"),
            ("smtp://ann:p@ss@mail.example.org", "smtp://***@mail.example.org"),
            ("./data", "./data"),
        ] {
            assert_eq!(masked(value), shown);
        }
    }

    #[test]
    fn the_line_of_a_file_that_cannot_be_read_is_not_shown() {
        let error = "TOML parse error at line 1, column 14\n  |\n1 | secret_key = 's3cret\n  |              ^\ninvalid string\n";
        let shown = without_excerpt(error);
        assert_eq!(shown, "TOML parse error at line 1, column 14: invalid string");
    }
}
