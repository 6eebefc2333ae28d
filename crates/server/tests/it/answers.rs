//! Answers written by people.

use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bad_input::raw,
    harness::{Home, PASSWORD, PATIENCE, Shop, assert_problem, on_every_home, until},
};

impl Shop {
    fn answers(&self) -> String {
        format!("/api/v1/assistants/{}/answers", self.assistant)
    }

    async fn answer(&self, question: &str, answer: &str) -> String {
        let pair = json!({"question": question, "answer": answer});
        let made = self.owner.post(&self.answers(), &pair).await.expect(201);
        assert_eq!((made.text("question"), made.text("answer")), (question.into(), answer.into()));
        made.text("id")
    }

    async fn read_through(&self) {
        until("all answers are read", async || {
            let list =
                self.owner.get(&format!("{}?limit=200", self.answers())).await.expect(200).body;
            let items = list["items"].as_array().unwrap().clone();
            items.iter().all(|item| item["status"] == "ready").then_some(())
        })
        .await;
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let path = format!("/api/v1/assistants/{}/search", self.assistant);
        let hits = self.owner.post(&path, &json!({"query": query})).await.expect(200).body;
        let hits = hits["hits"].as_array().unwrap();
        hits.iter().map(|hit| hit["text"].as_str().unwrap().to_owned()).collect()
    }

    async fn import(&self, kind: &str, table: impl Into<String>) -> Answer {
        let request = self.owner.request(Method::POST, &format!("{}/import", self.answers()));
        self.owner.send(request.header("content-type", kind).body(table.into())).await
    }

    async fn count(&self) -> usize {
        let list = self.owner.get(&format!("{}?limit=200", self.answers())).await.expect(200).body;
        list["items"].as_array().unwrap().len()
    }
}

#[on_every_home]
async fn an_answer_is_found_said_changed_and_forgotten(home: &Home) {
    let shop = home.open().await;
    let bot = home.bot();
    shop.connect().await;
    let id = shop.answer("Are you open on Sundays?", "Yes, from 10 to 16.").await;
    let path = format!("{}/{id}", shop.answers());
    shop.read_through().await;
    assert!(shop.found("open on Sundays").await[0].contains("from 10 to 16"));
    let reply = bot.customer(7).ask("Are you open on Sundays?", PATIENCE).await.unwrap();
    assert!(reply.plain.contains("from 10 to 16"), "{}", reply.plain);

    let same = json!({"question": "Are you open on Sundays?", "answer": "Yes, from 10 to 16."});
    assert_eq!(shop.owner.post(&shop.answers(), &same).await.expect(200).text("id"), id);
    let changed = shop.owner.patch(&path, &json!({"answer": "No, only on weekdays."})).await;
    assert_eq!(changed.expect(200).text("status"), "queued");
    shop.read_through().await;
    let found = shop.found("open on Sundays").await;
    assert!(found[0].contains("only on weekdays"), "{found:?}");
    assert!(!found.iter().any(|text| text.contains("from 10 to 16")), "{found:?}");
    let read = shop.owner.get(&path).await.expect(200).body;
    assert_eq!(read["question"], "Are you open on Sundays?");
    assert_eq!(read["answer"], "No, only on weekdays.");

    shop.owner.delete(&path).await.expect(204);
    assert_problem(&shop.owner.get(&path).await, 404, "not_found");
    assert_eq!(shop.found("open on Sundays").await, [""; 0]);
    let audit = shop.owner.get("/api/v1/audit?action=answer").await.expect(200).body;
    let acts: Vec<&str> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["action"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["answer.deleted", "answer.updated", "answer.created"]);
}

#[on_every_home]
async fn an_answer_is_no_document_and_a_document_no_answer(home: &Home) {
    let shop = home.open().await;
    let answer = shop.answer("Are you open on Sundays?", "Yes, from 10 to 16.").await;
    let document = shop.learn("returns.en.md").await;
    let list = shop.owner.get("/api/v1/documents").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    let path = format!("/api/v1/documents/{answer}");
    let known = format!("/api/v1/assistants/{}/documents/{answer}", shop.assistant);
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::GET, format!("{path}/text")),
        (Method::POST, format!("{path}/reindex")),
        (Method::DELETE, path),
        (Method::PUT, known.clone()),
        (Method::DELETE, known),
    ] {
        let answer = shop.owner.send(shop.owner.request(method, &path)).await;
        assert_problem(&answer, 404, "not_found");
    }
    let path = format!("{}/{document}", shop.answers());
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let request = shop.owner.request(method, &path).json(&json!({"answer": "Stolen."}));
        assert_problem(&shop.owner.send(request).await, 404, "not_found");
    }
    assert_eq!(shop.count().await, 1);
}

#[on_every_home]
async fn a_table_is_imported_whole_or_not_at_all(home: &Home) {
    let shop = home.open().await;
    let table = "Вопрос;Ответ\nКогда вы открыты?;С 9 до 18.\nКарты?;\"Да;\nлюбые.\"\n\nКарты?;\"Да;\nлюбые.\"\n";
    let made = shop.import("text/csv; charset=utf-8", table).await.expect(200).body;
    assert_eq!(made, json!({"imported": 2, "skipped": 1}));
    let again = shop.import("text/csv", table).await.expect(200).body;
    assert_eq!(again, json!({"imported": 0, "skipped": 3}));
    shop.read_through().await;
    assert!(shop.found("когда открыты").await[0].contains("С 9 до 18"));

    for (table, what) in [
        ("question,answer\nOpen?,Yes\nCards?,\n".to_owned(), "row 3"),
        (format!("question,answer\nOpen?,Yes\nLong?,{}\n", "a".repeat(8_001)), "pair 2"),
        ("question,answer\n".to_owned(), ""),
        ("just a text".to_owned(), ""),
        (String::new(), ""),
    ] {
        let refused = shop.import("text/csv", table).await;
        assert_problem(&refused, 422, "invalid");
        let message = refused.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(what) && !message.is_empty(), "{message}");
    }
    let refused = shop.import("application/json", "{}").await;
    assert_problem(&refused, 415, "unsupported_media_type");
    // Announced and not sent: the connection is closed with the refusal, whatever is on its way.
    let head = format!(
        "POST {}/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: text/csv\r\nContent-Length: 11534336\r\n\r\n",
        shop.answers(),
        shop.owner.token().unwrap(),
    );
    let refused = raw(&shop, &[head.as_bytes()]).await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    assert_eq!(shop.count().await, 2);
}

#[on_every_home]
async fn a_large_table_is_imported_in_time(home: &Home) {
    let shop = home.open().await;
    let rows = |n: usize| {
        (0..n).fold("question,answer\n".to_owned(), |table, n| {
            table + &format!("Question number {n}?,Answer number {n}.\n")
        })
    };
    let begun = std::time::Instant::now();
    let made = shop.import("text/csv", rows(5_000)).await.expect(200).body;
    println!("5,000 pairs were imported in {:?}", begun.elapsed());
    assert_eq!(made["imported"], 5_000);
    assert_problem(&shop.import("text/csv", rows(5_001)).await, 422, "invalid");
}

#[on_every_home]
async fn what_is_no_pair_is_refused(home: &Home) {
    let shop = home.open().await;
    for (pair, field) in [
        (json!({"question": "Open?"}), "answer"),
        (json!({"question": "", "answer": "Yes."}), "question"),
        (json!({"question": "???", "answer": "Yes."}), "question"),
        (json!({"question": "q".repeat(1_001), "answer": "Yes."}), "question"),
        (json!({"question": "Open?", "answer": "a".repeat(8_001)}), "answer"),
        (json!({"question": "Open?", "answer": "Yes.", "more": 1}), "more"),
    ] {
        let refused = shop.owner.post(&shop.answers(), &pair).await;
        assert_problem(&refused, 422, "invalid");
        assert_eq!(refused.body["errors"][0]["field"], field, "{}", refused.body);
    }
    shop.answer(&"ё".repeat(1_000), &"ж".repeat(8_000)).await;
    assert_eq!(shop.count().await, 1);
}

#[on_every_home]
async fn answers_are_listed_in_pages_and_belong_to_their_assistant(home: &Home) {
    let shop = home.open().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(shop.answer(&format!("Question {n}?"), "Yes.").await);
    }
    let mut seen = Vec::new();
    let mut path = format!("{}?limit=2", shop.answers());
    loop {
        let page = shop.owner.get(&path).await.expect(200).body;
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{}?limit=2&cursor={cursor}", shop.answers());
    }
    assert_eq!(seen, made);

    let other = shop.owner.assistant(&json!({"name": "Other"})).await;
    let wrong = format!("/api/v1/assistants/{other}/answers/{}", made[0]);
    let stranger = Api::new(shop.program.base()).register("stranger@example.org", PASSWORD).await;
    let right = format!("{}/{}", shop.answers(), made[0]);
    for (who, path) in [(&shop.owner, &wrong), (&stranger, &right)] {
        assert_problem(&who.get(path).await, 404, "not_found");
        assert_problem(&who.patch(path, &json!({"answer": "Stolen."})).await, 404, "not_found");
        assert_problem(&who.delete(path).await, 404, "not_found");
    }
    assert_problem(&stranger.get(&shop.answers()).await, 404, "not_found");
    let pair = json!({"question": "Open?", "answer": "Yes."});
    assert_problem(&stranger.post(&shop.answers(), &pair).await, 404, "not_found");
    let list: Value =
        shop.owner.get(&format!("/api/v1/assistants/{other}/answers")).await.expect(200).body;
    assert_eq!(list["items"], json!([]));
}

#[on_every_home]
async fn imported_tables_count_against_what_a_workspace_uploads_in_a_day(home: &Home) {
    let shop = home.open_with(home.launch().with("UPLOAD_MB_PER_DAY", 1)).await;
    let table = |from: usize| {
        let words = "Words and words. ".repeat(400);
        let rows = (from..from + 100).map(|number| format!("What is {number}?,{words}\n"));
        std::iter::once("question,answer\n".to_owned()).chain(rows).collect::<String>()
    };
    shop.import("text/csv", table(0)).await.expect(200);
    let refused = shop.import("text/csv", table(100)).await;
    assert_problem(&refused, 429, "too_many_requests");
    assert!(refused.text("detail").contains("upload_mb_per_day"), "{}", refused.body);
    // What is there already is not uploaded, and small tables still fit.
    let again = shop.import("text/csv", table(0)).await.expect(200).body;
    assert_eq!(again, json!({"imported": 0, "skipped": 100}));
    shop.import("text/csv", "question,answer\nAre you open?,Yes.\n").await.expect(200);
}
