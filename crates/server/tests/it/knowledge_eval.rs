//! `replyx knowledge eval`: measuring, comparing, and what is no run.

use std::{fs, path::Path, process::Output, time::Duration};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use crate::harness::{Home, REPLYX, on_every_home};

/// Sets of questions as customers ask them: misspelt, in the other language, beside the point.
const ASKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// Runs the command with these arguments and nothing else configured.
async fn eval(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::new(REPLYX);
    command
        .args(["knowledge", "eval"])
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .kill_on_drop(true);
    let ended = timeout(Duration::from_mins(2), command.output()).await;
    let Output { status, stdout, stderr } = ended.expect("it ends").expect("it can be started");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().expect("it ends by itself"), text(stdout), text(stderr))
}

/// Where `scripts/setup model` put the embedding model.
fn model_dir() -> String {
    std::env::var("MODEL_DIR").expect("`make test` says where the embedding model is")
}

fn small(folder: &Path, name: &str, questions: &Value) -> String {
    let documents = json!([
        {"name": "returns.md", "text": "# Returns\n\nYou can return an item within 30 days."},
        {"name": "доставка.md", "text": "# Доставка\n\nДоставка по городу стоит 290 рублей."},
    ]);
    let file = json!({"name": "Small", "documents": documents, "questions": questions});
    let path = folder.join(name);
    fs::write(&path, file.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn questions() -> Value {
    json!([
        {"question": "Within how many days can I return an item?", "answers": ["30 days"]},
        {"question": "Сколько стоит доставка по городу?", "answers": ["290 рублей"]},
        {"question": "Who won the football cup?"},
    ])
}

#[tokio::test]
async fn questions_as_customers_ask_them_are_answered_or_declined() {
    let model = model_dir();
    for (file, questions, least, most) in [
        ("faq.json", 63, [0.78, 0.96, 0.72, 0.9], 0.16),
        ("riders-and-pupils.json", 80, [0.6, 0.9, 0.5, 0.6], 0.32),
    ] {
        let file = format!("{ASKED}/{file}");
        let (code, out, err) =
            eval(&[&file, "--answers", "--json"], &[("MODEL_DIR", model.as_str())]).await;
        assert_eq!(code, 0, "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        let run = &report["run"];
        assert_eq!(run["embeddings"], "multilingual-e5-small");
        let measures = ["recall_1", "recall_5", "containment", "abstention_recall"];
        for (measure, least) in measures.into_iter().zip(least) {
            let value = run["metrics"][measure].as_f64().unwrap();
            assert!(value >= least, "{file}: {measure} {value}: {out}");
        }
        let declined = run["metrics"]["wrongly_declined"].as_f64().unwrap();
        assert!(declined <= most, "{file}: wrongly declined {declined}: {out}");
        assert_eq!(run["results"].as_array().unwrap().len(), questions);
    }
}

#[tokio::test]
async fn without_the_embedding_model_words_find_what_they_can() {
    let folder = tempfile::tempdir().unwrap();
    let file = small(folder.path(), "small.json", &questions());
    let none = [("EMBEDDING_MODEL", "none")];
    let (code, out, err) = eval(&[&file, "--answers"], &none).await;
    assert_eq!(code, 0, "{err}");
    for line in [
        "none: words alone decided",
        "3 questions, 2 with an answer",
        "recall 1               1.000",
        "containment            1.000",
        "abstention recall      1.000",
        "cost                   $0.00",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let mut named = questions();
    named[0]["document_names"] = json!(["returns.md"]);
    named[1]["document_names"] = json!(["доставка.md"]);
    let file = small(folder.path(), "named.json", &named);
    for which in ["half", "alternate"] {
        let (code, out, _) = eval(&[&file, "--answers", "--hide", which], &none).await;
        assert_eq!(code, 0);
        assert!(out.contains("3 questions, 1 with an answer"), "{which}: {out}");
        assert!(out.contains("abstention recall      1.000"), "{which}: {out}");
    }
}

#[tokio::test]
async fn a_run_that_is_worse_than_a_saved_one_fails_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = small(folder.path(), "small.json", &questions());
    let saved = folder.path().join("run.json");
    let saved = saved.to_str().unwrap();
    let none = [("EMBEDDING_MODEL", "none")];
    assert_eq!(eval(&[&file, "--save", saved], &none).await.0, 0);
    let (code, out, _) = eval(&[&file, "--compare", saved], &none).await;
    assert_eq!(code, 0, "{out}");

    let mut changed = questions();
    changed[0]["answers"] = json!(["45 days"]);
    let changed = small(folder.path(), "changed.json", &changed);
    let (code, out, _) = eval(&[&changed, "--compare", saved], &none).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("was 1.000 (-0.500)  REGRESSED"), "{out}");
    assert!(
        out.contains("1 questions went right and no longer do:\n  Within how many days"),
        "{out}"
    );
    let tolerant = [changed.as_str(), "--compare", saved, "--tolerance", "0.5", "--json"];
    let (code, out, _) = eval(&tolerant, &none).await;
    assert_eq!(code, 0, "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["comparison"]["broken"][0], "Within how many days can I return an item?");
}

#[tokio::test]
async fn what_cannot_be_measured_ends_with_two_and_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, text: &str| {
        fs::write(at(name), text).unwrap();
        at(name)
    };
    let good = small(folder.path(), "small.json", &questions());
    let broken = write("broken.json", "{\"questions\": [{\"question\": \"a\"},\n 5]}");
    let blank = write("blank.json", "[{\"question\": \" \"}]");
    let bare = write("bare.json", "[{\"question\": \"a\", \"answers\": [\"b\"]}]");
    let absent = write(
        "absent.json",
        "{\"documents\": [{\"name\": \"no.txt\"}], \"questions\": [{\"question\": \"a\"}]}",
    );
    let slip = small(
        folder.path(),
        "slip.json",
        &json!([{"question": "a", "document_names": ["return.md"]}]),
    );
    let id = "019a8c5e-3f00-7c41-9d52-6a0c6f1e2b7d";
    let ids = small(folder.path(), "ids.json", &json!([{"question": "a", "documents": [id]}]));
    let twice = write(
        "twice.json",
        "{\"documents\": [{\"name\": \"a\", \"text\": \"b\"}, {\"name\": \"a\", \"text\": \"c\"}], \
         \"questions\": [{\"question\": \"a\"}]}",
    );
    let squad = write("squad.json", "{\"data\": [\n{\"paragraphs\": [{\"qas\": []}]}]}");
    let other = write("other.json", "{\"replyx_evaluation\": 9}");
    let gone = at("gone.json");
    for (arguments, reason) in [
        (vec![gone.as_str()], "gone.json` cannot be read"),
        (vec![broken.as_str()], "line 2"),
        (vec![blank.as_str()], "question 1: it asks nothing"),
        (vec![bare.as_str()], "names no documents"),
        (vec![absent.as_str()], "no.txt` cannot be read"),
        (vec![slip.as_str()], "question 1: no document is named `return.md`"),
        (vec![ids.as_str()], "question 1: ids are those of an assistant"),
        (vec![twice.as_str()], "document 2: another one is named `a`"),
        (vec![squad.as_str()], "line 2: missing field `context`"),
        (vec![good.as_str(), "--compare", &other], "is no saved run"),
        (vec![good.as_str(), "--compare", &gone], "cannot be read"),
        (vec![good.as_str(), "--save", "/dev/null/run.json"], "cannot be written"),
        (vec![good.as_str(), "--model", "x"], "--answers"),
        (vec![good.as_str(), "--compare", &other, "--tolerance", "2"], "from 0 to 1"),
    ] {
        let (code, out, err) = eval(&arguments, &[("EMBEDDING_MODEL", "none")]).await;
        assert_eq!(code, 2, "{arguments:?}: {out}{err}");
        assert!(err.contains(reason), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[on_every_home]
async fn the_draft_of_an_assistant_is_asked_and_not_changed(home: &Home) {
    let shop = home.open().await;
    shop.learn("returns.en.md").await;
    let before = shop.owner.get(&format!("/api/v1/assistants/{}", shop.assistant)).await.body;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("questions.jsonl");
    let question =
        json!({"question": "How many days do I have to return an item?", "answers": ["30 days"]});
    fs::write(&file, format!("{question}\n")).unwrap();
    let data = folder.path().join("data");
    let variables = [
        ("DATABASE_URL", home.db.url.as_str()),
        ("DATA_DIR", data.to_str().unwrap()),
        ("EMBEDDING_MODEL", "none"),
    ];
    let path = file.to_str().unwrap();
    let arguments = [path, "--assistant", &shop.assistant, "--answers", "--model", "extractive"];
    let (code, out, err) = eval(&arguments, &variables).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("containment            1.000"), "{out}");
    let after = shop.owner.get(&format!("/api/v1/assistants/{}", shop.assistant)).await.body;
    assert_eq!(before, after);

    let nobody = "019a8c5e-3f00-7c41-9d52-6a0c6f1e2b7d";
    let (code, _, err) = eval(&[path, "--assistant", nobody], &variables).await;
    assert_eq!((code, err.contains("there is no assistant")), (2, true), "{err}");
}
