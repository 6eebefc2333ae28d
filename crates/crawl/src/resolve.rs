//! Where a name leads, as far as we let it.
//!
//! [`Resolver`] stands in the client's place for looking names up: the connection goes to the
//! addresses that it returns and to no others, so a name that leads elsewhere the next time cannot
//! fool the check. Hosts that are written as an address never come to a resolver; [`syntax`] checks
//! those.

use std::{
    error::Error,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures::future::BoxFuture;
use replyx_core::ids::WorkspaceId;
use replyx_live::Seats;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use url::{Host, Url};

use super::is_public;

/// Whether addresses outside the public internet may be fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Private {
    /// Never: what every installation that serves people needs.
    #[default]
    Refuse,
    /// Any address and any port, for development and tests.
    Allow,
}

/// An address that is not fetched. The sentence does not tell what is behind the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It is not an address of the web.
    #[error("this is not a web address; it begins with `https://` or `http://`")]
    Scheme,
    /// It names a user or a password.
    #[error("the address must not contain a user name or password")]
    Credentials,
    /// It names a port other than the web's.
    #[error("only ports 80 and 443 are allowed")]
    Port,
    /// It is longer than any page's.
    #[error("the address is longer than 2,000 characters")]
    TooLong,
    /// It leads nowhere, or not to the public internet. Both are one so that nobody can ask which
    /// names our network knows.
    #[error("the address does not lead to a server on the public internet")]
    NotPublic,
    /// No name can be looked up, so nobody knows where this one leads.
    #[error(
        "the address could not be looked up: DNS or the network of this installation does not work; try again later"
    )]
    NoNames,
}

/// How a name is looked up: all of its addresses.
pub type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The longest address that is fetched, bytes.
const LONGEST: usize = 2_000;

/// How long a name may take to be looked up before a source is refused for it.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);

/// A name that exists wherever names are looked up at all (RFC 2606).
const CONTROL: &str = "example.com";

/// Whether an address may be fetched: by how it is written, and by where its name leads now.
/// Fetching asks again.
pub async fn admit(url: &Url, private: Private, workspace: WorkspaceId) -> Result<(), Refused> {
    on_behalf(workspace, admit_by(url, private, &system())).await
}

/// [`admit`] by another way of looking names up.
pub(super) async fn admit_by(url: &Url, private: Private, look_up: &LookUp) -> Result<(), Refused> {
    syntax(url, private)?;
    if let (Private::Refuse, Some(Host::Domain(name))) = (private, url.host()) {
        let found = tokio::time::timeout(LOOK_UP_TIME, look_up(name.to_owned())).await;
        let addresses = found.ok().and_then(Result::ok).unwrap_or_default();
        if !addresses.into_iter().any(is_public) {
            return Err(nowhere(look_up).await);
        }
    }
    Ok(())
}

/// Why a name leads to no public address. The sentence depends on whether names can be looked up at
/// all and not on this name: nobody can ask which names our network knows.
async fn nowhere(look_up: &LookUp) -> Refused {
    let control = tokio::time::timeout(LOOK_UP_TIME, look_up(CONTROL.to_owned())).await;
    let works = control.is_ok_and(|found| found.is_ok_and(|addresses| !addresses.is_empty()));
    if works { Refused::NotPublic } else { Refused::NoNames }
}

/// Whether an address may be fetched, by how it is written.
pub(super) fn syntax(url: &Url, private: Private) -> Result<(), Refused> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credentials);
    }
    if url.as_str().len() > LONGEST {
        return Err(Refused::TooLong);
    }
    if private == Private::Allow {
        return Ok(());
    }
    if !matches!(url.port_or_known_default(), Some(80 | 443)) {
        return Err(Refused::Port);
    }
    let public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name)) => is_public_name(name),
        None => false,
    };
    if public { Ok(()) } else { Err(Refused::NotPublic) }
}

/// Names under these have a meaning only inside a network, or none at all.
const NAMES_OF_NO_SERVER: [&str; 9] =
    ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "onion", "invalid"];

/// Names that no public server can have are not even looked up.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit_once('.').is_some_and(|(rest, top)| {
        !rest.is_empty()
            && !NAMES_OF_NO_SERVER.contains(&top)
            && name != "home.arpa"
            && !name.ends_with(".home.arpa")
    })
}

/// Look-ups at once in this process, and of names of one domain.
///
/// A seat is kept while name servers do not answer, and one workspace may name many dead domains:
/// there are enough seats that others still find one. Each holds a thread of tokio, which has 512
/// for work that blocks.
const LOOK_UPS: usize = 192;
const LOOK_UPS_EACH: usize = 2;

/// Look-ups at once for one workspace: one that names many dead domains leaves most seats to
/// others.
const LOOK_UPS_OF_ONE: usize = 24;

static SEATS: LazyLock<LookUpSeats> =
    LazyLock::new(|| LookUpSeats::new(LOOK_UPS, LOOK_UPS_OF_ONE, LOOK_UPS_EACH));

tokio::task_local! {
    /// The workspace for which names are looked up. The client's interface for resolvers has no
    /// other way to say it.
    static WHOSE: WorkspaceId;
}

/// Has the names that `work` asks for looked up on behalf of a workspace.
pub(super) fn on_behalf<F: Future>(
    workspace: WorkspaceId,
    work: F,
) -> impl Future<Output = F::Output> {
    WHOSE.scope(workspace, work)
}

/// Seats for look-ups. One is taken among those of the workspace first: who waits there holds no
/// seat that others need.
#[derive(Clone)]
struct LookUpSeats {
    workspaces: Seats<Option<WorkspaceId>>,
    domains: Seats<String>,
}

impl LookUpSeats {
    fn new(all: usize, of_workspace: usize, of_domain: usize) -> Self {
        Self { workspaces: Seats::new(all, of_workspace), domains: Seats::new(all, of_domain) }
    }
}

/// The machine's own way of looking names up.
pub(super) fn system() -> LookUp {
    bounded(SEATS.clone(), |name| {
        let found = (name, 0).to_socket_addrs()?;
        Ok(found.map(|address| address.ip()).collect())
    })
}

/// A look-up that blocks a thread, so many of them at once. It cannot be stopped: a caller that
/// gives up waiting leaves the thread with its seat until the answer comes, so slow name servers
/// never hold more threads than there are seats, and those of one domain no more than its own.
fn bounded(
    seats: LookUpSeats,
    look_up: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Clone + Send + Sync + 'static,
) -> LookUp {
    Arc::new(move |name| {
        let seats = seats.clone();
        let look_up = look_up.clone();
        // Read now: the client may go on with the rest in a task of its own.
        let whose = WHOSE.try_with(|workspace| *workspace).ok();
        Box::pin(async move {
            let of_workspace = seats.workspaces.take(whose).await;
            let of_domain = seats.domains.take(domain(&name)).await;
            let found = tokio::task::spawn_blocking(move || {
                let _seats = (of_workspace, of_domain);
                look_up(&name)
            });
            found.await.map_err(io::Error::other)?
        })
    })
}

/// The last two labels of a name: whose name servers are asked, more or less.
fn domain(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let from = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    name[from..].to_owned()
}

/// Looks names up for the client and leaves out what is not public.
pub(super) struct Resolver {
    pub(super) private: Private,
    pub(super) look_up: LookUp,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        let look_up = Arc::clone(&self.look_up);
        let found = look_up(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await;
            let addresses = match private {
                Private::Allow => found.map_err(Box::<dyn Error + Send + Sync>::from)?,
                Private::Refuse => {
                    let mut addresses = found.unwrap_or_default();
                    addresses.retain(|address| is_public(*address));
                    if addresses.is_empty() {
                        return Err(nowhere(&look_up).await.into());
                    }
                    addresses
                }
            };
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

/// The refusal among the causes of a failure.
pub(super) fn refusal(error: &(dyn Error + 'static)) -> Option<Refused> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(*refused);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> Option<Refused> {
        syntax(&Url::parse(url).unwrap(), Private::Refuse).err()
    }

    /// What is handed to a connection is what was checked: the public one of two, and nothing the
    /// second time.
    #[tokio::test]
    async fn a_name_that_changes_between_two_questions_is_checked_each_time() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let again = AtomicBool::new(false);
        let look_up: LookUp = Arc::new(move |_| {
            let second = again.swap(true, Ordering::SeqCst);
            let addresses: &[&str] =
                if second { &["127.0.0.1"] } else { &["10.0.0.1", "8.8.8.8", "::1"] };
            let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
            Box::pin(async move { Ok(addresses) })
        });
        let resolver = Resolver { private: Private::Refuse, look_up };
        let name = || "rebind.example".parse::<Name>().unwrap();
        let first: Vec<SocketAddr> = resolver.resolve(name()).await.unwrap().collect();
        assert_eq!(first, ["8.8.8.8:0".parse().unwrap()]);
        let second = resolver.resolve(name()).await.err().unwrap();
        assert_eq!(refusal(&*second), Some(Refused::NotPublic));
    }

    /// Also with a name that is known in our network alone: the sentences must not tell which names
    /// those are.
    #[tokio::test]
    async fn dead_dns_is_told_apart_from_a_name_without_a_public_server() {
        let network = |works: bool| -> LookUp {
            Arc::new(move |name| {
                let found = match name.as_str() {
                    "db.example.net" => Ok(vec![IpAddr::from([10, 0, 0, 5])]),
                    "example.com" if works => Ok(vec![IpAddr::from([93, 184, 215, 14])]),
                    _ => Err(io::Error::other("no such name")),
                };
                Box::pin(async move { found })
            })
        };
        for name in ["http://db.example.net/", "http://nobody.example.net/"] {
            let url = Url::parse(name).unwrap();
            for (works, why) in [(true, Refused::NotPublic), (false, Refused::NoNames)] {
                let admitted = admit_by(&url, Private::Refuse, &network(works)).await;
                assert_eq!(admitted, Err(why), "{name}");
            }
        }
    }

    /// Ten names of one domain whose servers do not answer, and one of another.
    #[tokio::test]
    async fn slow_names_of_one_domain_do_not_delay_another_and_hold_few_threads() {
        use std::sync::{Mutex, mpsc};

        const PATIENCE: Duration = Duration::from_secs(30);
        let (begun, asked) = mpsc::channel::<String>();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let look_up = bounded(LookUpSeats::new(4, 4, 2), move |name| {
            let _ = begun.send(name.to_owned());
            if name.ends_with("slow.example") {
                let _ = held.lock().unwrap().recv();
            }
            Ok(vec!["8.8.8.8".parse().unwrap()])
        });

        let slow: Vec<String> = (0..10).map(|number| format!("{number}.slow.example")).collect();
        for name in &slow {
            // Nobody waits for the answer, and the thread goes on waiting all the same.
            assert!(futures::poll!(look_up(name.clone())).is_pending());
        }
        let mut threads = [(); 2].map(|()| asked.recv_timeout(PATIENCE).unwrap());
        threads.sort();
        assert_eq!(threads, slow[..2]);
        let third = asked.recv_timeout(Duration::from_millis(200));
        assert!(third.is_err(), "a third thread is held: {third:?}");

        let other = tokio::time::timeout(PATIENCE, look_up("www.shop.test".to_owned())).await;
        assert_eq!(other.expect("another domain has a place").unwrap().len(), 1);
        assert_eq!(asked.try_iter().collect::<Vec<_>>(), ["www.shop.test"]);
        drop(release);
    }

    /// One workspace names many domains whose servers do not answer; another one a single domain.
    #[tokio::test]
    async fn dead_domains_of_one_workspace_leave_seats_to_others() {
        use std::sync::{Mutex, mpsc};
        let workspace = |number| {
            format!("00000000-0000-0000-0000-{number:012}").parse::<WorkspaceId>().unwrap()
        };
        let (begun, asked) = mpsc::channel::<String>();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let look_up = bounded(LookUpSeats::new(4, 2, 2), move |name| {
            let _ = begun.send(name.to_owned());
            if name.contains("dead") {
                let _ = held.lock().unwrap().recv();
            }
            Ok(vec!["8.8.8.8".parse().unwrap()])
        });
        let look_up = |whose, name: String| {
            let look_up = Arc::clone(&look_up);
            on_behalf(workspace(whose), async move { look_up(name).await })
        };
        let wait = Duration::from_millis(50);
        for number in 0..10 {
            let name = format!("www.dead{number}.example");
            assert!(tokio::time::timeout(wait, look_up(1, name)).await.is_err());
        }
        assert_eq!(look_up(2, "www.shop.test".to_owned()).await.unwrap().len(), 1);
        let asked: Vec<String> = asked.try_iter().collect();
        assert_eq!(asked.len(), 3, "two of the first workspace, one of the second: {asked:?}");
        drop(release);
    }

    #[test]
    fn a_domain_is_the_end_of_a_name() {
        assert_eq!(domain("a.b.Example.com."), "example.com");
        assert_eq!(domain("example.com"), "example.com");
        assert_eq!(domain("localhost"), "localhost");
    }

    #[test]
    fn a_private_address_is_refused_however_it_is_written() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://127.0.0.1./",
            "http://%31%32%37.0.0.1/",
            "http://①②⑦.⓪.⓪.①/",
            "http://[::1]/",
            "http://[::]/",
            "http://0/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0xa9fea9fe/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://intranet/",
            "http://printer.local/",
            "http://metadata.google.internal/",
            "http://router.home.arpa/",
        ] {
            assert_eq!(refused(url), Some(Refused::NotPublic), "{url}");
        }
    }

    #[test]
    fn only_the_web_without_credentials_is_fetched() {
        assert_eq!(refused("ftp://example.com/"), Some(Refused::Scheme));
        assert_eq!(refused("file:///etc/passwd"), Some(Refused::Scheme));
        assert_eq!(refused("gopher://example.com/"), Some(Refused::Scheme));
        assert_eq!(refused("http://a@example.com/"), Some(Refused::Credentials));
        assert_eq!(refused("http://:b@example.com/"), Some(Refused::Credentials));
        assert_eq!(refused("http://127.0.0.1@example.com/"), Some(Refused::Credentials));
        assert_eq!(refused("http://example.com:22/"), Some(Refused::Port));
        assert_eq!(refused("https://example.com:8443/"), Some(Refused::Port));
        assert_eq!(
            refused(&format!("http://example.com/{}", "a".repeat(2_000))),
            Some(Refused::TooLong)
        );
        assert_eq!(refused("https://example.com/a?b=c"), None);
        assert_eq!(refused("http://8.8.8.8:443/"), None);
        assert_eq!(refused("https://пример.рф/"), None);
    }

    #[test]
    fn allowing_private_addresses_does_not_allow_other_schemes_or_credentials() {
        let allowed = |url: &str| syntax(&Url::parse(url).unwrap(), Private::Allow);
        assert_eq!(allowed("http://127.0.0.1:8080/"), Ok(()));
        assert_eq!(allowed("file:///etc/passwd"), Err(Refused::Scheme));
        assert_eq!(allowed("http://a:b@127.0.0.1/"), Err(Refused::Credentials));
    }
}
