use super::*;
use crate::{assistant::Language, clock::Clock};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn member(role: Role) -> Member {
    let clock = Clock::manual(at(0));
    Member {
        workspace_id: clock.id(),
        user_id: clock.id(),
        email: "ann@example.org".to_owned(),
        name: None,
        role,
        suspended_at: None,
        created_at: at(0),
    }
}

fn person(id: UserId) -> User {
    User {
        id,
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

fn standing(role: Role) -> Standing {
    let member = member(role);
    Standing::of(&member, &person(member.user_id)).unwrap()
}

fn stranger() -> UserId {
    Clock::manual(at(0)).id()
}

fn actions<T>(change: &Change<T>) -> Vec<&str> {
    change.acts().iter().map(|act| act.action.as_str()).collect()
}

#[test]
fn who_is_suspended_or_blocked_stands_nowhere() {
    let owner = member(Role::Owner);
    let person = person(owner.user_id);
    assert!(Standing::of(&owner, &person).is_some());

    let suspended = Member { suspended_at: Some(at(1)), ..owner.clone() };
    assert_eq!(Standing::of(&suspended, &person), None);
    let blocked = User { blocked_at: Some(at(1)), ..person };
    assert_eq!(Standing::of(&owner, &blocked), None);
}

#[test]
fn nobody_touches_who_is_above_them_or_gives_more_than_they_have() {
    let by = Actor::command_line();
    let owners = [stranger(), stranger()];
    for acting in Role::ALL {
        let standing = standing(*acting);
        for role in Role::ALL {
            let expected = (role > acting).then_some(MemberRefused::AboveStanding(RoleAboveOwn));
            let removed = member(*role).remove(&standing, &owners, &by, at(1));
            assert_eq!(removed.err(), expected, "{acting} removes {role}");

            let given = MemberUpdate { role: Some(*role), suspended: None };
            let promoted = member(Role::Viewer).update(given, &standing, &owners, &by, at(1));
            assert_eq!(promoted.err(), expected, "{acting} makes a viewer {role}");

            let suspended = MemberUpdate { role: None, suspended: Some(true) };
            let updated = member(*role).update(suspended, &standing, &owners, &by, at(1));
            assert_eq!(updated.err(), expected, "{acting} suspends {role}");
        }
    }
}

#[test]
fn the_last_owner_stays_one_who_may_act() {
    let by = Actor::command_line();
    let standing = standing(Role::Owner);
    let owner = member(Role::Owner);
    let demoted = MemberUpdate { role: Some(Role::Admin), suspended: None };
    let suspended = MemberUpdate { role: None, suspended: Some(true) };
    let refused = Some(MemberRefused::LastOwner);
    // An owner who cannot act, or will go, is none of those who stay.
    for owners in [vec![owner.user_id], vec![]] {
        assert_eq!(owner.clone().leave(&owners, &by, at(1)).err(), refused);
        assert_eq!(owner.clone().remove(&standing, &owners, &by, at(1)).err(), refused);
        for update in [demoted, suspended] {
            let updated = owner.clone().update(update, &standing, &owners, &by, at(1));
            assert_eq!(updated.err(), refused, "{update:?}");
        }
    }

    let both = [owner.user_id, stranger()];
    assert_eq!(actions(&owner.clone().leave(&both, &by, at(1)).unwrap()), ["member.left"]);
    assert!(owner.clone().update(demoted, &standing, &both, &by, at(1)).is_ok());
    let unchanged = MemberUpdate { role: Some(Role::Owner), suspended: Some(false) };
    let alone = [owner.user_id];
    let change = owner.clone().update(unchanged, &standing, &alone, &by, at(1)).unwrap();
    assert_eq!((change.state(), actions(&change)), (&owner, vec![]));
    // Somebody who is no owner may always go.
    assert!(member(Role::Admin).leave(&[], &by, at(1)).is_ok());
}

#[test]
fn each_part_of_an_update_is_an_act_of_its_own() {
    let by = Actor::command_line();
    let standing = standing(Role::Owner);
    let owners = [stranger()];
    let both = MemberUpdate { role: Some(Role::Operator), suspended: Some(true) };
    let change = member(Role::Viewer).update(both, &standing, &owners, &by, at(1)).unwrap();
    assert_eq!(actions(&change), ["member.role_changed", "member.suspended"]);
    let suspended = change.into_parts().state;
    assert_eq!((suspended.role, suspended.suspended_at), (Role::Operator, Some(at(1))));

    // To suspend again is no act, and does not change since when.
    let again = MemberUpdate { role: None, suspended: Some(true) };
    let change = suspended.clone().update(again, &standing, &owners, &by, at(2)).unwrap();
    assert_eq!((change.state(), actions(&change)), (&suspended, vec![]));

    let resumed = MemberUpdate { role: None, suspended: Some(false) };
    let change = suspended.update(resumed, &standing, &owners, &by, at(3)).unwrap();
    assert_eq!(actions(&change), ["member.resumed"]);
    assert_eq!(change.state().suspended_at, None);
}

#[test]
fn an_heir_owns_the_workspace_and_may_act() {
    let heir = Member { suspended_at: Some(at(1)), ..member(Role::Viewer) };
    let change = heir.inherit(at(2));
    assert_eq!((change.state().role, change.state().suspended_at), (Role::Owner, None));
    assert_eq!(actions(&change), ["member.role_changed"]);
}
