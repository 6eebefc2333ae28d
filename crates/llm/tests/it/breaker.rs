//! A provider that fails is left alone, and tried by one at a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use replyx_core::clock::Clock;
use replyx_live::{BreakerRules, Effect, Live};
use replyx_llm::{Dialect, ModelError, Models, ModelsConfig};
use replyx_testkit::{Hold, openai::ModelFault};

use crate::{
    failover::{ask, fake, limits, to},
    keys::two_homes,
    provider::{KEY, install_tls},
};

/// Has the breaker of a provider open for a moment only.
async fn open_for(live: &Live, provider: &str, open: Duration) {
    let rules = BreakerRules { row: 1, open, ..BreakerRules::default() };
    let key = format!("provider:{provider}");
    let report = Effect::Report { key, worked: Some(false), rules };
    assert_eq!(live.leave("test", &[report]).await, [true]);
}

#[tokio::test]
async fn exactly_one_of_two_processes_probes_and_its_success_lets_all_in() {
    let server = fake("Nine.").await;
    install_tls();
    let (here, there) = two_homes().await;
    let [one, two] = [&here, &there].map(|live| {
        let config = ModelsConfig { limits: limits(), ..ModelsConfig::default() };
        let config = config.with("openai", Dialect::Completions, server.base_url(), KEY);
        Arc::new(Models::new(config, live.clone(), Clock::system()).unwrap())
    });
    let asked = to(&["gpt-4o-mini"]);
    let begun = Instant::now();
    open_for(&here, "openai", Duration::from_millis(400)).await;
    let hold = Hold::default();
    server.inject(ModelFault::Hold(hold.clone()));
    let asking = (0..16).map(|number| {
        let models = Arc::clone(if number % 2 == 0 { &one } else { &two });
        let asked = asked.clone();
        tokio::spawn(async move { ask(&models, &asked).await.0.map(|answer| answer.attempts) })
    });
    let asking: Vec<_> = asking.collect();
    hold.reached().await;
    assert!(begun.elapsed() >= Duration::from_millis(400), "it is open");
    // Time for what must not happen.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.request_count(), 1, "one probes");
    hold.release();
    for answer in join_all(asking).await {
        assert_eq!(answer.unwrap().unwrap(), 1, "the others wait for it");
    }
    assert_eq!(server.request_count(), 16);
}

#[tokio::test]
async fn whoever_would_wait_too_long_for_a_provider_is_told() {
    let server = fake("Nine.").await;
    let (here, there) = two_homes().await;
    let config = ModelsConfig { limits: limits(), ..ModelsConfig::default() };
    let config = config.with("openai", Dialect::Completions, server.base_url(), KEY);
    install_tls();
    let models = Models::new(config, there, Clock::system()).unwrap();
    open_for(&here, "openai", Duration::from_secs(30)).await;
    let failure = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap_err();
    assert!(
        matches!(failure.error, ModelError::Unavailable { wait: Some(wait) } if wait.as_secs() > 20),
        "{failure:?}"
    );
    assert_eq!(server.request_count(), 0);
}
