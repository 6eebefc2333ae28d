//! Who may speak in a dialog, and what changes that.
//!
//! [`EDGES`] is the whole state machine. Every step along an edge raises the dialog's epoch, so
//! that a turn that runs at that moment can no longer settle, and stores a message that says what
//! happened.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{
        Act, Actor, DialogAssigned, DialogClosed, DialogHandedBack, DialogHandedOff,
        DialogReleased, DialogReopened, DialogTakenOver, WorkspaceLog,
    },
    change::Change,
    dialog::{Control, ControlStep, Dialog, HandoffReason, Operator},
    event::Event,
    ids::{MessageId, UserId},
    message::{Author, Delivery, Message, MessageKind},
    presence::AssignReason,
    rules::dialog::Utterance,
    waiting::{QueueMove, WaitOutcome},
};

/// Every edge: a step, who has control before it, and who has it after it.
pub const EDGES: &[(ControlStep, Control, Control)] = &[
    (ControlStep::HandOff, Control::Ai, Control::Waiting),
    (ControlStep::HandOff, Control::Human, Control::Waiting),
    (ControlStep::TakeOver, Control::Ai, Control::Human),
    (ControlStep::TakeOver, Control::Waiting, Control::Human),
    (ControlStep::Assign, Control::Ai, Control::Human),
    (ControlStep::Assign, Control::Waiting, Control::Human),
    (ControlStep::Assign, Control::Human, Control::Human),
    (ControlStep::Release, Control::Waiting, Control::Ai),
    (ControlStep::HandBack, Control::Human, Control::Ai),
    (ControlStep::Close, Control::Ai, Control::Closed),
    (ControlStep::Close, Control::Waiting, Control::Closed),
    (ControlStep::Close, Control::Human, Control::Closed),
    (ControlStep::Reopen, Control::Closed, Control::Ai),
];

/// A step is not possible for the dialog as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the dialog is `{control}`, which does not allow this step")]
pub struct ControlRefused {
    /// The step.
    pub step: ControlStep,
    /// Who has control.
    pub control: Control,
}

/// Who changes control, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Identity of the message that says so.
    pub message_id: MessageId,
    /// Who.
    pub by: Initiator,
    /// When.
    pub now: DateTime<Utc>,
}

/// Who changes control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// The program, because of a rule of the owner's or of what the customer said.
    Program,
    /// Somebody on our side.
    Operator {
        /// As colleagues see them.
        operator: Operator,
        /// As the audit log names them.
        actor: Actor,
    },
}

impl Cause {
    /// The program does it.
    pub const fn of_program(message_id: MessageId, now: DateTime<Utc>) -> Self {
        Self { message_id, by: Initiator::Program, now }
    }

    fn operator(&self) -> Option<&Operator> {
        match &self.by {
            Initiator::Program => None,
            Initiator::Operator { operator, .. } => Some(operator),
        }
    }

    /// Adds what the audit log says; it keeps what people and their programs do.
    fn enter<T, A>(&self, change: Change<T>, act: &A) -> Change<T>
    where
        A: Act<Log = WorkspaceLog>,
    {
        match &self.by {
            Initiator::Program => change,
            Initiator::Operator { actor, .. } => change.done_by(actor, act, self.now),
        }
    }
}

/// Whose the dialog is after a step.
struct Hands {
    operator: Option<Operator>,
    why: Option<AssignReason>,
}

impl Hands {
    const NOBODY: Self = Self { operator: None, why: None };
}

/// What a step did, before the logs say who did it.
type Stepped = Result<Change<Utterance>, ControlRefused>;

impl Dialog {
    /// Asks for a human, or for another one. The customer keeps the place in the queue that they
    /// had.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when one has been asked for already, or the dialog is over.
    pub fn hand_off(self, reason: HandoffReason, cause: &Cause) -> Stepped {
        let act = DialogHandedOff { dialog: self.id };
        let reasoned = Self { handoff_reason: Some(reason), ..self };
        Ok(cause.enter(reasoned.step(ControlStep::HandOff, Hands::NOBODY, cause)?, &act))
    }

    /// An operator answers from now on.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when another operator does, or the dialog is over.
    pub fn take_over(self, operator: Operator, cause: &Cause) -> Stepped {
        let act = DialogTakenOver { dialog: self.id };
        let hands = Hands { operator: Some(operator), why: None };
        Ok(cause.enter(self.step(ControlStep::TakeOver, hands, cause)?, &act))
    }

    /// Gives the dialog to an operator, also if another one had it.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when the dialog is over.
    pub fn assign(self, operator: Operator, why: AssignReason, cause: &Cause) -> Stepped {
        let act = DialogAssigned { dialog: self.id, to: operator.user_id };
        let hands = Hands { operator: Some(operator), why: Some(why) };
        Ok(cause.enter(self.step(ControlStep::Assign, hands, cause)?, &act))
    }

    /// Nobody is asked for any more: the assistant answers from the customer's next message on.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] unless the dialog waits for a human.
    pub fn release(self, cause: &Cause) -> Stepped {
        let act = DialogReleased { dialog: self.id };
        Ok(cause.enter(self.step(ControlStep::Release, Hands::NOBODY, cause)?, &act))
    }

    /// The operator gives the dialog back to the assistant.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] unless an operator answers.
    pub fn hand_back(self, cause: &Cause) -> Stepped {
        let act = DialogHandedBack { dialog: self.id };
        Ok(cause.enter(self.step(ControlStep::HandBack, Hands::NOBODY, cause)?, &act))
    }

    /// Ends the dialog.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when it is over.
    pub fn close(self, cause: &Cause) -> Stepped {
        let act = DialogClosed { dialog: self.id };
        Ok(cause.enter(self.step(ControlStep::Close, Hands::NOBODY, cause)?, &act))
    }

    /// Goes on with a dialog that was over: the assistant answers.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when it is not over.
    pub fn reopen(self, cause: &Cause) -> Stepped {
        let act = DialogReopened { dialog: self.id };
        Ok(cause.enter(self.step(ControlStep::Reopen, Hands::NOBODY, cause)?, &act))
    }

    fn step(mut self, step: ControlStep, hands: Hands, cause: &Cause) -> Stepped {
        let edge = EDGES.iter().find(|(known, from, _)| *known == step && *from == self.control);
        let Some((_, _, to)) = edge else {
            return Err(ControlRefused { step, control: self.control });
        };
        let now = cause.now;
        let left_by = self.assignee.as_ref().and_then(|operator| operator.user_id);
        let queue = moved(self.control, *to, left_by);
        self.control = *to;
        self.epoch += 1;
        self.assignee = hands.operator;
        self.closed_at = (*to == Control::Closed).then_some(now);

        // A customer who is answered by a human, or waits for one, has been asking since the first
        // time.
        let asking = matches!(to, Control::Waiting | Control::Human);
        self.asking_since = asking.then_some(self.asking_since.unwrap_or(now));
        self.handoff_reason = self.handoff_reason.filter(|_| asking);

        let message = Message {
            id: cause.message_id,
            workspace_id: self.workspace_id,
            dialog_id: self.id,
            seq: self.next_seq(now),
            author: Author::System,
            kind: MessageKind::Control,
            text: step.as_str().to_owned(),
            quoted: None,
            revisions: Vec::new(),
            delivery: Delivery::None,
            answer: None,
            act: None,
            operator: cause.operator().cloned(),
            mentions: Vec::new(),
            created_at: now,
        };
        let event = Event::DialogControl {
            dialog_id: self.id,
            control: self.control,
            epoch: self.epoch,
            step: Some(step),
            seq: Some(message.seq),
            reason: self.handoff_reason.filter(|_| *to == Control::Waiting),
            assignee_id: self.assignee.as_ref().and_then(|operator| operator.user_id),
            assigned_by: hands.why,
        };
        let workspace = self.workspace_id;
        let said = Utterance { queue, ..Utterance::new(self, message) };
        Ok(Change::of(workspace, said).telling(event, now))
    }
}

/// What a step from one control to another does to the queue.
const fn moved(from: Control, to: Control, left_by: Option<UserId>) -> Option<QueueMove> {
    match (from, to) {
        (Control::Waiting, Control::Waiting) => None,
        (_, Control::Waiting) => Some(QueueMove::Entered { left_by }),
        (Control::Waiting, Control::Human) => Some(QueueMove::Left(WaitOutcome::Taken)),
        (Control::Waiting, Control::Ai) => Some(QueueMove::Left(WaitOutcome::Released)),
        (Control::Waiting, Control::Closed) => Some(QueueMove::Left(WaitOutcome::Closed)),
        _ => None,
    }
}
