//! Settings that a platform admin changes while the program runs, as the program reads them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use replyx_core::setting::{self, RateSetting, SettingSpec};
use tokio::sync::Mutex;

use crate::{Db, StorageError};

/// Its current value. Reading is cheap; [`Tuning::reload`] reads the database.
#[derive(Debug)]
pub struct Tuning {
    defaults: HashMap<String, String>,
    values: RwLock<Arc<Values>>,
    /// What was read first may not be put in place last.
    reloading: Mutex<()>,
}

/// Every setting with a value of its kind.
type Values = HashMap<&'static str, Value>;

#[derive(Clone, Debug)]
struct Value {
    text: String,
    rate: Option<RateSetting>,
}

impl Value {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), rate: text.parse().ok() }
    }
}

impl Tuning {
    /// The configuration's defaults, by name; where it says nothing, the program's.
    pub fn new(defaults: HashMap<String, String>) -> Self {
        let values = effective(&defaults, &HashMap::new());
        Self { defaults, values: RwLock::new(Arc::new(values)), reloading: Mutex::default() }
    }

    /// Reads what admins have set.
    pub async fn reload(&self, db: &Db) -> Result<(), StorageError> {
        let _turn = self.reloading.lock().await;
        let stored = db.read().await?.system().settings().all().await?;
        for (name, value) in &stored {
            if setting::spec(name).is_some_and(|spec| spec.kind.check(value).is_err()) {
                tracing::warn!(setting = name, "a stored setting has an invalid value");
            }
        }
        let values = effective(&self.defaults, &stored.into_iter().collect());
        *self.values.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(values);
        Ok(())
    }

    /// The value of a setting that no admin has set.
    pub fn default_of(&self, spec: &SettingSpec) -> String {
        let configured = self.defaults.get(spec.name);
        configured.map_or(spec.default, String::as_str).to_owned()
    }

    fn get<T>(&self, name: &str, read: impl FnOnce(&Value) -> T) -> T {
        let values = Arc::clone(&self.values.read().unwrap_or_else(PoisonError::into_inner));
        read(values.get(name).expect("the names are constants of `core::setting`"))
    }

    /// A setting that is `true` or `false`.
    pub fn flag(&self, name: &'static str) -> bool {
        self.get(name, |value| value.text == "true")
    }

    /// A setting that is a word.
    pub fn word(&self, name: &'static str) -> String {
        self.get(name, |value| value.text.clone())
    }

    /// A setting that is a number.
    pub fn int(&self, name: &'static str) -> i64 {
        self.get(name, |value| value.text.parse().unwrap_or_default())
    }

    /// A setting that is a number of days.
    pub fn days(&self, name: &'static str) -> Duration {
        Duration::from_hours(24 * u64::try_from(self.int(name)).unwrap_or_default())
    }

    /// A setting that is a number of minutes.
    pub fn minutes(&self, name: &'static str) -> Duration {
        Duration::from_mins(u64::try_from(self.int(name)).unwrap_or_default())
    }

    /// A setting that is a rate.
    pub fn rate(&self, name: &'static str) -> RateSetting {
        self.get(name, |value| value.rate.expect("checked to be a rate"))
    }
}

/// A value that is not of its setting's kind is passed over: another version of the program may
/// have stored it.
fn effective(defaults: &HashMap<String, String>, stored: &HashMap<String, String>) -> Values {
    let value = |spec: &SettingSpec| {
        let candidates = [stored.get(spec.name), defaults.get(spec.name)];
        let good = candidates.into_iter().flatten().find(|value| spec.kind.check(value).is_ok());
        Value::of(good.map_or(spec.default, String::as_str))
    };
    setting::SETTINGS.iter().map(|spec| (spec.name, value(spec))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_stored_wins_over_the_configuration_and_both_over_the_program() {
        let configured = map(&[("rate_login", "7/1m"), ("session_days", "9"), ("strange", "x")]);
        let stored = map(&[("rate_login", "8/1m"), ("session_days", "many"), ("unknown", "1")]);
        let settings = Tuning::new(configured.clone());
        assert_eq!(settings.rate(setting::RATE_LOGIN).count, 7);
        assert_eq!(settings.int(setting::DELETION_GRACE_DAYS), 7);
        let values = effective(&configured, &stored);
        assert_eq!(values["rate_login"].text, "8/1m");
        assert_eq!(values["session_days"].text, "9", "what is no number is passed over");
        assert!(settings.flag(setting::REGISTRATION_OPEN));
        assert_eq!(settings.days(setting::SESSION_DAYS), Duration::from_hours(9 * 24));
    }

    #[test]
    fn every_setting_can_be_read_as_what_it_is() {
        let settings = Tuning::new(HashMap::new());
        for spec in setting::SETTINGS {
            if spec.kind == setting::SettingKind::Rate {
                assert!(settings.rate(spec.name).count > 0, "{}", spec.name);
            } else if spec.kind == setting::SettingKind::Models {
                assert_eq!(settings.word(spec.name), spec.default, "{}", spec.name);
            } else {
                assert!(!settings.word(spec.name).is_empty(), "{}", spec.name);
            }
        }
    }
}
