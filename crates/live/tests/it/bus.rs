use std::time::Duration;

use futures::future::join_all;
use replyx_live::{Live, LiveError, MAX_PAYLOAD, Signal};
use tokio::time::timeout;

use crate::homes::{assert_silent, heard, message, on_every_live};

#[on_every_live]
async fn every_listener_hears_a_message_once(here: Live, there: Live) {
    let mut listeners = [
        here.subscribe("topic").await,
        here.subscribe("topic").await,
        there.subscribe("topic").await,
    ];
    here.publish("topic", "one").await.unwrap();
    here.publish("topic", "two").await.unwrap();
    for listener in &mut listeners {
        assert_eq!(heard(listener).await, message("one"));
        assert_eq!(heard(listener).await, message("two"));
        assert_silent(listener, Duration::from_millis(50)).await;
    }
}

#[on_every_live]
async fn topics_do_not_mix(here: Live, there: Live) {
    let mut short = there.subscribe("a").await;
    let mut long = there.subscribe("ab").await;
    let mut star = there.subscribe("a*").await;
    let mut strange = there.subscribe("привет:\r\n мир").await;
    for topic in ["ab", "a*", "привет:\r\n мир", "a"] {
        here.publish(topic, topic.to_owned()).await.unwrap();
    }
    assert_eq!(heard(&mut short).await, message("a"));
    assert_eq!(heard(&mut long).await, message("ab"));
    assert_eq!(heard(&mut star).await, message("a*"));
    assert_eq!(heard(&mut strange).await, message("привет:\r\n мир"));
    for listener in [&mut short, &mut long, &mut star, &mut strange] {
        assert_silent(listener, Duration::from_millis(20)).await;
    }
}

#[on_every_live]
async fn any_bytes_come_through_unchanged(here: Live, there: Live) {
    let mut listener = there.subscribe("bytes").await;
    let largest: Vec<u8> = (0..MAX_PAYLOAD).map(|at| u8::try_from(at % 256).unwrap()).collect();
    for payload in [Vec::new(), vec![0, 255, 13, 10, 0], largest] {
        here.publish("bytes", payload.clone()).await.unwrap();
        assert_eq!(heard(&mut listener).await, Signal::Message(payload.into()));
    }
    let refused = here.publish("bytes", vec![0; MAX_PAYLOAD + 1]).await;
    assert!(matches!(refused, Err(LiveError::TooLarge(size)) if size == MAX_PAYLOAD + 1));
}

/* Sixteen tasks join and leave the same four topics, so that a topic is left while another
joins it; each must hear what it published after it had joined. */
#[on_every_live]
async fn nothing_is_missed_after_subscribing(here: Live, there: Live) {
    let tasks = (0..16).map(|task| {
        let here = here.clone();
        let there = there.clone();
        tokio::spawn(async move {
            // 240 messages a topic in all: fewer than a mailbox holds, so a gap would be a loss.
            for round in 0..60 {
                let topic = format!("topic-{}", (task + round) % 4);
                let mut listener = there.subscribe(&topic).await;
                let mine = format!("{task}/{round}");
                here.publish(&topic, mine.clone()).await.unwrap();
                loop {
                    let signal = heard(&mut listener).await;
                    assert_ne!(signal, Signal::Gap, "nothing was lost in {mine}");
                    if signal == message(&mine) {
                        break;
                    }
                }
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}

#[on_every_live]
async fn a_slow_reader_is_told_of_the_gap(here: Live, there: Live) {
    let mut slow = there.subscribe("topic").await;
    let mut quick = there.subscribe("topic").await;
    for number in 0..300 {
        here.publish("topic", number.to_string()).await.unwrap();
        assert_eq!(heard(&mut quick).await, message(&number.to_string()));
    }

    assert_eq!(heard(&mut slow).await, Signal::Gap);
    let Signal::Message(first) = heard(&mut slow).await else { panic!("one gap is enough") };
    let first: u32 = std::str::from_utf8(&first).unwrap().parse().unwrap();
    for number in first + 1..300 {
        assert_eq!(heard(&mut slow).await, message(&number.to_string()));
    }
    here.publish("topic", "fresh").await.unwrap();
    assert_eq!(heard(&mut slow).await, message("fresh"));
}

#[on_every_live]
async fn a_reader_within_the_bound_misses_nothing(here: Live, there: Live) {
    let mut slow = there.subscribe("topic").await;
    let mut quick = there.subscribe("topic").await;
    for number in 0..256 {
        here.publish("topic", number.to_string()).await.unwrap();
        heard(&mut quick).await;
    }
    for number in 0..256 {
        assert_eq!(heard(&mut slow).await, message(&number.to_string()));
    }
}

#[on_every_live]
async fn a_cancelled_wait_loses_nothing(here: Live, there: Live) {
    let mut listener = there.subscribe("topic").await;
    let sender = tokio::spawn(async move {
        for number in 0..200 {
            here.publish("topic", number.to_string()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let mut expected = 0;
    while expected < 200 {
        if let Ok(signal) = timeout(Duration::from_micros(700), listener.next()).await {
            assert_eq!(signal, message(&expected.to_string()));
            expected += 1;
        }
    }
    sender.await.unwrap();
}

#[on_every_live]
async fn ten_thousand_subscriptions_all_hear(here: Live, there: Live) {
    let topics: Vec<String> = (0..10_000).map(|number| format!("dialog-{number}")).collect();
    let mut listeners = join_all(topics.iter().map(|topic| there.subscribe(topic))).await;
    for topics in topics.chunks(100) {
        let published = topics.iter().map(|topic| here.publish(topic, topic.clone()));
        for outcome in join_all(published).await {
            outcome.unwrap();
        }
    }
    for (listener, topic) in listeners.iter_mut().zip(&topics) {
        assert_eq!(heard(listener).await, message(topic));
    }
}
