//! What the demo shows on the terminal.

use super::ask::Answer;

/// How much of a passage is shown, characters.
const PASSAGE: usize = 160;

pub(super) fn title() {
    println!(
        "ReplyX demo: a shop's documents, a simulated Telegram, a customer with ten questions."
    );
    println!("No key, no network, no service. Model: extractive (quotes the documents).\n");
}

pub(super) fn document(name: &str, passages: i64) {
    println!("  read {name:<28} {passages:>3} passages");
}

pub(super) fn exchange(number: usize, question: &str, answer: &Answer, good: Option<bool>) {
    let mark = match good {
        Some(true) => " [right]",
        Some(false) => " [WRONG]",
        None => "",
    };
    println!("\n{number:>2}. customer  {question}");
    println!("    assistant {}{mark}", answer.text.replace('\n', "\n              "));
    match answer.sources.first() {
        Some(source) => {
            println!("    source    {}", source.title);
            println!("              \"{}\"", shortened(&source.text));
        }
        None => println!("    source    none"),
    }
    println!(
        "    {} ms, cost {}, model {}, outcome {}",
        answer.latency.as_millis(),
        answer.cost,
        answer.model,
        answer.outcome
    );
}

pub(super) fn verdict(right: usize, all: usize) {
    println!("\n{right} of {all} answers are right.");
}

pub(super) fn try_more(base: &str, email: &str, password: &str, assistant: &str) {
    println!(
        "\nIt goes on serving until Ctrl-C. Type a question here to ask as the customer, or use the API:\n"
    );
    println!("  API        {base}/api/v1   (description: {base}/api/openapi.json)");
    println!("  account    {email}   password: {password}");
    println!("  assistant  {assistant}\n");
    println!("  TOKEN=$(curl -s {base}/api/v1/auth/login -H 'content-type: application/json' \\");
    println!(
        "    -d '{{\"email\":\"{email}\",\"password\":\"{password}\"}}' | sed 's/.*access_token\":\"\\([^\"]*\\).*/\\1/')"
    );
    println!(
        "  curl -s {base}/api/v1/assistants/{assistant}/search -H \"authorization: Bearer $TOKEN\" \\"
    );
    println!("    -H 'content-type: application/json' -d '{{\"query\":\"warranty\",\"limit\":3}}'");
    println!(
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
