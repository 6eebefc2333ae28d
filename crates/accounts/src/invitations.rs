//! Offers to become a member, sent by mail.
//!
//! The link holds a token that is stored as a hash and works once. Until it is accepted, an
//! invitation depends on its sender: it is void while they may not invite people into that role,
//! are suspended or blocked, or have asked for their account to be deleted.

use chrono::TimeDelta;
use replyx_core::{
    act,
    actor::{Account, Caller},
    assistant::Language,
    change::Change,
    clock::random_hex,
    ids::InvitationId,
    mail::{Letter, Mail},
    page::{Page, PageRequest},
    permission::Permission,
    role::Role,
    secret::sha256_hex,
    setting,
    user::normal_email,
    workspace::{Invitation, Membership},
};
use replyx_storage::Tx;

use crate::{
    Cx, Error, INVITE_PAGE, Result, letters::mailbox_key, standing, workspaces::MOST_JOINED,
};

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
        let (invitation, mail) = offer(cx, &mut tx, caller, invitee, &token).await?;
        let workspace = invitation.workspace_id;
        let hash = sha256_hex(token.as_bytes());
        tx.workspace(workspace).invitations().put(&invitation, &hash).await?;
        cx.letters.queue_of(&mut tx, &mail, workspace).await?;

        let act = act::InvitationCreated {
            invitation: invitation.id,
            email: invitation.email.clone(),
            role: invitation.role,
        };
        tx.apply(Change::act(workspace, &caller.actor(), &act, invitation.created_at)).await?;
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
) -> Result<(Invitation, Mail)> {
    let standing = standing::of(tx, caller, Permission::MembersWrite).await?;
    standing.reaches(invitee.role)?;
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
    // Who is about to leave invites nobody.
    stands(tx, &invitation).await?;
    let mail = letter(cx, tx, caller, &invitation, token, invitee.language).await?;
    Ok((invitation, mail))
}

/// The letter that offers it, unless they are a member already.
async fn letter(
    cx: &Cx,
    tx: &mut Tx,
    caller: &Caller,
    invitation: &Invitation,
    token: &str,
    language: Option<Language>,
) -> Result<Mail> {
    let known = tx.system().users().find_by_email(&invitation.email).await?.map(|(user, _)| user);
    if let Some(user) = &known
        && tx.workspace(invitation.workspace_id).members().find(user.id).await?.is_some()
    {
        return Err(Error::InviteeIsMember);
    }

    let inviter = tx.system().users().find(invitation.invited_by).await?;
    let inviter = inviter.ok_or(Error::Forbidden)?;
    let letter = Letter::Invitation {
        workspace: caller.place().workspace.name.clone(),
        inviter: inviter.name.unwrap_or(inviter.email),
        role: invitation.role.as_str().to_owned(),
        link: cx.link(INVITE_PAGE, token),
        days: DAYS,
    };
    let language = language.or(known.map(|user| user.language)).unwrap_or(inviter.language);
    Ok(Mail { to: invitation.email.clone(), language, letter })
}

/// Revokes an invitation.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn delete(cx: &Cx, caller: &Caller, id: InvitationId) -> Result<()> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        if !tx.workspace(caller.workspace_id).invitations().delete(id).await? {
            return Err(Error::NotFound("invitation"));
        }
        let now = cx.clock.now();
        let act = act::InvitationDeleted { invitation: id };
        tx.apply(Change::act(caller.workspace_id, &caller.actor(), &act, now)).await?;
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
        // Rolled back, with whatever is refused below.
        let found = tx.system().invitations().take(&sha256_hex(token.as_bytes())).await?;
        let open = found.filter(|invitation| now < invitation.expires_at);
        let invitation = open.ok_or(Error::NoInvitation)?;
        if invitation.email != user.email {
            return Err(Error::NotForYou);
        }
        stands(&mut tx, &invitation).await?;

        let membership = join(cx, &mut tx, account, &invitation).await?;
        let act = act::MemberJoined {
            member: user.id,
            email: user.email.clone(),
            role: invitation.role,
            invited_by: invitation.invited_by,
        };
        tx.apply(Change::act(invitation.workspace_id, &account.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(membership)
    })
    .await
}

async fn join(
    cx: &Cx,
    tx: &mut Tx,
    account: &Account,
    invitation: &Invitation,
) -> Result<Membership> {
    let user = account.user().id;
    let id = invitation.workspace_id;
    let mine = tx.system().users().memberships(user).await?;
    if mine.iter().any(|membership| membership.workspace.id == id) {
        return Err(Error::AlreadyMember);
    }
    if mine.len() >= MOST_JOINED {
        return Err(Error::TooManyJoined);
    }

    match tx.workspace(id).members().insert(user, invitation.role, cx.clock.now()).await {
        Ok(()) => {}
        Err(error) if error.is_duplicate() => return Err(Error::AlreadyMember),
        Err(error) => return Err(error.into()),
    }
    let workspace = tx.system().workspaces().find(id).await?;
    let workspace = workspace.ok_or(Error::NotFound("workspace"))?;
    Ok(Membership { workspace, role: invitation.role, suspended_at: None })
}

/// Does the offer still stand?
///
/// # Errors
///
/// [`Error::WorkspaceSuspended`], and [`Error::InvitationVoid`] when who made it could not make it
/// today.
pub(crate) async fn stands(tx: &mut Tx, invitation: &Invitation) -> Result<()> {
    let id = invitation.workspace_id;
    let workspace = tx.system().workspaces().find(id).await?;
    let workspace = workspace.ok_or(Error::NotFound("workspace"))?;
    if workspace.suspended_at.is_some() {
        return Err(Error::WorkspaceSuspended);
    }

    let inviter = standing::active(tx, id, invitation.invited_by).await?;
    let able = inviter.is_some_and(|inviter| {
        inviter.role >= Permission::MembersWrite.least_role() && inviter.role >= invitation.role
    });
    let person = tx.system().users().find(invitation.invited_by).await?;
    let stays = person.is_some_and(|person| person.delete_at.is_none());
    if able && stays { Ok(()) } else { Err(Error::InvitationVoid) }
}
