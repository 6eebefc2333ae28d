use replyx_core::{
    change::{Deleted, New},
    fixtures::unexplained,
    presence::Presence,
    role::Role,
};
use replyx_storage::{drafts::Draft, on_every_db, testing::TestDb};

use crate::given::{self, at};

#[on_every_db]
async fn what_an_operator_said_and_began_to_write_goes_with_their_membership_or_their_account(
    home: &TestDb,
) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    let user = tenant.user.id;
    let dialog = tenant.dialog.id;
    let sits = || unexplained(Presence::of_nobody(tenant.id, user, at(0)));
    let draft = Draft { text: "Your parcel".to_owned(), updated_at: at(1) };
    commit!(db, |tx| tx.apply(sits()));
    commit!(db, |tx| tx.workspace(tenant.id).drafts().put(user, dialog, &draft));
    commit!(db, |tx| tx.workspace(tenant.id).inbox_views().put(user, &given::views()));
    assert!(read!(db, |tx| tx.workspace(tenant.id).operators().find(user)).is_some());
    assert!(read!(db, |tx| tx.workspace(tenant.id).drafts().find(user, dialog)).is_some());

    let member = given::member(tenant.id, user, Role::Owner, at(0));
    commit!(db, |tx| tx.apply(unexplained(Deleted(member.clone()))));
    assert!(read!(db, |tx| tx.workspace(tenant.id).operators().find(user)).is_none());
    assert!(read!(db, |tx| tx.workspace(tenant.id).drafts().find(user, dialog)).is_none());
    assert!(read!(db, |tx| tx.workspace(tenant.id).inbox_views().find(user)).is_none());

    commit!(db, |tx| tx.apply(unexplained(New(member))));
    commit!(db, |tx| tx.apply(sits()));
    commit!(db, |tx| tx.workspace(tenant.id).drafts().put(user, dialog, &draft));
    commit!(db, |tx| tx.workspace(tenant.id).inbox_views().put(user, &given::views()));
    commit!(db, |tx| tx.apply(unexplained(Deleted(tenant.user.clone()))));
    assert!(read!(db, |tx| tx.workspace(tenant.id).operators().find(user)).is_none());
    assert!(read!(db, |tx| tx.workspace(tenant.id).drafts().find(user, dialog)).is_none());
    assert!(read!(db, |tx| tx.workspace(tenant.id).inbox_views().find(user)).is_none());
}

#[on_every_db]
async fn waits_that_ended_long_ago_and_old_states_are_forgotten_and_what_holds_stays(
    home: &TestDb,
) {
    let db = &home.db;
    let tenant = given::tenant(db).await;
    tenant.fill(db).await;
    let user = tenant.user.id;
    let left = async |table: &str| {
        given::tamper(&home.url, &format!("UPDATE {table} SET workspace_id = workspace_id")).await
    };
    // Somebody waits still, and what the operator said last is also what holds.
    assert_eq!(commit!(db, |tx| tx.system().waits().forget(at(1_000_000))), 0);
    assert_eq!(commit!(db, |tx| tx.system().operators().forget_states(at(1))), 0);
    assert_eq!(commit!(db, |tx| tx.system().bulk_items().forget(at(0))), 0);
    assert_eq!(commit!(db, |tx| tx.system().bulk_items().forget(at(1))), 1);

    let ended = "UPDATE waits SET ended_at = began_at, outcome = 'taken'";
    assert_eq!(given::tamper(&home.url, ended).await, 1);
    assert_eq!(commit!(db, |tx| tx.system().waits().forget(at(-1))), 0);
    assert_eq!(commit!(db, |tx| tx.system().waits().forget(at(1_000_000))), 1);
    assert_eq!(commit!(db, |tx| tx.system().operators().forget_states(at(1_000_000))), 1);
    assert_eq!((left("waits").await, left("operator_states").await), (0, 0));
    assert!(read!(db, |tx| tx.workspace(tenant.id).operators().find(user)).is_some());
}
