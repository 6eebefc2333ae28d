//! Mail over encrypted connections. Which certificates are trusted is the system's to say: the test
//! that needs one of its own trusted runs in a child process that is told so.

use std::{env, fs, process::Command, sync::Arc};

use replyx_channels::email::{EmailError, Post, Product, Stamp};
use replyx_core::{
    assistant::Language,
    clock::Clock,
    mail::{Letter, Mail},
};
use replyx_testkit::smtp::{Encryption, FakeSmtp};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use secrecy::SecretString;

const BOTH: [Encryption; 2] = [Encryption::Implicit, Encryption::StartTls];

/// A certificate that nobody has vouched for, with its key.
fn certificate(name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
}

async fn server(encryption: Encryption, certificate: String, key: &str) -> FakeSmtp {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificates = rustls::pki_types::CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
        .unwrap();
    FakeSmtp::start_encrypted(encryption, Arc::new(config), "shop", "secret").await
}

async fn send(url: &str) -> Result<(), EmailError> {
    let clock = Clock::system();
    let mail = Mail {
        to: "ann@example.org".to_owned(),
        language: Language::English,
        letter: Letter::PasswordChanged,
    };
    Post::smtp(&SecretString::from(url), "no-reply@bots.example.org")
        .unwrap()
        .send(
            &mail,
            &Product { name: "ReplyX".to_owned(), url: None },
            &Stamp { id: clock.id(), at: clock.now() },
        )
        .await
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said() {
    let certified = certificate("127.0.0.1");
    for encryption in BOTH {
        let key = certified.signing_key.serialize_pem();
        let server = server(encryption, certified.cert.pem(), &key).await;
        let error = send(&server.url()).await.unwrap_err();
        assert!(matches!(error, EmailError::Connection(_)), "{error:?}");
        assert!(!error.is_permanent());
        assert!(server.received().is_empty());
        assert_eq!(server.violations(), Vec::<String>::new());
    }
}

#[test]
fn mail_goes_encrypted_to_a_server_that_the_system_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let right = certificate("127.0.0.1");
    let wrong = certificate("mail.example.org");
    let roots = folder.path().join("roots.pem");
    fs::write(&roots, format!("{}{}", right.cert.pem(), wrong.cert.pem())).unwrap();
    for (name, certified) in [("right", right), ("wrong", wrong)] {
        fs::write(folder.path().join(format!("{name}.pem")), certified.cert.pem()).unwrap();
        let key = certified.signing_key.serialize_pem();
        fs::write(folder.path().join(format!("{name}.key")), key).unwrap();
    }
    let ran = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "email_tls::with_trusted_roots"])
        .env("SSL_CERT_FILE", roots)
        .env("CERTIFICATES", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above, which says what is trusted"]
async fn with_trusted_roots() {
    let Ok(folder) = env::var("CERTIFICATES") else { return };
    let read = |name: &str| fs::read_to_string(format!("{folder}/{name}")).unwrap();
    for encryption in BOTH {
        let right = server(encryption, read("right.pem"), &read("right.key")).await;
        send(&right.url()).await.unwrap();
        assert_eq!(right.received().len(), 1);
        assert_eq!(right.violations(), Vec::<String>::new());

        let wrong = server(encryption, read("wrong.pem"), &read("wrong.key")).await;
        let error = send(&wrong.url()).await.unwrap_err();
        assert!(matches!(error, EmailError::Connection(_)), "{encryption:?}: {error:?}");
        assert!(wrong.received().is_empty());
    }
}
