//! Whatever happens in whatever order, each message is answered once and in order.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use replyx_core::message::{Author, Outcome};
use replyx_engine::{
    Engine,
    check::{self, Reply},
    context::{self, Context},
    settle::{self, Settled},
    usage::Ledger,
};
use replyx_storage::{testing, turns::ClaimedTurn};

use crate::given::{Line, Working, World, eventually, loaded, received};

const CHATS: std::ops::RangeInclusive<i64> = 1..=3;

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    /// A customer writes.
    Say(i64),
    /// A process takes turns on and reads what they need.
    Claim(usize),
    /// The oldest or newest turn that is running ends.
    Settle { newest: bool },
    /// A process is thought dead; its turns go on all the same.
    Bury(usize),
    /// What was settled is sent.
    Deliver(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => CHATS.prop_map(Step::Say),
        3 => (0..2_usize).prop_map(Step::Claim),
        3 => any::<bool>().prop_map(|newest| Step::Settle { newest }),
        1 => (0..2_usize).prop_map(Step::Bury),
        1 => (0..2_usize).prop_map(Step::Deliver),
    ]
}

/// A turn that a process has taken on, with what it knows.
struct Begun {
    process: usize,
    turn: ClaimedTurn,
    context: Context,
}

struct Play<'w> {
    world: &'w World<'w>,
    line: Line,
    processes: Vec<Arc<Engine>>,
    running: Vec<Begun>,
    asked: BTreeMap<i64, Vec<String>>,
}

impl Play<'_> {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Say(chat) => {
                let asked = self.asked.entry(*chat).or_default();
                let text = format!("{chat}.{}", asked.len());
                asked.push(text.clone());
                self.world.say(&self.processes[0], &self.line, *chat, &text).await;
            }
            Step::Claim(process) => {
                let engine = &self.processes[*process];
                for turn in self.world.claim(engine).await {
                    let context = loaded(context::load(engine, &turn).await.unwrap());
                    self.running.push(Begun { process: *process, turn, context });
                }
            }
            Step::Settle { newest } if !self.running.is_empty() => {
                let at = if *newest { self.running.len() - 1 } else { 0 };
                let begun = self.running.remove(at);
                let engine = &self.processes[begun.process];
                let settled = settle(engine, &begun).await;
                assert!(matches!(settled, Settled::Stored | Settled::Lost), "{settled:?}");
            }
            Step::Settle { .. } => {}
            Step::Bury(process) => {
                self.world.bury(&self.processes[*process]).await;
            }
            Step::Deliver(process) => self.deliver(*process).await,
        }
    }

    async fn deliver(&self, process: usize) {
        let working = Working::sends(&self.processes[process]);
        eventually("delivery", async || (self.world.waiting().await == 0).then_some(())).await;
        working.stop().await;
    }

    /// Everything that is still to be done, is.
    async fn finish(&mut self) {
        while self.world.turns().await > 0 {
            self.step(&Step::Claim(1)).await;
            while !self.running.is_empty() {
                self.step(&Step::Settle { newest: false }).await;
            }
        }
        self.deliver(0).await;
    }

    async fn check(&self) {
        for dialog in self.world.dialogs().await {
            let messages = self.world.messages_of(&dialog).await;
            let seqs: Vec<_> = messages.iter().map(|message| message.seq).collect();
            assert_eq!(seqs, (1..=dialog.last_seq).collect::<Vec<_>>());
            let asked = messages.iter().filter(|message| message.author == Author::Customer);
            let asked: Vec<_> = asked.map(|message| message.text.clone()).collect();
            let chat: i64 = asked[0].split('.').next().unwrap().parse().unwrap();
            assert_eq!(asked, self.asked[&chat]);
            let received = received(&self.line.chat(chat));
            let answered: Vec<_> = received
                .iter()
                .flat_map(|text| text.lines())
                .filter(|line| !line.is_empty())
                .collect();
            assert_eq!(answered, asked, "chat {chat}");
        }
    }
}

async fn settle(engine: &Engine, begun: &Begun) -> Settled {
    let reply: Reply = check::fixed(
        &begun.context.ask,
        begun.context.ask.question.replace('\n', "\n\n"),
        Outcome::Answered,
    );
    settle::store(engine, &begun.turn, &begun.context, reply, Ledger::default()).await.unwrap()
}

async fn play(steps: &[Step]) {
    let db = testing::sqlite().await;
    let world = World::open(&db).await;
    let line = world.line().await;
    let processes = vec![world.paying().await, world.paying().await];
    world.pay(1_000).await;
    let mut play =
        Play { world: &world, line, processes, running: Vec::new(), asked: BTreeMap::new() };
    for step in steps {
        play.step(step).await;
    }
    play.finish().await;
    play.check().await;
    world.assert_paid_once().await;
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_message_is_answered_once_and_in_order(
        steps in prop::collection::vec(step(), 5..60),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(play(&steps));
    }
}
