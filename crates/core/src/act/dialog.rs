//! Acts on dialogs.

use super::acts;
use crate::{
    ids::{DialogId, MessageId, UserId},
    message::MessageAct,
};

acts! {
    WorkspaceLog, table DIALOG;

    /// An operator answers in a dialog from now on.
    DialogTakenOver = "dialog.taken_over" on dialog: DialogId {}

    /// An operator gave a dialog back to the assistant.
    DialogHandedBack = "dialog.handed_back" on dialog: DialogId {}

    /// Somebody asked for a human, or gave a dialog back to those who wait for one.
    DialogHandedOff = "dialog.handed_off" on dialog: DialogId {}

    /// A dialog was given to an operator.
    DialogAssigned = "dialog.assigned" on dialog: DialogId { to: Option<UserId> }

    /// A dialog that was over goes on.
    DialogReopened = "dialog.reopened" on dialog: DialogId {}

    /// A dialog was ended.
    DialogClosed = "dialog.closed" on dialog: DialogId {}

    /// A dialog that waited for a human was given back to the assistant.
    DialogReleased = "dialog.released" on dialog: DialogId {}

    /// What a customer's message is was corrected.
    MessageActCorrected = "message.act_corrected" on message: MessageId {
        dialog_id: DialogId,
        act: MessageAct,
    }
}
