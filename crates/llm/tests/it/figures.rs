//! The figures that are kept about models, and that their labels have few values.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use replyx_core::clock::Clock;
use replyx_live::Live;
use replyx_llm::{Caller, ChatRequest, EXTRACTIVE, Models, ModelsConfig, Source};

#[derive(Clone, Default)]
struct Counted(Arc<Mutex<BTreeMap<String, u64>>>);

struct One(Counted, String);

impl CounterFn for One {
    fn increment(&self, value: u64) {
        *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
    }

    fn absolute(&self, value: u64) {
        self.0.0.lock().unwrap().insert(self.1.clone(), value);
    }
}

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Counter::from_arc(Arc::new(One(self.clone(), name)))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn an_answer_is_counted_once_under_labels_we_chose() {
    let counted = Counted::default();
    let request = ChatRequest {
        model: EXTRACTIVE.to_owned(),
        fallbacks: vec![],
        caller: Caller::default(),
        allowed: None,
        temperature: 0.2,
        max_tokens: 100,
        within: None,
        messages: vec![],
        question: "When do you open?".to_owned(),
        sources: vec![Source { text: "We open at 9:00.".to_owned(), ..Source::default() }],
    };
    let models = Models::new(ModelsConfig::default(), Live::in_process(), Clock::system()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

    metrics::with_local_recorder(&counted, || {
        let answer = runtime.block_on(models.complete(&request, |_| ())).unwrap();
        assert_eq!(answer.text, "We open at 9:00.");
    });

    let counted = counted.0.lock().unwrap();
    assert_eq!(counted.get("model_requests_total extractive ok"), Some(&1));
    assert_eq!(counted.keys().filter(|name| name.starts_with("model_retries")).count(), 0);
}
