use replyx_core::{dialog::Contact, event::Event, role::Role, user::User};
use replyx_storage::{StorageError, on_every_db, testing::TestDb};

use crate::given::{self, at, id};

#[on_every_db]
async fn a_user_is_found_by_id_and_by_address(home: &TestDb) {
    let db = &home.db;
    let user = given::user();
    commit!(db, |tx| given::sign_up(&mut tx, &user, "$argon2id$hash"));
    assert_eq!(read!(db, |tx| tx.system().users().find(user.id)).as_ref(), Some(&user));
    let found = read!(db, |tx| tx.system().users().find_by_email(&user.email));
    assert_eq!(found, Some((user, "$argon2id$hash".to_owned())));
    assert_eq!(read!(db, |tx| tx.system().users().find_by_email("%")), None);
    assert_eq!(read!(db, |tx| tx.system().users().find(given::stranger())), None);
}

#[on_every_db]
async fn an_address_belongs_to_one_user(home: &TestDb) {
    let db = &home.db;
    let user = given::user();
    commit!(db, |tx| given::sign_up(&mut tx, &user, "x"));
    let twin = User { id: id(), ..user };
    let mut tx = db.begin().await.unwrap();
    assert!(given::sign_up(&mut tx, &twin, "x").await.unwrap_err().is_duplicate());
}

#[on_every_db]
async fn members_have_a_role_in_each_workspace(home: &TestDb) {
    let db = &home.db;
    let ours = given::tenant(db).await;
    let theirs = given::tenant(db).await;
    commit!(db, |tx| given::join(&mut tx, theirs.id, ours.user.id, Role::Viewer, at(5)));
    let roles: Vec<_> = read!(db, |tx| tx.system().users().memberships(ours.user.id))
        .into_iter()
        .map(|membership| (membership.workspace.id, membership.role))
        .collect();
    assert_eq!(roles, [(ours.id, Role::Owner), (theirs.id, Role::Viewer)]);
    let role = |workspace| async move {
        read!(db, |tx| tx.workspace(workspace).members().find(ours.user.id))
            .map(|member| member.role)
    };
    assert_eq!(
        (role(ours.id).await, role(theirs.id).await),
        (Some(Role::Owner), Some(Role::Viewer))
    );
    assert_eq!(role(given::tenant(db).await.id).await, None);
    let mut tx = db.begin().await.unwrap();
    let again = given::join(&mut tx, ours.id, ours.user.id, Role::Admin, at(6)).await;
    assert!(again.unwrap_err().is_duplicate());
}

#[on_every_db]
async fn who_writes_again_is_the_same_contact_under_the_new_name(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let mut inbound = given::inbound(7);
    "Пётр II".clone_into(&mut inbound.display_name);
    let met = commit!(db, |tx| tx.workspace(tenant.id).contacts().meet(
        tenant.bot.id,
        &inbound,
        id(),
        at(9)
    ));
    assert_eq!(met, Contact { display_name: "Пётр II".to_owned(), ..tenant.contact.clone() });
    assert_eq!(read!(db, |tx| tx.workspace(tenant.id).contacts().find(met.id)), Some(met));
}

#[on_every_db]
async fn two_first_messages_make_one_contact(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let workspace = tenant.id;
    let bot = tenant.bot.id;
    let mut first = db.begin().await.unwrap();
    let one =
        first.workspace(workspace).contacts().meet(bot, &given::inbound(8), id(), at(0)).await;
    let second = tokio::spawn({
        let db = db.clone();
        async move {
            commit!(db, |tx| tx.workspace(workspace).contacts().meet(
                bot,
                &given::inbound(8),
                id(),
                at(1)
            ))
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!second.is_finished(), "the second waits for the first");
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), one.unwrap());
}

#[on_every_db]
async fn only_a_change_of_heart_is_news(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let contact_id = tenant.contact.id;
    for (blocked, now) in [(true, 5), (true, 6), (false, 4), (false, 7), (false, 8)] {
        let mut tx = db.begin().await.unwrap();
        let found = tx.workspace(tenant.id).contacts().lock(contact_id).await.unwrap();
        let contact = found.unwrap();
        let change = if blocked { contact.block(at(now)) } else { contact.unblock(at(now)) };
        if let Some(change) = change {
            tx.apply(change).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let log = read!(db, |tx| tx.workspace(tenant.id).events().after(3, 9));
    let news: Vec<_> = log.into_iter().map(|recorded| (recorded.at, recorded.event)).collect();
    assert_eq!(
        news,
        [
            (at(5), Event::ContactBlocked { contact_id, blocked: true }),
            (at(7), Event::ContactBlocked { contact_id, blocked: false }),
        ]
    );
}

#[on_every_db]
async fn a_contact_has_one_open_dialog(home: &TestDb) {
    let db = &home.db;
    let tenant = given::tenant(&home.db).await;
    let open = commit!(db, |tx| tx.workspace(tenant.id).dialogs().lock_open(tenant.contact.id));
    assert_eq!(open, Some(tenant.dialog.clone()));
    let second = given::dialog(&tenant.bot, &tenant.contact);
    let mut tx = db.begin().await.unwrap();
    assert!(tx.apply(second.open()).await.unwrap_err().is_duplicate());
    assert!(matches!(tx.commit().await, Err(StorageError::Undone)));
}
