//! The defaults of the settings that platform admins change.

use std::collections::HashMap;

use anyhow::anyhow;
use replyx_core::setting;

use super::given::GivenSettings;

/// The settings that platform admins change, as far as the configuration sets them.
pub(super) fn read(
    given: &GivenSettings,
    note: &mut impl FnMut(anyhow::Error),
) -> HashMap<String, String> {
    let mut defaults = HashMap::new();
    for spec in setting::SETTINGS {
        let value = match given.text(spec.name) {
            Ok(Some(value)) => value,
            Ok(None) => continue,
            Err(fault) => {
                note(anyhow!(fault));
                continue;
            }
        };
        match spec.kind.check(&value) {
            Ok(()) => drop(defaults.insert(spec.name.to_owned(), value)),
            Err(expected) => {
                note(anyhow!("{} must be {expected}, not `{value}`", given.called(spec.name)));
            }
        }
    }
    defaults
}
