//! Nobody can lead us into our own network.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::FutureExt;
use replyx_crawl::{Answer, FetchError, LookUp, Refused, admit};

use super::*;

/// Answers the nth question with the nth list of addresses; the last one stays. That DNS works at
/// all is not counted.
fn names(answers: Vec<Vec<&str>>) -> (LookUp, Arc<AtomicUsize>) {
    let answers: Vec<Vec<IpAddr>> = answers
        .into_iter()
        .map(|list| list.into_iter().map(|address| address.parse().unwrap()).collect())
        .collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let look_up: LookUp = Arc::new(move |name| {
        if name == "example.com" {
            return async { Ok(vec![IpAddr::from([93, 184, 215, 14])]) }.boxed();
        }
        let number = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let found = answers[number].clone();
        async move { Ok(found) }.boxed()
    });
    (look_up, asked)
}

fn strict(look_up: LookUp) -> Fetcher {
    drop(replyx_testkit::http_client());
    let limits = Limits { connect: Duration::from_millis(500), ..quick() };
    let settings =
        CrawlSettings { private: Private::Refuse, public_url: None, limits, reader: Reader::Here };
    Fetcher::with_look_up(&settings, look_up).unwrap()
}

async fn refused(fetcher: &Fetcher, url: &str) -> FetchError {
    fetcher.get(&Url::parse(url).unwrap(), &Validators::default()).await.unwrap_err()
}

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_is_refused() {
    for address in
        ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254"]
    {
        let (look_up, asked) = names(vec![vec![address]]);
        let error = refused(&strict(look_up), "http://rebind.example/").await;
        assert!(matches!(error, FetchError::Refused(Refused::NotPublic)), "{address}: {error:?}");
        assert!(!error.to_string().contains(address));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn where_no_name_can_be_looked_up_the_sentence_is_about_dns_and_says_to_try_again() {
    let dead: LookUp = Arc::new(|_| async { Err(std::io::Error::other("no such name")) }.boxed());
    let error = refused(&strict(dead), "http://shop.example.org/").await;
    assert!(matches!(error, FetchError::Refused(Refused::NoNames)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("DNS") && text.contains("network") && !text.contains("public"), "{text}");
    assert!(error.is_passing(), "the network comes back");
}

#[tokio::test]
async fn an_address_written_in_the_url_never_reaches_a_socket() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", Reply::html("secret"));
    let (look_up, asked) = names(vec![vec!["127.0.0.1"]]);
    let fetcher = strict(look_up);
    let port = site.addr().port();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"] {
        refused(&fetcher, &format!("http://{host}:{port}/")).await;
        let error = refused(&fetcher, &format!("http://{host}/")).await;
        assert!(matches!(error, FetchError::Refused(Refused::NotPublic)), "{host}: {error:?}");
    }
    assert!(site.hits().is_empty());
    assert_eq!(asked.load(Ordering::SeqCst), 0, "no name is looked up in vain");
}

/// The attack: one answer is public, the next one private. There is one question per connection,
/// and each answer is checked.
#[tokio::test]
async fn a_name_is_checked_anew_for_each_connection() {
    let (look_up, asked) = names(vec![vec!["10.0.0.1"], vec!["127.0.0.1"]]);
    let fetcher = strict(look_up);
    for _ in 0..2 {
        let error = refused(&fetcher, "http://rebind.example/").await;
        assert!(matches!(error, FetchError::Refused(Refused::NotPublic)), "{error:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_an_address_like_any_other() {
    let site = FakeSite::start().await.unwrap();
    site.set("/", Reply::redirect("http://169.254.169.254/latest/meta-data/"));
    let url = Url::parse(&site.url("/")).unwrap();
    let answer = fetcher().get(&url, &Validators::default()).await.unwrap();
    let Answer::Redirect(target) = answer else { panic!("{answer:?}") };
    let (look_up, _) = names(vec![vec!["8.8.8.8"]]);
    let error = refused(&strict(look_up), target.as_str()).await;
    assert!(matches!(error, FetchError::Refused(Refused::NotPublic)));
    for target in ["file:///etc/passwd", "ftp://127.0.0.1/", "http://a:b@127.0.0.1/"] {
        site.set("/", Reply::redirect(target));
        let visits = crawl(&fetcher(), order(&site, SourceKind::Page, "/")).await;
        assert_eq!(visits.len(), 1, "{visits:?}");
        assert!(kept(&visits).is_empty() && visits[0].1.contains("address"), "{visits:?}");
    }
}

#[tokio::test]
async fn what_may_not_be_fetched_is_refused_before_anything_is_stored() {
    let refuse = async |url: &str| {
        admit(&Url::parse(url).unwrap(), Private::Refuse, Clock::system().id()).await
    };
    assert_eq!(refuse("http://127.0.0.1/").await, Err(Refused::NotPublic));
    assert_eq!(refuse("http://nobody-has-this-name.invalid/").await, Err(Refused::NotPublic));
    assert_eq!(refuse("http://8.8.8.8:25/").await, Err(Refused::Port));
    assert_eq!(refuse("http://8.8.8.8/").await, Ok(()));
    let allowed = Url::parse("http://127.0.0.1:8080/").unwrap();
    assert_eq!(admit(&allowed, Private::Allow, Clock::system().id()).await, Ok(()));
}
