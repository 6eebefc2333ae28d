//! People who answer customers.

use std::sync::Arc;

use replyx_core::{
    actor::Caller,
    address::ClientAddress,
    change::New,
    fixtures,
    permission::Permissions,
    role::Role,
    rules::user::UserWithPassword,
    session::{Access, Principal, WorkspaceAccess},
    user::User,
    workspace::Workspace,
};

use super::World;

impl World<'_> {
    /// Somebody who works here.
    pub(crate) async fn member(&self, name: &str, role: Role) -> Caller {
        let user = User { name: Some(name.to_owned()), ..fixtures::user(&self.clock) };
        let mut tx = self.db.db.begin().await.unwrap();
        let new = UserWithPassword { user: user.clone(), password_hash: "hash".to_owned() };
        tx.apply(fixtures::unexplained(New(new))).await.unwrap();
        let member = fixtures::member(&self.clock, self.workspace, user.id, role);
        tx.apply(fixtures::unexplained(New(member))).await.unwrap();
        tx.commit().await.unwrap();

        let workspace = Workspace { id: self.workspace, ..fixtures::workspace(&self.clock) };
        let place = WorkspaceAccess {
            workspace,
            role: Some(role),
            permissions: Permissions::of_role(role),
            suspended: false,
        };
        let principal = Principal::User { user: Box::new(user), session: self.clock.id() };
        Caller {
            workspace_id: self.workspace,
            access: Arc::new(Access { principal, place: Some(place) }),
            address: ClientAddress::default(),
        }
    }
}
