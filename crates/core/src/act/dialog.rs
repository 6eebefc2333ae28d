//! Acts on dialogs.

use super::acts;
use crate::ids::DialogId;

acts! {
    WorkspaceLog, table DIALOG;

    /// An operator answers in a dialog from now on.
    DialogTakenOver = "dialog.taken_over" on dialog: DialogId {}

    /// An operator gave a dialog back to the assistant.
    DialogHandedBack = "dialog.handed_back" on dialog: DialogId {}

    /// A dialog was ended.
    DialogClosed = "dialog.closed" on dialog: DialogId {}

    /// A dialog that waited for a human was given back to the assistant.
    DialogReleased = "dialog.released" on dialog: DialogId {}
}
