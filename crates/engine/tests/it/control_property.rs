//! Whatever people, customers and processes do in whatever order: control is where a simple
//! reference says, and no word of the assistant leaves after a change of control that had not been
//! claimed before it.

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;
use replyx_core::{
    actor::Caller,
    dialog::{Control, HandoffReason},
    ids::{DialogId, OutboxId},
    message::Outcome,
    role::Role,
};
use replyx_engine::{
    Engine, check,
    context::{self, Context, Loaded},
    control,
    settle::{self, Settled},
    usage::Ledger,
};
use replyx_storage::{outbox::Sendable, testing, turns::ClaimedTurn};

use crate::given::{Line, World};

/// What may happen. Processes and people are numbered.
#[derive(Clone, Debug)]
enum Step {
    Say,
    Begin(usize),
    Settle,
    Claim(usize),
    Sent,
    Unsent,
    TakeOver(usize),
    Release(usize),
    HandOff(usize),
    Close(usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Say),
        4 => (0..2_usize).prop_map(Step::Begin),
        4 => Just(Step::Settle),
        4 => (0..2_usize).prop_map(Step::Claim),
        2 => Just(Step::Sent),
        2 => Just(Step::Unsent),
        3 => (0..2_usize).prop_map(Step::TakeOver),
        2 => (0..2_usize).prop_map(Step::Release),
        1 => (0..2_usize).prop_map(Step::HandOff),
        1 => (0..2_usize).prop_map(Step::Close),
        1 => Just(Step::Reopen),
    ]
}

/// Who has control, as anybody would say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    Assistant,
    Nobody,
    Person(usize),
    Closed,
}

struct Play<'w> {
    world: &'w World<'w>,
    line: Line,
    processes: Vec<Arc<Engine>>,
    people: Vec<Caller>,
    dialog: DialogId,
    has: Has,
    running: Vec<(usize, ClaimedTurn, Box<Context>)>,
    sending: Vec<(usize, Sendable)>,
    /// The parts that were stored before the last change of control.
    dead: BTreeSet<OutboxId>,
    said: usize,
}

impl Play<'_> {
    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Say => self.say().await,
            Step::Begin(process) => self.begin(process).await,
            Step::Settle => self.settle().await,
            Step::Claim(process) => self.claim(process).await,
            Step::Sent => self.end_send(true).await,
            Step::Unsent => self.end_send(false).await,
            Step::TakeOver(who) => {
                let taken = matches!(self.has, Has::Person(other) if other != who);
                let able = !taken && self.has != Has::Closed;
                let outcome =
                    control::take_over(&self.processes[who], &self.people[who], self.dialog, None);
                assert_eq!(outcome.await.is_ok(), able);
                if able {
                    self.give(Has::Person(who));
                }
            }
            Step::Release(who) => {
                let able = matches!(self.has, Has::Nobody) || self.has == Has::Person(who);
                let outcome =
                    control::release(&self.processes[who], &self.people[who], self.dialog);
                assert_eq!(outcome.await.is_ok(), able);
                if able {
                    self.give(Has::Assistant);
                }
            }
            Step::HandOff(who) => {
                let able = matches!(self.has, Has::Nobody | Has::Assistant)
                    || self.has == Has::Person(who);
                let reason = HandoffReason::Operator;
                let outcome =
                    control::hand_off(&self.processes[who], &self.people[who], self.dialog, reason);
                assert_eq!(outcome.await.is_ok(), able);
                if able {
                    self.give(Has::Nobody);
                }
            }
            Step::Close(who) => {
                let able = matches!(self.has, Has::Nobody | Has::Assistant)
                    || self.has == Has::Person(who);
                let outcome = control::close(&self.processes[who], &self.people[who], self.dialog);
                assert_eq!(outcome.await.is_ok(), able);
                if able {
                    self.give(Has::Closed);
                }
            }
            Step::Reopen => {
                let able = self.has == Has::Closed;
                let outcome = control::reopen(&self.processes[0], &self.people[0], self.dialog);
                assert_eq!(outcome.await.is_ok(), able);
                if able {
                    self.give(Has::Assistant);
                }
            }
        }
        self.check().await;
    }

    /// Control has changed, unless it was so already.
    fn give(&mut self, to: Has) {
        if self.has == to {
            return;
        }
        self.has = to;
        let sending = self.sending.iter().map(|(_, part)| part.id);
        self.dead.extend(sending);
    }

    async fn say(&mut self) {
        self.said += 1;
        let text = format!("words {}", self.said);
        self.world.say(&self.processes[0], &self.line, 7, &text).await;
        if self.has == Has::Closed {
            self.give(Has::Assistant);
        }
    }

    async fn begin(&mut self, process: usize) {
        let engine = &self.processes[process];
        for turn in self.world.claim(engine).await {
            let Loaded::Ready(known) = context::load(engine, &turn).await.unwrap() else {
                panic!()
            };
            if self.has == Has::Assistant {
                self.running.push((process, turn, known));
            } else {
                settle::close(engine, &turn, known.dialog.heard_seq).await.unwrap();
            }
        }
    }

    async fn settle(&mut self) {
        let Some((process, turn, known)) = self.running.pop() else { return };
        let now = self.world.dialog().await;
        let current = now.epoch == known.dialog.epoch;
        let reply = check::fixed(&known.ask, known.ask.question.clone(), Outcome::Answered);
        let engine = &self.processes[process];
        let settled = settle::store(engine, &turn, &known, reply, Ledger::default()).await.unwrap();
        assert_eq!(settled == Settled::Stored, current, "{settled:?}");
    }

    /// What may be sent belongs to the assistant, and nobody has taken over since it was said.
    async fn claim(&mut self, process: usize) {
        let engine = &self.processes[process];
        let now = self.world.clock.now();
        let mut tx = engine.db.begin().await.unwrap();
        for part in tx.system().outbox().sendable(now, 10).await.unwrap() {
            if part.revoked {
                assert!(self.dead.contains(&part.id));
                assert!(!tx.system().outbox().claim(&part, engine.process, now).await.unwrap());
                assert!(tx.system().outbox().cancel(&part, now).await.unwrap());
                continue;
            }
            assert!(!self.dead.contains(&part.id), "it was to be silent");
            assert_eq!(self.has, Has::Assistant);
            assert!(tx.system().outbox().claim(&part, engine.process, now).await.unwrap());
            self.sending.push((process, part));
        }
        tx.commit().await.unwrap();
    }

    async fn end_send(&mut self, arrived: bool) {
        let Some((process, part)) = self.sending.pop() else { return };
        let by = self.processes[process].process;
        let now = self.world.clock.now();
        let mut tx = self.world.db.db.begin().await.unwrap();
        let outbox = tx.workspace(self.world.workspace).outbox();
        if arrived {
            assert!(outbox.sent(part.id, by, None, now).await.unwrap());
        } else {
            outbox.put_back(&part, by, now, "503", false).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn check(&self) {
        let dialog = self.world.dialog().await;
        let (control, holder) = match self.has {
            Has::Assistant => (Control::Ai, None),
            Has::Nobody => (Control::Waiting, None),
            Has::Person(who) => (Control::Human, Some(self.people[who].operator())),
            Has::Closed => (Control::Closed, None),
        };
        assert_eq!((dialog.control, dialog.assignee.clone()), (control, holder));
        let seqs: Vec<_> = self.world.messages_of(&dialog).await.iter().map(|m| m.seq).collect();
        assert_eq!(seqs, (1..=dialog.last_seq).collect::<Vec<_>>());
    }
}

async fn play(steps: &[Step]) {
    let db = testing::sqlite().await;
    let world = World::open(&db).await;
    let line = world.line().await;
    let processes = vec![world.paying().await, world.paying().await];
    world.pay(1_000).await;
    let people =
        vec![world.member("Kim", Role::Operator).await, world.member("Lee", Role::Operator).await];
    world.say(&processes[0], &line, 7, "words 0").await;
    let dialog = world.dialog().await.id;
    let mut play = Play {
        world: &world,
        line,
        processes,
        people,
        dialog,
        has: Has::Assistant,
        running: Vec::new(),
        sending: Vec::new(),
        dead: BTreeSet::new(),
        said: 0,
    };
    for step in steps {
        play.step(step).await;
    }
    world.assert_sound().await;
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nobody_is_talked_over_in_any_order(steps in prop::collection::vec(step(), 10..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(play(&steps));
    }
}
