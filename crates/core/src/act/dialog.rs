//! Acts on dialogs.

use super::acts;
use crate::ids::DialogId;

acts! {
    WorkspaceLog, table DIALOG;

    /// A dialog that waited for a human was given back to the assistant.
    DialogReleased = "dialog.released" on dialog: DialogId {}
}
