//! What happens to web pages that are kept up to date.

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use crate::{
    act::{Actor, SourceCreated, SourceDeleted, SourceFetched, SourceUpdated},
    change::{Change, Deleted, New},
    event::Event,
    knowledge::{Source, SourceKind, SourceStatus, tags},
    patch::Patch,
};

#[cfg(test)]
mod tests;

/// The source waits to be fetched, or is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the source is `{0}`")]
pub struct SourceBusy(pub SourceStatus);

/// The source is not due to be fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the source is not due")]
pub struct NotDue;

/// What is to change of a source. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceChange {
    /// How many links away from the beginning; only for a site.
    pub depth: Option<i64>,
    /// How many pages at most; not for a page.
    pub max_pages: Option<i64>,
    /// How often it is fetched again, hours; without it never by itself.
    pub every_hours: Patch<i64>,
    /// What its new pages are tagged with.
    pub tags: Option<Vec<String>>,
}

/// A source of this kind has no such bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SourceChangeRefused {
    /// Only a site is more than one link deep.
    #[error("is only for a `site`")]
    Depth,
    /// A page is one page.
    #[error("is not for a `page`")]
    MaxPages,
}

/// What there is of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// How many pages.
    pub pages: i64,
    /// How large they are together, bytes.
    pub bytes: i64,
}

impl Source {
    /// Adds the source, which waits to be fetched.
    pub fn create(self, by: &Actor) -> Change<New<Self>> {
        let act = SourceCreated {
            source: self.id,
            url: self.url.clone(),
            kind: self.kind,
            assistant_id: self.assistant_id,
        };
        let at = self.created_at;
        self.told(at).with(New).done_by(by, &act, at)
    }

    /// Changes how it is fetched from the next time on.
    ///
    /// # Errors
    ///
    /// [`SourceChangeRefused`] for a bound that this kind of source does not have.
    pub fn update(
        mut self,
        change: SourceChange,
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, SourceChangeRefused> {
        if let Some(depth) = change.depth {
            if self.kind != SourceKind::Site {
                return Err(SourceChangeRefused::Depth);
            }
            self.depth = depth;
        }
        if let Some(max_pages) = change.max_pages {
            if self.kind == SourceKind::Page {
                return Err(SourceChangeRefused::MaxPages);
            }
            self.max_pages = max_pages;
        }

        if change.every_hours.changes() {
            change.every_hours.apply(&mut self.every_hours);
            // One that waits or is being fetched is due again only after that.
            if self.is_idle() {
                self.next_at = self.due_after(self.fetched_at.unwrap_or(self.created_at));
            }
        }

        if let Some(wanted) = change.tags {
            self.tags = tags(&wanted);
        }

        self.updated_at = now;
        let act = SourceUpdated {
            source: self.id,
            url: self.url.clone(),
            depth: self.depth,
            max_pages: self.max_pages,
            refresh_hours: self.every_hours,
            tags: self.tags.clone(),
        };
        Ok(self.told(now).done_by(by, &act, now))
    }

    /// Waits to be fetched again, because somebody wants it.
    ///
    /// # Errors
    ///
    /// [`SourceBusy`] when it waits or is being fetched already.
    pub fn refetch(mut self, by: &Actor, now: DateTime<Utc>) -> Result<Change<Self>, SourceBusy> {
        if !self.is_idle() {
            return Err(SourceBusy(self.status));
        }
        self.status = SourceStatus::Queued;
        self.error = None;
        self.updated_at = now;

        let act = SourceFetched { source: self.id, url: self.url.clone() };
        Ok(self.told(now).done_by(by, &act, now))
    }

    /// Waits to be fetched again, because it is time.
    ///
    /// # Errors
    ///
    /// [`NotDue`] when it is not time yet, or it waits or is being fetched already.
    pub fn come_due(mut self, now: DateTime<Utc>) -> Result<Change<Self>, NotDue> {
        if !self.is_idle() || self.next_at.is_none_or(|next| next > now) {
            return Err(NotDue);
        }
        self.status = SourceStatus::Queued;
        self.next_at = None;
        self.error = None;
        self.updated_at = now;
        Ok(self.told(now))
    }

    /// Is being fetched: by a job that may have been interrupted before.
    pub fn begin_fetch(mut self, now: DateTime<Utc>) -> Change<Self> {
        self.status = SourceStatus::Fetching;
        self.error = None;
        self.updated_at = now;
        self.told(now)
    }

    /// So much of it has been fetched so far. What was there before is not less.
    pub fn progress(mut self, so_far: Fetched, now: DateTime<Utc>) -> Change<Self> {
        self.pages = self.pages.max(so_far.pages);
        self.bytes = self.bytes.max(so_far.bytes);
        self.updated_at = now;
        self.told(now)
    }

    /// Was fetched to its end.
    pub fn finish_fetch(mut self, fetched: Fetched, now: DateTime<Utc>) -> Change<Self> {
        self.status = SourceStatus::Ready;
        self.error = None;
        self.fetched_at = Some(now);
        self.end_fetch(fetched, now)
    }

    /// Cannot be fetched; `why` in a sentence for its owner. What was fetched before stays.
    pub fn fail_fetch(mut self, why: String, kept: Fetched, now: DateTime<Utc>) -> Change<Self> {
        self.status = SourceStatus::Failed;
        self.error = Some(why);
        self.end_fetch(kept, now)
    }

    /// Deletes the source, whose documents are gone.
    pub fn delete(self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let event = Event::SourceDeleted { source_id: self.id, assistant_id: self.assistant_id };
        let act = SourceDeleted { source: self.id, url: self.url.clone() };
        Change::of(self.workspace_id, Deleted(self)).telling(event, now).done_by(by, &act, now)
    }

    /// Does it neither wait to be fetched nor is being fetched?
    pub const fn is_idle(&self) -> bool {
        matches!(self.status, SourceStatus::Ready | SourceStatus::Failed)
    }

    fn end_fetch(mut self, there: Fetched, now: DateTime<Utc>) -> Change<Self> {
        self.pages = there.pages;
        self.bytes = there.bytes;
        self.next_at = self.due_after(now);
        self.updated_at = now;
        self.told(now)
    }

    fn due_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.every_hours.map(|hours| moment + TimeDelta::hours(hours))
    }

    fn told(self, now: DateTime<Utc>) -> Change<Self> {
        let event = Event::SourceStatus {
            source_id: self.id,
            assistant_id: self.assistant_id,
            status: self.status,
            pages: self.pages,
            error: self.error.clone(),
        };
        Change::of(self.workspace_id, self).telling(event, now)
    }
}
