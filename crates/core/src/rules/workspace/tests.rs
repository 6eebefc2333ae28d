use super::*;
use crate::{assistant::Language, clock::Clock};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn clock() -> Clock {
    Clock::manual(at(0))
}

fn workspace() -> Workspace {
    Workspace { id: clock().id(), name: "shop".to_owned(), suspended_at: None, created_at: at(0) }
}

fn person() -> User {
    User {
        id: clock().id(),
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

fn member(role: Role, joined: i64) -> Member {
    Member {
        workspace_id: clock().id(),
        user_id: clock().id(),
        email: "bob@example.org".to_owned(),
        name: None,
        role,
        suspended_at: None,
        created_at: at(joined),
    }
}

fn memberships(role: Role, count: usize) -> Vec<Membership> {
    (0..count).map(|_| Membership { workspace: workspace(), role, suspended_at: None }).collect()
}

#[test]
fn a_person_owns_twenty_workspaces_and_belongs_to_a_hundred_at_most() {
    let by = Actor::command_line();
    let create = |mine: Vec<Membership>| workspace().create(&person(), &mine, &by);
    for (mine, expected) in [
        (memberships(Role::Owner, Membership::MOST_OWNED - 1), None),
        (memberships(Role::Owner, Membership::MOST_OWNED), Some(TooManyOwned)),
        (memberships(Role::Admin, Membership::MOST - 1), None),
        (memberships(Role::Viewer, Membership::MOST), Some(TooManyOwned)),
    ] {
        assert_eq!(create(mine.clone()).err(), expected, "{} of {}", mine.len(), mine[0].role);
    }

    let change = create(Vec::new()).unwrap();
    assert_eq!(change.acts()[0].action, "workspace.created");
    let New(OwnedWorkspace { workspace, owner }) = change.into_parts().state;
    assert_eq!((owner.workspace_id, owner.role), (workspace.id, Role::Owner));
}

#[test]
fn suspending_again_does_not_change_since_when() {
    let by = Actor::command_line();
    let once = workspace().suspend(&by, at(1)).into_parts();
    assert_eq!((once.log, once.acts[0].action.as_str()), (None, "workspace.suspended"));
    let twice = once.state.suspend(&by, at(2)).into_parts().state;
    assert_eq!(twice.suspended_at, Some(at(1)));
    assert_eq!(twice.clone().wind_up(at(3)).state().suspended_at, Some(at(1)));

    let resumed = twice.resume(&by, at(4)).into_parts();
    assert_eq!(resumed.acts[0].action, "workspace.resumed");
    assert_eq!(resumed.state.0.suspended_at, None);
}

#[test]
fn what_nobody_else_works_in_ends_and_what_has_another_owner_goes_on() {
    let owner = member(Role::Owner, 1);
    let leaving = owner.user_id;
    let other = member(Role::Owner, 2);
    let alone = WorkspaceFate::after(leaving, &[leaving], vec![owner.clone()]);
    assert_eq!(alone, WorkspaceFate::Ends);

    let owners = [leaving, other.user_id];
    let shared = WorkspaceFate::after(leaving, &owners, vec![owner, other.clone()]);
    assert_eq!(shared, WorkspaceFate::GoesOn);

    // Its owner cannot act, but the one who goes is none.
    let viewer = member(Role::Viewer, 3);
    let left = WorkspaceFate::after(viewer.user_id, &[], vec![other, viewer]);
    assert_eq!(left, WorkspaceFate::GoesOn);
}

#[test]
fn the_heir_may_act_then_has_the_highest_role_and_then_the_longest_membership() {
    let owner = member(Role::Owner, 1);
    let leaving = owner.user_id;
    let suspended = Member { suspended_at: Some(at(9)), ..member(Role::Admin, 2) };
    let viewer = member(Role::Viewer, 3);
    let newer = member(Role::Operator, 5);
    let older = member(Role::Operator, 4);
    let mut members = vec![owner, suspended, viewer, newer, older];
    // Each heir goes in turn.
    for heir in [4, 3, 2, 1] {
        let expected = WorkspaceFate::PassesTo(members[heir].clone());
        assert_eq!(WorkspaceFate::after(leaving, &[leaving], members.clone()), expected);
        members.remove(heir);
    }
}

#[test]
fn the_last_owner_of_others_does_not_go() {
    let owner = member(Role::Owner, 1);
    let other = member(Role::Admin, 2);
    let leaving = owner.user_id;
    let both = [owner.clone(), other.clone()];
    assert_eq!(spare_last_owner(leaving, &[leaving], &both), Err(OwnerOfOthers));
    assert_eq!(spare_last_owner(leaving, &[], &both), Err(OwnerOfOthers));
    assert_eq!(spare_last_owner(leaving, &[leaving, other.user_id], &both), Ok(()));
    assert_eq!(spare_last_owner(leaving, &[leaving], &[owner]), Ok(()));
}
