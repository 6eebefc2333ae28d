use std::collections::HashMap;

use insta::assert_snapshot;

use super::*;

fn product() -> Product {
    Product { name: "ReplyX".to_owned(), url: Some("https://bots.example.org".to_owned()) }
}

fn letter(language: Language, letter: Letter) -> Rendered {
    let mail = Mail { to: "ann@example.org".to_owned(), language, letter };
    render(&mail, &product()).unwrap()
}

/// Every letter, with this as each of its texts.
fn all(text: &str) -> Vec<Letter> {
    let text = || text.to_owned();
    let at = DateTime::from_timestamp(1_795_356_300, 0).unwrap();
    vec![
        Letter::Confirmation { code: text(), minutes: 15 },
        Letter::AccountExists,
        Letter::Welcome { name: text() },
        Letter::Reset { link: text(), minutes: 60 },
        Letter::PasswordChanged,
        Letter::Invitation {
            workspace: text(),
            inviter: text(),
            role: text(),
            link: text(),
            days: 7,
        },
        Letter::NewSignIn { at, address: text(), user_agent: text() },
        Letter::BotMoved { workspace: text(), bot: text() },
        Letter::BalanceLow { workspace: text(), available: text(), answers: 9 },
        Letter::BalanceDepleted { workspace: text() },
        Letter::TrialEnding { workspace: text(), ends_at: at, answers: 9 },
        Letter::InboxNews {
            workspace: text(),
            requests: 1,
            late: 2,
            mentions: 3,
            link: Some(text()),
        },
        Letter::DeletionScheduled { at },
    ]
}

#[test]
fn every_kind_has_its_template_in_both_languages() {
    let kinds: Vec<_> = all("x").iter().map(Letter::kind).collect();
    for language in Language::ALL {
        let written: Vec<_> = LETTERS
            .iter()
            .filter(|(other, ..)| other == language)
            .map(|(_, kind, _)| *kind)
            .collect();
        assert_eq!(written, kinds);
    }
    for letter in all("x") {
        let stored = serde_json::to_value(&letter).unwrap();
        assert_eq!(stored["kind"], letter.kind());
    }
}

#[test]
fn nothing_typed_by_a_person_becomes_markup_or_a_line() {
    let long = "я".repeat(1_000_000);
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "x\r\nBcc: eve@example.org\r\n\r\n<b>body</b>",
        "x\nSubject: y\u{2028}z\u{85}w\0",
        "{{ product }}{% raw %}",
        "&lt;b&gt; &amp; 🦀👩‍👩‍👧",
        "\u{202E}gnp.exe",
        "",
        long.as_str(),
    ];
    // Whatever starts or ends a tag or an attribute of the templates.
    let counts = |html: &str| ['<', '>', '"', '\''].map(|c| html.matches(c).count());
    for language in [Language::English, Language::Russian] {
        let harmless: HashMap<_, _> =
            all("x").into_iter().map(|kind| (kind.kind(), letter(language, kind).html)).collect();
        for text in hostile {
            for kind in all(text) {
                let name = kind.kind();
                let Rendered { subject, text: plain, html } = letter(language, kind);
                assert!(!subject.is_empty() && subject.chars().count() <= SUBJECT, "{name}");
                assert!(!subject.chars().any(char::is_control), "{name}: {subject:?}");
                assert_eq!(counts(&html), counts(&harmless[name]), "{name}: {html}");
                assert!(!html.contains('\u{202E}'), "{name}");
                for header in ["\nBcc:", "\nSubject:"] {
                    assert!(!plain.contains(header), "{name}: {plain}");
                }
                assert!(
                    text != hostile[5] || !html.contains("ReplyX{%"),
                    "{name}: a value is no template"
                );
                assert!(plain.len() + html.len() < 40_000, "{name}");
            }
        }
    }
}

#[test]
fn what_is_needed_stands_in_both_forms() {
    let link = "https://bots.example.org/reset?token=a_b-C&x=1";
    for language in [Language::English, Language::Russian] {
        for kind in all(link) {
            let carries = matches!(kind, Letter::Reset { .. } | Letter::Invitation { .. });
            let Rendered { text, html, .. } = letter(language, kind);
            assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
            if carries {
                assert!(text.lines().any(|line| line == link), "{text}");
                let escaped = link.replace('&', "&amp;").replace('/', "&#x2f;");
                assert!(html.contains(&format!("href=\"{escaped}\"")), "{html}");
            }
        }
        let code =
            letter(language, Letter::Confirmation { code: "394718".to_owned(), minutes: 15 });
        assert!(code.text.lines().any(|line| line.trim() == "394718"));
        assert!(code.html.contains(">394718<") && !code.subject.contains("394718"));
    }
}

#[test]
fn no_name_becomes_a_link_or_stands_in_a_subject() {
    let phishing = "URGENT your account is closed, log in at http://evil.example/login";
    for language in Language::ALL {
        for kind in all(phishing) {
            // Links are ours; a role is one of four words.
            let kind = match kind {
                Letter::Reset { .. } | Letter::Confirmation { .. } => continue,
                Letter::Invitation { workspace, inviter, days, .. } => {
                    let role = "operator".to_owned();
                    let link = "https://x".to_owned();
                    Letter::Invitation { workspace, inviter, role, link, days }
                }
                Letter::NewSignIn { at, user_agent, .. } => {
                    Letter::NewSignIn { at, address: "203.0.113.7".to_owned(), user_agent }
                }
                Letter::InboxNews { workspace, requests, late, mentions, .. } => {
                    let link = Some("https://x".to_owned());
                    Letter::InboxNews { workspace, requests, late, mentions, link }
                }
                kind => kind,
            };
            let name = kind.kind();
            let Rendered { subject, text, html } = letter(*language, kind);
            for shown in [&text, &html] {
                assert!(!shown.contains("evil") && !shown.contains("://evil"), "{name}: {shown}");
            }
            assert!(!subject.contains("URGENT"), "{name}: {subject}");
        }
    }
}

#[test]
fn an_installation_without_an_address_offers_no_link() {
    for kind in all("x") {
        let mail = Mail { to: String::new(), language: Language::English, letter: kind };
        let Rendered { text, html, .. } =
            render(&mail, &Product { url: None, ..product() }).unwrap();
        assert!(!text.contains("none") && !text.contains("example.org"), "{text}");
        assert!(!html.contains("bots.example.org"));
    }
}

#[test]
fn periods_are_said_as_people_say_them() {
    for (minutes, english, russian) in [
        (0, "0 minutes", "0 минут"),
        (1, "1 minute", "1 минуту"),
        (3, "3 minutes", "3 минуты"),
        (15, "15 minutes", "15 минут"),
        (60, "1 hour", "1 час"),
        (61, "61 minutes", "61 минуту"),
        (111, "111 minutes", "111 минут"),
        (1_440, "24 hours", "24 часа"),
        (7 * 1_440, "7 days", "7 дней"),
        (21 * 1_440, "21 days", "21 день"),
    ] {
        assert_eq!(period(Language::English, minutes), english);
        assert_eq!(period(Language::Russian, minutes), russian);
    }
}

#[test]
fn a_missing_value_is_an_error() {
    let template = TEMPLATES.get_template("en/reset.txt").unwrap();
    let given = context! { parts => "parts.txt", product => "x", link => "y" };
    assert!(template.render(given).unwrap_err().to_string().contains("undefined"));
}

#[test]
fn letters_as_they_are_read() {
    let at = DateTime::from_timestamp(1_795_356_300, 0).unwrap();
    let shown = |language, kind| {
        let Rendered { subject, text, .. } = letter(language, kind);
        format!("{subject}\n\n{text}")
    };

    let confirmation = || Letter::Confirmation { code: "394718".to_owned(), minutes: 15 };
    assert_snapshot!(shown(Language::English, confirmation()));
    assert_snapshot!(shown(Language::Russian, confirmation()));

    let invitation = || Letter::Invitation {
        workspace: "Books & Co".to_owned(),
        inviter: "Ann".to_owned(),
        role: "operator".to_owned(),
        link: "https://bots.example.org/invitations/abc".to_owned(),
        days: 7,
    };

    assert_snapshot!(shown(Language::English, invitation()));
    assert_snapshot!(shown(Language::Russian, invitation()));
    assert_snapshot!(shown(
        Language::English,
        Letter::NewSignIn {
            at,
            address: "203.0.113.7".to_owned(),
            user_agent: "Firefox/140.0".to_owned(),
        }
    ));

    assert_snapshot!(shown(Language::Russian, Letter::DeletionScheduled { at }));
    assert_snapshot!(letter(Language::English, invitation()).html);
}
