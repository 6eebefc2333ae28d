use super::*;
use crate::{assistant::Language, clock::Clock};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn user() -> User {
    User {
        id: Clock::manual(at(0)).id(),
        email: "ann@example.org".to_owned(),
        name: None,
        language: Language::English,
        notifications: crate::user::Notifications::default(),
        is_admin: false,
        second_factor: false,
        blocked_at: None,
        delete_at: None,
        created_at: at(0),
    }
}

fn session(user: &User) -> Session {
    Session {
        id: Clock::manual(at(0)).id(),
        user_id: user.id,
        address: "203.0.113.7".to_owned(),
        user_agent: "Firefox".to_owned(),
        created_at: at(5),
        last_used_at: at(5),
        expires_at: at(100),
    }
}

#[test]
fn only_a_sign_in_is_an_act_of_its_own() {
    let user = user();
    let by = Actor::user(user.id, &user.email, "203.0.113.7");
    assert_eq!(session(&user).begin("hash".to_owned()).acts(), []);
    let opened = session(&user).open("hash".to_owned(), &by);
    assert_eq!((&*opened.acts()[0].action, opened.acts()[0].at), ("session.opened", at(5)));
}

#[test]
fn a_session_ends_as_its_owner_wants() {
    let user = user();
    let by = Actor::user(user.id, &user.email, "203.0.113.7");
    let session = session(&user);
    let ended = EndedSession { user_id: user.id, id: session.id, at: at(9) };
    for (change, action) in [
        (session.close(&by, at(9)), "session.closed"),
        (session.revoke(&by, at(9)), "session.revoked"),
    ] {
        assert_eq!((change.state(), &*change.acts()[0].action), (&ended, action));
    }
}

#[test]
fn without_other_sessions_there_is_nothing_to_revoke() {
    let user = user();
    let by = Actor::user(user.id, &user.email, "203.0.113.7");
    let kept = session(&user).id;
    assert_eq!(user.revoke_others(0, kept, &by, at(9)), None);
    let change = user.revoke_others(2, kept, &by, at(9)).unwrap();
    assert_eq!(change.state(), &OthersEnded { user_id: user.id, kept, at: at(9) });
    assert_eq!(change.acts()[0].details["sessions"], 2);
}
