//! The names of settings, and what to make of names that are none.
//!
//! A file holds nothing but settings, so an unknown name in it is a mistake and refused. The
//! environment also holds the variables of other programs: there a name is only warned of, and only
//! when it is nearly the name of a setting or begins like a whole family of them.

use std::collections::{BTreeMap, BTreeSet};

use replyx_core::{nearest::nearest, setting};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor, value},
    forward_to_deserialize_any,
};

use super::{Raw, SECRETS, embeddings::RawEmbeddings, http::RawBounds, models::RawModels};

/// The end of a variable that names the file of a secret.
pub(super) const FILE: &str = "_file";
/// The section of the file for providers of the operator's own.
const PROVIDERS: &str = "providers";
/// What the variables of a family begin with. No other program that stands beside this one is known
/// to use them.
const FAMILIES: [&str; 11] = [
    "crawl_",
    "database_",
    "embedding_",
    "model_",
    "rate_",
    "replyx_",
    "rerank_",
    "search_cache_",
    "streams_",
    "telegram_",
    "upload_",
];
/// Variables of the program that are not settings.
const OTHERS: [&str; 2] = ["replyx_config", "replyx_test_"];
/// The ends of the variables that Kubernetes sets for a service of any name, such as
/// `TELEGRAM_SERVICE_HOST`.
const SERVICE: [&str; 4] = ["_service_host", "_service_port", "_port", "_tcp_addr"];

/// All settings, by name.
pub(super) fn settings() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    names.extend(fields::<Raw>());
    names.extend(fields::<RawModels>());
    names.extend(fields::<RawEmbeddings>());
    names.extend(fields::<RawBounds>());
    names.remove(PROVIDERS);
    names.extend(SECRETS);
    names.extend(setting::SETTINGS.iter().map(|spec| spec.name));
    names
}

/// Is it the name of a setting, or of the file of a secret?
pub(super) fn is_known(name: &str) -> bool {
    let secret = name.strip_suffix(FILE).is_some_and(|secret| SECRETS.contains(&secret));
    secret || settings().contains(name)
}

/// What is wrong with a name in a file, if it is no setting.
pub(super) fn unknown_in_file(name: &str) -> Option<String> {
    if is_known(name) || name == PROVIDERS {
        return None;
    }
    Some(match meant(&name.to_lowercase()) {
        Some(meant) => format!("`{name}` is not a setting: did you mean `{meant}`?"),
        None => format!("`{name}` is not a setting"),
    })
}

/// The warning about an unknown variable whose name resembles a setting.
pub(super) fn suspicious(variable: &str) -> Option<String> {
    let name = variable.to_lowercase();
    if is_known(&name) || OTHERS.iter().any(|other| name.starts_with(other)) {
        return None;
    }
    if let Some(setting) = name.strip_suffix(FILE).filter(|setting| settings().contains(setting)) {
        let setting = setting.to_uppercase();
        return Some(format!("`{variable}` is ignored: {setting} is no secret, so it has no file"));
    }
    if let Some(meant) = meant(&name) {
        let meant = meant.to_uppercase();
        return Some(format!("`{variable}` is not a setting: did you mean `{meant}`?"));
    }
    let in_family = FAMILIES.iter().any(|family| name.starts_with(family));
    let of_service = SERVICE.iter().any(|end| name.ends_with(end)) || name.contains("_port_");
    (in_family && !of_service).then(|| format!("`{variable}` is not a setting"))
}

/// The setting whose name is nearest: a slip of the keyboard away, or longer or shorter by a word.
fn meant(name: &str) -> Option<String> {
    let known = settings();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return Some(near.to_owned());
    }
    let secret = name.strip_suffix(FILE).and_then(|secret| nearest(secret, SECRETS));
    if let Some(secret) = secret {
        return Some(format!("{secret}{FILE}"));
    }
    // One word alone (`host`, `port`) begins too many names of others.
    let has_words = |name: &str| name.contains('_');
    let extends = |longer: &str, shorter: &str| {
        has_words(shorter) && longer.strip_prefix(shorter).is_some_and(|rest| rest.starts_with('_'))
    };
    known.into_iter().find(|known| extends(name, known) || extends(known, name)).map(str::to_owned)
}

/// The names of the fields of a structure.
fn fields<'de, T: Deserialize<'de>>() -> Vec<&'static str> {
    let mut names = Vec::new();
    // It ends in an error as soon as the structure has named its fields.
    let _ = T::deserialize(Names(&mut names));
    names
}

/// Asks a structure for the names of its fields and gives it nothing.
struct Names<'n>(&'n mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, value::Error> {
        self.0.extend(fields);
        Err(value::Error::custom("only the names were asked for"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(value::Error::custom("this is no structure"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The names and values of `config/default.toml`, those that are commented out included.
pub(super) fn documented(text: &str) -> BTreeMap<&str, &str> {
    let setting = |line| {
        let line: &str = line;
        let (name, value) = line.trim_start_matches("# ").split_once(" = ")?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_name.then_some((name, value.trim_matches('"')))
    };
    text.lines().filter_map(setting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_documented_is_a_setting_and_the_other_way_round() {
        let documented: BTreeSet<&str> = documented(super::super::DEFAULTS).into_keys().collect();
        assert_eq!(documented, settings());
    }

    #[test]
    fn a_name_in_a_file_is_known_or_refused_with_what_was_meant() {
        for known in ["port", "rate_upload", "smtp_url", "smtp_url_file", "providers", "model_dir"]
        {
            assert_eq!(unknown_in_file(known), None, "{known}");
        }
        for (name, says) in [
            ("rate_uplod", "`rate_uplod` is not a setting: did you mean `rate_upload`?"),
            ("PORT", "`PORT` is not a setting: did you mean `port`?"),
            ("smtp_ulr_file", "`smtp_ulr_file` is not a setting: did you mean `smtp_url_file`?"),
            ("colour", "`colour` is not a setting"),
        ] {
            assert_eq!(unknown_in_file(name).as_deref(), Some(says));
        }
    }

    #[test]
    fn a_variable_is_suspicious_when_it_is_nearly_ours() {
        for (name, meant) in [
            ("RATE_UPLOD", "RATE_UPLOAD"),
            ("RATE_UPLOADS", "RATE_UPLOAD"),
            ("DATABASE_URI", "DATABASE_URL"),
            ("DATABASE_POOL_SIZE", "DATABASE_POOL"),
            ("UPLOAD_LIMIT", "UPLOAD_LIMIT_MB"),
            ("SMTP_ULR", "SMTP_URL"),
            ("SECRET_KEYS", "SECRET_KEY"),
            ("OPENAI_API_KEY_FILES", "OPENAI_API_KEY"),
        ] {
            let says = suspicious(name).unwrap_or_else(|| panic!("{name} is not noticed"));
            assert!(says.contains(&format!("`{name}`")) && says.contains(meant), "{says}");
        }
        for name in ["RATE_EVERYTHING", "TELEGRAM_BOT_TOKEN", "REPLYX_HOST", "PORT_FILE"] {
            assert!(suspicious(name).is_some(), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "HOSTNAME",
            "LANG",
            "TERM",
            "PORT",
            "port",
            "EDITOR",
            "PGHOST",
            "POSTGRES_PASSWORD",
            "KUBERNETES_PORT",
            "TELEGRAM_SERVICE_HOST",
            "DATABASE_PORT_5432_TCP",
            "REDIS_HOST",
            "REPLYX_PORT",
            "NO_COLOR",
            "SECRET_KEY_FILE",
            "REPLYX_CONFIG",
            "REPLYX_TEST_REDIS",
        ] {
            assert_eq!(suspicious(name), None, "{name} may be another program's");
        }
    }
}
