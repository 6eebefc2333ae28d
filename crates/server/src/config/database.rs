//! Where the database is, and whether it is reached safely.

use std::{collections::HashMap, net::IpAddr, path::PathBuf};

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

/// The file of an `SQLite` database; nothing for one in memory.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or(path);
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_database_is_found_in_its_address() {
        let file = |url: &str| sqlite_file(url).map(|path| path.display().to_string());
        assert_eq!(file("sqlite:./data/x.db").as_deref(), Some("./data/x.db"));
        assert_eq!(file("sqlite:///x/y.db?mode=rwc").as_deref(), Some("/x/y.db"));
        assert_eq!(file("sqlite::memory:"), None);
        assert_eq!(file("postgres://localhost/x"), None);
    }
}
