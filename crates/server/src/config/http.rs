//! Trusted proxies, origins that may read answers, and the bounds of connections and requests.

use std::{net::IpAddr, time::Duration};

use anyhow::{Context, ensure};
use ipnet::IpNet;
use replyx_api::Bounds;
use serde::Deserialize;
use url::Url;

use super::words::parts;

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

/// Bounds of connections and requests, as configured.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RawBounds {
    max_connections: u64,
    max_connections_per_address: u64,
    max_requests: u64,
    max_requests_per_address: u64,
    head_timeout_seconds: u64,
    idle_timeout_seconds: u64,
    body_timeout_seconds: u64,
    unread_timeout_seconds: u64,
}

impl RawBounds {
    /// None of them may be nothing: nobody could ask anything.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let least = [
            ("MAX_CONNECTIONS", self.max_connections),
            ("MAX_CONNECTIONS_PER_ADDRESS", self.max_connections_per_address),
            ("MAX_REQUESTS", self.max_requests),
            ("MAX_REQUESTS_PER_ADDRESS", self.max_requests_per_address),
            ("HEAD_TIMEOUT_SECONDS", self.head_timeout_seconds),
            ("IDLE_TIMEOUT_SECONDS", self.idle_timeout_seconds),
            ("BODY_TIMEOUT_SECONDS", self.body_timeout_seconds),
            ("UNREAD_TIMEOUT_SECONDS", self.unread_timeout_seconds),
        ];
        for (name, value) in least {
            ensure!((1..=1_000_000).contains(&value), "{name} must be from 1 to 1000000");
        }
        Ok(())
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            connections: self.max_connections,
            connections_per_address: self.max_connections_per_address,
            requests: self.max_requests,
            requests_per_address: self.max_requests_per_address,
            head: Duration::from_secs(self.head_timeout_seconds),
            idle: Duration::from_secs(self.idle_timeout_seconds),
            body: Duration::from_secs(self.body_timeout_seconds),
            unread: Duration::from_secs(self.unread_timeout_seconds),
        }
    }
}
