//! The client's address: who the connection comes from, or, behind proxies of ours, whom they name.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
pub use replyx_core::address::ClientAddress;

use crate::state::AppState;

/// The header in which proxies name those before them, the nearest last.
const FORWARDED: &str = "x-forwarded-for";
/// So many names are looked at, from the nearest on.
const HOPS: usize = 16;

/// Puts the [`ClientAddress`] into the extensions.
pub(crate) async fn find(state: State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let address = peer.map_or_else(ClientAddress::default, |peer| {
        ClientAddress(client(peer, request.headers(), &state.settings.trusted_proxies))
    });
    request.extensions_mut().insert(address);
    next.run(request).await
}

/// The right-most address that is not a proxy of ours: what stands left of it anybody may have
/// written.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_ours = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut nearest = peer.to_canonical();
    if !is_ours(nearest) {
        return nearest;
    }
    let lines = headers.get_all(FORWARDED).iter().rev();
    let names = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for name in names.take(HOPS) {
        // A name that is no address is as far as we can see.
        let name = str::from_utf8(name.trim_ascii()).ok();
        let Some(address) = name.and_then(parse) else { break };
        nearest = address;
        if !is_ours(nearest) {
            break;
        }
    }
    nearest
}

/// An address, with or without a port, an IPv6 one with or without brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(seen("203.0.113.9", &["10.0.0.1"], &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &["10.0.0.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn behind_our_proxies_the_nearest_stranger_counts() {
        let ours = ["10.0.0.0/8", "fd00::/8"];
        for (lines, expected) in [
            (vec!["198.51.100.7"], "198.51.100.7"),
            (vec!["1.2.3.4, 198.51.100.7"], "198.51.100.7"),
            (vec!["1.2.3.4, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (vec!["1.2.3.4", "198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (vec!["198.51.100.7:4711"], "198.51.100.7"),
            (vec!["[2001:db8::1]:4711"], "2001:db8::1"),
            (vec!["[2001:db8::1]"], "2001:db8::1"),
            (vec!["::ffff:198.51.100.7"], "198.51.100.7"),
            (vec!["1.2.3.4, unknown"], "10.0.0.1"),
            (vec!["1.2.3.4, , 10.0.0.2"], "10.0.0.2"),
            (vec!["\"1.2.3.4\""], "10.0.0.1"),
            (vec!["\u{e9}, 198.51.100.7"], "198.51.100.7"),
            (vec!["1.2.3.4, \u{e9}"], "10.0.0.1"),
            (vec!["fe80::1%eth0"], "10.0.0.1"),
            (vec!["999.1.1.1"], "10.0.0.1"),
            (vec![], "10.0.0.1"),
            (vec!["10.0.0.3"], "10.0.0.3"),
        ] {
            assert_eq!(seen("10.0.0.1", &lines, &ours), expected, "{lines:?}");
        }
        assert_eq!(seen("::ffff:10.0.0.1", &["198.51.100.7"], &ours), "198.51.100.7");
    }

    #[test]
    fn a_long_list_is_read_from_its_end_and_not_to_its_beginning() {
        let long = format!("198.51.100.7{}", ", 10.0.0.2".repeat(1000));
        assert_eq!(seen("10.0.0.1", &[&long], &["10.0.0.0/8"]), "10.0.0.2");
    }
}
