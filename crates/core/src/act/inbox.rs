//! Acts on what operators sort and answer with.

use super::acts;
use crate::ids::{CannedReplyId, TagId};

acts! {
    WorkspaceLog, table INBOX;

    /// A tag was created.
    TagCreated = "tag.created" on tag: TagId { name: String }

    /// A tag was renamed.
    TagRenamed = "tag.renamed" on tag: TagId { name: String }

    /// A tag was deleted.
    TagDeleted = "tag.deleted" on tag: TagId { name: String }

    /// A canned reply was created.
    CannedReplyCreated = "canned_reply.created" on canned_reply: CannedReplyId { shortcut: String }

    /// A canned reply was changed.
    CannedReplyUpdated = "canned_reply.updated" on canned_reply: CannedReplyId { shortcut: String }

    /// A canned reply was deleted.
    CannedReplyDeleted = "canned_reply.deleted" on canned_reply: CannedReplyId { shortcut: String }
}
