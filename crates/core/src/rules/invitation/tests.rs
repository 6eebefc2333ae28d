use super::*;
use crate::{
    assistant::Language, clock::Clock, ids::WorkspaceId, permission::Permissions, role::Role,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn clock() -> Clock {
    Clock::manual(at(0))
}

fn person(email: &str) -> User {
    User {
        id: clock().id(),
        email: email.to_owned(),
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

fn workspace(id: WorkspaceId) -> Workspace {
    Workspace { id, name: "shop".to_owned(), suspended_at: None, created_at: at(0) }
}

/// A workspace with its owner, and an invitation of Bob as an operator until second 100.
struct World {
    workspace: Workspace,
    owner: User,
    member: Member,
    invitation: Invitation,
}

fn world() -> World {
    let workspace = workspace(clock().id());
    let owner = person("ann@example.org");
    let member = Member {
        workspace_id: workspace.id,
        user_id: owner.id,
        email: owner.email.clone(),
        name: None,
        role: Role::Owner,
        suspended_at: None,
        created_at: at(0),
    };
    let invitation = Invitation {
        id: clock().id(),
        workspace_id: workspace.id,
        email: "bob@example.org".to_owned(),
        role: Role::Operator,
        invited_by: owner.id,
        expires_at: at(100),
        created_at: at(0),
    };
    World { workspace, owner, member, invitation }
}

impl World {
    fn terms(&self) -> InvitationTerms<'_> {
        InvitationTerms { workspace: &self.workspace, sender: Some((&self.member, &self.owner)) }
    }

    fn accepted(
        &self,
        by: &User,
        memberships: &[Membership],
        now: i64,
    ) -> Result<Change<AcceptedInvitation>, InvitationRefused> {
        let actor = Actor::user(by.id, &by.email, "");
        self.invitation.clone().accept(by, self.terms(), memberships, &actor, at(now))
    }

    fn sent(&self, role: Role, known: Option<&Member>) -> Result<(), InvitationRefused> {
        let permissions = Permissions::of_role(role);
        let standing = Standing { person: self.owner.id, ceiling: role, permissions };
        let by = Actor::command_line();
        let invitation = self.invitation.clone();
        invitation.send("hash".to_owned(), &standing, self.terms(), known, &by).map(drop)
    }
}

fn membership(workspace: Workspace) -> Membership {
    Membership { workspace, role: Role::Viewer, suspended_at: None }
}

#[test]
fn an_accepted_invitation_makes_its_recipient_a_member() {
    let world = world();
    let bob = person("bob@example.org");
    let change = world.accepted(&bob, &[], 99).unwrap();
    assert_eq!(change.acts()[0].action, "member.joined");
    let AcceptedInvitation { invitation, member } = change.into_parts().state;
    assert_eq!(invitation, world.invitation);
    assert_eq!((member.user_id, member.role, member.created_at), (bob.id, Role::Operator, at(99)));
}

#[test]
fn only_its_recipient_accepts_it_and_only_in_time() {
    let world = world();
    let bob = person("bob@example.org");
    let expired = world.accepted(&bob, &[], 100);
    assert_eq!(expired.err(), Some(InvitationRefused::Expired));
    let other = world.accepted(&person("eve@example.org"), &[], 1);
    assert_eq!(other.err(), Some(InvitationRefused::OtherAddress));
}

#[test]
fn who_is_a_member_or_belongs_to_too_many_workspaces_does_not_join() {
    let world = world();
    let bob = person("bob@example.org");
    let here = membership(world.workspace.clone());
    let member = world.accepted(&bob, &[here], 1);
    assert_eq!(member.err(), Some(InvitationRefused::AlreadyMember));

    let elsewhere = vec![membership(workspace(clock().id())); Membership::MOST];
    assert!(world.accepted(&bob, &elsewhere[1..], 1).is_ok());
    let many = world.accepted(&bob, &elsewhere, 1);
    assert_eq!(many.err(), Some(InvitationRefused::TooManyJoined));
}

#[test]
fn an_invitation_whose_sender_could_not_send_it_today_is_void() {
    type Happens = fn(&mut World);
    let void = Some(InvitationRefused::Void);
    let cases: [(Happens, Option<InvitationRefused>); 7] = [
        (|_| (), None),
        (|world| world.member.role = Role::Admin, None),
        (|world| world.member.role = Role::Operator, void),
        (|world| world.invitation.role = Role::Owner, None),
        (|world| world.member.suspended_at = Some(at(1)), void),
        (|world| world.owner.blocked_at = Some(at(1)), void),
        (|world| world.owner.delete_at = Some(at(1)), void),
    ];
    let bob = person("bob@example.org");
    for (number, (happens, expected)) in cases.into_iter().enumerate() {
        let mut world = world();
        happens(&mut world);
        assert_eq!(world.accepted(&bob, &[], 1).err(), expected, "accepted: {number}");
        assert_eq!(world.sent(Role::Owner, None).err(), expected, "sent: {number}");
    }

    let world = world();
    let gone = InvitationTerms { sender: None, ..world.terms() };
    let by = Actor::command_line();
    let accepted = world.invitation.clone().accept(&bob, gone, &[], &by, at(1));
    assert_eq!(accepted.err(), void);
}

#[test]
fn nobody_joins_a_suspended_workspace() {
    let mut world = world();
    world.workspace.suspended_at = Some(at(1));
    let refused = Some(InvitationRefused::WorkspaceSuspended);
    assert_eq!(world.accepted(&person("bob@example.org"), &[], 1).err(), refused);
    assert_eq!(world.sent(Role::Owner, None).err(), refused);
}

#[test]
fn nobody_invites_above_their_role_or_a_member() {
    let mut world = world();
    world.invitation.role = Role::Owner;
    let above = Some(InvitationRefused::AboveStanding(RoleAboveOwn));
    assert_eq!(world.sent(Role::Admin, None).err(), above);
    let bob = Member { email: "bob@example.org".to_owned(), ..world.member.clone() };
    assert_eq!(world.sent(Role::Owner, Some(&bob)).err(), Some(InvitationRefused::InviteeIsMember));
}

#[test]
fn a_revoked_invitation_is_entered() {
    let change = world().invitation.revoke(&Actor::command_line(), at(1));
    assert_eq!(change.acts()[0].action, "invitation.deleted");
}
