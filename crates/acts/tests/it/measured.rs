//! How often the rules are right, on sets of messages; the bars are those of the product.

use replyx_acts::{MessageAct, tell};
use serde_json::Value;

/// Half of the test set of banking77; where it comes from: `tests/data/README.md`.
const BANKING: &str = include_str!("../data/banking-half.json");
/// Questions of customers in Russian, one a line.
const RUSSIAN: &str = include_str!("../data/questions.ru.txt");
/// Requests for a human, one a line.
const REQUESTS: &str = include_str!("../data/human.txt");
/// Messages about humans that ask for none, one a line.
const NO_REQUESTS: &str = include_str!("../data/no-human.txt");

fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn banking() -> Vec<String> {
    let all: Vec<Value> = serde_json::from_str(BANKING).unwrap();
    all.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

fn taken_for_acts(messages: &[&str]) -> Vec<String> {
    let told = messages.iter().map(|text| (tell(text).act, text));
    told.filter(|(act, _)| *act != MessageAct::Question)
        .map(|(act, text)| format!("{act}: {text}"))
        .collect()
}

#[test]
fn at_most_one_english_question_in_300_is_taken_for_an_act() {
    let banking = banking();
    let messages: Vec<&str> = banking.iter().map(String::as_str).collect();
    assert!(messages.len() >= 1_500);
    let taken = taken_for_acts(&messages);
    assert!(taken.len() * 300 <= messages.len(), "{taken:#?}");
}

#[test]
fn at_most_one_russian_question_in_300_is_taken_for_an_act() {
    let messages = lines(RUSSIAN);
    assert!(messages.len() >= 300, "{}", messages.len());
    let taken = taken_for_acts(&messages);
    assert!(taken.len() * 300 <= messages.len(), "{taken:#?}");
}

#[test]
fn at_most_one_question_in_1000_is_taken_for_a_request_for_a_human() {
    let banking = banking();
    let flagged: Vec<&String> =
        banking.iter().filter(|text| tell(text).act == MessageAct::WantsHuman).collect();
    assert!(flagged.len() * 1_000 <= banking.len(), "{flagged:#?}");
}

#[test]
fn requests_for_a_human_are_found() {
    let requests = lines(REQUESTS);
    assert!(requests.len() >= 150, "{}", requests.len());
    let told = requests.iter().map(|text| (tell(text).act, text));
    let missed: Vec<_> = told.filter(|(act, _)| *act != MessageAct::WantsHuman).collect();
    assert!(missed.len() * 20 <= requests.len(), "{missed:#?}");
}

#[test]
fn talk_of_humans_is_no_request_for_one() {
    let told = lines(NO_REQUESTS).into_iter().map(|text| (tell(text).act, text));
    let flagged: Vec<_> = told.filter(|(act, _)| *act == MessageAct::WantsHuman).collect();
    assert_eq!(flagged, []);
}
