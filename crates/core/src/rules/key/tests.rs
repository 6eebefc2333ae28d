use super::*;
use crate::{clock::Clock, permission::Permissions};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn key(scopes: &[Permission]) -> ApiKey {
    let clock = Clock::manual(at(0));
    ApiKey {
        id: clock.id(),
        workspace_id: clock.id(),
        name: "shop".to_owned(),
        prefix: "rx_live_0123".to_owned(),
        scopes: scopes.iter().copied().collect(),
        owner: KeyOwner::Maker,
        created_by: clock.id(),
        expires_at: None,
        last_used_at: None,
        created_at: at(10),
    }
}

fn standing(role: Role) -> Standing {
    let person = Clock::manual(at(0)).id();
    Standing { person, ceiling: role, permissions: Permissions::of_role(role) }
}

fn refused(key: ApiKey, role: Role, others: usize) -> Option<KeyRefused> {
    key.create("hash".to_owned(), &standing(role), others, &Actor::command_line()).err()
}

#[test]
fn a_key_that_has_expired_is_not_made() {
    for (end, expected) in
        [(9, Some(KeyRefused::Expired)), (10, Some(KeyRefused::Expired)), (11, None)]
    {
        let key = ApiKey { expires_at: Some(at(end)), ..key(&[Permission::DialogsRead]) };
        assert_eq!(refused(key, Role::Owner, 0), expected, "{end}");
    }
}

#[test]
fn no_key_does_what_needs_a_person() {
    for scope in Permission::ALL {
        let expected = scope.needs_person().then_some(KeyRefused::NeedsPerson(*scope));
        assert_eq!(refused(key(&[*scope]), Role::Owner, 0), expected, "{scope}");
    }
}

#[test]
fn a_key_does_no_more_than_its_maker_and_only_an_owner_makes_a_service_key() {
    let above = Some(KeyRefused::AboveStanding);
    let writes = || key(&[Permission::DialogsRead, Permission::AssistantsWrite]);
    assert_eq!(refused(writes(), Role::Operator, 0), above);
    assert_eq!(refused(writes(), Role::Admin, 0), None);

    let service = || ApiKey { owner: KeyOwner::Workspace, ..writes() };
    assert_eq!(refused(service(), Role::Admin, 0), above);
    assert_eq!(refused(service(), Role::Owner, 0), None);
}

#[test]
fn a_workspace_has_a_hundred_keys_at_most() {
    let read = || key(&[Permission::DialogsRead]);
    assert_eq!(refused(read(), Role::Owner, ApiKey::MOST - 1), None);
    assert_eq!(refused(read(), Role::Owner, ApiKey::MOST), Some(KeyRefused::TooMany));
}

#[test]
fn what_happens_to_a_key_is_entered() {
    let by = Actor::command_line();
    let renamed = key(&[]).rename("warehouse".to_owned(), &by, at(20));
    assert_eq!(renamed.state().name, "warehouse");
    assert_eq!(renamed.acts()[0].action, "api_key.updated");

    let service = ApiKey { owner: KeyOwner::Workspace, ..key(&[]) };
    let deleted = service.delete(&by, at(20));
    assert_eq!(deleted.acts()[0].action, "api_key.deleted");
    assert_eq!(deleted.acts()[0].details["service"], true);
}
