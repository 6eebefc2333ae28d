//! The network that fails on order.

use std::{net::SocketAddr, time::Duration};

use replyx_testkit::proxy::{BreakingProxy, Direction};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::LONG;

/// A server that sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = connection.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    addr
}

async fn proxy() -> BreakingProxy {
    BreakingProxy::to(echo().await).unwrap()
}

/// Sends 100 bytes and counts those that come back before the connection ends or 100 are there.
async fn round_trip(connection: &mut TcpStream) -> usize {
    let mut back = 0;
    if connection.write_all(&[7; 100]).await.is_err() {
        return 0;
    }
    let mut buffer = [0; 100];
    while back < 100 {
        match timeout(LONG, connection.read(&mut buffer)).await.unwrap() {
            Ok(0) | Err(_) => break,
            Ok(read) => back += read,
        }
    }
    back
}

#[tokio::test]
async fn everything_passes_until_told_otherwise() {
    let proxy = proxy().await;
    let mut connection = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(round_trip(&mut connection).await, 100);
    connection.shutdown().await.unwrap();
    assert_eq!(connection.read(&mut [0; 1]).await.unwrap(), 0, "the end passes too");
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn new_connections_are_refused_and_then_taken_again_at_the_same_address() {
    let proxy = proxy().await;
    let mut old = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(round_trip(&mut old).await, 100);
    for _ in 0..2 {
        proxy.refuse().await;
        let refused = TcpStream::connect(proxy.addr()).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(round_trip(&mut old).await, 100, "open connections go on");
        proxy.restore().await;
        let mut new = TcpStream::connect(proxy.addr()).await.unwrap();
        assert_eq!(round_trip(&mut new).await, 100);
    }
}

#[tokio::test]
async fn a_connection_is_cut_after_so_many_bytes_in_either_direction() {
    for (direction, bytes) in [(Direction::Up, 40), (Direction::Down, 60), (Direction::Down, 0)] {
        let proxy = proxy().await;
        proxy.cut_after(direction, bytes);
        let mut connection = TcpStream::connect(proxy.addr()).await.unwrap();
        let back = round_trip(&mut connection).await;
        assert!(back <= usize::try_from(bytes).unwrap(), "{back} {direction:?}");
        if direction == Direction::Down {
            assert_eq!(back, usize::try_from(bytes).unwrap());
        }
        proxy.restore().await;
        let mut again = TcpStream::connect(proxy.addr()).await.unwrap();
        assert_eq!(round_trip(&mut again).await, 100);
    }
}

#[tokio::test]
async fn an_open_connection_that_has_passed_its_bytes_is_cut_at_the_order() {
    let proxy = proxy().await;
    let mut connection = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(round_trip(&mut connection).await, 100);
    proxy.cut_after(Direction::Down, 50);
    let end = timeout(LONG, connection.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_stalled_connection_goes_on_where_it_stopped() {
    let proxy = proxy().await;
    let mut connection = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(round_trip(&mut connection).await, 100);
    proxy.stall();
    connection.write_all(&[7; 100]).await.unwrap();
    let mut buffer = [0; 100];
    let silent = timeout(Duration::from_millis(150), connection.read(&mut buffer)).await;
    assert!(silent.is_err());
    proxy.restore().await;
    timeout(LONG, connection.read_exact(&mut buffer)).await.unwrap().unwrap();
}

#[tokio::test]
async fn all_connections_are_cut_at_once_and_new_ones_are_not() {
    let proxy = proxy().await;
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut connection = TcpStream::connect(proxy.addr()).await.unwrap();
        assert_eq!(round_trip(&mut connection).await, 100);
        connections.push(connection);
    }
    proxy.cut_all();
    for connection in &mut connections {
        let end = timeout(LONG, connection.read(&mut [0; 1])).await.unwrap();
        assert!(matches!(end, Ok(0) | Err(_)));
    }
    let mut new = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(round_trip(&mut new).await, 100);
}

#[tokio::test]
async fn it_ends_with_its_handle() {
    let proxy = proxy().await;
    let mut connection = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(round_trip(&mut connection).await, 100);
    drop(proxy);
    let end = timeout(LONG, connection.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)));
}
