//! Who may speak in a dialog, and what changes that.
//!
//! [`EDGES`] is the whole state machine. Every step along an edge raises the dialog's epoch, so
//! that a turn that runs at that moment can no longer settle.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    act::{Actor, DialogClosed, DialogHandedBack, DialogReleased, DialogTakenOver},
    change::Change,
    dialog::{Control, Dialog},
    event::Event,
};

/// What changes who has control of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A human is asked for.
    HandOff,
    /// An operator answers from now on.
    TakeOver,
    /// Nobody is asked for any more: the assistant answers.
    Release,
    /// The operator gives the dialog back to the assistant.
    HandBack,
    /// The dialog is over.
    Close,
    /// The customer goes on with a dialog that was over.
    Reopen,
}

/// Every edge: a step, who has control before it, and who has it after it.
pub const EDGES: &[(Step, Control, Control)] = &[
    (Step::HandOff, Control::Ai, Control::Waiting),
    (Step::HandOff, Control::Human, Control::Waiting),
    (Step::TakeOver, Control::Ai, Control::Human),
    (Step::TakeOver, Control::Waiting, Control::Human),
    (Step::Release, Control::Waiting, Control::Ai),
    (Step::HandBack, Control::Human, Control::Ai),
    (Step::Close, Control::Ai, Control::Closed),
    (Step::Close, Control::Waiting, Control::Closed),
    (Step::Close, Control::Human, Control::Closed),
    (Step::Reopen, Control::Closed, Control::Ai),
];

/// A step is not possible for the dialog as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the dialog is `{control}`, which does not allow this step")]
pub struct ControlRefused {
    /// The step.
    pub step: Step,
    /// Who has control.
    pub control: Control,
}

impl Dialog {
    /// Asks for a human, or for another one.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when one has been asked for already, or the dialog is over.
    pub fn hand_off(self, now: DateTime<Utc>) -> Result<Change<Self>, ControlRefused> {
        self.step(Step::HandOff, now)
    }

    /// An operator answers from now on.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when another operator does, or the dialog is over.
    pub fn take_over(self, by: &Actor, now: DateTime<Utc>) -> Result<Change<Self>, ControlRefused> {
        let act = DialogTakenOver { dialog: self.id };
        Ok(self.step(Step::TakeOver, now)?.done_by(by, &act, now))
    }

    /// Nobody is asked for any more: the assistant answers from the customer's next message on.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] unless the dialog waits for a human.
    pub fn release(self, by: &Actor, now: DateTime<Utc>) -> Result<Change<Self>, ControlRefused> {
        let act = DialogReleased { dialog: self.id };
        Ok(self.step(Step::Release, now)?.done_by(by, &act, now))
    }

    /// The operator gives the dialog back to the assistant.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] unless an operator answers.
    pub fn hand_back(self, by: &Actor, now: DateTime<Utc>) -> Result<Change<Self>, ControlRefused> {
        let act = DialogHandedBack { dialog: self.id };
        Ok(self.step(Step::HandBack, now)?.done_by(by, &act, now))
    }

    /// Ends the dialog.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when it is over.
    pub fn close(self, by: &Actor, now: DateTime<Utc>) -> Result<Change<Self>, ControlRefused> {
        let act = DialogClosed { dialog: self.id };
        Ok(self.step(Step::Close, now)?.done_by(by, &act, now))
    }

    /// Goes on with a dialog that was over: the assistant answers.
    ///
    /// # Errors
    ///
    /// [`ControlRefused`] when it is not over.
    pub fn reopen(self, now: DateTime<Utc>) -> Result<Change<Self>, ControlRefused> {
        self.step(Step::Reopen, now)
    }

    fn step(mut self, step: Step, now: DateTime<Utc>) -> Result<Change<Self>, ControlRefused> {
        let edge = EDGES.iter().find(|(known, from, _)| *known == step && *from == self.control);
        let Some((_, _, to)) = edge else {
            return Err(ControlRefused { step, control: self.control });
        };
        self.control = *to;
        self.epoch += 1;
        self.updated_at = now;

        let event =
            Event::DialogControl { dialog_id: self.id, control: self.control, epoch: self.epoch };
        Ok(Change::of(self.workspace_id, self).telling(event, now))
    }
}
