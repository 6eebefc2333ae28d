//! What is in force, and from where: what `replyx config` shows. No secret is among it.

use super::{Config, DEFAULTS, Origin, SECRETS, given::masked, names};

/// A setting as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name, as a variable.
    pub name: String,
    /// Its value; `(secret)` for one that must not be seen, `(unset)` where there is none.
    pub value: String,
    /// From where it is.
    pub origin: Origin,
}

impl Config {
    /// Every setting, in the order of the alphabet; then the providers of the operator's own.
    pub fn shown(&self) -> Vec<Shown> {
        let documented = names::documented(DEFAULTS);
        let mut all = Vec::new();
        for name in names::settings() {
            let origin = self.given.origin(name);

            let value = if let Some(secret) = SECRETS.iter().find(|secret| **secret == name) {
                if self.secrets.contains_key(secret) {
                    "(secret)".to_owned()
                } else {
                    String::new()
                }
            } else {
                let given = self.given.text(name).ok().flatten();
                let default = || documented.get(name).map(|value| (*value).to_owned());
                masked(&given.or_else(default).unwrap_or_default())
            };

            let value = if value.is_empty() { "(unset)".to_owned() } else { value };
            all.push(Shown { name: name.to_uppercase(), value, origin });
        }

        let origin = self.given.origin("providers");
        all.extend(self.models.own_providers().map(|(name, base_url)| Shown {
            name: format!("provider `{name}`"),
            value: masked(base_url),
            origin: origin.clone(),
        }));

        all
    }

    /// From where a setting has its value.
    pub fn origin(&self, name: &str) -> Origin {
        self.given.origin(name)
    }

    /// Warnings about variables that look like settings but are not.
    pub fn suspicions(&self) -> &[String] {
        &self.given.suspicions
    }
}
