use super::*;
use crate::clock::Clock;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn run(status: RunStatus) -> Run {
    let clock = Clock::manual(at(0));
    Run {
        id: clock.id(),
        workspace_id: clock.id(),
        set_id: clock.id(),
        assistant_id: clock.id(),
        version: Some(3),
        settings_hash: String::new(),
        answers: true,
        status,
        done: 2,
        total: 5,
        metrics: None,
        error: None,
        created_at: at(0),
        finished_at: None,
    }
}

fn after<T>(change: Change<T>) -> T {
    change.into_parts().state
}

#[test]
fn a_run_that_has_ended_is_changed_by_nobody() {
    for ended in [RunStatus::Done, RunStatus::Failed] {
        assert_eq!(run(ended).progress(3, at(1)), Err(RunEnded));
        assert_eq!(run(ended).postpone(at(1)), Err(RunEnded));
        assert_eq!(run(ended).fail("too late", at(1)), Err(RunEnded));
        assert_eq!(run(ended).finish(Metrics::default(), Vec::new(), at(1)), Err(RunEnded));
    }
}

#[test]
fn a_run_goes_on_to_its_end_also_after_it_was_postponed() {
    let postponed = after(run(RunStatus::Running).postpone(at(1)).unwrap());
    assert_eq!((postponed.status, postponed.done), (RunStatus::Queued, 0));

    let asking = after(postponed.progress(4, at(2)).unwrap());
    assert_eq!((asking.status, asking.done), (RunStatus::Running, 4));

    let change = asking.finish(Metrics::default(), Vec::new(), at(3)).unwrap();
    let told: Vec<_> = change.events().cloned().collect();
    let MeasuredRun { run, .. } = after(change);
    assert_eq!((run.status, run.done, run.finished_at), (RunStatus::Done, 5, Some(at(3))));
    let expected = Event::EvaluationStatus {
        run_id: run.id,
        assistant_id: run.assistant_id,
        status: RunStatus::Done,
        done: 5,
        total: 5,
    };
    assert_eq!(told, [expected]);
}

#[test]
fn a_run_is_started_by_somebody_and_ended_by_the_program() {
    let started = run(RunStatus::Queued).start(&Actor::command_line());
    assert_eq!(started.acts()[0].action, "evaluation.started");
    let failed = run(RunStatus::Running).fail("no model answered", at(1)).unwrap();
    assert_eq!(failed.acts(), []);
    assert_eq!(after(failed).error.as_deref(), Some("no model answered"));
}
