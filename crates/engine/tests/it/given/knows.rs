//! What the assistant knows and how it answers, and what that has cost.

use replyx_core::{
    assistant::{AssistantSettings, Version},
    clock::random_hex,
    fixtures,
    ids::{DocumentId, PassageId},
    knowledge::{Document, DocumentStatus},
    usage::Purpose,
};
use replyx_storage::passages::{NewPassage, PassageChanges, Span};
use replyx_text::terms::index_text;

use super::World;

impl World<'_> {
    /// Publishes another version of the assistant, and makes it the draft.
    pub(crate) async fn publish(&self, change: impl FnOnce(&mut AssistantSettings)) {
        let mut tx = self.db.db.begin().await.unwrap();
        let assistants = tx.workspace(self.workspace).assistants();
        let mut assistant = assistants.lock(self.assistant).await.unwrap().unwrap();
        change(&mut assistant.settings);
        assistant.version += 1;
        let assistant = tx.apply(fixtures::unexplained(assistant)).await.unwrap();
        let number =
            tx.workspace(self.workspace).assistants().next_number(self.assistant).await.unwrap();
        let version = Version { number, ..fixtures::version(&self.clock, &assistant) };
        tx.apply(assistant.publish_first(version)).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What models were asked for, most costly first: purpose, calls, failed calls, cost in
    /// millionths.
    pub(crate) async fn spent(&self) -> Vec<(Purpose, i64, i64, i64)> {
        let today = self.clock.now().date_naive();
        let mut tx = self.db.db.read().await.unwrap();
        let calls = tx.workspace(self.workspace).model_calls();
        let days = calls.by_day(Some(self.assistant), today, today, 100).await.unwrap();
        days.iter()
            .map(|day| {
                let totals = &day.totals;
                (day.purpose, totals.calls, totals.failed, totals.cost.micros())
            })
            .collect()
    }

    /// Stores a document of one passage.
    pub(crate) async fn learn(
        &self,
        name: &str,
        headings: &str,
        text: &str,
    ) -> (DocumentId, PassageId) {
        let document = Document {
            name: name.to_owned(),
            status: DocumentStatus::Ready,
            passages: 1,
            revision: 1,
            ..fixtures::document(&self.clock, self.workspace, self.assistant)
        };
        let terms = index_text(text);
        let length = i64::try_from(terms.split_whitespace().count()).unwrap();
        let end = i64::try_from(text.len()).unwrap();
        let passage = NewPassage {
            id: self.clock.id(),
            headings: headings.to_owned(),
            text: text.to_owned(),
            hash: random_hex::<32>(),
            length,
            terms,
            place: Span { position: 0, start: 0, end, page: None },
        };
        let id = passage.id;
        let changes = PassageChanges { new: vec![passage], ..PassageChanges::default() };
        let mut tx = self.db.db.begin().await.unwrap();
        tx.apply(document.clone().store(b"bytes")).await.unwrap();
        tx.workspace(self.workspace).passages().change(document.id, &changes).await.unwrap();
        tx.workspace(self.workspace).documents().set_indexed(document.id, length, 1).await.unwrap();
        tx.commit().await.unwrap();
        (document.id, id)
    }
}
