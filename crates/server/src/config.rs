//! Configuration: an embedded TOML file with every default, a TOML file of the operator's, environment
//! variables; the later wins. `config/default.toml` is also the documentation.

use std::{
    collections::HashMap,
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use config::{Environment, File, FileFormat};
use replyx_api::ApiSettings;
use replyx_engine::{Rates, Settings};
use replyx_llm::{ModelsConfig, OpenAiConfig};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

mod secret_key;

/// Every default, with its documentation.
const DEFAULTS: &str = include_str!("config/default.toml");

/// The settings whose value may stand in a file of its own, named by `NAME_FILE`.
const SECRETS: [&str; 5] =
    ["database_url", "redis_url", "secret_key", "openai_api_key", "metrics_token"];

/// The configuration of a process.
#[derive(Clone, Debug)]
pub struct Config {
    raw: Raw,
    secrets: HashMap<&'static str, SecretString>,
}

#[derive(Clone, Debug, Deserialize)]
struct Raw {
    environment: Kind,
    host: IpAddr,
    port: u16,
    public_url: Option<String>,
    data_dir: PathBuf,
    database_tls: String,
    database_pool: u32,
    openai_base_url: String,
    default_model: Option<String>,
    telegram_api_url: String,
    telegram_bot_rate: u32,
    telegram_chat_rate: u32,
    telegram_group_rate: u32,
    reply_window_ms: u64,
    upload_limit_mb: usize,
    log_format: LogFormat,
    log_level: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Development,
    Production,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Config {
    /// Reads the configuration of this process.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        Self::read(file, std::env::vars().collect())
    }

    /// Reads the configuration from a file and these variables.
    pub fn read(file: Option<&Path>, variables: HashMap<String, String>) -> anyhow::Result<Self> {
        let variables: HashMap<String, String> = variables
            .into_iter()
            .map(|(name, value)| (name.to_lowercase(), value))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let mut builder =
            config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        let environment =
            Environment::default().source(Some(variables.clone().into_iter().collect()));
        let settings = builder.add_source(environment).build()?;
        let mut secrets = HashMap::new();
        for name in SECRETS {
            let named_file = variables
                .get(&format!("{name}_file"))
                .cloned()
                .or_else(|| settings.get(&format!("{name}_file")).ok());
            let value = match named_file {
                Some(path) => {
                    let text = fs::read_to_string(&path).with_context(|| {
                        format!("the file of {}_FILE cannot be read", name.to_uppercase())
                    })?;
                    Some(text.trim().to_owned())
                }
                None => settings.get::<String>(name).ok(),
            };
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                secrets.insert(name, SecretString::from(value));
            }
        }
        let config = Self { raw: settings.try_deserialize()?, secrets };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.raw.public_url {
            Url::parse(url).with_context(|| format!("PUBLIC_URL `{url}` is not a URL"))?;
        }
        let database = self.database_url();
        ensure!(
            ["sqlite:", "postgres:", "postgresql:"]
                .iter()
                .any(|scheme| database.starts_with(scheme)),
            "DATABASE_URL must begin with `sqlite:` or `postgres:`"
        );
        if self.raw.environment == Kind::Development {
            return Ok(());
        }
        ensure!(self.secrets.contains_key("secret_key"), "in production SECRET_KEY must be set");
        ensure!(
            self.secrets.contains_key("database_url"),
            "in production DATABASE_URL must be set: the SQLite default is for development"
        );
        if database.starts_with("postgres") && self.raw.database_tls != "off" && !has_tls(&database)
        {
            bail!(
                "in production the connection to the database must be encrypted: add `sslmode=require` to \
                 DATABASE_URL, or say DATABASE_TLS=off"
            );
        }
        Ok(())
    }

    /// The address of the database.
    pub fn database_url(&self) -> String {
        self.secrets.get("database_url").map_or_else(
            || format!("sqlite:{}", self.raw.data_dir.join("replyx.db").display()),
            |url| url.expose_secret().to_owned(),
        )
    }

    /// The most connections to the database.
    pub const fn database_pool(&self) -> u32 {
        self.raw.database_pool
    }

    /// The address of Redis, if there is one.
    pub fn redis_url(&self) -> Option<&SecretString> {
        self.secrets.get("redis_url")
    }

    /// Where to listen.
    pub const fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.raw.host, self.raw.port)
    }

    /// The address under which we are known, whatever its scheme.
    pub fn public_url(&self) -> Option<&str> {
        self.raw.public_url.as_deref().map(|url| url.trim_end_matches('/'))
    }

    /// Where data is kept.
    pub fn data_dir(&self) -> &Path {
        &self.raw.data_dir
    }

    /// The address of the Bot API.
    pub fn telegram_api_url(&self) -> &str {
        &self.raw.telegram_api_url
    }

    /// The form of log lines.
    pub const fn log_format(&self) -> LogFormat {
        self.raw.log_format
    }

    /// Which log lines are written.
    pub fn log_level(&self) -> &str {
        &self.raw.log_level
    }

    /// The master secret. In development one is made and kept.
    pub fn secret_key(&self) -> anyhow::Result<SecretString> {
        self.secrets
            .get("secret_key")
            .cloned()
            .map_or_else(|| secret_key::kept_in(&self.raw.data_dir), Ok)
    }

    /// The numbers of the conversation.
    pub fn engine(&self) -> Settings {
        let window = Duration::from_millis(self.raw.reply_window_ms);
        let defaults = Settings::default();
        Settings {
            window,
            window_latest: defaults.window_latest.max(window),
            rates: Rates::new(
                self.raw.telegram_bot_rate.max(1),
                self.raw.telegram_chat_rate.max(1),
                self.raw.telegram_group_rate.max(1),
            ),
            ..defaults
        }
    }

    /// The providers of models.
    pub fn models(&self) -> ModelsConfig {
        ModelsConfig {
            openai: self.secrets.get("openai_api_key").map(|key| OpenAiConfig {
                api_key: key.clone(),
                base_url: self.raw.openai_base_url.clone(),
            }),
            default_model: self.raw.default_model.clone(),
            limits: replyx_llm::Limits::default(),
        }
    }

    /// Settings of the HTTP side.
    pub fn api(&self) -> ApiSettings {
        ApiSettings {
            upload_limit: self.raw.upload_limit_mb * 1024 * 1024,
            metrics_token: self.secrets.get("metrics_token").cloned(),
            ..ApiSettings::default()
        }
    }
}

/// Is the way to this database encrypted, or does it not leave the machine?
fn has_tls(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    // The scheme is not one of the web's, so an address may come as a name.
    let local = match url.host() {
        None => true,
        Some(Host::Domain(name)) => {
            name.is_empty()
                || name == "localhost"
                || name.starts_with("%2F")
                || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
    };
    let query: HashMap<_, _> = url.query_pairs().collect();
    let local = local && query.get("host").is_none_or(|host| host.starts_with('/'));
    let mode = query.get("sslmode").or_else(|| query.get("ssl-mode"));
    local
        || mode.is_some_and(|mode| matches!(mode.as_ref(), "require" | "verify-ca" | "verify-full"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Config> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(None, owned.collect())
    }

    const KEY: (&str, &str) = ("SECRET_KEY", "0123456789abcdef0123456789abcdef");

    #[test]
    fn nothing_configured_is_a_complete_configuration() {
        let config = read(&[]).unwrap();
        assert_eq!(config.database_url(), "sqlite:./data/replyx.db");
        assert_eq!(config.listen().to_string(), "127.0.0.1:8000");
        assert_eq!(config.telegram_api_url(), "https://api.telegram.org");
        assert_eq!(config.engine().window, Duration::from_millis(700));
        assert!(config.redis_url().is_none());
        assert!(config.public_url().is_none());
        assert!(config.models().openai.is_none());
    }

    #[test]
    fn variables_win_and_empty_ones_do_not_count() {
        let config = read(&[
            ("PORT", "9001"),
            ("HOST", "::1"),
            ("OPENAI_API_KEY", "sk-x"),
            ("PUBLIC_URL", "https://bots.example.org/"),
            ("DEFAULT_MODEL", ""),
        ])
        .unwrap();
        assert_eq!(config.listen().to_string(), "[::1]:9001");
        assert_eq!(config.public_url(), Some("https://bots.example.org"));
        assert!(config.models().openai.is_some());
        assert!(config.models().default_model.is_none());
        assert!(!format!("{config:?}").contains("sk-x"), "a secret is shown");
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("redis");
        fs::write(&file, "redis://127.0.0.1:1\n").unwrap();
        let config = read(&[("REDIS_URL_FILE", file.to_str().unwrap())]).unwrap();
        assert_eq!(config.redis_url().unwrap().expose_secret(), "redis://127.0.0.1:1");
        assert!(read(&[("REDIS_URL_FILE", "/nowhere")]).is_err());
    }

    #[test]
    fn production_refuses_what_is_not_safe() {
        let production = ("ENVIRONMENT", "production");
        let postgres = ("DATABASE_URL", "postgres://db.example.org/replyx");
        let refused = |variables: &[(&str, &str)], why: &str| {
            let error = read(variables).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        refused(&[production, postgres], "SECRET_KEY");
        refused(&[production, KEY], "DATABASE_URL");
        refused(&[production, KEY, postgres], "sslmode");
        read(&[production, KEY, postgres, ("DATABASE_TLS", "off")]).unwrap();
        for url in [
            "postgres://db.example.org/replyx?sslmode=require",
            "postgres://127.0.0.1/replyx",
            "postgres:///replyx?host=/var/run/postgresql",
        ] {
            read(&[production, KEY, ("DATABASE_URL", url)]).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_a_setting_is_refused() {
        for variable in [
            ("PORT", "eighty"),
            ("PORT", "70000"),
            ("HOST", "localhost:8000"),
            ("ENVIRONMENT", "staging"),
            ("LOG_FORMAT", "xml"),
            ("PUBLIC_URL", "not a url"),
            ("DATABASE_URL", "mysql://x"),
        ] {
            assert!(read(&[variable]).is_err(), "{variable:?}");
        }
    }
}
