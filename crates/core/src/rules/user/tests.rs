use std::sync::Arc;

use super::*;
use crate::{
    actor::Account,
    address::ClientAddress,
    clock::Clock,
    session::{Access, Principal},
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn user() -> User {
    User {
        id: Clock::manual(at(0)).id(),
        email: "ann@example.org".to_owned(),
        name: None,
        language: Language::English,
        notifications: Notifications::default(),
        is_admin: false,
        second_factor: false,
        blocked_at: None,
        delete_at: None,
        created_at: at(0),
    }
}

/// This person as a platform admin.
fn admin(user: &User) -> Admin {
    let session = Clock::manual(at(0)).id();
    let principal = Principal::User { user: Box::new(user.clone()), session };
    let access = Arc::new(Access { principal, place: None });
    Admin::Account(Account { session, access, address: ClientAddress::default() })
}

fn actions<T>(change: &Change<T>) -> Vec<&str> {
    change.acts().iter().map(|act| act.action.as_str()).collect()
}

#[test]
fn admins_neither_block_nor_delete_themselves() {
    let ann = user();
    let other = admin(&user());
    assert_eq!(ann.clone().block(&admin(&ann), at(1)).err(), Some(OwnAccount));
    assert_eq!(ann.clone().expel(&admin(&ann), at(1)).err(), Some(OwnAccount));
    assert_eq!(actions(&ann.clone().block(&other, at(1)).unwrap()), ["user.blocked"]);
    assert!(ann.clone().block(&Admin::CommandLine, at(1)).is_ok());

    let expelled = ann.expel(&other, at(1)).unwrap();
    assert_eq!(actions(&expelled), ["user.deleted"]);
    let SignedOut { user, .. } = expelled.into_parts().state;
    assert_eq!((user.blocked_at, user.delete_at), (Some(at(1)), Some(at(1))));
}

#[test]
fn blocking_again_does_not_change_since_when() {
    let once = user().block(&Admin::CommandLine, at(1)).unwrap().into_parts().state.user;
    let twice = once.block(&Admin::CommandLine, at(2)).unwrap().into_parts().state.user;
    assert_eq!(twice.blocked_at, Some(at(1)));
    assert_eq!(twice.clone().wind_up(at(3)).state().user.blocked_at, Some(at(1)));
    assert_eq!(twice.unblock(&Admin::CommandLine, at(4)).state().blocked_at, None);
}

#[test]
fn asking_for_deletion_again_does_not_put_it_off() {
    let by = Actor::command_line();
    let soon = user().schedule_deletion(at(100), &by, at(1)).into_parts().state.user;
    assert_eq!(soon.delete_at, Some(at(100)));
    let again = soon.clone().schedule_deletion(at(200), &by, at(101)).into_parts().state.user;
    assert_eq!(again.delete_at, Some(at(100)));
    let sooner = soon.schedule_deletion(at(50), &by, at(2)).into_parts().state.user;
    assert_eq!(sooner.delete_at, Some(at(50)));
}

#[test]
fn only_what_changes_is_entered() {
    let by = Actor::command_line();
    let ann = User { name: Some("Ann".to_owned()), ..user() };
    assert_eq!(ann.update_profile(&Patch::Keep, None, None, &by, at(1)), None);
    let same = Patch::Set("Ann".to_owned());
    assert_eq!(ann.update_profile(&same, Some(Language::English), None, &by, at(1)), None);
    let change =
        ann.update_profile(&Patch::Clear, Some(Language::Russian), None, &by, at(1)).unwrap();
    assert_eq!(actions(&change), ["account.updated"]);
    assert_eq!((&change.state().name, change.state().language), (&None, Language::Russian));

    assert_eq!(ann.restore(&by, at(1)), None);
    let leaving = User { delete_at: Some(at(9)), ..ann };
    let restored = leaving.restore(&by, at(1)).unwrap();
    assert_eq!((actions(&restored), restored.state().delete_at), (vec!["account.restored"], None));
}

#[test]
fn a_blocked_user_gets_no_link_to_replace_the_password() {
    let by = Actor::command_line();
    let ask = |user: User| user.request_password_reset("hash".to_owned(), at(60), &by, at(0));
    assert_eq!(ask(User { blocked_at: Some(at(0)), ..user() }).err(), Some(Blocked));
    assert_eq!(actions(&ask(user()).unwrap()), ["password.reset_asked"]);
}

#[test]
fn only_a_change_by_the_person_keeps_their_session() {
    let by = Actor::command_line();
    let session = Clock::manual(at(0)).id();
    let hash = || "hash".to_owned();
    let changed = user().change_password(hash(), session, &by, at(1));
    assert_eq!(
        (changed.state().kept, actions(&changed)),
        (Some(session), vec!["password.changed"])
    );
    let reset = user().reset_password(hash(), &by, at(1));
    assert_eq!((reset.state().kept, actions(&reset)), (None, vec!["password.reset"]));
    let set = user().set_password(hash(), &Admin::CommandLine, at(1));
    assert_eq!((set.state().kept, actions(&set)), (None, vec!["password.set"]));
}

#[test]
fn a_request_for_an_address_that_is_taken_is_entered_for_its_owner() {
    let clock = Clock::manual(at(0));
    let registration = Registration {
        email: "ann@example.org".to_owned(),
        user_id: clock.id(),
        workspace_id: clock.id(),
        name: None,
        language: Language::English,
        password_hash: "hash".to_owned(),
        code_hash: "hash".to_owned(),
        tries_left: 5,
        expires_at: at(60),
        created_at: at(0),
    };
    let by = Actor::nobody("ann@example.org", "");
    let owner = user();
    for (taken, expected) in [(None, registration.user_id), (Some(&owner), owner.id)] {
        let change = registration.clone().request(taken, &by);
        assert_eq!(change.acts()[0].target_id, Some(expected.to_string()));
    }
}
