use proptest::prelude::*;

use super::*;
use crate::{
    act::Actor,
    channel::ChatKind,
    clock::Clock,
    dialog::Operator,
    message::{CheckOutcome, Outcome},
    money::Money,
    presence::AssignReason,
    waiting::WaitOutcome,
};

fn dialog() -> Dialog {
    let clock = Clock::manual(DateTime::UNIX_EPOCH);
    let contact = Contact {
        id: clock.id(),
        workspace_id: clock.id(),
        channel_id: clock.id(),
        address: "7".into(),
        chat_kind: ChatKind::Private,
        display_name: "Anna".to_owned(),
        language_code: None,
        language: None,
        source: None,
        blocked_at: None,
    };
    let dialog = Dialog::between(&contact, clock.id(), clock.id(), clock.now());
    Dialog { epoch: 3, ..dialog }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// The state of a change, which is supposed to have happened.
fn after<T: Clone>(change: Change<T>) -> T {
    change.into_parts().state
}

fn operator(name: &str) -> Operator {
    Operator { user_id: Some(uuid::Uuid::from_u128(7).into()), name: name.to_owned() }
}

/// A person does something.
fn by_person(now: DateTime<Utc>) -> Cause {
    let actor = Actor::nobody("anna@example.org", "203.0.113.7");
    let by = Initiator::Operator { operator: operator("Anna"), actor };
    Cause { message_id: Clock::manual(now).id(), by, now }
}

fn take(
    step: ControlStep,
    dialog: Dialog,
    now: DateTime<Utc>,
) -> Result<Change<Utterance>, ControlRefused> {
    let cause = by_person(now);
    match step {
        ControlStep::HandOff => dialog.hand_off(HandoffReason::Asked, &cause),
        ControlStep::TakeOver => dialog.take_over(operator("Anna"), &cause),
        ControlStep::Assign => dialog.assign(operator("Boris"), AssignReason::Chosen, &cause),
        ControlStep::Release => dialog.release(&cause),
        ControlStep::HandBack => dialog.hand_back(&cause),
        ControlStep::Close => dialog.close(&cause),
        ControlStep::Reopen => dialog.reopen(&cause),
    }
}

#[test]
fn a_turn_from_before_a_takeover_cannot_settle() {
    let dialog = dialog();
    let epoch = dialog.epoch;
    assert!(dialog.may_settle(epoch));

    let taken = after(take(ControlStep::TakeOver, dialog, at(1)).unwrap()).dialog;
    assert!(!taken.may_settle(epoch));

    let back = after(take(ControlStep::HandBack, taken, at(2)).unwrap()).dialog;
    assert!(!back.may_settle(epoch), "handing back does not revive the old turn");
    assert!(back.may_settle(epoch + 2));
}

#[test]
fn giving_control_to_who_has_it_is_refused() {
    let refused = take(ControlStep::Release, dialog(), at(1)).unwrap_err();
    assert_eq!(refused, ControlRefused { step: ControlStep::Release, control: Control::Ai });
}

#[test]
fn a_step_of_a_person_is_an_act_and_one_of_the_program_is_not() {
    let taken = take(ControlStep::TakeOver, dialog(), at(1)).unwrap();
    assert_eq!(taken.acts()[0].action, "dialog.taken_over");
    assert_eq!(taken.acts()[0].actor_name, "anna@example.org");
    assert_eq!(taken.state().message.operator, Some(operator("Anna")));

    let cause = Cause::of_program(Clock::manual(at(1)).id(), at(1));
    let handed_off = dialog().hand_off(HandoffReason::Asked, &cause).unwrap();
    assert_eq!(handed_off.acts(), []);
    assert_eq!(handed_off.state().message.operator, None);
}

#[test]
fn a_customer_keeps_their_place_in_the_queue_until_they_are_answered_for_good() {
    let asked = after(take(ControlStep::HandOff, dialog(), at(1)).unwrap());
    assert_eq!(asked.queue, Some(QueueMove::Entered { left_by: None }));
    let waiting = asked.dialog;
    assert_eq!(waiting.waiting_since(), Some(at(1)));
    let taken = after(take(ControlStep::TakeOver, waiting, at(5)).unwrap());
    assert_eq!(taken.queue, Some(QueueMove::Left(WaitOutcome::Taken)));
    let taken = taken.dialog;
    assert_eq!((taken.waiting_since(), taken.assignee.clone()), (None, Some(operator("Anna"))));

    let again = after(take(ControlStep::HandOff, taken, at(9)).unwrap());
    assert_eq!(again.queue, Some(QueueMove::Entered { left_by: operator("Anna").user_id }));
    let again = again.dialog;
    assert_eq!((again.waiting_since(), again.assignee.clone()), (Some(at(1)), None));
    assert_eq!(again.handoff_reason, Some(HandoffReason::Asked));
    let released = after(take(ControlStep::Release, again, at(10)).unwrap()).dialog;
    assert_eq!((released.asking_since, released.handoff_reason), (None, None));
}

#[test]
fn a_dialog_that_was_closed_not_long_ago_goes_on() {
    let day = chrono::Duration::hours(24);
    assert!(!dialog().reopens(day, at(1)), "it is open");
    let closed = after(take(ControlStep::Close, dialog(), at(0)).unwrap()).dialog;
    assert!(closed.reopens(day, at(86_399)));
    assert!(!closed.reopens(day, at(86_400)));
    assert!(!closed.reopens(chrono::Duration::zero(), at(0)), "the owner wants a new one");
    let reopened = after(take(ControlStep::Reopen, closed, at(1)).unwrap()).dialog;
    assert_eq!((reopened.control, reopened.closed_at), (Control::Ai, None));
}

#[test]
fn words_that_ask_for_a_human_are_told_before_the_change_of_control() {
    let answer = AnswerMeta {
        outcome: Outcome::Fixed,
        model: String::new(),
        prompt_tokens: 0,
        completion_tokens: 0,
        cost: Money::ZERO,
        duration_ms: 0,
        first_token_ms: None,
        citations: Vec::new(),
        provider: String::new(),
        attempts: 0,
        check: CheckOutcome::Skipped,
        objections: Vec::new(),
        searched: None,
        version: None,
        act: None,
        offered: false,
        late: false,
        kept: false,
        unsure: false,
    };
    let clock = Clock::manual(at(0));
    let heard = CustomerMessage {
        id: clock.id(),
        kind: MessageKind::Text,
        text: "Is anybody there?".to_owned(),
        quoted: None,
        channel_message: 1.into(),
    };
    let heard = after(dialog().hear(heard, at(1)));
    assert_eq!((heard.dialog.last_seq, heard.dialog.heard_seq), (1, 1));

    let reply = Reply {
        id: clock.id(),
        text: "A moment.".to_owned(),
        answer,
        answers: Some(1),
        then: FollowUp::HandOff { reason: HandoffReason::Unverified, message_id: clock.id() },
    };
    let change = heard.dialog.reply(reply.clone(), at(2)).unwrap();
    let names: Vec<_> = change.events().map(Event::name).collect();
    assert_eq!(names, ["reply.settled", "dialog.control"]);

    let said = after(change);
    assert_eq!(said.message.seq, 2);
    assert_eq!(said.notice.as_ref().map(|notice| notice.seq), Some(3));
    assert_eq!(said.dialog.control, Control::Waiting);
    assert_eq!((said.dialog.answered_seq, said.dialog.updated_at), (1, at(2)));
    let late = said.dialog.reply(reply, at(3));
    assert_eq!(late.unwrap_err(), AssistantNotInControl(Control::Waiting));
}

#[test]
fn what_is_known_of_a_contact_is_not_told_again() {
    let clock = Clock::manual(at(0));
    let contact = Contact {
        id: clock.id(),
        workspace_id: clock.id(),
        channel_id: clock.id(),
        address: "7".into(),
        chat_kind: ChatKind::Private,
        display_name: String::new(),
        language_code: None,
        language: None,
        source: None,
        blocked_at: None,
    };
    assert_eq!(contact.clone().unblock(at(1)), None);
    let blocked = after(contact.block(at(5)).unwrap());
    assert_eq!(blocked.clone().block(at(6)), None);
    assert_eq!(blocked.clone().unblock(at(4)), None, "it was said before the contact blocked us");
    assert_eq!(after(blocked.unblock(at(5)).unwrap()).blocked_at, None);
}

proptest! {
    /// Whatever is tried in whatever order: a step happens exactly where the table has an edge,
    /// raises the epoch by one and tells one event; a refused one changes nothing; a turn from
    /// before any step cannot settle.
    #[test]
    fn control_follows_the_table_in_any_order(tried in prop::collection::vec(0_usize..7, 0..40)) {
        let mut dialog = dialog();
        let first = dialog.epoch;
        let mut taken = 0;

        for (number, now) in tried.into_iter().zip(1..) {
            let before = dialog.clone();
            let tried = ControlStep::ALL[number];
            let leads = EDGES
                .iter()
                .find(|(step, from, _)| *step == tried && *from == before.control);
            match take(tried, dialog, at(now)) {
                Ok(change) => {
                    taken += 1;
                    let (_, _, to) = leads.expect("a step along an edge");
                    prop_assert_eq!(change.events().count(), 1);
                    let said = after(change);
                    prop_assert_eq!(said.message.seq, before.last_seq + 1);
                    prop_assert_eq!(said.message.text.as_str(), tried.as_str());
                    dialog = said.dialog;
                    prop_assert_eq!(dialog.assignee.is_some(), dialog.control == Control::Human);
                    prop_assert_eq!(dialog.closed_at.is_some(), dialog.control == Control::Closed);
                    let asks = matches!(dialog.control, Control::Waiting | Control::Human);
                    prop_assert_eq!(dialog.asking_since.is_some(), asks);
                    prop_assert_eq!(dialog.control, *to);
                    prop_assert_eq!(dialog.epoch, before.epoch + 1);
                    prop_assert_eq!(dialog.updated_at, at(now));
                    prop_assert!(!dialog.may_settle(before.epoch));
                }
                Err(refused) => {
                    prop_assert!(leads.is_none());
                    prop_assert_eq!(refused.control, before.control);
                    dialog = before;
                }
            }
        }
        prop_assert_eq!(dialog.epoch, first + taken);
        prop_assert_eq!(dialog.may_settle(first), taken == 0);
    }
}
