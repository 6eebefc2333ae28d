//! The fake mail server: it takes what RFC 5321 allows and nothing else.

use std::time::Duration;

use replyx_testkit::smtp::{FakeSmtp, SmtpFault, SmtpStep};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const MESSAGE: &str = "Date: Mon, 23 Nov 2026 01:00:00 +0000\r\nFrom: a@x\r\nMessage-ID: <1@x>\r\n\
                       Subject: =?utf-8?B?0LTQsA==?=\r\nContent-Type: text/plain; charset=utf-8\r\n\
                       Content-Transfer-Encoding: quoted-printable\r\n\r\n\
                       =D0=B4=D0=B0\r\n..a dot\r\n123456\r\n.\r\n";

/// Says all of it at once and hears the reply codes until the server closes or falls silent.
async fn say(server: &FakeSmtp, text: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(Ok(count)) = timeout(Duration::from_millis(300), stream.read(&mut buffer)).await {
        if count == 0 {
            break;
        }
        heard.extend_from_slice(&buffer[..count]);
    }
    let heard = String::from_utf8(heard).unwrap();
    let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
    heard.lines().filter(last).map(|line| &line[..3]).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_whole_mail_is_taken_and_read() {
    let server = FakeSmtp::start().await;
    let text = format!(
        "EHLO me\r\nMAIL FROM:<a@x> SIZE=9\r\nrcpt to:<b@y>\r\nRCPT TO:<c@y>\r\nDATA\r\n{MESSAGE}QUIT\r\n"
    );
    assert_eq!(say(&server, &text).await, "220 250 250 250 250 354 250 221");
    assert_eq!(server.violations(), Vec::<String>::new());
    let mail = server.wait_for("c@y", |mail| mail.subject == "да").await;
    assert_eq!((mail.from.as_str(), mail.to.len(), mail.code()), ("a@x", 2, Some("123456")));
    assert!(mail.text.starts_with("да\r\n.a dot"), "{:?}", mail.text);
}

#[tokio::test]
async fn what_breaks_the_rules_is_refused_and_noted() {
    let long = format!("EHLO {}\r\n", "x".repeat(1_200));
    for (said, heard) in [
        ("MAIL FROM:<a@x>\r\n", "220 503"),
        ("EHLO me\r\nRCPT TO:<b@y>\r\n", "220 250 503"),
        ("EHLO me\r\nDATA\r\n", "220 250 503"),
        ("EHLO me\r\nMAIL FROM:<a@x>\r\nDATA\r\n", "220 250 250 503"),
        ("EHLO me\r\nMAIL FROM:<a@x>\r\nMAIL FROM:<a@x>\r\n", "220 250 250 503"),
        ("EHLO me\r\nMAIL FROM:a@x\r\n", "220 250 501"),
        ("EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<>\r\n", "220 250 250 501"),
        ("EHLO me\nMAIL FROM:<a@x>\r\n", "220 500"),
        ("EHLO m\re\r\n", "220 500"),
        ("EHLO\r\n", "220 501"),
        ("STARTTLS\r\n", "220 503"),
        ("EHLO me\r\nAUTH PLAIN eA==\r\n", "220 250 502"),
        ("HELLO\r\n", "220 500"),
        (&long, "220 500"),
        ("DATA\r\nSubject: x\r\n", "220 503 500"),
    ] {
        let server = FakeSmtp::start().await;
        let codes = say(&server, said).await;
        assert_eq!(codes, heard, "{said:?}");
        assert!(!server.violations().is_empty(), "{said:?}");
        assert!(server.received().is_empty());
    }
}

#[tokio::test]
async fn a_login_is_asked_for_and_checked() {
    let server = FakeSmtp::start_with_login("shop", "secret").await;
    let right = "EHLO me\r\nAUTH PLAIN AHNob3AAc2VjcmV0\r\nMAIL FROM:<a@x>\r\n";
    assert_eq!(say(&server, right).await, "220 250 235 250");
    assert_eq!(server.violations(), Vec::<String>::new());
    let wrong = "EHLO me\r\nAUTH PLAIN AHNob3AAd3Jvbmc=\r\nMAIL FROM:<a@x>\r\n";
    assert_eq!(say(&server, wrong).await, "220 250 535 530");
}

#[tokio::test]
async fn faults_happen_once_each_in_their_order() {
    let server = FakeSmtp::start().await;
    server.fail_next(2, SmtpStep::Rcpt, SmtpFault::Refuse(451));
    server.fail(SmtpStep::Rcpt, SmtpFault::Refuse(421));
    let text =
        "EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<b@y>\r\nRCPT TO:<b@y>\r\nNOOP\r\n";
    assert_eq!(say(&server, text).await, "220 250 250 451 451 421");
    assert_eq!(server.faults_left(), 0);
    assert_eq!(
        say(&server, "EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n").await,
        "220 250 250 250"
    );
    assert_eq!(server.connections(), 2);
}
