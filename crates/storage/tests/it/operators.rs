use replyx_core::{
    change::{Deleted, New},
    fixtures::unexplained,
    presence::Presence,
    role::Role,
};
use replyx_storage::{on_every_db, testing::TestDb};

use crate::given::{self, at};

#[on_every_db]
async fn what_an_operator_said_goes_with_their_membership_or_their_account(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let user = tenant.user.id;
    let sits = || unexplained(Presence::of_nobody(tenant.id, user, at(0)));
    commit!(db, |tx| tx.apply(sits()));
    assert!(read!(db, |tx| tx.workspace(tenant.id).operators().find(user)).is_some());

    let member = given::member(tenant.id, user, Role::Owner, at(0));
    commit!(db, |tx| tx.apply(unexplained(Deleted(member.clone()))));
    assert!(read!(db, |tx| tx.workspace(tenant.id).operators().find(user)).is_none());

    commit!(db, |tx| tx.apply(unexplained(New(member))));
    commit!(db, |tx| tx.apply(sits()));
    commit!(db, |tx| tx.apply(unexplained(Deleted(tenant.user.clone()))));
    assert!(read!(db, |tx| tx.workspace(tenant.id).operators().find(user)).is_none());
}
