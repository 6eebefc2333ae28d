//! Mail, against a strict mail server over real TCP, and into a folder.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use replyx_channels::email::{EmailError, Post, Product, Stage, Stamp};
use replyx_core::{
    assistant::Language,
    clock::Clock,
    mail::{Letter, Mail},
    retry::Retry,
};
use replyx_testkit::smtp::{FakeSmtp, Received, SmtpFault, SmtpStep};
use secrecy::SecretString;
use tokio::time::timeout;

const FROM: &str = "ReplyX <no-reply@bots.example.org>";
const ANN: &str = "ann@example.org";

/// Checks at its end that no rule of SMTP was broken.
struct World(FakeSmtp);

impl World {
    async fn start() -> Self {
        Self(FakeSmtp::start().await)
    }

    fn post(&self) -> Post {
        post(&self.0.url())
    }

    async fn send(&self, mail: &Mail) -> Result<(), EmailError> {
        self.post().send(mail, &product(), &stamp()).await
    }

    /// The only mail that came.
    fn only(&self) -> Received {
        let [mail] = self.0.received().try_into().unwrap();
        mail
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.0.violations(), Vec::<String>::new());
            assert_eq!(self.0.faults_left(), 0);
        }
    }
}

fn post(url: &str) -> Post {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Post::smtp(&SecretString::from(url), FROM).unwrap()
}

fn product() -> Product {
    Product { name: "ReplyX".to_owned(), url: Some("https://bots.example.org".to_owned()) }
}

fn stamp() -> Stamp {
    let clock = Clock::system();
    Stamp { id: clock.id(), at: clock.now() }
}

fn confirmation(to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        language: Language::English,
        letter: Letter::Confirmation { code: "394718".to_owned(), minutes: 15 },
    }
}

fn invitation(inviter: &str, workspace: &str) -> Mail {
    Mail {
        to: ANN.to_owned(),
        language: Language::Russian,
        letter: Letter::Invitation {
            workspace: workspace.to_owned(),
            inviter: inviter.to_owned(),
            role: "operator".to_owned(),
            link: "https://bots.example.org/invitations/a_b-c?x=1&y=2".to_owned(),
            days: 7,
        },
    }
}

#[tokio::test]
async fn a_letter_arrives_as_text_and_html() {
    let world = World::start().await;
    let stamp = stamp();
    world.post().send(&confirmation(ANN), &product(), &stamp).await.unwrap();

    let mail = world.0.wait_for(ANN, |mail| mail.subject == "Your confirmation code").await;
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("no-reply@bots.example.org", &[ANN.to_owned()][..])
    );
    assert_eq!(mail.code(), Some("394718"));
    assert!(mail.html.contains(">394718<"));
    assert_eq!(mail.header("To"), Some(ANN));
    assert_eq!(mail.header("From"), Some(FROM));
    assert_eq!(mail.header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(mail.header("Message-ID"), Some(&*format!("<{}@bots.example.org>", stamp.id)));
    assert!(mail.header("Content-Type").unwrap().starts_with("multipart/alternative"));
    assert!(mail.header("Date").unwrap().ends_with("+0000"));
    let text = mail.data.find(b"text/plain");
    let html = mail.data.find(b"text/html");
    assert!(text < html, "the last alternative is the one that is shown");
}

/// `find` for bytes.
trait Find {
    fn find(&self, part: &[u8]) -> Option<usize>;
}

impl Find for Vec<u8> {
    fn find(&self, part: &[u8]) -> Option<usize> {
        self.windows(part.len()).position(|window| window == part)
    }
}

#[tokio::test]
async fn other_alphabets_survive_the_way() {
    let world = World::start().await;
    world.send(&invitation("Анна 🦀", "Книги & Ко")).await.unwrap();
    let mail = world.only();
    assert_eq!(mail.subject, "Приглашение в ReplyX");
    assert!(mail.text.contains("Приглашает: «Анна 🦀»"), "{}", mail.text);
    assert!(mail.text.contains("Рабочее пространство: «Книги & Ко»"), "{}", mail.text);
    assert!(mail.html.contains("Книги &amp; Ко"));
    assert_eq!(mail.link(), Some("https://bots.example.org/invitations/a_b-c?x=1&y=2"));
}

#[tokio::test]
async fn nothing_that_is_typed_becomes_a_header_or_ends_the_message() {
    let world = World::start().await;
    let hostile =
        "Ann\r\nBcc: eve@example.org\r\n\r\n<script>x</script>\r\n.\r\nMAIL FROM:<eve@example.org>";
    for language in [Language::English, Language::Russian] {
        let mail = Mail { language, ..invitation(hostile, hostile) };
        world.send(&mail).await.unwrap();
    }
    let name = Mail { letter: Letter::Welcome { name: ".\r\n.".to_owned() }, ..confirmation(ANN) };
    world.send(&name).await.unwrap();

    let received = world.0.received();
    assert_eq!(received.len(), 3);
    let known = [
        "Message-ID",
        "Date",
        "From",
        "To",
        "Subject",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    ];
    for mail in received {
        let names: Vec<_> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, known);
        assert_eq!(mail.to, [ANN]);
        assert!(!mail.html.contains("<script"));
        assert!(!mail.text.contains("\nBcc"));
    }
}

#[tokio::test]
async fn what_is_not_an_address_is_never_tried() {
    let world = World::start().await;
    for to in [
        "ann@example.org\r\nRCPT TO:<eve@example.org>",
        "ann@example.org>\r\nRCPT TO:<eve@example.org",
        "ann@example.org, eve@example.org",
        "ann",
        "",
    ] {
        let error = world.send(&confirmation(to)).await.unwrap_err();
        assert!(matches!(error, EmailError::Recipient), "{error}");
        assert_eq!(error.retry(1), Retry::Never);
    }
    assert_eq!(world.0.connections(), 0);
}

#[tokio::test]
async fn refusals_are_sorted_by_whom_they_concern_and_repeat_nothing() {
    let world = World::start().await;
    for (step, code, stage, never) in [
        (SmtpStep::Connect, 421, Stage::Greeting, false),
        (SmtpStep::Connect, 554, Stage::Greeting, false),
        (SmtpStep::Mail, 451, Stage::Sender, false),
        (SmtpStep::Mail, 550, Stage::Sender, false),
        (SmtpStep::Rcpt, 451, Stage::Recipient, false),
        (SmtpStep::Rcpt, 550, Stage::Recipient, true),
        (SmtpStep::Data, 421, Stage::Message, false),
        (SmtpStep::Message, 451, Stage::Message, false),
        (SmtpStep::Message, 554, Stage::Message, true),
    ] {
        world.0.fail(step, SmtpFault::Refuse(code));
        let error = world.send(&confirmation(ANN)).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        let EmailError::Refused { stage: at, code: with } = error else {
            panic!("{step:?}: {shown}")
        };
        assert_eq!((at, with), (stage, code), "{step:?}");
        assert_eq!(error.retry(1) == Retry::Never, never, "{step:?} {code}");
        assert!(!shown.contains("example.org"), "{shown}");
    }
    assert!(world.0.received().is_empty());
    world.send(&confirmation(ANN)).await.unwrap();
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_under_the_same_id() {
    let world = World::start().await;
    let stamp = stamp();
    let post = world.post();
    let mail = confirmation(ANN);
    let faults = [
        (SmtpStep::Connect, SmtpFault::Drop),
        (SmtpStep::Rcpt, SmtpFault::Drop),
        (SmtpStep::Message, SmtpFault::Drop),
        (SmtpStep::Mail, SmtpFault::Garble),
        (SmtpStep::Message, SmtpFault::KeepAndDrop),
    ];
    for (step, fault) in faults {
        world.0.fail(step, fault);
        let error = post.send(&mail, &product(), &stamp).await.unwrap_err();
        assert!(matches!(error, EmailError::Garbled | EmailError::Connection(_)), "{error:?}");
        assert!(matches!(error.retry(1), Retry::After(_)));
        assert!(!format!("{error:?}").contains(ANN), "{error:?}");
    }
    post.send(&mail, &product(), &stamp).await.unwrap();

    let [kept, again] = world.0.received().try_into().unwrap();
    assert_eq!(kept.header("Message-ID"), again.header("Message-ID"));
    assert_eq!(kept.text, again.text);
}

#[tokio::test]
async fn a_server_that_takes_the_mail_and_then_hangs_has_taken_it() {
    let world = World::start().await;
    world.0.fail(SmtpStep::Quit, SmtpFault::Hang);
    let mail = confirmation(ANN);
    let sent = timeout(Duration::from_secs(10), world.send(&mail));
    sent.await.expect("saying goodbye is bounded").unwrap();
    assert_eq!(world.0.received().len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let world = World::start().await;
    for step in [SmtpStep::Connect, SmtpStep::Mail, SmtpStep::Message] {
        world.0.fail(step, SmtpFault::Hang);
        let post = world.post().with_patience(Duration::from_millis(500));
        let error = post.send(&confirmation(ANN), &product(), &stamp()).await.unwrap_err();
        assert!(matches!(error, EmailError::TimedOut), "{error:?}");
        assert!(matches!(error.retry(1), Retry::After(_)));
    }
    assert!(world.0.received().is_empty());
}

#[tokio::test]
async fn nobody_listening_is_tried_again() {
    let url = FakeSmtp::start().await.url();
    let error = post(&url).send(&confirmation(ANN), &product(), &stamp()).await.unwrap_err();
    assert!(matches!(error, EmailError::Connection(_)), "{error:?}");
    assert!(matches!(error.retry(1), Retry::After(_)));
    assert_eq!(error.retry(1_000), Retry::Never);
}

#[tokio::test]
async fn a_login_is_used_and_a_wrong_one_can_be_put_right() {
    let world = World(FakeSmtp::start_with_login("shop%40example.org", "p%3A%2Fq").await);
    let right =
        format!("smtp://shop%2540example.org:p%253A%252Fq@127.0.0.1:{}?tls=none", world.0.port());
    post(&right).send(&confirmation(ANN), &product(), &stamp()).await.unwrap();
    assert_eq!(world.0.received().len(), 1);

    let wrong = right.replace(":p%253A", ":hunter2");
    let error = post(&wrong).send(&confirmation(ANN), &product(), &stamp()).await.unwrap_err();
    assert!(matches!(error, EmailError::Refused { stage: Stage::SignIn, code: 535 }), "{error:?}");
    assert!(matches!(error.retry(1), Retry::After(_)));
    assert!(!format!("{error:?} {:?}", post(&wrong)).contains("hunter2"));
}

#[tokio::test]
async fn without_encryption_nothing_is_said_unless_that_is_wanted() {
    let world = World(FakeSmtp::start_with_login("shop", "secret").await);
    for tls in ["", "?tls=required"] {
        let url = format!("smtp://shop:secret@127.0.0.1:{}{tls}", world.0.port());
        let error = post(&url).send(&confirmation(ANN), &product(), &stamp()).await.unwrap_err();
        assert!(matches!(error, EmailError::NotEncrypted), "{error:?}");
        assert!(matches!(error.retry(1), Retry::After(_)));
    }
    assert!(world.0.received().is_empty());
    let url = format!("smtp://shop:secret@127.0.0.1:{}?tls=opportunistic", world.0.port());
    post(&url).send(&confirmation(ANN), &product(), &stamp()).await.unwrap();
}

#[tokio::test]
async fn many_at_once_do_not_get_mixed_up() {
    let world = World::start().await;
    let post = world.post();
    let sends = (0..40).map(|number| {
        let post = post.clone();
        tokio::spawn(async move {
            let letter = Letter::Confirmation { code: format!("{number:06}"), minutes: 15 };
            let to = format!("person{number}@example.org");
            let mail = Mail { to, language: Language::English, letter };
            post.send(&mail, &product(), &stamp()).await
        })
    });
    for sent in sends.collect::<Vec<_>>() {
        sent.await.unwrap().unwrap();
    }
    assert_eq!(world.0.received().len(), 40);
    for mail in world.0.received() {
        let number: u32 = mail.code().unwrap().parse().unwrap();
        assert_eq!(mail.to, [format!("person{number}@example.org")]);
        assert_eq!(mail.header("To"), Some(mail.to[0].as_str()));
    }
}

#[tokio::test]
async fn without_a_server_mail_lies_in_a_folder_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data/mail");
    let post = Post::folder(&folder, FROM).unwrap();
    let first = stamp();
    let second = stamp();
    tokio::time::sleep(Duration::from_millis(2)).await;
    post.send(&confirmation(ANN), &product(), &first).await.unwrap();
    // A job may run twice: it is one mail.
    post.send(&confirmation(ANN), &product(), &first).await.unwrap();
    post.send(&invitation("Ann\r\nBcc: x", "../../etc"), &product(), &second).await.unwrap();

    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut expected =
        [first, second].map(|stamp| folder.join(format!("{}.eml", stamp.id))).to_vec();
    expected.sort();
    assert_eq!(files, expected);
    for (file, mode) in
        files.iter().map(|file| (file.as_path(), 0o600)).chain([(folder.as_path(), 0o700)])
    {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, mode);
    }
    let data = std::fs::read(folder.join(format!("{}.eml", first.id))).unwrap();
    let mail = Received::read(String::new(), Vec::new(), data).unwrap();
    assert_eq!((mail.header("To"), mail.code()), (Some(ANN), Some("394718")));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_tried_again() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    let post = Post::folder(file.join("mail"), FROM).unwrap();
    let error = post.send(&confirmation(ANN), &product(), &stamp()).await.unwrap_err();
    assert!(matches!(error, EmailError::Folder(_)), "{error:?}");
    assert!(matches!(error.retry(1), Retry::After(_)));
}
