//! A TCP proxy that breaks connections: what happens to a client when the network does.
//!
//! It passes bytes on until it is told otherwise. Orders hold for open connections and for new ones
//! alike.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

const BACKLOG: u32 = 1024;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    refuse: bool,
    stall: bool,
    cut_up: Option<u64>,
    cut_down: Option<u64>,
    /// Raised by each order to cut everything; a connection lives only under the number it began
    /// with.
    generation: u64,
}

/// What has become of the orders about new connections.
#[derive(Clone, Copy, Debug)]
struct Door {
    open: bool,
    accepted: u64,
}

/// See the [module](self). It ends when this is dropped, and with it every connection.
#[derive(Debug)]
pub struct BreakingProxy {
    addr: SocketAddr,
    orders: watch::Sender<Orders>,
    door: watch::Receiver<Door>,
    accepting: JoinHandle<io::Result<()>>,
}

impl BreakingProxy {
    /// Starts a proxy to `target` on a free port of 127.0.0.1.
    pub fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = reserve((Ipv4Addr::LOCALHOST, 0).into())?.listen(BACKLOG)?;
        let addr = listener.local_addr()?;
        let (orders, received) = watch::channel(Orders::default());
        let (told, door) = watch::channel(Door { open: true, accepted: 0 });
        let accepting = tokio::spawn(accept(listener, target, received, told));
        Ok(Self { addr, orders, door, accepting })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` and where it listens, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> u64 {
        self.door.borrow().accepted
    }

    /// Refuses new connections (the client sees "connection refused") until [`Self::restore`].
    /// Open ones go on.
    pub async fn refuse(&self) {
        self.orders.send_modify(|orders| orders.refuse = true);
        self.until_open(false).await;
    }

    /// Passes nothing on, in either direction, until [`Self::restore`]. Connections stay open.
    pub fn stall(&self) {
        self.orders.send_modify(|orders| orders.stall = true);
    }

    /// Cuts each connection after it has passed on `bytes` in a direction, until [`Self::restore`].
    pub fn cut_after(&self, direction: Direction, bytes: u64) {
        self.orders.send_modify(|orders| match direction {
            Direction::Up => orders.cut_up = Some(bytes),
            Direction::Down => orders.cut_down = Some(bytes),
        });
    }

    /// Cuts all connections that are open now.
    pub fn cut_all(&self) {
        self.orders.send_modify(|orders| orders.generation += 1);
    }

    /// Takes back all orders: from now on everything passes.
    pub async fn restore(&self) {
        self.orders.send_modify(|orders| {
            *orders = Orders { generation: orders.generation, ..Orders::default() };
        });
        self.until_open(true).await;
    }

    async fn until_open(&self, open: bool) {
        // Fails only when the port was lost, which the next connection shows.
        let _ = self.door.clone().wait_for(|door| door.open == open).await;
    }
}

impl Drop for BreakingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut_all();
    }
}

/// A socket that holds an address without listening there: connections to it are refused.
fn reserve(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // So that the address can be held while its listener closes, and nobody else takes it.
    socket.set_reuseport(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

async fn accept(
    mut listener: TcpListener,
    target: SocketAddr,
    mut orders: watch::Receiver<Orders>,
    door: watch::Sender<Door>,
) -> io::Result<()> {
    let addr = listener.local_addr()?;
    loop {
        tokio::select! {
            biased;
            refuse = until(&mut orders, |orders| orders.refuse) => {
                refuse?;
                let reserved = reserve(addr)?;
                drop(listener);
                door.send_modify(|door| door.open = false);
                until(&mut orders, |orders| !orders.refuse).await?;
                listener = reserved.listen(BACKLOG)?;
                door.send_modify(|door| door.open = true);
            }
            connection = listener.accept() => {
                if let Ok((client, _)) = connection {
                    door.send_modify(|door| door.accepted += 1);
                    let generation = orders.borrow().generation;
                    tokio::spawn(carry(client, target, orders.clone(), generation));
                }
            }
        }
    }
}

/// Waits for orders that satisfy `wanted`.
async fn until(
    orders: &mut watch::Receiver<Orders>,
    wanted: impl Fn(&Orders) -> bool,
) -> io::Result<Orders> {
    let found = orders.wait_for(wanted).await;
    found.map(|orders| *orders).map_err(|_| io::ErrorKind::ConnectionAborted.into())
}

/// Carries one connection until either side or an order ends it.
async fn carry(
    client: TcpStream,
    target: SocketAddr,
    mut orders: watch::Receiver<Orders>,
    generation: u64,
) {
    let up_orders = orders.clone();
    let down_orders = orders.clone();
    let both_ways = async {
        let server = TcpStream::connect(target).await?;
        for side in [&client, &server] {
            side.set_nodelay(true)?;
            // Closing then resets the connection, as a broken one would be.
            side.set_zero_linger()?;
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::try_join!(
            pump(from_client, to_server, up_orders, |orders| orders.cut_up),
            pump(from_server, to_client, down_orders, |orders| orders.cut_down),
        )?;
        io::Result::Ok(())
    };
    tokio::select! {
        // Both ends see how it went from their own side.
        _ = both_ways => {}
        _ = until(&mut orders, |orders| orders.generation != generation) => {}
    }
}

/// Passes bytes on one way until the sender has no more.
///
/// # Errors
///
/// Fails when the connection breaks, or is to be cut.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut orders: watch::Receiver<Orders>,
    limit: impl Fn(&Orders) -> Option<u64>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut passed = 0u64;
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read?,
            // An order that has already been exceeded cuts an idle connection too.
            _ = until(&mut orders, |orders| limit(orders).is_some_and(|most| passed >= most)) => {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        };
        if read == 0 {
            return to.shutdown().await;
        }
        let current = until(&mut orders, |orders| !orders.stall).await?;
        let room = limit(&current).map_or(u64::MAX, |most| most.saturating_sub(passed));
        let pass = usize::try_from(room).unwrap_or(usize::MAX).min(read);
        to.write_all(&buffer[..pass]).await?;
        passed += pass as u64;
        if pass < read {
            // What was passed on must arrive before the reset does.
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    }
}
