//! What the tests begin with.

use std::{collections::HashMap, sync::Arc};

use chrono::DateTime;
use replyx_accounts::{
    AccountSettings, Cx, Device, MailDelivery,
    registration::{NewPerson, Registered, register},
};
use replyx_core::{
    actor::{Account, Caller},
    address::ClientAddress,
    audit::Entry,
    clock::Clock,
    ids::WorkspaceId,
    page::PageRequest,
    secret::Keys,
    session::{Access, Principal},
};
use replyx_live::Live;
use replyx_storage::{audit::AuditFilter, testing::TestDb, tuning::Tuning};

/// A password that is accepted.
pub(crate) const PASSWORD: &str = "green lantern 7";

/// What use cases work with: letters go to a folder, so new addresses need no confirmation. The
/// clock stands still.
pub(crate) fn cx(home: &TestDb) -> Cx {
    let settings =
        AccountSettings { base_url: "http://127.0.0.1".to_owned(), mail: MailDelivery::Folder };
    let keys = Keys::derive(&"0123456789abcdef0123456789abcdef".into()).unwrap();
    let tuning = Arc::new(Tuning::new(HashMap::new()));
    let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    Cx::new(home.db.clone(), Live::in_process(), clock, keys, tuning, settings)
}

/// A device that nobody has signed in on.
pub(crate) fn device() -> Device {
    Device { address: ClientAddress::default(), user_agent: "test".to_owned() }
}

/// Registers somebody.
pub(crate) async fn registered(cx: &Cx, email: &str) -> Registered {
    let person = NewPerson {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        name: None,
        language: None,
        invitation: None,
    };
    register(cx, &device(), person).await.unwrap()
}

/// A person who is signed in.
pub(crate) async fn account(cx: &Cx, email: &str) -> Account {
    let Registered { user, session, .. } = registered(cx, email).await;
    let session = session.unwrap().subject.session;
    let principal = Principal::User { user: Box::new(user), session };
    let access = Arc::new(Access { principal, place: None });
    Account { session, access, address: ClientAddress::default() }
}

/// The owner of a workspace, acting in it.
pub(crate) async fn owner(cx: &Cx, email: &str) -> Caller {
    let account = account(cx, email).await;
    let mut tx = cx.db.read().await.unwrap();
    let access = tx.system().sessions().access(account.session, None, cx.clock.now()).await;
    let access = Arc::new(access.unwrap().unwrap());
    let workspace_id = access.place.as_ref().unwrap().workspace.id;
    Caller { workspace_id, access, address: account.address }
}

/// The acts of a log, newest first; of the platform's without a workspace.
pub(crate) async fn acts(cx: &Cx, workspace: Option<WorkspaceId>) -> Vec<Entry> {
    let filter = AuditFilter::default();
    let page = PageRequest::new(Some(PageRequest::<i64>::MAX), None);
    let mut tx = cx.db.read().await.unwrap();
    let found = match workspace {
        Some(workspace) => tx.workspace(workspace).audit().list(&filter, page).await,
        None => tx.system().audit().list(&filter, page).await,
    };
    found.unwrap().items
}
