//! Making an account: registering, and confirming the e-mail address by a code that was mailed.
//!
//! Where addresses are confirmed by mail, the answer does not reveal whether an address is taken:
//! the same work is done, and its owner is told by mail. Without confirmation, registering signs in
//! at once, so a taken address can only be answered with [`Error::EmailTaken`].

use replyx_core::{
    act::Actor,
    assistant::Language,
    ids::UserId,
    mail::{Letter, Mail},
    rules::invitation::AcceptedInvitation,
    secret::sha256_hex,
    setting,
    user::{Registration, User, normal_email},
    workspace::Membership,
};
use replyx_storage::Tx;
use tokio::time::Instant;

use crate::{
    Cx, Device, Error, Result, code, even_out,
    invitations::Basis,
    letters::mailbox_key,
    sessions::{self, Occasion, OpenSession},
    sign_up::NewAccount,
};

/// What somebody who registers says of themselves. The password has been found acceptable.
#[derive(Debug)]
pub struct NewPerson {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// Their name.
    pub name: Option<String>,
    /// The language of their mail.
    pub language: Option<Language>,
    /// The token of an invitation to this address, which stands for the confirmation and is
    /// accepted at the same time.
    pub invitation: Option<String>,
}

/// An account, and where it acts.
#[derive(Debug)]
pub struct Registered {
    /// The person.
    pub user: User,
    /// Their workspace, or the one that invited them.
    pub membership: Membership,
    /// Their first session; none when the address has yet to be confirmed.
    pub session: Option<OpenSession>,
}

/// Registers an account with its own workspace, or, with an invitation, as a member of the inviting
/// workspace.
///
/// Where e-mail addresses have to be confirmed nothing is made yet: a code is mailed.
///
/// # Errors
///
/// [`Error::RegistrationClosed`], [`Error::NotInvited`], [`Error::EmailTaken`], [`Error::TooMany`],
/// and as [`accept`](crate::invitations::accept).
pub async fn register(cx: &Cx, device: &Device, person: NewPerson) -> Result<Registered> {
    let email = normal_email(&person.email);
    let invitation = match &person.invitation {
        Some(token) => Some(invited(cx, token, &email).await?),
        None if cx.tuning.flag(setting::REGISTRATION_OPEN) => None,
        None => return Err(Error::RegistrationClosed),
    };
    let confirm = invitation.is_none() && cx.confirms_addresses();
    if confirm {
        // Else anybody could fill a stranger's mailbox with codes.
        let key = format!("register:{}", mailbox_key(&email));
        cx.charge(&[(setting::RATE_RESEND, &key)]).await?;
    }

    let now = cx.clock.now();
    let code = code::new();
    let registration = Registration {
        user_id: cx.clock.id(),
        workspace_id: cx.clock.id(),
        name: person.name,
        language: person.language.unwrap_or(Language::English),
        password_hash: cx.passwords.hash(person.password).await?,
        code_hash: code::hash(&cx.keys, &email, &code),
        tries_left: code::TRIES,
        expires_at: code::end(now),
        created_at: now,
        email,
    };
    let account = NewAccount::of(&registration, now);
    if confirm {
        cx.write(|| ask(cx, device, &registration, &code)).await?;
        let membership = account.membership();
        return Ok(Registered { user: account.user, membership, session: None });
    }

    let account = account.welcomed_within_limits(cx).await;
    let hash = &registration.password_hash;
    let made = cx.write(|| make(cx, device, &account, hash, invitation.as_deref()));
    let (session, membership) = made.await?;
    Ok(Registered { user: account.user, membership, session: Some(session) })
}

/// The hash of the token of an open invitation to this address. Whoever has the token can read the
/// mail of the address.
async fn invited(cx: &Cx, token: &str, email: &str) -> Result<String> {
    let hash = sha256_hex(token.as_bytes());
    let now = cx.clock.now();
    let found = cx.db.read().await?.system().invitations().find(&hash).await?;
    let open = found.filter(|found| found.email == email && now < found.expires_at);
    open.map(|_| hash).ok_or(Error::NotInvited)
}

/// Asks the owner of the address for a code, or tells them that they have an account.
async fn ask(cx: &Cx, device: &Device, registration: &Registration, code: &str) -> Result<()> {
    let mut tx = cx.db.begin().await?;
    let taken = tx.system().users().find_by_email(&registration.email).await?;
    let owner = taken.as_ref().map(|(owner, _)| owner);
    // Nobody has proved yet that the address is theirs.
    let by = device.claiming(&registration.email);
    // Also for an address that is taken, where no code will ever confirm it: it takes as long.
    tx.apply(registration.clone().request(owner, &by)).await?;
    let (language, letter) = if let Some(owner) = owner {
        (owner.language, Letter::AccountExists)
    } else {
        let letter = Letter::Confirmation { code: code.to_owned(), minutes: code::MINUTES };
        (registration.language, letter)
    };
    let mail = Mail { to: registration.email.clone(), language, letter };
    cx.letters.queue(&mut tx, &mail).await?;
    tx.commit().await?;
    Ok(())
}

/// Creates the account: with its own workspace, or as a member of the inviting one.
async fn make(
    cx: &Cx,
    device: &Device,
    account: &NewAccount,
    password_hash: &str,
    invitation: Option<&str>,
) -> Result<(OpenSession, Membership)> {
    let user = &account.user;
    let mut tx = cx.db.begin().await?;
    let actor = device.of(user);
    let hash = password_hash.to_owned();
    let stored = match invitation {
        Some(_) => {
            let person = user.clone().register_invited(hash, &actor);
            account.store_person(cx, &mut tx, person).await?
        }
        None => account.store(cx, &mut tx, user.clone().register(hash, &actor)).await?,
    };
    if !stored {
        return Err(Error::EmailTaken);
    }

    let membership = match invitation {
        None => account.membership(),
        Some(hash) => join(&mut tx, user, hash, &actor).await?,
    };
    let place = (membership.workspace.id, membership.role);
    let opened =
        sessions::open(cx, &mut tx, user, Some(place), device, Occasion::NewAccount).await?;
    tx.commit().await?;
    Ok((opened, membership))
}

/// Makes the invited person a member.
async fn join(tx: &mut Tx, user: &User, token_hash: &str, by: &Actor) -> Result<Membership> {
    let found = tx.system().invitations().lock(token_hash).await?;
    let invitation = found.ok_or(Error::NotInvited)?;
    let basis = Basis::of(tx, &invitation).await?;
    let change = invitation.accept(user, basis.terms(), &[], by, user.created_at)?;
    let AcceptedInvitation { member, .. } = tx.apply(change).await?;
    Ok(Membership { workspace: basis.workspace, role: member.role, suspended_at: None })
}

/// An account whose e-mail address is confirmed.
#[derive(Debug)]
pub struct Confirmed {
    /// The person.
    pub user: User,
    /// Their workspace.
    pub membership: Membership,
    /// Their first session.
    pub session: OpenSession,
}

/// The code that was mailed to an address that registered.
#[derive(Debug)]
pub struct Confirmation {
    /// The e-mail address.
    pub email: String,
    /// The code, as it was typed.
    pub code: String,
    /// The account that is meant. With it, the code of a registration that a stranger made
    /// in the meantime with the same address confirms nothing.
    pub user_id: Option<UserId>,
}

/// Confirms an e-mail address, and makes the account. A code allows five tries.
///
/// # Errors
///
/// [`Error::WrongConfirmation`], whatever is wrong.
pub async fn confirm(cx: &Cx, device: &Device, shown: &Confirmation) -> Result<Confirmed> {
    let confirmed = cx.write(|| confirm_once(cx, device, shown)).await?;
    confirmed.ok_or(Error::WrongConfirmation)
}

/// `None` when a try is spent.
async fn confirm_once(cx: &Cx, device: &Device, shown: &Confirmation) -> Result<Option<Confirmed>> {
    let email = normal_email(&shown.email);
    let now = cx.clock.now();
    let mut tx = cx.db.begin().await?;
    // The try is spent before the code is looked at, so that many at once do not get more than
    // there are.
    let tried = tx.system().registrations().spend_try(&email, now).await?;
    let right = tried.filter(|found| {
        let meant = shown.user_id.is_none_or(|id| id == found.user_id);
        code::fits(&cx.keys, &email, shown.code.trim(), &found.code_hash) & meant
    });
    let Some(registration) = right else {
        tx.commit().await?;
        return Ok(None);
    };

    let account = NewAccount::of(&registration, now);
    let user = &account.user;
    let person = user.clone().confirm(registration.password_hash, &device.of(user));
    if !account.store(cx, &mut tx, person).await? {
        return Err(Error::WrongConfirmation);
    }
    let place = Some(account.place());
    let opened = sessions::open(cx, &mut tx, user, place, device, Occasion::NewAccount).await?;
    tx.commit().await?;

    let membership = account.membership();
    Ok(Some(Confirmed { user: account.user, membership, session: opened }))
}

/// Mails a new code to an unconfirmed address; earlier codes become invalid. What
/// it does, and how long it takes, is the same whether or not the address waits.
///
/// # Errors
///
/// [`Error::TooMany`] when the mailbox has had too many codes.
pub async fn resend(cx: &Cx, email: &str) -> Result<()> {
    let begun = Instant::now();
    let email = normal_email(email);
    let key = format!("resend:{}", mailbox_key(&email));
    cx.charge(&[(setting::RATE_RESEND, &key)]).await?;

    cx.write(|| renew(cx, &email)).await?;
    even_out(begun).await;
    Ok(())
}

async fn renew(cx: &Cx, email: &str) -> Result<()> {
    let now = cx.clock.now();
    let code = code::new();
    let hash = code::hash(&cx.keys, email, &code);
    let mut tx = cx.db.begin().await?;
    let Some(registration) = tx.system().registrations().find(email).await? else { return Ok(()) };
    tx.system().registrations().renew(email, &hash, code::TRIES, code::end(now)).await?;

    let taken = tx.system().users().find_by_email(email).await?;
    let (language, letter) = match taken {
        Some((owner, _)) => (owner.language, Letter::AccountExists),
        None => (registration.language, Letter::Confirmation { code, minutes: code::MINUTES }),
    };
    cx.letters.queue(&mut tx, &Mail { to: email.to_owned(), language, letter }).await?;
    tx.commit().await?;
    Ok(())
}
