//! Who may stand before us, who may read us, and what admins may change.

use std::{collections::HashMap, net::IpAddr};

use anyhow::{Context, ensure};
use ipnet::IpNet;
use replyx_core::setting;
use url::Url;

/// The parts of a list that is separated by commas.
pub(super) fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Addresses and networks.
pub(super) fn trusted_proxies(list: &str) -> anyhow::Result<Vec<IpNet>> {
    let net = |text: &str| {
        let one = || text.parse::<IpAddr>().ok().map(|one| IpNet::from(one.to_canonical()));
        let net = text.parse().ok().or_else(one);
        net.with_context(|| {
            format!("TRUSTED_PROXIES: `{text}` is neither an address nor a network")
        })
    };
    parts(list).map(net).collect()
}

/// Origins as browsers write them.
pub(super) fn cors_origins(list: &str) -> anyhow::Result<Vec<String>> {
    let origin = |text: &str| {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let exact = url.is_some_and(|url| url.origin().ascii_serialization() == text);
        ensure!(
            exact,
            "CORS_ORIGINS: `{text}` is not an origin such as `https://shop.example.org`"
        );
        Ok(text.to_owned())
    };
    parts(list).map(origin).collect()
}

/// The settings that admins change, as far as the configuration says something of them.
pub(super) fn setting_defaults(
    settings: &config::Config,
) -> anyhow::Result<HashMap<String, String>> {
    let mut defaults = HashMap::new();
    for spec in setting::SETTINGS {
        let Ok(value) = settings.get_string(spec.name) else { continue };
        spec.kind.check(&value).map_err(|expected| {
            anyhow::anyhow!("{} must be {expected}, not `{value}`", spec.name.to_uppercase())
        })?;
        defaults.insert(spec.name.to_owned(), value);
    }
    Ok(defaults)
}
