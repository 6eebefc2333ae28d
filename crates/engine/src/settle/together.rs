//! Replies that are settled at the same time, in one transaction.
//!
//! What a turn leaves is plain data, a [`Settlement`]. Those that wait at the same time are written
//! together, a statement for all of them where the database takes lists. Each dialog is locked;
//! one that somebody else is changing is settled alone, so that nobody waits for it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use replyx_billing::{
    Mode,
    charge::{self, Charge},
    turns::{self, End, Ended},
};
use replyx_core::{
    change::Change,
    channel::{Address, ChannelKind, ChatKind, MessageRef, Outbound},
    clock::Clock,
    dialog::{Contact, Control, Dialog},
    event::LimitBound,
    ids::{ChannelId, ContactId, DialogId, OutboxId, ProcessId, WorkspaceId},
    ledger::{Facts, Payment, Subject},
    message::MessageAct,
    rules::dialog::{self as rules, FollowUp, Utterance},
};
use replyx_storage::{
    StorageError, Tx,
    channels::Access,
    messages::ToldAct,
    outbox::{NewParts, Sendable},
    turns::{Attempts, ClaimedTurn, LateQuestion},
    unit::{Company, RunOutcome, Unit},
};

use super::{Departure, Settled, parts};
use crate::{
    Engine,
    check::Reply,
    context::Context,
    control, delivery,
    giving::GiveOut,
    kept::{self, AnswerToKeep},
    late, payment,
    usage::Ledger,
};

/// A reply as it is to be stored, with all that goes with it.
#[derive(Debug)]
pub(super) struct Settlement {
    turn: ClaimedTurn,
    /// The dialog as it was when the turn began.
    begun: Dialog,
    contact: Contact,
    reply: rules::Reply,
    act: Option<MessageAct>,
    /// The bound that the customer is told of instead of an answer.
    limited: Option<LimitBound>,
    /// The answer as it is kept for others.
    keep: Option<AnswerToKeep>,
    /// What remains to be answered late.
    remains: Option<LateQuestion>,
    parts: Vec<(OutboxId, Outbound)>,
    /// The last message that is answered, as its channel calls it.
    question: Option<MessageRef>,
    ledger: Ledger,
    way: Departure,
    /// Who settles it.
    process: ProcessId,
    clock: Clock,
    /// How long a turn waits for more words of the customer.
    window: Duration,
    /// Whether workspaces pay for answers.
    billing: Mode,
}

/// How a turn ended, and the part that is this process's to send.
type Answer = (Settled, Option<Sendable>);

impl Settlement {
    pub(super) fn new(
        engine: &Engine,
        turn: &ClaimedTurn,
        context: &Context,
        reply: Reply,
        ledger: Ledger,
        way: Departure,
    ) -> Self {
        let parts = parts::of(engine, context, &reply);
        let parts = parts.into_iter().map(|part| (engine.clock.id(), part)).collect();
        let then = reply.hand_off.map_or(FollowUp::GoOn, |reason| FollowUp::HandOff {
            reason,
            message_id: engine.clock.id(),
        });
        let begun = context.dialog.clone();
        let remains = late::remains(turn, context, &reply);
        let keep = kept::keep(engine, &reply);

        Self {
            turn: *turn,
            contact: context.contact.clone(),
            act: reply.meta.act,
            limited: reply.limited,
            keep,
            remains,
            reply: rules::Reply {
                id: engine.clock.id(),
                text: reply.text,
                answer: reply.meta,
                answers: reply.limited.is_none().then_some(begun.heard_seq),
                then,
            },
            begun,
            parts,
            question: context.pending.last().and_then(|last| last.channel_message.clone()),
            ledger,
            way,
            process: engine.process,
            clock: engine.clock.clone(),
            window: engine.settings.window,
            billing: engine.settings.billing,
        }
    }

    /// Its first part, as it is when this process has claimed it.
    pub(super) fn first(&self, kind: ChannelKind) -> Option<Sendable> {
        self.new_parts(&self.begun, &self.parts).first(kind, None)
    }

    fn new_parts<'a>(
        &'a self,
        dialog: &'a Dialog,
        parts: &'a [(OutboxId, Outbound)],
    ) -> NewParts<'a> {
        NewParts { dialog, contact: &self.contact, message: self.reply.id, parts }
    }

    /// Its parts, as they are sent in this dialog.
    fn parts_in(&self, dialog: &Dialog) -> Vec<(OutboxId, Outbound)> {
        let is_apart = self.contact.chat_kind == ChatKind::Group
            || dialog.heard_seq > self.begun.heard_seq
            || self.turn.late.is_some();
        let question = self.question.as_ref().filter(|_| is_apart);
        parts::answering(self.parts.clone(), question)
    }

    /// When the turn is run again to answer late, and what remains then.
    fn again(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, LateQuestion)> {
        let goes_on = self.reply.then == FollowUp::GoOn;
        self.remains.filter(|_| goes_on).and_then(|remains| late::next(remains, now))
    }

    fn dialog(&self) -> (WorkspaceId, DialogId) {
        (self.turn.workspace_id, self.turn.dialog_id)
    }

    /// What becomes of what was set aside for the turn.
    fn ended(&self, course: &Course) -> Option<Ended> {
        let Payment::Held(hold_id) = self.turn.payment else { return None };
        let answer = &self.reply.answer;
        let is_stored = matches!(course, Course::Replies { .. });
        let is_charged = charge::of(payment::work(answer.outcome)) == Charge::Answer;
        let end = if is_stored && is_charged { End::Charged } else { End::Free };

        let (workspace_id, dialog_id) = self.dialog();
        let facts = Facts {
            model: Some(answer.model.clone()).filter(|model| !model.is_empty()),
            prompt_tokens: Some(answer.prompt_tokens).filter(|tokens| *tokens > 0),
            completion_tokens: Some(answer.completion_tokens).filter(|tokens| *tokens > 0),
            ..Facts::default()
        };
        let subject = Subject {
            assistant_id: Some(self.begun.assistant_id),
            dialog_id: Some(dialog_id),
            message_id: is_stored.then_some(self.reply.id),
            facts,
        };
        Some(Ended { workspace_id, dialog_id, hold_id, end, subject })
    }

    /// What is to be done, now that the dialog is locked. Pure.
    fn course(&self, dialog: Dialog, channel: Option<Access>, now: DateTime<Utc>) -> Course {
        if !dialog.may_settle(self.begun.epoch) {
            // Handed back in the meantime: what nobody has answered is answered again.
            let is_ai = dialog.control == Control::Ai;
            let handled = if is_ai { dialog.answered_seq } else { dialog.heard_seq };
            return Course::Ends { dialog, handled, as_what: Settled::Discarded };
        }
        if dialog.answered_seq != self.begun.answered_seq {
            return Course::Lost;
        }
        if dialog.edits != self.begun.edits {
            // The customer edited what this answers: that is answered as it is now.
            let handled = dialog.answered_seq;
            return Course::Ends { dialog, handled, as_what: Settled::Discarded };
        }
        if self.turn.late.is_some() && dialog.heard_seq != self.begun.heard_seq {
            // The customer has written again: an ordinary turn answers that.
            let handled = dialog.answered_seq;
            return Course::Ends { dialog, handled, as_what: Settled::Discarded };
        }
        let Some(access) = channel else {
            // Deleted in the meantime: nothing leaves through it any more.
            return Course::Ends { dialog, handled: i64::MAX, as_what: Settled::Silent };
        };
        match dialog.clone().reply(self.reply.clone(), now) {
            Ok(change) => Course::Replies { dialog, change: Box::new(change), access },
            Err(_) => Course::Lost,
        }
    }
}

/// What is done with a settlement.
enum Course {
    /// Nothing: somebody else answers.
    Lost,
    /// The turn ends without a reply.
    Ends {
        dialog: Dialog,
        /// Up to which message the turn has dealt with what the customer said.
        handled: i64,
        as_what: Settled,
    },
    /// The reply is stored.
    Replies { dialog: Dialog, change: Box<Change<Utterance>>, access: Access },
}

impl Unit for Settlement {
    type Answer = Answer;
    /// A chat gets one reply at a time, and a contact has one count of answers.
    type Key = (ChannelId, Address);

    const TOGETHER: usize = 32;

    fn key(&self) -> Self::Key {
        (self.contact.channel_id, self.contact.address.clone())
    }

    async fn run(
        units: &[Self],
        company: Company,
        tx: &mut Tx,
    ) -> Result<Vec<RunOutcome<Self>>, StorageError> {
        let Some(first) = units.first() else { return Ok(Vec::new()) };
        let now = first.clock.now();
        let mut room = Room { now, tx, answers: HashMap::new() };
        let begun = room.begin(units, company).await?;
        let ours = room.end_turns(begun).await?;
        let ours = room.charge(ours).await?;
        room.write(ours).await?;

        let mut answers = room.answers;
        let answer = |unit: &Self| match answers.remove(&unit.turn.dialog_id) {
            Some(answer) => RunOutcome::Done(answer),
            None if company == Company::Shared => RunOutcome::Busy,
            None => RunOutcome::Done((Settled::Lost, None)),
        };
        Ok(units.iter().map(answer).collect())
    }
}

/// The transaction, and the answers so far.
struct Room<'t> {
    tx: &'t mut Tx,
    now: DateTime<Utc>,
    answers: HashMap<DialogId, Answer>,
}

/// A settlement with what is done with it.
type Going<'u> = (&'u Settlement, Course);

/// A reply that is stored.
struct Replying<'u> {
    unit: &'u Settlement,
    said: Utterance,
    parts: Vec<(OutboxId, Outbound)>,
    access: Access,
}

impl Room<'_> {
    /// Locks the dialogs and decides.
    async fn begin<'u>(
        &mut self,
        units: &'u [Settlement],
        company: Company,
    ) -> Result<Vec<Going<'u>>, StorageError> {
        let which: Vec<_> = units.iter().map(Settlement::dialog).collect();
        let dialogs = self.tx.system().dialogs().lock_each(&which, company).await?;

        let channel = |dialog: &Dialog| (dialog.workspace_id, dialog.channel_id);
        let mut channels: Vec<_> = dialogs.iter().map(channel).collect();
        channels.sort_unstable();
        channels.dedup();
        let found = self.tx.system().channels().access_each(&channels).await?;
        let accesses: HashMap<ChannelId, Access> =
            found.into_iter().map(|access| (access.channel.id, access)).collect();

        let mut dialogs: HashMap<DialogId, Dialog> =
            dialogs.into_iter().map(|dialog| (dialog.id, dialog)).collect();
        let mut going = Vec::with_capacity(units.len());
        for unit in units {
            let Some(dialog) = dialogs.remove(&unit.turn.dialog_id) else { continue };
            let access = accesses.get(&dialog.channel_id).cloned();
            going.push((unit, unit.course(dialog, access, self.now)));
        }
        Ok(going)
    }

    /// Ends the turns, or begins the next one where the customer has said more in the meantime.
    /// Returns those that were ours to end: of the others nothing is written.
    async fn end_turns<'u>(
        &mut self,
        going: Vec<Going<'u>>,
    ) -> Result<Vec<Going<'u>>, StorageError> {
        let mut finished = Vec::new();
        let mut continued = Vec::new();
        let mut waiting = Vec::new();
        for (unit, course) in &going {
            let (dialog, handled) = match course {
                Course::Lost => continue,
                Course::Ends { dialog, handled, .. } => (dialog, *handled),
                Course::Replies { dialog, .. } => (dialog, unit.begun.heard_seq),
            };
            let is_reply = matches!(course, Course::Replies { .. });
            let again = if is_reply { unit.again(self.now) } else { None };
            match again {
                _ if dialog.heard_seq > handled => continued.push(*unit),
                Some(again) => waiting.push((*unit, again)),
                None => finished.push(*unit),
            }
        }

        let Some((first, _)) = going.first() else { return Ok(going) };
        let which: Vec<_> = finished.into_iter().map(Settlement::dialog).collect();
        let ended = self.tx.system().turns().finish_each(&which, first.process).await?;
        let mut ours: HashSet<DialogId> = ended.into_iter().collect();
        for unit in continued {
            let (workspace, dialog) = unit.dialog();
            let due = self.now + unit.window;
            let turns = self.tx.workspace(workspace).turns();
            if turns.hand_back(dialog, unit.process, due, Attempts::Reset).await? {
                ours.insert(dialog);
            }
        }
        for (unit, (due, late)) in waiting {
            let (workspace, dialog) = unit.dialog();
            let turns = self.tx.workspace(workspace).turns();
            if turns.wait(dialog, unit.process, due, late).await? {
                ours.insert(dialog);
            }
        }

        let (ours, lost): (Vec<_>, Vec<_>) =
            going.into_iter().partition(|(unit, _)| ours.contains(&unit.turn.dialog_id));
        let lost = lost.into_iter().map(|(unit, _)| (unit.turn.dialog_id, (Settled::Lost, None)));
        self.answers.extend(lost);
        Ok(ours)
    }

    /// Spends what pays for the replies, and makes available again what pays for nothing. A reply
    /// that nothing pays for any more is not stored: its turn is run again, and finds that out.
    async fn charge<'u>(&mut self, going: Vec<Going<'u>>) -> Result<Vec<Going<'u>>, StorageError> {
        let Some((first, _)) = going.first() else { return Ok(going) };
        let ended = going.iter().filter_map(|(unit, course)| unit.ended(course)).collect();
        let unpaid = turns::settle(self.tx, ended, &first.clock).await?;
        if unpaid.is_empty() {
            return Ok(going);
        }

        let (unpaid, paid): (Vec<_>, Vec<_>) =
            going.into_iter().partition(|(unit, _)| unpaid.contains(&unit.turn.dialog_id));
        let again: Vec<_> = unpaid.iter().map(|(unit, _)| unit.dialog()).collect();
        self.tx.system().turns().request_each(&again, self.now, self.now).await?;
        let lost = unpaid.iter().map(|(unit, _)| (unit.turn.dialog_id, (Settled::Lost, None)));
        self.answers.extend(lost);
        Ok(paid)
    }

    /// Writes what the turns leave.
    async fn write(&mut self, going: Vec<Going<'_>>) -> Result<(), StorageError> {
        let mut calls = Vec::new();
        let mut changes = Vec::new();
        let mut replying = Vec::new();
        for (unit, course) in going {
            match course {
                Course::Lost => {}
                Course::Ends { dialog, as_what, .. } => {
                    // Nobody sees the answer; it was paid for all the same.
                    let spent = unit.ledger.calls().iter().cloned();
                    calls.extend(spent.map(|call| (unit.turn.workspace_id, call)));
                    if as_what == Settled::Discarded {
                        let discarded = dialog.turn_discarded(unit.begun.epoch, self.now);
                        self.tx.apply(discarded).await?;
                    }
                    self.answers.insert(dialog.id, (as_what, None));
                }
                Course::Replies { change, access, .. } => {
                    let of_message = unit.ledger.clone().of_message(unit.reply.id);
                    let spent = of_message.into_iter();
                    calls.extend(spent.map(|call| (unit.turn.workspace_id, call)));
                    if let Some(AnswerToKeep { key, answer, lasts }) = &unit.keep {
                        let answers = self.tx.workspace(unit.turn.workspace_id).kept_answers();
                        answers.keep(key, answer, self.now + *lasts).await?;
                    }
                    changes.push(*change);
                    replying.push((unit, access));
                }
            }
        }

        self.tell(replying.iter().map(|(unit, _)| *unit)).await?;
        let said = self.tx.apply_each(changes).await?;
        let calls: Vec<_> = calls.iter().map(|(workspace, call)| (*workspace, call)).collect();
        self.tx.system().model_calls().insert_each(&calls).await?;

        let replying: Vec<_> = replying
            .into_iter()
            .zip(said)
            .map(|((unit, access), said)| {
                let parts = unit.parts_in(&said.dialog);
                Replying { unit, said, parts, access }
            })
            .collect();
        self.send(replying).await
    }

    /// Writes what the customers' messages are, and that they are answered or told of a bound.
    async fn tell<'u>(
        &mut self,
        units: impl Iterator<Item = &'u Settlement>,
    ) -> Result<(), StorageError> {
        let mut acts = Vec::new();
        let mut answered: Vec<(WorkspaceId, ContactId)> = Vec::new();
        for unit in units {
            let (workspace_id, dialog_id) = unit.dialog();
            let after = unit.begun.answered_seq;
            let upto = unit.begun.heard_seq;
            acts.extend(unit.act.map(|act| ToldAct { workspace_id, dialog_id, after, upto, act }));
            match unit.limited {
                // The fallback text was counted.
                None if unit.turn.late.is_some() => {}
                None => answered.push((workspace_id, unit.contact.id)),
                Some(bound) => self.limit(unit, bound).await?,
            }
        }

        answered.sort_unstable();
        self.tx.system().messages().tell_acts(&acts).await?;
        self.tx.system().contacts().answered_each(&answered, self.now.date_naive()).await
    }

    /// Notes of which bound a customer is told.
    async fn limit(&mut self, unit: &Settlement, bound: LimitBound) -> Result<(), StorageError> {
        let dialog = &unit.begun;
        let contacts = self.tx.workspace(dialog.workspace_id).contacts();
        contacts.told(unit.contact.id, self.now.date_naive(), bound, self.now).await?;
        self.tx.apply(dialog.turn_limited(dialog.heard_seq, bound, self.now)).await?;
        Ok(())
    }

    /// Queues the parts of the replies; the first one of each is this process's to send where there
    /// is a place for it.
    async fn send(&mut self, replying: Vec<Replying<'_>>) -> Result<(), StorageError> {
        let mut handed_over = Vec::new();
        for Replying { unit, said, parts, access } in &replying {
            let dialog = &said.dialog;
            if dialog.control != Control::Ai {
                // This reply says that a human will answer; no other one is to follow it.
                control::cancel(self.tx, unit.billing, dialog, &unit.contact, self.now).await?;
                GiveOut::request(self.tx, &unit.clock, dialog.workspace_id).await?;
            }
            let new = unit.new_parts(dialog, parts);
            if unit.way == Departure::Desk && delivery::speaks(&access.channel) {
                handed_over.push(new);
            } else {
                let outbox = self.tx.workspace(dialog.workspace_id).outbox();
                outbox.enqueue(new.dialog, new.contact, new.message, new.parts, self.now).await?;
            }
        }

        let Some(one) = replying.first() else { return Ok(()) };
        let outbox = self.tx.system().outbox();
        let ours = outbox.hand_over(&handed_over, one.unit.process, self.now).await?;
        drop(handed_over);
        let ours: HashSet<OutboxId> = ours.into_iter().collect();
        for Replying { unit, said, parts, access } in replying {
            let first = parts.first().filter(|(id, _)| ours.contains(id));
            let part = first.and_then(|_| {
                unit.new_parts(&said.dialog, &parts)
                    .first(access.channel.kind, access.secret_sealed)
            });
            self.answers.insert(said.dialog.id, (Settled::Stored, part));
        }
        Ok(())
    }
}
