//! Who pays for answers: what is set aside, spent, made available again and given back, and that
//! nobody is answered twice for one price or once for none.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::TimeDelta;
use futures::future::join_all;
use replyx_billing::{Error, Mode, books, verify};
use replyx_core::{
    assistant::{FixedText, Language},
    channel::InboundContent,
    event::{Event, LimitBound},
    ledger::{Credit, CreditSource, Entry, EntryKind, Funds, Payment, PriceList, Subject},
    message::{Author, Outcome},
    money::Money,
    page::PageRequest,
    role::Role,
};
use replyx_engine::{
    Engine, control,
    preview::{self, PreviewRequest, PreviewVersion},
    turn,
};
use replyx_storage::{ledger::EntryFilter, on_every_db, testing::TestDb};
use replyx_testkit::{
    Hold,
    openai::{Answer, ModelFault},
};

use crate::given::{LONG, Line, Working, World, eventually};

/// What an answer costs, micro-units.
const PRICE: i64 = 50_000;

fn micros(micros: i64) -> Money {
    Money::from_micros(micros)
}

fn paid(answers: i64) -> Funds {
    Funds { paid: micros(answers * PRICE), ..Funds::default() }
}

impl World<'_> {
    /// A process of an installation where workspaces pay.
    pub(crate) async fn paying(&self) -> Arc<Engine> {
        let prices = PriceList {
            answer: micros(PRICE),
            answer_by_channel: BTreeMap::new(),
            document: micros(PRICE),
            tokens: BTreeMap::new(),
            margin_percent: 0,
            free_answers: 0,
            free_documents: 0,
        };
        let now = self.clock.now();
        let mut tx = self.db.db.begin().await.unwrap();
        tx.system().prices().add(&prices, now, "a test", now).await.unwrap();
        tx.commit().await.unwrap();
        self.engine_with(|settings| settings.billing = Mode::On).await
    }

    /// Adds what so many answers cost.
    pub(crate) async fn pay(&self, answers: i64) {
        let id = self.clock.id();
        let credit = Credit {
            id,
            workspace_id: self.workspace,
            source: CreditSource::Transfer,
            source_id: id.to_string(),
            amount: micros(answers * PRICE),
            remaining: micros(answers * PRICE),
            created_at: self.clock.now(),
        };
        let subject = Subject::default();
        let now = self.clock.now();
        let mut tx = self.db.db.begin().await.unwrap();
        books::credit(&mut tx, &credit, EntryKind::Credit, &subject, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn funds(&self) -> Funds {
        let mut tx = self.db.db.read().await.unwrap();
        tx.workspace(self.workspace).ledger().find().await.unwrap().unwrap().funds
    }

    /// The entries of the ledger, the oldest first.
    async fn entries(&self) -> Vec<Entry> {
        let mut tx = self.db.db.read().await.unwrap();
        let page = PageRequest { limit: PageRequest::<i64>::MAX, after: None };
        let ledger = tx.workspace(self.workspace).ledger();
        let mut entries = ledger.list(&EntryFilter::default(), page).await.unwrap().items;
        entries.reverse();
        entries
    }

    async fn kinds(&self) -> Vec<EntryKind> {
        self.entries().await.iter().map(|entry| entry.movement.kind).collect()
    }

    /// The books are right.
    pub(crate) async fn assert_sound(&self) {
        let report = verify::verify(&self.db.db).await.unwrap();
        assert!(report.is_sound(), "{:?}", report.faults);
    }

    /// The books are right, and nothing is set aside for nobody.
    pub(crate) async fn assert_settled(&self) {
        self.assert_sound().await;
        let funds = self.funds().await;
        assert_eq!((funds.held, funds.held_answers), (Money::ZERO, 0));
    }

    /// How the assistant's replies came about, by all dialogs.
    async fn outcomes(&self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for dialog in self.dialogs().await {
            let messages = self.messages_of(&dialog).await.into_iter();
            let ours = messages.filter(|message| message.author == Author::Assistant);
            outcomes.extend(ours.filter_map(|message| Some(message.answer?.outcome)));
        }
        outcomes
    }

    /// Each answer that is stored was paid for once, and nothing else was.
    pub(crate) async fn assert_paid_once(&self) {
        self.assert_settled().await;
        let mut tx = self.db.db.read().await.unwrap();
        let entries = tx.system().ledger().entries(self.workspace, 0, 1_000_000).await.unwrap();
        drop(tx);
        let captures = entries.iter().filter(|entry| entry.movement.kind == EntryKind::Capture);
        let paid: Vec<_> = captures.filter_map(|entry| entry.movement.subject.message_id).collect();
        let different: BTreeSet<_> = paid.iter().collect();
        assert_eq!(different.len(), paid.len(), "an answer was paid for twice");
        assert_eq!(paid.len(), self.answered().await);
    }

    async fn answered(&self) -> usize {
        let outcomes = self.outcomes().await;
        outcomes.into_iter().filter(|outcome| *outcome == Outcome::Answered).count()
    }
}

#[on_every_db]
async fn an_answer_is_paid_for_when_it_is_stored_and_the_entry_says_what_for(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    world.pay(2).await;
    world.say(&engine, &line, 7, "hello").await;
    let turn = world.claim_one(&engine).await;
    let funds = world.funds().await;
    assert_eq!((funds.paid, funds.held), (micros(PRICE), micros(PRICE)));

    turn::run(&engine, turn).await;
    assert_eq!(world.funds().await, paid(1));
    let entries = world.entries().await;
    let kinds: Vec<_> = entries.iter().map(|entry| entry.movement.kind).collect();
    assert_eq!(kinds, [EntryKind::Credit, EntryKind::Hold, EntryKind::Capture]);
    let subject = &entries[2].movement.subject;
    let reply = world.messages().await.pop().unwrap();
    assert_eq!(subject.message_id, Some(reply.id));
    assert_eq!(subject.dialog_id, Some(world.dialog().await.id));
    assert_eq!(subject.assistant_id, Some(world.assistant));
    assert_eq!(subject.facts.model.as_deref(), Some("gpt-4o-mini"));
    assert!(subject.facts.prompt_tokens.is_some_and(|tokens| tokens > 0));
    assert_eq!(entries[1].movement.subject.facts.channel.as_deref(), Some("telegram"));
    world.assert_settled().await;
}

/// Five customers ask at once, and there is money for one answer. Whoever is not answered is told
/// so once, loses nothing, and is answered when there is money.
#[on_every_db]
async fn of_many_on_a_balance_for_one_one_is_answered_and_the_others_lose_nothing(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    world.pay(1).await;
    for chat in 1..=5 {
        world.say(&engine, &line, chat, "hello").await;
    }
    assert_eq!(world.answer(&engine).await, 5);

    let told = FixedText::Unavailable.house(Language::English);
    assert_eq!(world.answered().await, 1);
    assert_eq!(world.model.request_count(), 1, "nobody is asked who is not paid");
    let mut refused = Vec::new();
    for dialog in world.dialogs().await {
        let messages = world.messages_of(&dialog).await;
        if messages.last().unwrap().text == told {
            assert_eq!(messages.len(), 2);
            assert_eq!(dialog.answered_seq, 0, "what was asked is not taken for answered");
            refused.push(dialog);
        }
    }
    assert_eq!(refused.len(), 4);
    assert_eq!(world.count("turn.limited").await, 4);
    world.assert_settled().await;

    // Told once: the next words are kept.
    for chat in 1..=5 {
        world.say(&engine, &line, chat, "still there?").await;
    }
    world.answer(&engine).await;
    let again = world.outcomes().await.iter().filter(|of| **of == Outcome::Limited).count();
    assert_eq!(again, 5, "the one who was answered is told now, the others know");

    world.pay(9).await;
    for chat in 1..=5 {
        world.say(&engine, &line, chat, "and now?").await;
    }
    assert_eq!(world.answer(&engine).await, 5);
    assert_eq!(world.answered().await, 6);
    assert_eq!(world.funds().await, paid(4));
    let asked = world.model.requests().pop().unwrap();
    assert!(format!("{asked:?}").contains("still there?"), "what waited is answered with it");
    world.assert_settled().await;
}

#[on_every_db]
async fn two_processes_answer_as_many_as_are_paid_for(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let one = world.paying().await;
    let other = world.paying().await;
    world.pay(3).await;
    let both = [Working::start(&one), Working::start(&other)];
    join_all((1..=12).map(|chat| world.say(&one, &line, chat, "hello"))).await;
    let ended = async || (world.outcomes().await.len() == 12).then_some(());
    eventually("twelve replies", ended).await;
    for working in both {
        working.stop().await;
    }

    assert_eq!(world.answered().await, 3);
    assert_eq!(world.funds().await, paid(0));
    world.assert_settled().await;
}

#[on_every_db]
async fn what_helps_nobody_is_free(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    world.pay(1).await;
    // Each of another customer: what was said before would be looked at.
    let free = async |chat: i64, outcome: Outcome| {
        world.say(&engine, &line, chat, "How old is the moon?").await;
        assert_eq!(world.answer(&engine).await, 1);
        assert!(world.outcomes().await.contains(&outcome), "{outcome}");
        assert_eq!(world.funds().await, paid(1), "{outcome}");
    };
    line.chat(7);
    let start = world.update(7, InboundContent::Start { payload: None, message_id: 1.into() });
    world.take(&engine, &line, start).await.unwrap();
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.outcomes().await, [Outcome::Fixed]);
    assert_eq!(world.funds().await, paid(1));
    world.model.answer(|_| Answer::text("[[no-answer]]"));
    free(8, Outcome::Unknown).await;
    for fault in [ModelFault::status(500), ModelFault::status(500)] {
        world.model.inject(fault);
    }
    free(9, Outcome::Fallback).await;
    world.assert_settled().await;
}

#[on_every_db]
async fn a_turn_that_a_person_takes_over_costs_nothing(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    let kim = world.member("Kim", Role::Operator).await;
    world.pay(1).await;
    let hold = Hold::default();
    world.model.inject(ModelFault::Hold(hold.clone()));
    world.say(&engine, &line, 7, "hello").await;
    let turn = world.claim_one(&engine).await;
    let running = world.begin_turn(&engine, turn).await;
    let dialog = world.dialog().await;
    control::take_over(&engine, &kim, dialog.id, Some(dialog.epoch)).await.unwrap();
    hold.release();
    running.await.unwrap();

    assert_eq!(world.funds().await, paid(1));
    let expected = [EntryKind::Credit, EntryKind::Hold, EntryKind::Release];
    assert_eq!(world.kinds().await, expected);
    world.assert_settled().await;
}

#[on_every_db]
async fn an_answer_that_is_canceled_before_it_is_sent_is_given_back_once(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    let kim = world.member("Kim", Role::Operator).await;
    world.pay(1).await;
    world.say(&engine, &line, 7, "hello").await;
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.funds().await, paid(0));

    let dialog = world.dialog().await;
    control::take_over(&engine, &kim, dialog.id, Some(dialog.epoch)).await.unwrap();
    assert_eq!(world.funds().await, paid(1));
    control::release(&engine, &kim, dialog.id).await.unwrap();
    assert_eq!(world.funds().await, paid(1));
    world.assert_settled().await;
}

#[on_every_db]
async fn an_answer_that_cannot_be_delivered_is_given_back(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    world.pay(1).await;
    world.say(&engine, &line, 7, "hello").await;
    line.chat(7).block();
    assert_eq!(world.answer(&engine).await, 1);
    let working = Working::sends(&engine);
    let failed = async || (world.count("message.failed").await == 1).then_some(());
    eventually("the failure", failed).await;
    working.stop().await;

    assert_eq!(world.funds().await, paid(1));
    assert_eq!(world.kinds().await.last(), Some(&EntryKind::GivenBack));
    world.assert_settled().await;
}

#[on_every_db]
async fn the_turn_of_a_dead_process_keeps_its_hold_and_is_paid_for_once(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let dead = world.paying().await;
    let alive = world.paying().await;
    world.pay(1).await;
    world.say(&dead, &line, 7, "hello").await;
    let lost = world.claim_one(&dead).await;

    // As long as the process lives its hold is kept, however old it is.
    let later = world.clock.now() + TimeDelta::hours(1);
    books::release_expired(&db.db, later).await.unwrap();
    assert_eq!(world.funds().await.held, micros(PRICE));

    world.bury(&dead).await;
    let taken = world.claim_one(&alive).await;
    assert!(matches!(taken.payment, Payment::Held(_)));
    assert_eq!(taken.payment, lost.payment);
    turn::run(&alive, taken).await;
    // It was dead only for the others.
    turn::run(&dead, lost).await;

    assert_eq!((world.answered().await, world.funds().await), (1, paid(0)));
    assert_eq!(world.kinds().await, [EntryKind::Credit, EntryKind::Hold, EntryKind::Capture]);
    world.assert_settled().await;
}

#[on_every_db]
async fn what_nobody_works_on_any_more_is_released(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    world.pay(1).await;
    world.say(&engine, &line, 7, "hello").await;
    world.claim_one(&engine).await;
    world.bury(&engine).await;
    books::release_expired(&db.db, world.clock.now()).await.unwrap();
    assert_eq!(world.funds().await.held, micros(PRICE), "its time is not over");

    let later = world.clock.now() + TimeDelta::hours(1);
    books::release_expired(&db.db, later).await.unwrap();
    assert_eq!(world.funds().await, paid(1));
    world.assert_settled().await;
}

/// What an answer was to be paid with is taken from under its turn.
async fn released_under(world: &World<'_>, line: &Line, engine: &Arc<Engine>) {
    world.say(engine, line, 7, "hello").await;
    let turn = world.claim_one(engine).await;
    let Payment::Held(hold) = turn.payment else { panic!("nothing is set aside") };
    let of = (world.workspace, hold);
    let mut tx = world.db.db.begin().await.unwrap();
    let now = world.clock.now();
    assert!(books::release(&mut tx, of, &Subject::default(), now).await.unwrap());
    tx.commit().await.unwrap();
    turn::run(engine, turn).await;
}

#[on_every_db]
async fn a_reply_whose_hold_is_gone_is_paid_for_or_not_stored(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    world.pay(1).await;
    released_under(&world, &line, &engine).await;
    assert_eq!((world.answered().await, world.funds().await), (1, paid(0)));
    world.assert_settled().await;

    // Somebody else spends what was released.
    world.pay(1).await;
    world.say(&engine, &line, 7, "again").await;
    let turn = world.claim_one(&engine).await;
    let Payment::Held(hold) = turn.payment else { panic!("nothing is set aside") };
    let of = (world.workspace, hold);
    let now = world.clock.now();
    let mut tx = world.db.db.begin().await.unwrap();
    books::release(&mut tx, of, &Subject::default(), now).await.unwrap();
    books::close(&mut tx, world.workspace, now).await.unwrap();
    tx.commit().await.unwrap();
    turn::run(&engine, turn).await;
    assert_eq!(world.answered().await, 1, "nobody has paid for it");
    assert_eq!(world.turns().await, 1);
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.outcomes().await.last(), Some(&Outcome::Limited));
    let last = world.events().await.into_iter().rev().find_map(|event| match event {
        Event::TurnLimited { bound, .. } => Some(bound),
        _ => None,
    });
    assert_eq!(last, Some(LimitBound::Balance));
    world.assert_settled().await;
}

/// While a trial runs its answers pay; then they are gone.
#[on_every_db]
async fn a_trial_pays_until_it_ends(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.paying().await;
    let now = world.clock.now();
    let ends = now + TimeDelta::hours(1);
    let mut tx = db.db.begin().await.unwrap();
    tx.workspace(world.workspace).trials().insert(5, now, ends).await.unwrap();
    books::grant_trial(&mut tx, world.workspace, 5, now).await.unwrap();
    tx.commit().await.unwrap();

    world.say(&engine, &line, 7, "hello").await;
    assert_eq!(world.answer(&engine).await, 1);
    assert_eq!(world.funds().await, Funds { trial: 4, ..Funds::default() });

    let ended = world.engine_with(|settings| settings.billing = Mode::On).await;
    replyx_billing::welcome::end_trials(&db.db, &ended.tuning, ends).await.unwrap();
    assert_eq!(world.funds().await, Funds::default());
    world.say(&ended, &line, 7, "and now?").await;
    assert_eq!(world.answer(&ended).await, 1);
    assert_eq!(world.outcomes().await, [Outcome::Answered, Outcome::Limited]);
    world.assert_settled().await;
}

#[on_every_db]
async fn while_nobody_pays_no_turn_needs_a_balance(db: &TestDb) {
    let world = World::open(db).await;
    let line = world.line().await;
    let engine = world.engine().await;
    world.say(&engine, &line, 7, "hello").await;
    let working = Working::start(&engine);
    assert!(line.chat(7).wait_until(1, LONG).await);
    working.stop().await;
    let mut tx = db.db.read().await.unwrap();
    assert_eq!(tx.workspace(world.workspace).ledger().find().await.unwrap(), None);
}

/// The tokens of a preview are paid for, and nobody is asked who cannot pay the most they may cost.
#[on_every_db]
async fn a_preview_costs_its_tokens_and_is_refused_without_money(db: &TestDb) {
    let world = World::open(db).await;
    let engine = world.paying().await;
    let preview = async || {
        let request = PreviewRequest {
            text: "hello".to_owned(),
            history: Vec::new(),
            version: PreviewVersion::Draft,
        };
        preview::run(&engine, world.workspace, world.assistant, request, &mut |_| {}).await
    };
    let refused = preview().await.unwrap_err();
    assert!(matches!(refused, Error::Insufficient(_)), "{refused}");
    assert_eq!(world.model.request_count(), 0);

    world.pay(10).await;
    let answered = preview().await.unwrap().unwrap();
    let cost = answered.ledger.cost();
    assert!(cost > Money::ZERO);
    let left = micros(10 * PRICE - cost.micros());
    assert_eq!(world.funds().await, Funds { paid: left, ..Funds::default() });
    let entries = world.entries().await;
    let capture = entries.iter().find(|entry| entry.movement.kind == EntryKind::Capture).unwrap();
    let facts = &capture.movement.subject.facts;
    assert_eq!(facts.channel.as_deref(), Some("preview"));
    assert_eq!(capture.movement.amount.money(), cost);
    world.assert_settled().await;

    // Somebody who leaves half-way pays for what was asked until then, and for no more.
    let hold = Hold::default();
    world.model.inject(ModelFault::Hold(hold.clone()));
    let asked = world.model.request_count();
    tokio::select! {
        _ = preview() => panic!("the model is held"),
        () = eventually("the question", async || (world.model.request_count() > asked).then_some(())) => {}
    }
    hold.release();
    let settled = async || (world.funds().await.held == Money::ZERO).then_some(());
    eventually("the hold to be released", settled).await;
    world.assert_settled().await;
}
