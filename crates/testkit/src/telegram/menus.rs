//! The menus of commands that a bot has set, by whom and in which language they are seen.

use std::collections::HashMap;

use serde_json::{Value, json};

/// The menus, each under its scope and language.
pub(crate) type Menus = HashMap<(String, String), Vec<Value>>;

/// The menus of a bot, and how often some were set.
#[derive(Clone, Debug, Default)]
pub(crate) struct MenuState {
    pub(crate) menus: Menus,
    pub(crate) calls: u64,
}

impl MenuState {
    /// The names of the commands that everybody sees whose app has this language.
    pub(crate) fn names(&self, language: &str) -> Vec<String> {
        let scope = json!({"type": "default"}).to_string();
        let menu = self.menus.get(&(scope, language.to_owned()));
        let names = menu.into_iter().flatten().filter_map(|command| command["command"].as_str());
        names.map(str::to_owned).collect()
    }
}
