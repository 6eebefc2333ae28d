//! What is refused at start although each setting by itself can be read.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use url::Url;

use super::{Config, DatabaseTls, PrivateAddresses, database, given::masked};

impl Config {
    /// What cannot be, although each setting can be read.
    pub(super) fn check(&self) -> Vec<anyhow::Error> {
        let always: [fn(&Self) -> anyhow::Result<()>; 9] = [
            Self::check_addresses,
            Self::check_billing,
            Self::check_files,
            |config| config.bounds.check(),
            |config| config.models().map(drop),
            |config| config.post().map(drop),
            |config| config.embeddings().map(drop),
            |config| config.search_spending().map(drop),
            |config| config.log_filter().map(drop),
        ];
        let in_production: [fn(&Self) -> anyhow::Result<()>; 4] = [
            Self::check_crawling,
            |config| {
                ensure!(config.has_secret_key(), "in production SECRET_KEY must be set");
                Ok(())
            },
            |config| {
                ensure!(
                    config.secrets.contains_key("database_url"),
                    "in production DATABASE_URL must be set: the SQLite default is for development"
                );
                Ok(())
            },
            Self::check_encryption,
        ];
        let extra = if self.is_production() { in_production.as_slice() } else { &[] };
        let mut faults: Vec<anyhow::Error> =
            always.iter().chain(extra).filter_map(|check| check(self).err()).collect();
        // What is wrong with the models is wrong with the embeddings as well.
        let mut told = BTreeSet::new();
        faults.retain(|fault| told.insert(format!("{fault:#}")));
        faults
    }

    fn check_addresses(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.raw.public_url {
            Url::parse(url)
                .with_context(|| format!("PUBLIC_URL `{}` is not a URL", masked(url)))?;
        }
        let database = self.database_url();
        let schemes = ["sqlite:", "postgres:", "postgresql:"];
        ensure!(
            schemes.iter().any(|scheme| database.starts_with(scheme)),
            "DATABASE_URL must begin with `sqlite:` or `postgres:`"
        );
        Ok(())
    }

    fn check_crawling(&self) -> anyhow::Result<()> {
        ensure!(
            self.raw.crawl_private_addresses == PrivateAddresses::Refuse,
            "in production CRAWL_PRIVATE_ADDRESSES must be `refuse`: sources could lead into your own network"
        );
        Ok(())
    }

    fn check_encryption(&self) -> anyhow::Result<()> {
        let database = self.database_url();
        ensure!(
            !database.starts_with("postgres")
                || self.raw.database_tls == DatabaseTls::Off
                || database::has_tls(&database),
            "in production the connection to the database must be encrypted: add `sslmode=require` to \
             DATABASE_URL, or say DATABASE_TLS=off"
        );
        Ok(())
    }
}
