//! Is the database reached safely?

use std::{collections::HashMap, net::IpAddr};

use url::{Host, Url};

/// Is the way to this database encrypted, or does it not leave the machine?
pub(super) fn has_tls(url: &str) -> bool {
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
