//! The inbox, searched: dialogs that have all of some words, by the index of words
//! ([`crate::dialog_terms`]).
//!
//! Dialogs that wait for people, or that people have, are few: each is asked for the words.
//! Otherwise the index names those that have the rarest word, newest first, and of these at most
//! [`SEARCHED_MOST`] are looked at for one page.

use chrono::{DateTime, Utc};
use replyx_core::{
    ids::{DialogId, MessageId, UserId},
    page::Page,
};
use uuid::Uuid;

use super::{Inbox, InboxEntry, InboxFilter, InboxOrder, Reader, Row, filter::Given, read};
use crate::{StorageError, dialog_terms::Finders};

/// At most so many words are searched for at once.
pub const MOST_WORDS: usize = 8;

/// At most so many dialogs that have the rarest word are looked at for one page.
pub const SEARCHED_MOST: i64 = 5_000;

/// Up to how many dialogs are counted to tell which word is the rarest.
const COUNTED: i64 = 1_000;

/// The words that are searched for, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchWords {
    terms: Vec<String>,
    finders: Finders,
}

impl SearchWords {
    /// Up to [`MOST_WORDS`] stems; none are no search.
    pub fn of(terms: Vec<String>, finders: Finders) -> Option<Self> {
        let fits = (1..=MOST_WORDS).contains(&terms.len());
        fits.then_some(Self { terms, finders })
    }
}

/// Has the dialog all the words? `$14` is their number, `$15` who searches, `$16` to `$23` are the
/// words; the first is there again where there are fewer.
macro_rules! has_words {
    () => {
        "(SELECT COUNT(*) FROM dialog_terms o
           WHERE o.workspace_id = d.workspace_id AND o.dialog_id = d.id AND o.shown >= $15
             AND o.term IN ($16, $17, $18, $19, $20, $21, $22, $23)) = $14 AND "
    };
}

/// The newest dialogs with the first word first, each with its last message.
macro_rules! from_searched {
    ($before:literal) => {
        concat!(
            "(SELECT t.dialog_id FROM dialog_terms t
               WHERE t.workspace_id = $1 AND t.term = $16 AND t.shown >= $15 ",
            $before,
            "  ORDER BY t.dialog_id DESC LIMIT 5000) s
              CROSS JOIN dialogs d
               LEFT JOIN messages m ON m.workspace_id = d.workspace_id AND m.dialog_id = d.id
                                   AND m.seq = d.last_seq"
        )
    };
}

const NEWEST: &str = entries!(
    from_searched!("AND t.dialog_id < $24"),
    has_words!(),
    "d.id = s.dialog_id",
    "d.id DESC"
);
const NEWEST_OF_PEOPLE: &str = entries!(
    from_dialogs!(),
    has_words!(),
    "d.control IN ('waiting', 'human') AND d.id < $24",
    "d.id DESC"
);
const ACTIVITY: &str =
    entries!(from_searched!(""), has_words!(), "d.id = s.dialog_id AND m.id < $24", "m.id DESC");
const ACTIVITY_OF_PEOPLE: &str = entries!(
    from_dialogs!(),
    has_words!(),
    "d.control IN ('waiting', 'human') AND m.id < $24",
    "m.id DESC"
);
const WAITING: &str = entries!(
    from_dialogs!(),
    has_words!(),
    "d.control = 'waiting' AND (d.asking_since, d.id) > ($24, $25)",
    "d.asking_since, d.id"
);

/// Sends a statement of a search: `searched!(tx, SQL, who and what; where to begin)`.
macro_rules! searched {
    ($tx:expr, $sql:expr, $asked:expr; $($begin:expr),+) => {{
        let Asked { workspace, member, more, now, given, words } = &$asked;
        let [first, others @ ..] = &words.terms[..] else { return Ok(empty()) };
        let word = |number: usize| others.get(number).unwrap_or(first).as_str();
        let count = i64::try_from(words.terms.len()).unwrap_or(i64::MAX);
        rows!($tx, Row, $sql;
            *workspace, *member, *more, given.control, given.with_people, given.assigned,
            given.to, given.assistant, given.channel, given.unread, *now, given.snoozed,
            given.tag, count, words.finders.shown(), first.as_str(), word(0), word(1), word(2),
            word(3), word(4), word(5), word(6), $($begin),+)
    }};
}

/// What every statement of a search is given.
struct Asked<'w> {
    workspace: Uuid,
    member: Uuid,
    more: i64,
    now: DateTime<Utc>,
    given: Given,
    words: &'w SearchWords,
}

impl Inbox<'_> {
    /// At most `limit` dialogs that have all the words, as `reader` sees them. By
    /// [`InboxOrder::Newest`] a page may be short of `limit` and have a next one all the same; by
    /// [`InboxOrder::Activity`] only the newest [`SEARCHED_MOST`] dialogs with the rarest word are
    /// ordered.
    pub async fn search(
        self,
        reader: Reader,
        filter: InboxFilter,
        order: InboxOrder,
        limit: u32,
        words: SearchWords,
    ) -> Result<Page<InboxEntry, DialogId>, StorageError> {
        let Self { tx, workspace } = self;
        let Some(words) = rarest_first(Inbox { tx: &mut *tx, workspace }, words).await? else {
            return Ok(empty());
        };

        let asked = Asked {
            workspace: workspace.into_uuid(),
            member: reader.member.map_or(Uuid::nil(), UserId::into_uuid),
            more: i64::from(limit) + 1,
            now: reader.now,
            given: filter.given(),
            words: &words,
        };
        let of_people = filter.is_of_people();
        let rows = match order {
            InboxOrder::Newest { after } => {
                let before = after.map_or(Uuid::max(), DialogId::into_uuid);
                let sql = if of_people { NEWEST_OF_PEOPLE } else { NEWEST };
                searched!(tx, sql, asked; before)
            }
            InboxOrder::Activity { after } => {
                let before = after.map_or(Uuid::max(), MessageId::into_uuid);
                let sql = if of_people { ACTIVITY_OF_PEOPLE } else { ACTIVITY };
                searched!(tx, sql, asked; before)
            }
            InboxOrder::Waiting { after } => {
                let (at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil().into()));
                searched!(tx, WAITING, asked; at, id.into_uuid())
            }
        };

        let found = rows.iter().map(read).collect::<Result<_, _>>()?;
        let mut page = Page::of(found, limit, |entry: &InboxEntry| entry.dialog.id);
        if let (None, false, InboxOrder::Newest { after }) = (page.next, of_people, order) {
            page.next = Inbox { tx, workspace }.looked_at(after, &words).await?;
        }
        Ok(page)
    }

    /// The last dialog that a search by [`InboxOrder::Newest`] looked at; `None` when it has looked
    /// at all that have the word.
    async fn looked_at(
        self,
        after: Option<DialogId>,
        words: &SearchWords,
    ) -> Result<Option<DialogId>, StorageError> {
        const SQL: &str = "
            SELECT dialog_id FROM dialog_terms
             WHERE workspace_id = $1 AND term = $2 AND shown >= $3 AND dialog_id < $4
             ORDER BY dialog_id DESC LIMIT 1 OFFSET $5";
        let before = after.map_or(Uuid::max(), DialogId::into_uuid);
        let rarest = words.terms.first().map_or("", String::as_str);
        let last = value!(self.tx, Uuid, SQL;
            self.workspace.into_uuid(), rarest, words.finders.shown(), before, SEARCHED_MOST - 1);
        Ok(last.map(DialogId::from))
    }
}

/// The words, the one first that the fewest dialogs have; `None` when none has one of them.
async fn rarest_first(
    inbox: Inbox<'_>,
    mut words: SearchWords,
) -> Result<Option<SearchWords>, StorageError> {
    let Inbox { tx, workspace } = inbox;
    let mut rarest = (0, COUNTED + 1);
    for (number, term) in words.terms.iter().enumerate() {
        let terms = tx.workspace(workspace).dialog_terms();
        let count = terms.count(term, words.finders, COUNTED).await?;
        if count == 0 {
            return Ok(None);
        }
        if count < rarest.1 {
            rarest = (number, count);
        }
    }
    words.terms.swap(0, rarest.0);
    Ok(Some(words))
}

fn empty() -> Page<InboxEntry, DialogId> {
    Page { items: Vec::new(), next: None }
}
