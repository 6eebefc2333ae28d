//! Who may ask at once, and who waits.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use replyx_core::{clock::Clock, ids::WorkspaceId};
use replyx_live::Live;
use replyx_llm::{AdmissionLimits, Caller, ChatRequest, Dialect, ModelError, Models, ModelsConfig};
use replyx_testkit::{
    openai::{Answer, FakeOpenAi},
    proxy::BreakingProxy,
};
use tokio::time::sleep;

use crate::{
    failover::{ask, fake, to},
    keys::two_homes,
    provider::{KEY, install_tls},
};

const BOUNDS: AdmissionLimits = AdmissionLimits {
    provider: 4,
    workspace: 2,
    wait: Duration::from_secs(20),
    queue: 300,
    workspace_queue: 100,
};

async fn slow(pause: Duration) -> FakeOpenAi {
    let server = fake("").await;
    server.answer(move |_| Answer::text("We open at nine").in_pieces_of(8).paced(pause));
    server
}

fn models(server: &FakeOpenAi, live: &Live, admission: AdmissionLimits) -> Arc<Models> {
    install_tls();
    let config = ModelsConfig { admission, ..ModelsConfig::default() };
    let config = config.with("openai", Dialect::Completions, server.base_url(), KEY);
    Arc::new(Models::new(config, live.clone(), Clock::system()).unwrap())
}

fn from(workspace: WorkspaceId) -> ChatRequest {
    ChatRequest {
        caller: Caller { workspace: Some(workspace), ..Caller::default() },
        ..to(&["gpt-4o-mini"])
    }
}

fn workspace() -> WorkspaceId {
    Clock::system().id()
}

#[tokio::test]
async fn one_workspace_with_many_calls_does_not_delay_another() {
    let server = slow(Duration::from_millis(30)).await;
    let models = models(&server, &Live::in_process(), BOUNDS);
    let many = workspace();
    let few = workspace();
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let models = Arc::clone(&models);
            tokio::spawn(async move { ask(&models, &from(many)).await.0.is_ok() })
        })
        .collect();
    sleep(Duration::from_millis(100)).await;
    for _ in 0..3 {
        ask(&models, &from(few)).await.0.unwrap();
    }
    assert!(crowd.iter().filter(|call| call.is_finished()).count() < 90, "the crowd still waits");
    assert!(join_all(crowd).await.into_iter().all(|answered| answered.unwrap()));
}

#[tokio::test]
async fn workspaces_take_turns_when_the_provider_is_full() {
    let server = slow(Duration::from_millis(20)).await;
    let bounds = AdmissionLimits { provider: 1, workspace: 50, ..BOUNDS };
    let models = models(&server, &Live::in_process(), bounds);
    let workspaces = [workspace(), workspace(), workspace()];
    let mut calls = Vec::new();
    for (number, count) in [20, 3, 3].into_iter().enumerate() {
        for _ in 0..count {
            let models = Arc::clone(&models);
            let asked = from(workspaces[number]);
            calls.push(tokio::spawn(async move {
                ask(&models, &asked).await.0.unwrap();
                (number, Instant::now())
            }));
            tokio::task::yield_now().await;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let mut ends: Vec<_> = join_all(calls).await.into_iter().map(|call| call.unwrap()).collect();
    ends.sort_by_key(|(_, end)| *end);
    let order: Vec<_> = ends.into_iter().map(|(number, _)| number).collect();
    // The first few of the crowd came before anybody else; then each workspace has its turn.
    let last = order.iter().rposition(|number| *number != 0).unwrap();
    assert!(last <= 13, "{order:?}");
}

#[tokio::test]
async fn the_installation_never_asks_more_at_once_than_allowed() {
    let server = slow(Duration::from_millis(40)).await;
    let (here, there) = two_homes().await;
    let one = models(&server, &here, BOUNDS);
    let two = models(&server, &there, BOUNDS);
    let watched = Arc::new(std::sync::Mutex::new((0_i32, 0_i32)));
    let calls = (0..24).map(|number| {
        let models = Arc::clone(if number % 2 == 0 { &one } else { &two });
        let watched = Arc::clone(&watched);
        let asked = from(workspace());
        tokio::spawn(async move {
            let mut begun = false;
            let answer = models
                .complete(&asked, |_| {
                    if !std::mem::replace(&mut begun, true) {
                        let mut now = watched.lock().unwrap();
                        now.0 += 1;
                        now.1 = now.1.max(now.0);
                    }
                })
                .await;
            watched.lock().unwrap().0 -= 1;
            answer.is_ok()
        })
    });
    assert!(join_all(calls).await.into_iter().all(|answered| answered.unwrap()));
    let most = watched.lock().unwrap().1;
    // A call still counts here for a moment after it has given its place back.
    assert!((2..=5).contains(&most), "{most} at once");
}

#[tokio::test]
async fn whoever_goes_away_gives_the_place_to_the_next() {
    let server = slow(Duration::from_secs(5)).await;
    let bounds = AdmissionLimits { provider: 2, workspace: 2, ..BOUNDS };
    for live in [Live::in_process(), two_homes().await.0] {
        server.answer(|_| {
            Answer::text("We open at nine").in_pieces_of(8).paced(Duration::from_secs(5))
        });
        let models = models(&server, &live, bounds);
        let asked = server.request_count();
        let calls: Vec<_> = (0..6)
            .map(|_| {
                let models = Arc::clone(&models);
                let asked = from(workspace());
                tokio::spawn(async move { ask(&models, &asked).await.0.is_ok() })
            })
            .collect();
        while server.request_count() < asked + 2 {
            sleep(Duration::from_millis(10)).await;
        }
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        drop(join_all(calls).await);
        server.answer(|_| Answer::text("We open at nine"));
        // A place that was not given back would be missed for longer than a call waits.
        ask(&models, &from(workspace())).await.0.unwrap();
    }
}

#[tokio::test]
async fn whoever_waits_too_long_or_comes_too_late_is_told() {
    let server = slow(Duration::from_secs(4)).await;
    let wait = Duration::from_secs(2);
    let bounds = AdmissionLimits { provider: 1, workspace: 1, wait, queue: 2, workspace_queue: 1 };
    let models = models(&server, &Live::in_process(), bounds);
    let first = workspace();
    let asking = |workspace| {
        let models = Arc::clone(&models);
        tokio::spawn(async move {
            let begun = Instant::now();
            let error = ask(&models, &from(workspace)).await.0.err().map(|failure| failure.error);
            (error, begun, Instant::now())
        })
    };
    let mut calls = Vec::new();
    for workspace in [first, first, first, workspace(), workspace()] {
        calls.push(asking(workspace));
        sleep(Duration::from_millis(20)).await;
    }
    let ends: Vec<_> = join_all(calls).await.into_iter().map(|call| call.unwrap()).collect();
    assert!(ends[0].0.is_none(), "{ends:?}");
    for (error, ..) in &ends[1..] {
        assert!(matches!(error, Some(ModelError::Busy)), "{error:?}");
    }
    for waited in [1, 3] {
        let (_, begun, end) = &ends[waited];
        assert!(*end - *begun >= wait, "{waited}: {ends:?}");
        for at_once in [2, 4] {
            assert!(ends[at_once].2 < *end, "{at_once} waited: {ends:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_redis_dies_and_comes_back() {
    let server = slow(Duration::from_millis(5)).await;
    let url = std::env::var("REPLYX_TEST_REDIS").expect("run the tests through `make test`");
    let url = url::Url::parse(&url).unwrap();
    let target = format!("127.0.0.1:{}", url.port().unwrap()).parse().unwrap();
    let proxy = BreakingProxy::to(target).unwrap();
    let address = format!("redis://{}", proxy.addr());
    let prefix = format!("test-{}", replyx_core::clock::random_hex::<8>());
    let live = Live::redis(&address, &prefix).await.unwrap();
    let models = models(&server, &live, BOUNDS);
    let stop = Instant::now() + Duration::from_secs(4);
    let callers = (0..6).map(|_| {
        let models = Arc::clone(&models);
        let asked = from(workspace());
        tokio::spawn(async move {
            let mut answered = 0;
            while Instant::now() < stop {
                ask(&models, &asked).await.0.unwrap();
                answered += 1;
            }
            answered
        })
    });
    let callers: Vec<_> = callers.collect();
    sleep(Duration::from_millis(500)).await;
    proxy.refuse().await;
    proxy.cut_all();
    sleep(Duration::from_millis(1_500)).await;
    proxy.restore().await;
    for caller in callers {
        let answered = caller.await.unwrap();
        assert!(answered > 10, "{answered} answers");
    }
}
