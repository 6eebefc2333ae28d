//! A workspace, somebody who may do everything in it, and what use cases work with.

use std::{collections::HashMap, sync::Arc};

use chrono::DateTime;
use replyx_assistants::{
    Cx,
    assistants::{self, NewAssistant},
    documents::{File, Naming},
};
use replyx_core::{
    actor::Caller,
    address::ClientAddress,
    assistant::Assistant,
    audit::Entry,
    change::New,
    clock::Clock,
    fixtures,
    page::PageRequest,
    permission::Permissions,
    role::Role,
    session::{Access, Principal, WorkspaceAccess},
};
use replyx_knowledge::index::IndexDocument;
use replyx_live::Live;
use replyx_llm::{Models, ModelsConfig};
use replyx_storage::{Db, audit::AuditFilter, testing::TestDb, tuning::Tuning};

/// What use cases work with.
pub(crate) struct World<'d> {
    pub(crate) db: &'d Db,
    pub(crate) clock: Clock,
    models: Models,
    tuning: Tuning,
}

impl<'d> World<'d> {
    pub(crate) fn on(home: &'d TestDb) -> Self {
        // It moves only when a test says so: ids of one moment are in no order.
        let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let config = ModelsConfig::default();
        let models = Models::new(config, Live::in_process(), clock.clone()).unwrap();
        Self { db: &home.db, clock, models, tuning: Tuning::new(HashMap::new()) }
    }

    pub(crate) fn cx(&self) -> Cx<'_> {
        Cx { db: self.db, clock: &self.clock, models: &self.models, tuning: &self.tuning }
    }

    /// A key that may do everything in a workspace of its own.
    pub(crate) async fn caller(&self) -> Caller {
        let workspace = fixtures::workspace(&self.clock);
        let mut tx = self.db.begin().await.unwrap();
        tx.apply(fixtures::unexplained(New(workspace.clone()))).await.unwrap();
        tx.commit().await.unwrap();

        let principal =
            Principal::Key { id: self.clock.id(), name: "the shop's key".to_owned(), maker: None };
        Caller {
            workspace_id: workspace.id,
            access: Arc::new(Access {
                principal,
                place: Some(WorkspaceAccess {
                    workspace,
                    role: None,
                    permissions: Permissions::of_role(Role::Owner),
                    suspended: false,
                }),
            }),
            address: ClientAddress::default(),
        }
    }

    /// An assistant that quotes.
    pub(crate) async fn assistant(&self, caller: &Caller) -> Assistant {
        let new = NewAssistant {
            name: "Ada".to_owned(),
            model: Some("extractive".to_owned()),
            ..NewAssistant::default()
        };
        assistants::create(self.cx(), caller, new).await.unwrap()
    }

    /// What the workspace's audit log says was done, the oldest first.
    pub(crate) async fn acts(&self, caller: &Caller) -> Vec<String> {
        let mut tx = self.db.read().await.unwrap();
        let log = tx.workspace(caller.workspace_id).audit();
        let page = PageRequest { limit: 200, after: None };
        let entries: Vec<Entry> = log.list(&AuditFilter::default(), page).await.unwrap().items;
        entries.into_iter().rev().map(|entry| entry.act.action).collect()
    }

    /// How many documents wait to be read.
    pub(crate) async fn waiting(&self, caller: &Caller) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        tx.workspace(caller.workspace_id).jobs().waiting(IndexDocument::KIND, 100).await.unwrap()
    }
}

/// A text file.
pub(crate) fn file(name: &str, text: &str) -> File {
    File {
        name: name.to_owned(),
        naming: Naming::Given,
        bytes: text.as_bytes().to_vec(),
        tags: None,
    }
}
