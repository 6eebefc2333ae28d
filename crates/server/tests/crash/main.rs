//! Crash safety: the real program is killed with SIGKILL again and again while customers write in
//! two channels: to a bot, and to a program of the owner that posts what they say.
//!
//! Whatever the instant, every message is stored once, every customer is answered, replies keep
//! their order, and nothing is sent twice except what is counted as uncertain. The workspace pays:
//! after each kill the ledger is sound, and at the end each answer was paid for once.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use replyx_billing::verify;
use replyx_core::{
    dialog::Dialog,
    event::Event,
    ids::{DialogId, MessageId, WorkspaceId},
    ledger::{EntryKind, Funds},
    message::{Author, Delivery, Message, Outcome},
    money::Money,
    page::PageRequest,
};
use replyx_storage::{
    Db,
    testing::{TestDb, tamper},
};
use replyx_testkit::{
    api::Api,
    openai::{Answer, FakeOpenAi},
    program::{Launch, Program},
    telegram::{Chat, FakeTelegram},
};
use reqwest::Method;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

const CHATS: usize = 40;
const MESSAGES: usize = 200;
const KILLS: usize = 25;
const TOKEN: &str = "4242:crash-test-token-of-thirty-characters";
/// So many users of the owner's program say so many messages.
const USERS: usize = 8;
const POSTS: usize = 48;
/// How often a turn is tried before the customer gets an apology: the engine's default.
const TURN_ATTEMPTS: i64 = 8;
/// How long everything may take to be answered after the last kill.
const SETTLE: Duration = Duration::from_mins(5);

/// What the program was put through.
#[derive(Debug)]
struct Ordeal {
    workspace: WorkspaceId,
    /// What each customer said, by their address, in order.
    said: BTreeMap<String, Vec<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_program_is_killed_on_sqlite() {
    let db = replyx_storage::testing::sqlite().await;
    run(&db, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_program_is_killed_on_postgres() {
    let redis = std::env::var("REPLYX_TEST_REDIS").expect(
        "`REPLYX_TEST_REDIS` names a Redis: run through `make test` or `scripts/services run`",
    );
    let db = replyx_storage::testing::postgres().await;
    // The server of the tests does not wait for the disk; one that takes money does.
    let name = db.url.rsplit('/').next().unwrap();
    tamper(&db.url, &format!("ALTER DATABASE {name} SET synchronous_commit = on")).await;
    run(&db, Some(redis)).await;
}

async fn run(db: &TestDb, redis: Option<String>) {
    let telegram = FakeTelegram::start().await;
    let bot = telegram.add_bot(TOKEN, "crash_bot");
    let model = FakeOpenAi::start().await;
    // Repeats what it was asked, slowly enough to be killed in the middle.
    model.answer(|request| {
        let text = request.question().replace('\n', " | ");
        Answer::text(format!("You said: {text}")).paced(Duration::from_millis(10)).in_pieces_of(4)
    });
    let folder = tempfile::tempdir().unwrap();
    let mut launch = Launch::serve(env!("CARGO_BIN_EXE_replyx"))
        .unlimited()
        .data(folder.path())
        .with("DATABASE_URL", &db.url)
        .with("TELEGRAM_API_URL", telegram.url())
        .with("OPENAI_API_KEY", "sk-test")
        .with("OPENAI_BASE_URL", model.base_url())
        .with("TELEGRAM_CHAT_RATE", 50)
        .with("TELEGRAM_BOT_RATE", 1000)
        .with("REPLY_WINDOW_MS", 100)
        .with("BILLING", "on")
        // The trial pays first, then the bonus, which is worth more answers than there will be.
        .with("TRIAL_MESSAGE_LIMIT", 50)
        .with("WELCOME_BONUS", 1_000);
    if let Some(redis) = redis {
        let prefix = format!("test-{}", replyx_core::clock::random_hex::<8>());
        launch = launch.with("REDIS_URL", redis).with("REDIS_PREFIX", prefix);
    }
    let program = launch.start().await;
    let owner = Api::new(program.base()).register("owner@example.org", "green lantern 7").await;
    let me = owner.get("/api/v1/me").await.expect(200).body;
    let workspace: WorkspaceId = me["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let assistant = owner.assistant(&json!({"name": "Crash"})).await;
    owner.bot(&assistant, TOKEN).await;
    let path = format!("/api/v1/assistants/{assistant}/channels");
    let channel = owner.post(&path, &json!({"kind": "api", "name": "App"})).await.expect(201);
    let channel = channel.text("id");

    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let chats: Vec<Chat> =
        (0..CHATS).map(|n| bot.customer(1000 + i64::try_from(n).unwrap())).collect();
    let (moves, base) = watch::channel(program.base().to_owned());
    let talking = talk(&chats, StdRng::seed_from_u64(seed ^ 1));
    let posting = post(&owner, base, &channel, StdRng::seed_from_u64(seed ^ 2));
    let killing = kill_again_and_again((&launch, &db.db), program, &mut random, &chats, &moves);
    let (mut said, posted, program) = tokio::join!(talking, posting, killing);
    said.extend(posted);

    let ordeal = Ordeal { workspace, said };
    wait_until_answered(&db.db, &ordeal, &program).await;
    judge(&db.db, &ordeal, &chats, &telegram).await;
    judge_ledger(&db.db, workspace).await;
    let (status, _) = program.terminate().await;
    assert!(status.success(), "{status}");
}

/// 200 messages, spread over the time in which the program is killed.
async fn talk(chats: &[Chat], mut random: StdRng) -> BTreeMap<String, Vec<String>> {
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for number in 0..MESSAGES {
        let chat = &chats[number % CHATS];
        let text = format!("message {number:03}");
        chat.say(&text);
        said.entry(chat.id().to_string()).or_default().push(text);
        sleep(Duration::from_millis(random.random_range(20..120))).await;
    }
    said
}

/// The same through the owner's program, which posts each message until it is told that it is
/// stored: a program that was killed may have stored it and not said so.
async fn post(
    owner: &Api,
    base: watch::Receiver<String>,
    channel: &str,
    mut random: StdRng,
) -> BTreeMap<String, Vec<String>> {
    let path = format!("/api/v1/channels/{channel}/messages");
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for number in 0..POSTS {
        let user = format!("user-{}", number % USERS);
        let text = format!("posted {number:03}");
        let message = json!({"contact": user, "text": text, "client_id": format!("m-{number}")});
        loop {
            let there = owner.at(base.borrow().clone());
            let answer = there.request(Method::POST, &path).json(&message).send().await;
            if answer.is_ok_and(|answer| answer.status() == 202) {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        said.entry(user).or_default().push(text);
        sleep(Duration::from_millis(random.random_range(50..300))).await;
    }
    said
}

async fn kill_again_and_again(
    (launch, db): (&Launch, &Db),
    mut program: Program,
    random: &mut StdRng,
    chats: &[Chat],
    moves: &watch::Sender<String>,
) -> Program {
    for _ in 0..KILLS {
        // Alive until it has sent something, and then for a random moment longer.
        let before = sent(chats);
        let stirred = async {
            while sent(chats) == before {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = timeout(Duration::from_secs(3), stirred).await;
        sleep(Duration::from_millis(random.random_range(0..300))).await;
        program.kill().await;
        assert_sound(db).await;
        program = launch.start().await;
        moves.send_replace(program.base().to_owned());
    }
    program
}

fn sent(chats: &[Chat]) -> usize {
    chats.iter().map(|chat| usize::try_from(chat.sent_total()).unwrap_or(usize::MAX)).sum()
}

/// Everything each dialog holds.
async fn dialogs(db: &Db, workspace: WorkspaceId) -> Vec<(Dialog, String, Vec<Message>)> {
    let mut tx = db.read().await.unwrap();
    let page = PageRequest { limit: 200, after: None };
    let dialogs = tx.workspace(workspace).dialogs().list(page).await.unwrap().items;
    let mut all = Vec::new();
    for dialog in dialogs {
        let contact = tx.workspace(workspace).contacts().find(dialog.contact_id).await.unwrap();
        let page = PageRequest { limit: 200, after: None };
        let messages = tx.workspace(workspace).messages().list(dialog.id, page).await.unwrap();
        all.push((dialog, contact.unwrap().address.to_string(), messages.items));
    }
    all
}

async fn wait_until_answered(db: &Db, ordeal: &Ordeal, program: &Program) {
    let deadline = Instant::now() + SETTLE;
    loop {
        // A customer who got an apology is answered late: that turn is still to come.
        let mut tx = db.read().await.unwrap();
        let turns = tx.workspace(ordeal.workspace).turns().count().await.unwrap();
        drop(tx);

        let all = dialogs(db, ordeal.workspace).await;
        let heard: usize =
            all.iter().map(|(_, _, messages)| from(messages, Author::Customer).count()).sum();
        let settled = all.iter().all(|(dialog, _, messages)| {
            dialog.answered_seq == dialog.heard_seq
                && from(messages, Author::Assistant)
                    .all(|message| message.delivery == Delivery::Delivered)
        });
        if heard == MESSAGES + POSTS && settled && turns == 0 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "after {SETTLE:?} {heard} of {} messages are stored, all answered: {settled}, turns left: {turns}\n{}",
            MESSAGES + POSTS,
            program.log()
        );
        sleep(Duration::from_millis(200)).await;
    }
}

fn from(messages: &[Message], author: Author) -> impl Iterator<Item = &Message> {
    messages.iter().filter(move |message| message.author == author)
}

async fn judge(db: &Db, ordeal: &Ordeal, chats: &[Chat], telegram: &FakeTelegram) {
    let all = dialogs(db, ordeal.workspace).await;
    let Told { uncertain, given_up } = told(db, ordeal.workspace).await;
    let mut duplicates = 0;
    assert_eq!(all.len(), CHATS + USERS, "each customer has one dialog");
    for (dialog, address, messages) in &all {
        let stored: Vec<&str> = from(messages, Author::Customer).map(|m| m.text.as_str()).collect();
        assert_eq!(stored, ordeal.said[address], "{address}: stored once and in order");

        let replies: Vec<&Message> = from(messages, Author::Assistant).collect();
        for text in &stored {
            let answers = replies.iter().filter(|reply| reply.text.contains(text)).count();
            // Whose turn died with the program time after time gets an apology for an answer, and
            // the answer late unless they have written again.
            let expected = usize::from(!given_up.contains(&dialog.id) || answers > 0);
            assert_eq!(answers, expected, "{address}: `{text}` is answered once: {replies:?}");
        }
        assert!(replies.len() >= usize::from(!stored.is_empty()), "{address} is answered");

        // What the owner's program reads is what is stored: nothing can be sent twice.
        let Some(chat) = chats.iter().find(|chat| chat.id().to_string() == *address) else {
            let answers: String = replies.iter().map(|reply| reply.text.as_str()).collect();
            let places: Vec<_> = stored.iter().filter_map(|text| answers.find(text)).collect();
            assert!(places.is_sorted(), "{address}: order: {answers}");
            continue;
        };
        let sent: Vec<String> = chat.sent().iter().map(|sent| sent.plain.clone()).collect();
        let mut in_order = sent.clone();
        in_order.dedup();
        let mut expected: Vec<&str> = replies.iter().map(|reply| reply.text.as_str()).collect();
        // Two apologies in a row have the same words.
        expected.dedup();
        assert_eq!(in_order, expected, "{address}: order");

        for (number, reply) in replies.iter().enumerate() {
            let has_its_words = |other: &&&Message| other.text == reply.text;
            if replies[..number].iter().any(|other| has_its_words(&other)) {
                continue;
            }
            let same: Vec<_> = replies.iter().filter(has_its_words).collect();
            let times = sent.iter().filter(|text| **text == reply.text).count();
            let doubted = same.iter().filter_map(|reply| uncertain.get(&reply.id));
            let allowed = doubted.sum::<i64>();
            let extra = i64::try_from(times - same.len()).unwrap();
            assert!(
                extra <= allowed,
                "`{}` was sent {times} times, {allowed} uncertain",
                reply.text
            );
            duplicates += extra;
        }
    }
    assert!(telegram.violations().is_empty(), "{:?}", telegram.violations());
    println!(
        "crash figures on {}: {MESSAGES} messages in {CHATS} chats and {POSTS} of {USERS} users, {KILLS} kills, lost 0, uncertain {}, duplicates {duplicates} \
         (all among the uncertain), given up {}",
        db.backend(),
        uncertain.values().sum::<i64>(),
        given_up.len()
    );
}

/// Whatever the instant of a kill, the books are right.
async fn assert_sound(db: &Db) {
    let report = verify::verify(db).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

/// Each answer was paid for once, nothing else was, and nothing is left set aside.
async fn judge_ledger(db: &Db, workspace: WorkspaceId) {
    assert_sound(db).await;
    let mut expected: Vec<MessageId> = Vec::new();
    for (_, _, messages) in dialogs(db, workspace).await {
        let answers = messages.into_iter().filter(|message| {
            let outcome = message.answer.as_ref().map(|answer| answer.outcome);
            outcome == Some(Outcome::Answered)
        });
        expected.extend(answers.map(|message| message.id));
    }

    let mut tx = db.read().await.unwrap();
    let entries = tx.system().ledger().entries(workspace, 0, 1_000_000).await.unwrap();
    let captures = entries.iter().filter(|entry| entry.movement.kind == EntryKind::Capture);
    let mut paid: Vec<MessageId> =
        captures.filter_map(|entry| entry.movement.subject.message_id).collect();
    expected.sort_unstable();
    paid.sort_unstable();
    assert_eq!(paid, expected, "each answer is paid for once");
    let funds: Funds = entries.last().unwrap().after;
    assert_eq!((funds.held, funds.held_answers), (Money::ZERO, 0), "something is still set aside");
    println!("ledger: {} entries, {} answers paid for", entries.len(), paid.len());
}

/// What the event log tells of the ordeal.
#[derive(Default)]
struct Told {
    /// How often a send of each reply was of unknown outcome.
    uncertain: HashMap<MessageId, i64>,
    /// Dialogs with a turn that was begun more often than is tried.
    given_up: HashSet<DialogId>,
}

async fn told(db: &Db, workspace: WorkspaceId) -> Told {
    let mut tx = db.read().await.unwrap();
    let mut told = Told::default();
    let mut last = 0;
    loop {
        let events = tx.workspace(workspace).events().after(last, 500).await.unwrap();
        let Some(newest) = events.last() else { return told };
        assert_eq!(events[0].seq, last + 1, "the log has a gap");
        last = newest.seq;
        for recorded in events {
            match recorded.event {
                Event::MessageDelivered { message_id, uncertain, .. } => {
                    told.uncertain.insert(message_id, uncertain);
                }
                Event::TurnStarted { dialog_id, attempt, .. } if attempt > TURN_ATTEMPTS => {
                    told.given_up.insert(dialog_id);
                }
                _ => {}
            }
        }
    }
}
