use proptest::prelude::*;

use super::*;
use crate::clock::Clock;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn source(kind: SourceKind) -> Source {
    let clock = Clock::manual(at(0));
    Source {
        id: clock.id(),
        workspace_id: clock.id(),
        assistant_id: clock.id(),
        kind,
        url: "https://example.org/".to_owned(),
        depth: 2,
        max_pages: 200,
        every_hours: Some(1),
        tags: Vec::new(),
        status: SourceStatus::Queued,
        error: None,
        pages: 0,
        bytes: 0,
        fetched_at: None,
        next_at: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn after<T>(change: Change<T>) -> T {
    change.into_parts().state
}

#[test]
fn only_bounds_that_a_kind_of_source_has_can_be_changed() {
    let by = Actor::command_line();
    let deeper = SourceChange { depth: Some(3), ..SourceChange::default() };
    let wider = SourceChange { max_pages: Some(9), ..SourceChange::default() };
    for (kind, change, refused) in [
        (SourceKind::Site, deeper.clone(), None),
        (SourceKind::Sitemap, deeper.clone(), Some(SourceChangeRefused::Depth)),
        (SourceKind::Page, deeper, Some(SourceChangeRefused::Depth)),
        (SourceKind::Site, wider.clone(), None),
        (SourceKind::Sitemap, wider.clone(), None),
        (SourceKind::Page, wider, Some(SourceChangeRefused::MaxPages)),
    ] {
        assert_eq!(
            source(kind).update(change.clone(), &by, at(1)).err(),
            refused,
            "{kind} {change:?}"
        );
    }
}

#[test]
fn a_new_interval_counts_from_the_last_fetch_and_not_while_it_waits() {
    let by = Actor::command_line();
    let daily = SourceChange { every_hours: Patch::Set(24), ..SourceChange::default() };
    let waiting = source(SourceKind::Site);
    let waiting = after(waiting.update(daily, &by, at(1)).unwrap());
    assert_eq!(waiting.next_at, None);

    let fetched = after(waiting.finish_fetch(Fetched::default(), at(100)));
    assert_eq!(fetched.next_at, Some(at(100 + 86_400)));
    let hourly = SourceChange { every_hours: Patch::Set(1), ..SourceChange::default() };
    let sooner = after(fetched.update(hourly, &by, at(200)).unwrap());
    assert_eq!(sooner.next_at, Some(at(100 + 3_600)));
    let never = SourceChange { every_hours: Patch::Clear, ..SourceChange::default() };
    assert_eq!(after(sooner.update(never, &by, at(300)).unwrap()).next_at, None);
}

#[test]
fn its_tags_are_kept_as_those_of_documents_are() {
    let by = Actor::command_line();
    let wanted = ["B2B ", "prices", "b2b"].map(str::to_owned).to_vec();
    let tagged = SourceChange { tags: Some(wanted), ..SourceChange::default() };
    let source = after(source(SourceKind::Page).update(tagged, &by, at(1)).unwrap());
    assert_eq!(source.tags, ["b2b", "prices"]);
    let same = after(source.update(SourceChange::default(), &by, at(2)).unwrap());
    assert_eq!(same.tags, ["b2b", "prices"]);
}

#[test]
fn a_deleted_source_is_told_and_entered() {
    let change = source(SourceKind::Page).delete(&Actor::command_line(), at(1));
    let names: Vec<_> = change.events().map(Event::name).collect();
    assert_eq!(names, ["source.deleted"]);
    assert_eq!(change.acts()[0].action, "source.deleted");
}

#[derive(Clone, Copy, Debug)]
enum Happens {
    Refetch,
    ComeDue,
    Begin,
    Progress(i64),
    Finish(i64),
    Fail,
}

fn happen(source: Source, what: Happens, now: DateTime<Utc>) -> Option<Change<Source>> {
    let there = |pages| Fetched { pages, bytes: pages * 10 };
    match what {
        Happens::Refetch => source.refetch(&Actor::command_line(), now).ok(),
        Happens::ComeDue => source.come_due(now).ok(),
        Happens::Begin => Some(source.begin_fetch(now)),
        Happens::Progress(pages) => Some(source.progress(there(pages), now)),
        Happens::Finish(pages) => Some(source.finish_fetch(there(pages), now)),
        Happens::Fail => Some(source.fail_fetch("it does not answer".to_owned(), there(0), now)),
    }
}

proptest! {
    /// In any order and with any pauses: only a source that rests is queued, none before its time,
    /// only a failed one has an error, and each change is told once.
    #[test]
    fn a_source_stays_sound_in_any_order(
        all in prop::collection::vec(
            (
                prop_oneof![
                    Just(Happens::Refetch),
                    Just(Happens::ComeDue),
                    Just(Happens::Begin),
                    (0_i64..9).prop_map(Happens::Progress),
                    (0_i64..9).prop_map(Happens::Finish),
                    Just(Happens::Fail),
                ],
                0_i64..7_200,
            ),
            0..40,
        )
    ) {
        let mut source = source(SourceKind::Site);
        let mut now = 0;
        for (what, pause) in all {
            now += pause;
            let before = source.clone();
            let Some(change) = happen(source, what, at(now)) else {
                let early = before.next_at.is_none_or(|next| next > at(now));
                let may_refuse = match what {
                    Happens::Refetch => !before.is_idle(),
                    Happens::ComeDue => !before.is_idle() || early,
                    _ => false,
                };
                prop_assert!(may_refuse, "{what:?}");
                source = before;
                continue;
            };
            prop_assert_eq!(change.events().count(), 1);
            source = after(change);

            if matches!(what, Happens::Refetch | Happens::ComeDue) {
                prop_assert!(before.is_idle());
                prop_assert_eq!(source.status, SourceStatus::Queued);
            }
            if source.status != SourceStatus::Failed && !matches!(what, Happens::Progress(_)) {
                prop_assert!(source.error.is_none());
            }
            prop_assert_eq!(source.updated_at, at(now));
        }
    }
}
