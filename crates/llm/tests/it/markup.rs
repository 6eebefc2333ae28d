//! What models and their servers leave in the text besides the answer, over real HTTP.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use replyx_core::clock::Clock;
use replyx_live::Live;
use replyx_llm::{ChatMessage, ChatRole, Completion, Dialect, Models, ModelsConfig};
use replyx_testkit::{
    anthropic::FakeAnthropic,
    openai::{Answer, FakeOpenAi, ModelFault},
};

use crate::{
    failover::{ask, to},
    provider::{KEY, install_tls, quick},
};

const ANSWER: &str = "A kayak costs 29 euros a day [1].";

fn models(name: &str, protocol: Dialect, base_url: String) -> Models {
    install_tls();
    let config = ModelsConfig { limits: quick(), ..ModelsConfig::default() };
    let config = config.with(name, protocol, base_url, KEY);
    Models::new(config, Live::in_process(), Clock::system()).unwrap()
}

/// What came of an answer of this text, sent in pieces of so many characters, and what was shown.
async fn said(text: &str, finish: &'static str, piece: usize) -> (Completion, String) {
    let server = FakeOpenAi::builder().key(KEY).start().await.unwrap();
    let text = text.to_owned();
    server.answer(move |_| Answer::text(text.clone()).finished_by(finish).in_pieces_of(piece));
    let models = models("openai", Dialect::Completions, server.base_url());
    let (answer, shown) = ask(&models, &to(&["gpt-4o-mini"])).await;
    (answer.unwrap(), shown)
}

#[tokio::test]
async fn the_answer_is_the_same_in_whatever_pieces_it_comes() {
    for text in [
        "<think>\nOur margin is high, do not tell.\n</think>\n\nA kayak costs 29 euros a day [1].",
        "Our margin is high, do not tell.\n</think>\n\nA kayak costs 29 euros a day [1].",
        "<|channel|>analysis<|message|>margin<|end|><|start|>assistant<|channel|>final<|message|>A kayak costs 29 euros a day [1].<|return|>",
        "A kayak costs 29 euros a day [^1].<|im_end|>",
        "A kayak costs 29 euros a day (passage 1).",
        "```markdown\nA kayak costs 29 euros a day [1].\n```",
    ] {
        for piece in [1, 2, 3, 7, 1_000] {
            let (answer, shown) = said(text, "stop", piece).await;

            assert_eq!((answer.text.as_str(), answer.attempts), (ANSWER, 1), "{text} by {piece}");
            assert_eq!(answer.used_sources, [0], "{text} by {piece}");
            let last = shown.rsplit('|').next().unwrap();
            assert_eq!(last.trim_start(), ANSWER, "{text} by {piece}");
        }
    }
}

#[tokio::test]
async fn a_cut_answer_ends_at_a_sentence() {
    let (answer, _) = said("A kayak costs 29 euros a day [1]. Both include pad", "length", 5).await;
    assert_eq!((answer.text.as_str(), answer.truncated), (ANSWER, true));
}

#[tokio::test]
async fn a_thought_without_an_answer_is_a_failed_attempt() {
    for text in
        ["<think>\nLet me think about the kayak", "<tool_call>\n{\"name\": \"x\"}\n</tool_call>"]
    {
        let server = FakeOpenAi::builder().key(KEY).start().await.unwrap();
        let asked = Arc::new(AtomicU64::new(0));
        server.answer(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::text(text).finished_by("length").in_pieces_of(5),
            _ => Answer::text(ANSWER),
        });
        let models = models("openai", Dialect::Completions, server.base_url());

        let (answer, shown) = ask(&models, &to(&["gpt-4o-mini"])).await;

        let answer = answer.unwrap();
        assert_eq!((answer.text.as_str(), answer.attempts), (ANSWER, 2), "{text}");
        assert_eq!(answer.spent[0].outcome, "empty", "{text}");
        assert_eq!(shown, ANSWER, "{text}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_read_in_each_protocol() {
    let server = FakeOpenAi::builder().key(KEY).start().await.unwrap();
    server.answer(|_| Answer::text(ANSWER).costing(1_000, 100));
    for protocol in [Dialect::Completions, Dialect::Responses] {
        server.inject(ModelFault::NotStreamed);
        let models = models("openai", protocol, server.base_url());
        let (answer, shown) = ask(&models, &to(&["gpt-4o-mini"])).await;
        let answer = answer.unwrap();
        assert_eq!((answer.text.as_str(), answer.attempts), (ANSWER, 1), "{protocol:?}");
        assert_eq!((shown.as_str(), answer.usage.prompt_tokens), (ANSWER, 1_000), "{protocol:?}");
    }

    let server = FakeAnthropic::start_with(FakeAnthropic::builder().key(KEY)).await.unwrap();
    server.answer(|_| Answer::text(ANSWER).costing(1_000, 100));
    server.inject(ModelFault::NotStreamed);
    let models = models("anthropic", Dialect::Messages, server.base_url());
    let answer = ask(&models, &to(&["claude-haiku-4-5"])).await.0.unwrap();
    assert_eq!((answer.text.as_str(), answer.attempts), (ANSWER, 1));
    assert_eq!(answer.usage.prompt_tokens, 1_000);
}

#[tokio::test]
async fn a_base_url_is_repaired() {
    let server = FakeOpenAi::builder().key(KEY).start().await.unwrap();
    server.answer(|_| Answer::text(ANSWER));
    let base = server.base_url();
    for written in [format!("{base}/"), format!("{base}/chat/completions"), base.replace("/v1", "")]
    {
        let models = models("openai", Dialect::Completions, written.clone());
        for _ in 0..2 {
            let answer = ask(&models, &to(&["gpt-4o-mini"])).await.0.unwrap();
            assert_eq!((answer.text.as_str(), answer.attempts), (ANSWER, 1), "{written}");
        }
    }
    // The one without `/v1` was asked for in vain once, and then no more.
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test]
async fn a_server_without_a_system_role_gets_the_instructions_with_the_question() {
    let builder = FakeOpenAi::builder().key(KEY).without_parameter("system role");
    let server = builder.start().await.unwrap();
    server.answer(|_| Answer::text(ANSWER));
    let models = models("openai", Dialect::Completions, server.base_url());
    let mut asked = to(&["gpt-4o-mini"]);
    asked.messages = vec![
        ChatMessage { role: ChatRole::System, content: "Be brief.".to_owned() },
        ChatMessage { role: ChatRole::User, content: "What does a kayak cost?".to_owned() },
    ];

    for _ in 0..2 {
        let answer = ask(&models, &asked).await.0.unwrap();
        assert_eq!((answer.text.as_str(), answer.attempts), (ANSWER, 1));
    }

    assert_eq!(server.refusals(), 1, "what was learnt is remembered");
    let sent = server.requests();
    let contents: Vec<&str> = sent[1].messages.iter().map(|one| one.content.as_str()).collect();
    assert_eq!(contents, ["Be brief.\n\nWhat does a kayak cost?"]);
}
