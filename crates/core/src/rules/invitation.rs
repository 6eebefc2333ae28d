//! What happens to offers to become a member.
//!
//! Until it is accepted, an invitation depends on its sender: it is void while they may not invite
//! people into that role, are suspended or blocked, or have asked for their account to be deleted.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::member::{RoleAboveOwn, Standing};
use crate::{
    act::{Actor, InvitationCreated, InvitationDeleted, MemberJoined},
    change::{Change, Deleted, New},
    permission::Permission,
    user::User,
    workspace::{Invitation, Member, Membership, Workspace},
};

#[cfg(test)]
mod tests;

/// An invitation with what is stored of the token in its letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The hash of the token.
    pub token_hash: String,
}

/// An invitation that is used up, and the member whom it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The person who accepted it.
    pub member: Member,
}

/// What an invitation depends on, as it is now.
#[derive(Clone, Copy, Debug)]
pub struct InvitationTerms<'t> {
    /// The workspace.
    pub workspace: &'t Workspace,
    /// The person who sent it, if they are still a member.
    pub sender: Option<(&'t Member, &'t User)>,
}

/// An invitation cannot be sent or accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvitationRefused {
    /// It offers a role above that of its sender.
    #[error(transparent)]
    AboveStanding(#[from] RoleAboveOwn),
    /// It has expired.
    #[error("the invitation has expired")]
    Expired,
    /// It was sent to somebody else.
    #[error("the invitation was sent to another address")]
    OtherAddress,
    /// Nobody acts in the workspace.
    #[error("the workspace is suspended")]
    WorkspaceSuspended,
    /// Its sender could not send it today.
    #[error("the sender may no longer invite")]
    Void,
    /// The person who is invited is a member.
    #[error("the person who is invited is a member already")]
    InviteeIsMember,
    /// The person who accepts is a member.
    #[error("the person who accepts is a member already")]
    AlreadyMember,
    /// The person belongs to as many workspaces as a person may.
    #[error("the person belongs to too many workspaces")]
    TooManyJoined,
}

impl Invitation {
    /// Offers a role to the person at an address. `known` says whether they are a member already.
    ///
    /// # Errors
    ///
    /// [`InvitationRefused`].
    pub fn send(
        self,
        token_hash: String,
        standing: &Standing,
        terms: InvitationTerms<'_>,
        known: Option<&Member>,
        by: &Actor,
    ) -> Result<Change<New<SentInvitation>>, InvitationRefused> {
        standing.reaches(self.role)?;
        // A person who is about to leave invites nobody.
        self.stands(terms)?;
        if known.is_some() {
            return Err(InvitationRefused::InviteeIsMember);
        }

        let act =
            InvitationCreated { invitation: self.id, email: self.email.clone(), role: self.role };
        let at = self.created_at;
        let workspace = self.workspace_id;
        let sent = SentInvitation { invitation: self, token_hash };
        Ok(Change::of(workspace, New(sent)).done_by(by, &act, at))
    }

    /// Makes the person to whom it was sent a member. `memberships` are those that they have.
    ///
    /// # Errors
    ///
    /// [`InvitationRefused`].
    pub fn accept(
        self,
        person: &User,
        terms: InvitationTerms<'_>,
        memberships: &[Membership],
        by: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Change<AcceptedInvitation>, InvitationRefused> {
        if now >= self.expires_at {
            return Err(InvitationRefused::Expired);
        }
        if self.email != person.email {
            return Err(InvitationRefused::OtherAddress);
        }
        self.stands(terms)?;
        if memberships.iter().any(|found| found.workspace.id == self.workspace_id) {
            return Err(InvitationRefused::AlreadyMember);
        }
        if memberships.len() >= Membership::MOST {
            return Err(InvitationRefused::TooManyJoined);
        }

        let member = Member {
            workspace_id: self.workspace_id,
            user_id: person.id,
            email: person.email.clone(),
            name: person.name.clone(),
            role: self.role,
            suspended_at: None,
            created_at: now,
        };
        let act = MemberJoined {
            member: person.id,
            email: person.email.clone(),
            role: self.role,
            invited_by: self.invited_by,
        };
        let workspace = self.workspace_id;
        let accepted = AcceptedInvitation { invitation: self, member };
        Ok(Change::of(workspace, accepted).done_by(by, &act, now))
    }

    /// Revokes it.
    pub fn revoke(self, by: &Actor, now: DateTime<Utc>) -> Change<Deleted<Self>> {
        let act = InvitationDeleted { invitation: self.id };
        Change::of(self.workspace_id, Deleted(self)).done_by(by, &act, now)
    }

    fn stands(&self, terms: InvitationTerms<'_>) -> Result<(), InvitationRefused> {
        if terms.workspace.suspended_at.is_some() {
            return Err(InvitationRefused::WorkspaceSuspended);
        }
        let sender = terms.sender.filter(|(_, person)| person.delete_at.is_none());
        let standing = sender.and_then(|(member, person)| Standing::of(member, person));
        let could_send = standing.is_some_and(|standing| {
            standing.permissions.allow(Permission::MembersWrite)
                && standing.reaches(self.role).is_ok()
        });
        if could_send { Ok(()) } else { Err(InvitationRefused::Void) }
    }
}
