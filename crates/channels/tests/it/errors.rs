//! Every way a call can fail, and what it may be taken for.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use replyx_channels::telegram::{Limits, Telegram, TelegramError, Words};
use replyx_testkit::{
    proxy::{BreakingProxy, Direction},
    telegram::TelegramFault,
};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{TOKEN, World, client, telegram};

impl World {
    async fn failed_send(&self, words: Words<'_>) -> TelegramError {
        let error = self.client.send_message(&7.into(), words, &[], None).await.unwrap_err();
        assert_tells_no_secret(&error);
        error
    }
}

/// Neither the error nor one of its causes may show the token, or the address of the request.
fn assert_tells_no_secret(error: &TelegramError) {
    let mut all = format!("{error:?} {error:#?}");
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        all.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(!all.contains("abc-DEF_1") && !all.contains("/bot"), "{all}");
}

#[tokio::test]
async fn a_wrong_token_is_unauthorized() {
    let world = World::start().await;
    world.fake.revoke(TOKEN);
    assert!(matches!(world.client.get_me().await, Err(TelegramError::Unauthorized)));
    assert!(matches!(world.failed_send(Words::Plain("x")).await, TelegramError::Unauthorized));
}

#[tokio::test]
async fn what_is_no_token_is_not_even_sent() {
    let telegram = telegram("http://127.0.0.1:1", Limits::default());
    for token in ["", "nonsense", "1:a/../../x", "1:a?x=", "1:a\r\nHost: x"] {
        let bot = telegram.bot(&SecretString::from(token));
        assert!(matches!(bot.get_me().await, Err(TelegramError::Unauthorized)), "{token}");
    }
}

#[tokio::test]
async fn a_chat_that_cannot_be_written_to_says_why() {
    let world = World::start().await;
    let gone = world.failed_send(Words::Plain("x")).await;
    assert!(matches!(gone, TelegramError::ChatGone { .. }), "{gone:?}");
    world.bot.customer(7).block();
    let blocked = world.failed_send(Words::Plain("x")).await;
    assert!(
        matches!(&blocked, TelegramError::Blocked { description } if description.contains("blocked"))
    );
}

#[tokio::test]
async fn a_refused_text_says_what_is_wrong_with_it() {
    let world = World::start().await;
    world.bot.customer(7);
    let long = world.failed_send(Words::Plain(&"😀".repeat(2049))).await;
    assert!(matches!(long, TelegramError::TooLong), "{long:?}");
    let markup = world.failed_send(Words::Html("<b>x")).await;
    assert!(matches!(markup, TelegramError::CannotParse { .. }), "{markup:?}");
    let empty = world.failed_send(Words::Plain("  ")).await;
    assert!(matches!(empty, TelegramError::Refused { status: 400, .. }), "{empty:?}");

    world.fake.inject(TelegramFault::RefuseEntities.on("sendMessage"));
    let markup = world.failed_send(Words::Html("<b>x</b>")).await;
    assert!(matches!(markup, TelegramError::CannotParse { .. }), "{markup:?}");
    world.client.send_message(&7.into(), Words::Plain("x"), &[], None).await.unwrap();
}

#[tokio::test]
async fn too_many_requests_says_how_long_to_wait() {
    let world = World::start().await;
    world.bot.customer(7);
    world.fake.inject(TelegramFault::TooManyRequests { retry_after: 17 }.on("sendMessage"));
    let limited = world.failed_send(Words::Plain("x")).await;
    let wait = Duration::from_secs(17);
    assert!(
        matches!(limited, TelegramError::RateLimited { retry_after } if retry_after == wait),
        "{limited:?}"
    );
}

#[tokio::test]
async fn a_server_in_trouble_has_not_sent_unless_it_gave_up_waiting() {
    let world = World::start().await;
    world.bot.customer(7);
    for status in [500, 502, 503] {
        world.fake.inject(TelegramFault::Status(status).on("sendMessage"));
        let error = world.failed_send(Words::Plain("x")).await;
        assert!(matches!(error, TelegramError::Server { status: found } if found == status));
    }
    world.fake.inject(TelegramFault::Status(504).on("sendMessage"));
    let unknown = world.failed_send(Words::Plain("x")).await;
    assert!(matches!(unknown, TelegramError::Unknown(None)), "{unknown:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_left_leaves_the_outcome_unknown() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    // A connection that is kept and reused must not be taken for one that was never made.
    world.client.send_message(&7.into(), Words::Plain("first"), &[], None).await.unwrap();
    for (fault, sent) in [
        (TelegramFault::BreakAfter, 2),
        (TelegramFault::BreakBefore, 2),
        (TelegramFault::HangAfter, 3),
        (TelegramFault::Hang, 3),
    ] {
        world.fake.inject(fault.clone().on("sendMessage"));
        let error = world.failed_send(Words::Plain("x")).await;
        assert!(matches!(error, TelegramError::Unknown(Some(_))), "{fault:?}: {error:?}");
        assert_eq!(chat.sent_total(), sent, "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_got_nothing() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    let proxy = BreakingProxy::to(world.fake.addr()).unwrap();
    let client = client(&proxy.url());
    proxy.refuse().await;
    let error = client.send_message(&7.into(), Words::Plain("x"), &[], None).await.unwrap_err();
    assert_tells_no_secret(&error);
    assert!(matches!(error, TelegramError::NotSent(_)), "{error:?}");
    assert_eq!(chat.sent_total(), 0);

    proxy.restore().await;
    client.send_message(&7.into(), Words::Plain("x"), &[], None).await.unwrap();
    assert_eq!(chat.sent_total(), 1);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_and_a_failed_handshake_sent_nothing() {
    let nowhere = client("http://replyx.invalid").get_me().await.unwrap_err();
    assert!(matches!(nowhere, TelegramError::NotSent(_)), "{nowhere:?}");
    assert_tells_no_secret(&nowhere);

    let world = World::start().await;
    let no_tls = client(&format!("https://{}", world.fake.addr())).get_me().await.unwrap_err();
    assert!(matches!(no_tls, TelegramError::NotSent(_)), "{no_tls:?}");
    assert_tells_no_secret(&no_tls);
}

#[tokio::test]
async fn a_connection_that_takes_too_long_to_make_sent_nothing() {
    // Accepts nothing: the handshake of TLS never begins.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let began = Instant::now();
    let error = client(&url).get_me().await.unwrap_err();
    assert!(matches!(error, TelegramError::NotSent(_)), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn an_answer_cut_off_anywhere_leaves_the_outcome_unknown() {
    let world = World::start().await;
    let chat = world.bot.customer(7);
    for (number, bytes) in [1, 20, 60, 120, 180].into_iter().enumerate() {
        let proxy = BreakingProxy::to(world.fake.addr()).unwrap();
        proxy.cut_after(Direction::Down, bytes);
        let error = client(&proxy.url())
            .send_message(&7.into(), Words::Plain("x"), &[], None)
            .await
            .unwrap_err();
        assert_tells_no_secret(&error);
        assert!(matches!(error, TelegramError::Unknown(_)), "{bytes}: {error:?}");
        assert_eq!(chat.sent_total(), number as u64 + 1);
    }
}

/// A server that gives this answer to its first request.
async fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    url
}

async fn failure(answer: &'static str) -> TelegramError {
    let error = client(&answering(answer).await)
        .send_message(&7.into(), Words::Plain("x"), &[], None)
        .await
        .unwrap_err();
    assert_tells_no_secret(&error);
    error
}

#[tokio::test]
async fn what_a_proxy_answers_is_sorted_by_its_status_and_headers() {
    let limited =
        failure("HTTP/1.1 429 Slow\r\nRetry-After: 33\r\nContent-Length: 2\r\n\r\nno").await;
    let wait = Duration::from_secs(33);
    assert!(
        matches!(limited, TelegramError::RateLimited { retry_after } if retry_after == wait),
        "{limited:?}"
    );
    let moved =
        failure("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
            .await;
    assert!(matches!(moved, TelegramError::Server { status: 302 }), "{moved:?}");
    let cut = failure("HTTP/1.1 502 Bad\r\nContent-Length: 100\r\n\r\n<html>").await;
    assert!(matches!(cut, TelegramError::Server { status: 502 }), "{cut:?}");
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_not_taken_for_a_failure_to_send() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>",
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}",
        "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"ok\":true,\"result\":true}\r\n",
    ] {
        let error = failure(answer).await;
        assert!(matches!(error, TelegramError::Malformed), "{answer}: {error:?}");
    }
}

#[tokio::test]
async fn a_group_that_moved_says_where_to() {
    let moved = failure(concat!(
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","#,
        r#""parameters":{"migrate_to_chat_id":-1005}}"#
    ))
    .await;
    assert!(matches!(moved, TelegramError::Migrated { to_chat_id: -1005 }), "{moved:?}");
}

#[tokio::test]
async fn a_batch_without_any_number_is_an_error_and_not_an_endless_loop() {
    let body = "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n{\"ok\":true,\"result\":[{\"message\":{}}, 7]}\r\n";
    let error = client(&answering(body).await).get_updates(None, 0, 100).await.unwrap_err();
    assert!(matches!(error, TelegramError::Malformed), "{error:?}");
}

#[tokio::test]
async fn an_address_must_be_one_of_an_http_server() {
    for wrong in [
        "",
        "api.telegram.org",
        "ftp://x.example",
        "http://x.example/?a=b",
        "http://x/#a",
        "http://u:p@x",
    ] {
        let refused = Telegram::new(wrong, Limits::default());
        assert!(matches!(refused, Err(TelegramError::Address)), "{wrong}");
    }
}
