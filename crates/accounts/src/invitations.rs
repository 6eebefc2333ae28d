//! Offers to become a member, sent by mail.
//!
//! The link holds a token that is stored as a hash and works once. Until it is accepted, an
//! invitation depends on its sender (`core`'s `rules/invitation.rs`).

use chrono::TimeDelta;
use replyx_core::{
    actor::{Account, Caller},
    assistant::Language,
    change::{Change, New},
    clock::random_hex,
    ids::InvitationId,
    mail::{Letter, Mail},
    page::{Page, PageRequest},
    permission::Permission,
    role::Role,
    rules::invitation::{AcceptedInvitation, InvitationTerms, SentInvitation},
    secret::sha256_hex,
    setting,
    user::{User, normal_email},
    workspace::{Invitation, Member, Membership, Workspace},
};
use replyx_storage::Tx;

use crate::{Cx, Error, INVITE_PAGE, Result, letters::mailbox_key, standing};

/// How many days an invitation is good.
const DAYS: u32 = 7;

/// The person to invite.
#[derive(Clone, Debug)]
pub struct Invitee {
    /// The e-mail address.
    pub email: String,
    /// The role they will have: at most that of the inviter.
    pub role: Role,
    /// The language of the letter; theirs, if they have an account, or else that of the person who
    /// invites, unless given.
    pub language: Option<Language>,
}

/// Lists invitations that nobody has accepted, newest first, also those that have ended.
pub async fn list(
    cx: &Cx,
    caller: &Caller,
    page: PageRequest<InvitationId>,
) -> Result<Page<Invitation, InvitationId>> {
    let mut tx = cx.db.read().await?;
    Ok(tx.workspace(caller.workspace_id).invitations().list(page).await?)
}

/// Invites a person by mail. Another invitation to the same address takes its place.
///
/// # Errors
///
/// [`Error::Forbidden`], [`Error::InviteeIsMember`], [`Error::TooMany`].
pub async fn create(cx: &Cx, caller: &Caller, invitee: &Invitee) -> Result<Invitation> {
    let token = random_hex::<32>();
    // What is refused anyhow costs nobody a share of the limits.
    let mut tx = cx.db.read().await?;
    let (_, mail) = offer(cx, &mut tx, caller, invitee, &token).await?;
    drop(tx);
    keep_limits(cx, caller, &mail).await?;

    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let (change, mail) = offer(cx, &mut tx, caller, invitee, &token).await?;
        let New(SentInvitation { invitation, .. }) = tx.apply(change).await?;
        cx.letters.queue_of(&mut tx, &mail, invitation.workspace_id).await?;
        tx.commit().await?;
        Ok(invitation)
    })
    .await
}

/// Counts the letter before it is queued: the invited person did not ask for mail.
async fn keep_limits(cx: &Cx, caller: &Caller, mail: &Mail) -> Result<()> {
    let workspace = caller.workspace_id.to_string();
    let recipient = mailbox_key(&mail.to);
    let limits = [
        (setting::RATE_INVITATION_WORKSPACE, workspace.as_str()),
        (setting::RATE_INVITATION_RECIPIENT, recipient.as_str()),
    ];
    cx.charge(&limits).await
}

/// The offer as the caller may make it now, with its letter.
async fn offer(
    cx: &Cx,
    tx: &mut Tx,
    caller: &Caller,
    invitee: &Invitee,
    token: &str,
) -> Result<(Change<New<SentInvitation>>, Mail)> {
    let standing = standing::of(tx, caller, Permission::MembersWrite).await?;
    let now = cx.clock.now();
    let invitation = Invitation {
        id: cx.clock.id(),
        workspace_id: caller.workspace_id,
        email: normal_email(&invitee.email),
        role: invitee.role,
        invited_by: standing.person,
        expires_at: now + TimeDelta::days(DAYS.into()),
        created_at: now,
    };
    let basis = Basis::of(tx, &invitation).await?;
    let recipient = tx.system().users().find_by_email(&invitation.email).await?;
    let recipient = recipient.map(|(user, _)| user);
    let member = match &recipient {
        Some(user) => tx.workspace(invitation.workspace_id).members().find(user.id).await?,
        None => None,
    };

    let hash = sha256_hex(token.as_bytes());
    let by = caller.actor();
    let change = invitation.clone().send(hash, &standing, basis.terms(), member.as_ref(), &by)?;
    let (_, inviter) = basis.sender.ok_or(Error::Forbidden)?;
    let language = invitee.language.or(recipient.map(|user| user.language));
    let letter = Letter::Invitation {
        workspace: caller.place().workspace.name.clone(),
        inviter: inviter.name.unwrap_or(inviter.email),
        role: invitation.role.as_str().to_owned(),
        link: cx.link(INVITE_PAGE, token),
        days: DAYS,
    };
    let language = language.unwrap_or(inviter.language);
    Ok((change, Mail { to: invitation.email, language, letter }))
}

/// Revokes an invitation.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn delete(cx: &Cx, caller: &Caller, id: InvitationId) -> Result<()> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let found = tx.workspace(caller.workspace_id).invitations().lock(id).await?;
        let invitation = found.ok_or(Error::NotFound("invitation"))?;
        tx.apply(invitation.revoke(&caller.actor(), cx.clock.now())).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Accepts an invitation that was sent to the person's e-mail address.
///
/// # Errors
///
/// [`Error::NoInvitation`], [`Error::NotForYou`], [`Error::WorkspaceSuspended`],
/// [`Error::InvitationVoid`], [`Error::AlreadyMember`], [`Error::TooManyJoined`].
pub async fn accept(cx: &Cx, account: &Account, token: &str) -> Result<Membership> {
    cx.write(|| async {
        let user = account.user();
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let found = tx.system().invitations().lock(&sha256_hex(token.as_bytes())).await?;
        let invitation = found.ok_or(Error::NoInvitation)?;
        let memberships = tx.system().users().memberships(user.id).await?;

        let basis = Basis::of(&mut tx, &invitation).await?;
        let by = account.actor();
        let change = invitation.accept(user, basis.terms(), &memberships, &by, now)?;
        let AcceptedInvitation { member, .. } = match tx.apply(change).await {
            Ok(accepted) => accepted,
            Err(error) if error.is_duplicate() => return Err(Error::AlreadyMember),
            Err(error) => return Err(error.into()),
        };
        tx.commit().await?;
        Ok(Membership { workspace: basis.workspace, role: member.role, suspended_at: None })
    })
    .await
}

/// What an invitation depends on, as the transaction sees it.
pub(crate) struct Basis {
    pub(crate) workspace: Workspace,
    sender: Option<(Member, User)>,
}

impl Basis {
    pub(crate) async fn of(tx: &mut Tx, invitation: &Invitation) -> Result<Self> {
        let id = invitation.workspace_id;
        let found = tx.system().workspaces().find(id).await?;
        let workspace = found.ok_or(Error::NotFound("workspace"))?;
        let sender = standing::member(tx, id, invitation.invited_by).await?;
        Ok(Self { workspace, sender })
    }

    pub(crate) fn terms(&self) -> InvitationTerms<'_> {
        let sender = self.sender.as_ref().map(|(member, person)| (member, person));
        InvitationTerms { workspace: &self.workspace, sender }
    }
}
