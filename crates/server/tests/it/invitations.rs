//! Letters to people who did not ask for them: how many there are, what they say, and where they
//! lead.

use replyx_core::{fixtures, role::Role, user::User, workspace::Workspace};
use replyx_testkit::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    harness::{EMAIL, Home, PASSWORD, Shop, assert_problem, on_every_home, until},
    workspaces::{Person, workspace},
};

const INVITATIONS: &str = "/api/v1/invitations";
const REGISTER: &str = "/api/v1/auth/register";
const PHISHING: &str = "URGENT your account is closed, log in at http://evil.example/login";

async fn invite(who: &Api, email: &str) -> Answer {
    who.post(INVITATIONS, &json!({"email": email, "role": "viewer"})).await
}

/// Where the link of the so-manieth letter to an address leads.
async fn link(home: &Home, to: &str, number: usize) -> String {
    until(&format!("letter {number} with a link for {to} arrives"), async || {
        let letters = home.letters(to);
        let lines = letters.iter().flat_map(|letter| letter.text.lines());
        let mut found = lines.filter(|line| line.contains("#token="));
        found.nth(number - 1).map(str::to_owned)
    })
    .await
}

/// A file of the program, as a browser gets it: status, headers and text.
async fn page(shop: &Shop, path: &str, language: &str) -> reqwest::Response {
    let nobody = Api::new(shop.program.base());
    let request = nobody.request(Method::GET, path).header("accept-language", language);
    request.send().await.expect("the program answers")
}

#[on_every_home]
async fn a_mailbox_is_not_filled_with_invitations_by_many_workspaces(home: &Home) {
    let launch = home.launch().with("RATE_INVITATION_RECIPIENT", "3/1h");
    let shop = home.open_with(launch).await;
    let admin = Person::member(home, &shop, "admin@example.org", Role::Admin).await;
    let second = Person::new(&shop, "second@example.org").await;
    let third = Person::new(&shop, "third@example.org").await;

    let mut sent = 0;
    for number in 0..4 {
        for who in [&shop.owner, &admin.api, &second.api, &third.api] {
            // One mailbox, whatever stands behind the plus sign.
            let answer = invite(who, &format!("victim+{number}@example.com")).await;
            if answer.status == 201 {
                sent += 1;
            } else {
                assert_problem(&answer, 429, "too_many_requests");
                assert!(answer.headers.contains_key("retry-after"));
            }
        }
    }
    assert_eq!(sent, 3, "over all workspaces together");
    // Others can be invited.
    invite(&shop.owner, "colleague@example.com").await.expect(201);
}

#[on_every_home]
async fn a_workspace_sends_so_many_invitations_whoever_sends_them(home: &Home) {
    let launch = home.launch().with("RATE_INVITATION_WORKSPACE", "3/1h");
    let shop = home.open_with(launch).await;
    let admin = Person::member(home, &shop, "admin@example.org", Role::Admin).await;
    let other = Person::new(&shop, "other@example.org").await;

    // What is refused anyhow is not counted.
    for _ in 0..4 {
        let owner = json!({"email": "new@example.com", "role": "owner"});
        assert_problem(&admin.api.post(INVITATIONS, &owner).await, 403, "forbidden");
        assert_problem(&invite(&shop.owner, "admin@example.org").await, 409, "already_member");
    }
    for (who, email) in [
        (&shop.owner, "a@example.com"),
        (&admin.api, "b@example.com"),
        (&admin.api, "c@example.com"),
    ] {
        invite(who, email).await.expect(201);
    }
    for who in [&shop.owner, &admin.api] {
        assert_problem(&invite(who, "d@example.com").await, 429, "too_many_requests");
    }
    invite(&other.api, "d@example.com").await.expect(201);
}

#[on_every_home]
async fn a_name_with_a_link_is_refused_wherever_it_goes_into_letters(home: &Home) {
    let shop = home.open().await;
    let nobody = Api::new(shop.program.base());
    for name in [
        PHISHING,
        "log in at evil.example/login",
        "www.evil",
        "evil\u{3002}example",
        "An\u{202e}n",
        "An\nn",
        "help@evil.example",
    ] {
        let registers = json!({"email": "new@example.org", "password": PASSWORD, "name": name});
        for answer in [
            shop.owner.patch("/api/v1/workspace", &json!({"name": name})).await,
            shop.owner.post("/api/v1/workspaces", &json!({"name": name})).await,
            shop.owner.patch("/api/v1/me", &json!({"name": name})).await,
            nobody.post(REGISTER, &registers).await,
        ] {
            assert_problem(&answer, 422, "invalid");
            assert_eq!(answer.body["errors"][0]["field"], "name", "{name:?}");
        }
    }
    for name in ["Books & Co.", "ООО «Ромашка»", "J. R. R. Tolkien"] {
        shop.owner.patch("/api/v1/workspace", &json!({"name": name})).await.expect(200);
        shop.owner.patch("/api/v1/me", &json!({"name": name})).await.expect(200);
    }
}

#[on_every_home]
async fn names_that_are_stored_already_become_no_links(home: &Home) {
    let shop = home.open().await;
    let id: Uuid = workspace(&shop).await.parse().unwrap();
    let owner: Uuid = Person::of(shop.owner.clone()).await.id.parse().unwrap();
    let mut tx = home.db.db.begin().await.unwrap();
    let found = tx.system().workspaces().lock(id.into()).await.unwrap();
    let renamed = Workspace { name: PHISHING.to_owned(), ..found.unwrap() };
    tx.apply(fixtures::unexplained(renamed)).await.unwrap();
    let found = tx.system().users().lock(owner.into()).await.unwrap();
    let renamed = User { name: Some("Bar www.evil.example".to_owned()), ..found.unwrap() };
    tx.apply(fixtures::unexplained(renamed)).await.unwrap();
    tx.commit().await.unwrap();

    invite(&shop.owner, "guest@example.com").await.expect(201);
    let letter = home.letter("guest@example.com", "invitation", 1).await;
    assert_eq!(letter.subject(), "An invitation to ReplyX");
    assert!(letter.text.contains("“Bar …”"), "{}", letter.text);
    assert!(!letter.text.contains("evil"), "{}", letter.text);
    assert!(!letter.head.contains("evil"), "{}", letter.head);
}

#[on_every_home]
async fn who_is_invited_without_an_account_joins_from_the_letter(home: &Home) {
    let shop = home.open().await;
    let here = workspace(&shop).await;
    let invitation = json!({"email": "guest@example.com", "role": "operator"});
    shop.owner.post(INVITATIONS, &invitation).await.expect(201);
    let link = link(home, "guest@example.com", 1).await;
    let base = format!("{}/invite#token=", shop.program.base());
    let token = link.strip_prefix(&base).unwrap_or_else(|| panic!("{link}"));
    let letter = home.letter("guest@example.com", "invitation", 1).await;
    for told in ["POST /api/v1/invitations/accept", "POST /api/v1/auth/register"] {
        assert!(letter.text.replace('\n', " ").contains(told), "{}", letter.text);
    }

    // As the page does it.
    let nobody = Api::new(shop.program.base());
    let body = json!({
        "email": "guest@example.com", "password": PASSWORD, "name": "Guest", "language": "en",
        "invitation": token,
    });
    let joined = nobody.post(REGISTER, &body).await.expect(201);
    assert_eq!(joined.body["workspace"]["id"], here);
    assert_eq!(joined.body["workspace"]["role"], "operator");
    let guest = nobody.with_token(joined.text("access_token"));
    let all = guest.get("/api/v1/workspaces").await.expect(200).body;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "no workspace of their own: {all}");
    assert_eq!(all["items"][0]["id"], here);
    let members = shop.owner.get("/api/v1/members").await.expect(200).body;
    assert_eq!(members["items"].as_array().unwrap().len(), 2, "{members}");
    guest.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    // Later they are signed in where they work.
    let again = nobody.login("guest@example.com", PASSWORD).await;
    assert_eq!(again.get("/api/v1/me").await.expect(200).body["workspace"]["id"], here);
}

#[on_every_home]
async fn who_is_invited_with_an_account_joins_from_the_letter(home: &Home) {
    let launch = home.launch().with("PUBLIC_URL", "https://bots.example.org/");
    let shop = home.open_with(launch).await;
    let guest = Person::new(&shop, "guest@example.com").await;
    invite(&shop.owner, "guest@example.com").await.expect(201);
    let link = link(home, "guest@example.com", 1).await;
    let token = link.strip_prefix("https://bots.example.org/invite#token=").expect(&link);

    let nobody = Api::new(shop.program.base());
    let login = json!({"email": "guest@example.com", "password": PASSWORD});
    let tokens = nobody.post("/api/v1/auth/login", &login).await.expect(200);
    let session = nobody.with_token(tokens.text("access_token"));
    let joined = session.post("/api/v1/invitations/accept", &json!({"token": token})).await;
    assert_eq!(joined.expect(200).text("id"), workspace(&shop).await);
    session.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    let all = guest.api.get("/api/v1/workspaces").await.expect(200).body;
    assert_eq!(all["items"].as_array().unwrap().len(), 2, "{all}");
}

#[on_every_home]
async fn a_password_is_set_from_the_letter(home: &Home) {
    let shop = home.open().await;
    let nobody = Api::new(shop.program.base());
    nobody.post("/api/v1/auth/password/forgot", &json!({"email": EMAIL})).await.expect(202);
    let link = link(home, EMAIL, 1).await;
    let base = format!("{}/reset#token=", shop.program.base());
    let token = link.strip_prefix(&base).unwrap_or_else(|| panic!("{link}"));

    let body = json!({"token": token, "new_password": "blue lantern 8"});
    nobody.post("/api/v1/auth/password/reset", &body).await.expect(204);
    let _ = nobody.login(EMAIL, "blue lantern 8").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_letters_are_served_under_a_strict_policy() {
    let home = Home::sqlite().await;
    let shop = home.open().await;
    for (path, language, lang, form) in [
        ("/invite", "en-US,en;q=0.9", "en", "join"),
        ("/invite", "ru-RU,ru;q=0.9,en;q=0.8", "ru", "join"),
        ("/invite?lang=ru", "en", "ru", "login"),
        ("/reset", "de", "en", "reset"),
        ("/reset", "ru", "ru", "reset"),
    ] {
        let answer = page(&shop, path, language).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(answer.headers()["vary"], "accept-language");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(answer.headers().get("set-cookie").is_none());

        let html = answer.text().await.unwrap();
        assert!(html.contains(&format!("<html lang=\"{lang}\">")), "{html}");
        assert!(html.contains(&format!("<form id=\"{form}\"")), "{html}");
        // Everything that it loads is there.
        for part in html.split(['"']).filter(|part| part.starts_with("/landing/")) {
            let file = page(&shop, part, "en").await;
            assert_eq!(file.status(), 200, "{part}");
            assert_eq!(file.headers()["x-content-type-options"], "nosniff");
        }
    }
    // What the script asks for is in the API.
    let script = page(&shop, "/landing/page.js", "en").await.text().await.unwrap();
    let document: Value = shop.owner.get("/api/openapi.json").await.body;
    let calls = script.split("post(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let calls: Vec<&str> = calls.collect();
    assert_eq!(calls.len(), 5, "{calls:?}");
    for path in calls {
        assert!(document["paths"][format!("/api/v1/{path}")]["post"].is_object(), "{path}");
    }
}

#[on_every_home]
async fn notices_of_new_sign_ins_do_not_fill_a_mailbox(home: &Home) {
    let shop = home.open_with(home.launch().with("RATE_NOTICE_MAIL", "2/1d")).await;
    let nobody = Api::new(shop.program.base());
    for number in 0..5 {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let request = nobody.request(Method::POST, "/api/v1/auth/login").json(&body);
        let agent = format!("Browser {number} at http://evil.example/login");
        nobody.send(request.header("user-agent", agent)).await.expect(200);
    }
    let second = home.letter(EMAIL, "sign-in", 2).await;
    assert!(!second.text.contains("evil"), "{}", second.text);

    // One that is queued after them is there: no third notice will come.
    nobody.post("/api/v1/auth/password/forgot", &json!({"email": EMAIL})).await.expect(202);
    home.letter(EMAIL, "password", 1).await;
    let notices = home.letters(EMAIL);
    let notices = notices.iter().filter(|letter| letter.subject().contains("sign-in"));
    assert_eq!(notices.count(), 2);
}
