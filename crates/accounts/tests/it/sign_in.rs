//! Signing in, and what the command line changes about it.

use std::time::Duration;

use replyx_accounts::{
    Error,
    admin::users::{PlatformRole, create_admin, set_password, set_role},
    sessions,
    sign_in::{Credentials, sign_in},
};
use replyx_core::{actor::Admin, audit::ActorKind};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{self, PASSWORD, device};

fn credentials(email: &str, password: &str) -> Credentials {
    Credentials { email: email.to_owned(), password: password.to_owned(), code: None }
}

#[on_every_db]
async fn an_admin_of_the_command_line_signs_in_like_everybody(home: &TestDb) {
    let cx = given::cx(home);
    let admin = Admin::CommandLine;
    let email = " Root@Example.org ";
    let root = create_admin(&cx, &admin, email, None, PASSWORD.to_owned()).await.unwrap();
    assert!(root.is_admin && root.email == "root@example.org", "{root:?}");

    let again = create_admin(&cx, &admin, &root.email, None, PASSWORD.to_owned()).await;
    assert!(matches!(again, Err(Error::EmailTaken)), "{again:?}");
    let weak = create_admin(&cx, &admin, "other@example.org", None, "short 1".to_owned()).await;
    assert!(matches!(weak, Err(Error::Field { field: "password", .. })), "{weak:?}");

    sign_in(&cx, &device(), credentials(&root.email, PASSWORD)).await.unwrap();
    let acts = given::acts(&cx, None).await;
    let told: Vec<(&str, ActorKind)> =
        acts.iter().map(|entry| (entry.act.action.as_str(), entry.act.actor)).collect();
    assert_eq!(told, [("session.opened", ActorKind::User), ("admin.created", ActorKind::Admin)]);
    assert_eq!(acts[1].act.actor_name, "command line");
}

#[on_every_db]
async fn a_password_that_is_set_ends_what_the_old_one_opened(home: &TestDb) {
    let cx = given::cx(home);
    let account = given::account(&cx, "ann@example.org").await;
    let id = account.user().id;
    assert_eq!(sessions::list(&cx, &account).await.unwrap().len(), 1);

    let new = "blue lantern 8";
    set_password(&cx, &Admin::CommandLine, id, new.to_owned()).await.unwrap();
    assert!(sessions::list(&cx, &account).await.unwrap().is_empty());
    let old = sign_in(&cx, &device(), credentials("ann@example.org", PASSWORD)).await;
    assert!(matches!(old, Err(Error::WrongCredentials)), "{old:?}");
    sign_in(&cx, &device(), credentials("ann@example.org", new)).await.unwrap();

    let user = set_role(&cx, &Admin::CommandLine, id, PlatformRole::Admin).await.unwrap();
    assert!(user.is_admin);
}

#[on_every_db]
async fn a_token_that_comes_back_late_ends_its_session(home: &TestDb) {
    let cx = given::cx(home);
    let first = given::registered(&cx, "ann@example.org").await.session.unwrap();
    let refresh = async |token: &str, meant: bool| {
        sessions::refresh(&cx, &device(), token, None, |_| meant).await
    };

    let unmeant = refresh(&first.refresh_token, false).await;
    assert!(matches!(unmeant, Err(Error::NotMeant)), "{unmeant:?}");
    // Nothing of that lasted: the same token is good.
    let second = refresh(&first.refresh_token, true).await.unwrap();
    let third = refresh(&second.refresh_token, true).await.unwrap();
    // For a moment the answer may have been lost.
    cx.clock.advance(Duration::from_secs(11));
    let reused = refresh(&first.refresh_token, true).await;
    assert!(matches!(reused, Err(Error::RefreshReused)), "{reused:?}");
    let ended = refresh(&third.refresh_token, true).await;
    assert!(matches!(ended, Err(Error::Unauthenticated)), "{ended:?}");
}
