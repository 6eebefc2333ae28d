//! Who may stand before us, who may read us, and what admins may change.

use std::{collections::HashMap, net::IpAddr};

use anyhow::{Context, anyhow, ensure};
use ipnet::IpNet;
use replyx_core::setting;
use url::Url;

use super::given::Given;

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
    given: &Given,
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
            Ok(_) => drop(defaults.insert(spec.name.to_owned(), value)),
            Err(expected) => {
                note(anyhow!("{} must be {expected}, not `{value}`", given.called(spec.name)));
            }
        }
    }
    defaults
}
