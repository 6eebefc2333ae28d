//! What the demo shows on the terminal.

use replyx_terminal::{Color, Painter, say};

use crate::{Verdict, ask::Answer};

/// How much of a passage is shown, characters.
const PASSAGE: usize = 160;

pub(super) fn title() {
    let painter = Painter::new();
    let title =
        "ReplyX demo: a shop's documents, a simulated Telegram, a customer with ten questions.";
    say!("{}", painter.paint(Color::Bold, title));
    say!("No key, no network, no service. Model: extractive (quotes the documents).\n");
}

pub(super) fn document(name: &str, passages: i64) {
    say!("  read {name:<28} {passages:>3} passages");
}

pub(super) fn exchange(number: usize, question: &str, answer: &Answer, good: Option<bool>) {
    let painter = Painter::new();
    let mark = match good {
        Some(true) => painter.paint(Color::Green, " [right]"),
        Some(false) => painter.paint(Color::Red, " [WRONG]"),
        None => String::new(),
    };
    let label = |text: &str| painter.paint(Color::Cyan, text);
    say!("\n{number:>2}. {}  {question}", label("customer"));
    let text = answer.text.replace('\n', "\n              ");
    say!("    {} {}{mark}", label("assistant"), painter.paint(Color::Bold, text));

    match answer.sources.first() {
        Some(source) => {
            say!("    {}    {}", label("source"), source.title);
            let passage = format!("\"{}\"", shortened(&source.text));
            say!("              {}", painter.paint(Color::Gray, passage));
        }
        None => say!("    {}    none", label("source")),
    }
    let figures = format!(
        "{} ms, cost {}, model {}, outcome {}",
        answer.latency.as_millis(),
        answer.cost,
        answer.model,
        answer.outcome
    );
    say!("    {}", painter.paint(Color::Gray, figures));
}

pub(super) fn verdict(verdict: Verdict) {
    let color = if verdict.all_right() { Color::Green } else { Color::Red };
    let text = format!("{} of {} answers are right.", verdict.right, verdict.asked);
    say!("\n{}", Painter::new().paint(color, text));
}

pub(super) fn try_more(base: &str, email: &str, password: &str, assistant: &str) {
    say!(
        "\nIt goes on serving until Ctrl-C. Type a question here to ask as the customer, or use the API:\n"
    );
    say!("  API        {base}/api/v1   (description: {base}/api/openapi.json)");
    say!("  account    {email}   password: {password}");
    say!("  assistant  {assistant}\n");
    say!("  TOKEN=$(curl -s {base}/api/v1/auth/login -H 'content-type: application/json' \\");
    say!(
        "    -d '{{\"email\":\"{email}\",\"password\":\"{password}\"}}' | sed 's/.*access_token\":\"\\([^\"]*\\).*/\\1/')"
    );
    say!(
        "  curl -s {base}/api/v1/assistants/{assistant}/search -H \"authorization: Bearer $TOKEN\" \\"
    );
    say!("    -H 'content-type: application/json' -d '{{\"query\":\"warranty\",\"limit\":3}}'");
    say!(
        "  curl -sN {base}/api/v1/events -H \"authorization: Bearer $TOKEN\" -H 'last-event-id: 0'\n"
    );
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= PASSAGE {
        return text.to_owned();
    }
    let kept: String = text.chars().take(PASSAGE).collect();
    format!("{kept}…")
}
