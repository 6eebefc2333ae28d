//! `replyx health`: whether the program that runs here answers.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, ensure};
use replyx_terminal::say;

use crate::config::Config;

/// How long the program may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the program on this machine whether it is alive; neither the database nor Redis is asked.
/// With `PROBE_PORT` that may be a process without the role `http`.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let first = ask(config.listen()).await;
    let answered = match (first, config.listen_for_probes()) {
        (Err(_), Some(probes)) => ask(probes).await,
        (first, _) => first,
    };
    say!("ok    {}", answered?);
    Ok(())
}

/// Asks a process that listens on this address; returns where it was asked.
async fn ask(listens: SocketAddr) -> anyhow::Result<String> {
    let url = format!("http://{}/health/live", reachable(listens));

    // Proxies of the environment lead away from this machine.
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let answer =
        client.get(&url).send().await.with_context(|| format!("`{url}` does not answer"))?;

    let status = answer.status();
    ensure!(status.is_success(), "`{url}` answers with {status}");
    Ok(url)
}

/// Where a program that listens on this address is reached from its own machine.
const fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}
