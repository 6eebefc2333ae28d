//! Who looks at a dialog, and who types in it, at this moment. It is stored nowhere.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DialogId, UserId},
    words::words,
};

words! {
    /// What a member does in a dialog at this moment.
    AttentionState, example "typing" {
        /// They have it open.
        Viewing = "viewing",
        /// They write a reply.
        Typing = "typing",
        /// They have closed the view of it.
        Away = "away",
    }
}

/// That a member looks at a dialog, types in it, or has turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// The dialog.
    pub dialog_id: DialogId,
    /// The member.
    pub user_id: UserId,
    /// The name that colleagues see.
    pub name: String,
    /// What they do.
    pub state: AttentionState,
}
