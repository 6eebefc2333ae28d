//! All users of the installation.

use replyx_core::{
    act,
    actor::Admin,
    assistant::Language,
    change::Change,
    ids::UserId,
    page::{Page, PageRequest},
    user::{User, check_password, normal_email},
};
use replyx_storage::Tx;

use crate::{Cx, Error, Result, deletion::refuse_last_owner, is_email};

/// The longest name, characters.
const LONGEST_NAME: usize = 100;

/// Lists all users, newest first; only those whose e-mail address or name contains `wanted`.
pub async fn list(
    cx: &Cx,
    _admin: &Admin,
    wanted: Option<&str>,
    page: PageRequest<UserId>,
) -> Result<Page<User, UserId>> {
    let mut tx = cx.db.read().await?;
    Ok(tx.system().users().list(wanted, page).await?)
}

/// Finds a user.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn read(cx: &Cx, _admin: &Admin, id: UserId) -> Result<User> {
    let mut tx = cx.db.read().await?;
    find(&mut tx, id).await
}

/// Finds a user by their e-mail address, as it was typed.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn find_by_email(cx: &Cx, _admin: &Admin, email: &str) -> Result<User> {
    let mut tx = cx.db.read().await?;
    let found = tx.system().users().find_by_email(&normal_email(email)).await?;
    found.map(|(user, _)| user).ok_or(Error::NotFound("user"))
}

async fn find(tx: &mut Tx, id: UserId) -> Result<User> {
    tx.system().users().find(id).await?.ok_or(Error::NotFound("user"))
}

/// Refuses what admins might do to themselves by mistake, and regret with nobody left to undo it.
fn not_yourself(admin: &Admin, user: UserId) -> Result<()> {
    if admin.user_id() == Some(user) { Err(Error::Yourself) } else { Ok(()) }
}

/// Blocks a user: all their sessions end immediately, and they cannot sign in.
///
/// # Errors
///
/// [`Error::Yourself`], [`Error::NotFound`].
pub async fn block(cx: &Cx, admin: &Admin, id: UserId) -> Result<User> {
    not_yourself(admin, id)?;
    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let mut user = find(&mut tx, id).await?;
        user.blocked_at = Some(user.blocked_at.unwrap_or(now));
        tx.system().users().set_blocked(id, user.blocked_at).await?;
        let act = act::UserBlocked { user: id, email: user.email.clone() };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(user)
    })
    .await
}

/// Unblocks a user, who can then sign in again.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn unblock(cx: &Cx, admin: &Admin, id: UserId) -> Result<User> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let mut user = find(&mut tx, id).await?;
        user.blocked_at = None;
        tx.system().users().set_blocked(id, user.blocked_at).await?;
        let act = act::UserUnblocked { user: id, email: user.email.clone() };
        tx.apply(Change::platform_act(&admin.actor(), &act, cx.clock.now())).await?;
        tx.commit().await?;
        Ok(user)
    })
    .await
}

/// Deletes a user, without a time of grace: they are out at once, and what is theirs alone is
/// deleted within minutes.
///
/// # Errors
///
/// [`Error::Yourself`], [`Error::NotFound`], [`Error::OwnerOfOthers`].
pub async fn delete(cx: &Cx, admin: &Admin, id: UserId) -> Result<()> {
    not_yourself(admin, id)?;
    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let user = find(&mut tx, id).await?;
        refuse_last_owner(&mut tx, id).await?;
        tx.system().users().set_blocked(id, Some(user.blocked_at.unwrap_or(now))).await?;
        tx.system().users().set_delete_at(id, Some(now)).await?;
        let act = act::UserDeleted { user: id, email: user.email };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Removes a user's second factor and ends their sessions.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such user, or no second factor.
pub async fn reset_second_factor(cx: &Cx, admin: &Admin, id: UserId) -> Result<()> {
    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let user = find(&mut tx, id).await?;
        if !tx.system().second_factors().remove(id).await? {
            return Err(Error::NotFound("second factor"));
        }
        tx.system().sessions().revoke_all(id, None, now).await?;
        let act = act::SecondFactorReset { user: id, email: user.email.clone() };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Creates a platform admin.
///
/// # Errors
///
/// [`Error::Field`] for what is not acceptable, [`Error::EmailTaken`].
pub async fn create_admin(
    cx: &Cx,
    admin: &Admin,
    email: &str,
    name: Option<&str>,
    password: String,
) -> Result<User> {
    let email = normal_email(email);
    if !is_email(&email) {
        return Err(Error::field("email", "is not an e-mail address"));
    }
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(Error::field("name", format!("has at most {LONGEST_NAME} characters")));
    }
    let password_hash = hash(cx, password).await?;

    cx.write(|| async {
        let now = cx.clock.now();
        let user = User {
            id: cx.clock.id(),
            email: email.clone(),
            name: name.map(str::to_owned),
            language: Language::English,
            is_admin: true,
            second_factor: false,
            blocked_at: None,
            delete_at: None,
            created_at: now,
        };
        let mut tx = cx.db.begin().await?;
        match tx.system().users().insert(&user, &password_hash).await {
            Ok(()) => {}
            Err(error) if error.is_duplicate() => return Err(Error::EmailTaken),
            Err(error) => return Err(error.into()),
        }
        let act = act::AdminCreated { user: user.id };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(user)
    })
    .await
}

/// Sets a new password of a user, and ends all their sessions.
///
/// # Errors
///
/// [`Error::Field`] for a password that is not acceptable, [`Error::NotFound`].
pub async fn set_password(cx: &Cx, admin: &Admin, id: UserId, password: String) -> Result<User> {
    let password_hash = hash(cx, password).await?;
    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let user = find(&mut tx, id).await?;
        tx.system().users().set_password(id, &password_hash).await?;
        tx.system().sessions().revoke_all(id, None, now).await?;
        let act = act::PasswordSet { user: id };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(user)
    })
    .await
}

async fn hash(cx: &Cx, password: String) -> Result<String> {
    check_password(&password).map_err(|weak| Error::field("password", weak.to_string()))?;
    cx.passwords.hash(password).await
}

/// What somebody is in the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformRole {
    /// A platform admin.
    Admin,
    /// Nothing beyond their workspaces.
    User,
}

/// Makes a user a platform admin, or no longer one.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn set_role(cx: &Cx, admin: &Admin, id: UserId, role: PlatformRole) -> Result<User> {
    cx.write(|| async {
        let is_admin = role == PlatformRole::Admin;
        let mut tx = cx.db.begin().await?;
        let user = find(&mut tx, id).await?;
        tx.system().users().set_admin(id, is_admin).await?;
        let act = act::AdminRoleChanged { user: id, is_admin };
        tx.apply(Change::platform_act(&admin.actor(), &act, cx.clock.now())).await?;
        tx.commit().await?;
        Ok(User { is_admin, ..user })
    })
    .await
}
