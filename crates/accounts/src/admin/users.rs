//! All users of the installation.

use replyx_core::{
    actor::Admin,
    assistant::Language,
    change::New,
    ids::UserId,
    page::{Page, PageRequest},
    rules::user::{SignedOut, UserWithPassword, spare_yourself},
    user::{Notifications, User, check_password, normal_email},
};
use replyx_storage::Tx;

pub use replyx_core::rules::user::PlatformRole;

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

/// A user whom nobody else changes until the transaction ends.
async fn lock(tx: &mut Tx, id: UserId) -> Result<User> {
    tx.system().users().lock(id).await?.ok_or(Error::NotFound("user"))
}

/// Blocks a user: all their sessions end immediately, and they cannot sign in.
///
/// # Errors
///
/// [`Error::Yourself`], [`Error::NotFound`].
pub async fn block(cx: &Cx, admin: &Admin, id: UserId) -> Result<User> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let user = lock(&mut tx, id).await?;
        let SignedOut { user, .. } = tx.apply(user.block(admin, cx.clock.now())?).await?;
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
        let user = lock(&mut tx, id).await?;
        let user = tx.apply(user.unblock(admin, cx.clock.now())).await?;
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
    cx.write(|| async {
        spare_yourself(id, admin)?;
        let mut tx = cx.db.begin().await?;
        // First the owners, then the user: the order in which everybody locks.
        refuse_last_owner(&mut tx, id).await?;
        let user = lock(&mut tx, id).await?;
        tx.apply(user.expel(admin, cx.clock.now())?).await?;
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
        let user = lock(&mut tx, id).await?;
        let found = tx.system().second_factors().find(id).await?;
        let second_factor = found.ok_or(Error::NotFound("second factor"))?;
        tx.apply(second_factor.reset(&user, admin, now)).await?;
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
            notifications: Notifications::default(),
            is_admin: true,
            second_factor: false,
            blocked_at: None,
            delete_at: None,
            created_at: now,
        };
        let mut tx = cx.db.begin().await?;
        let New(UserWithPassword { user, .. }) =
            match tx.apply(user.create_admin(password_hash.clone(), admin)).await {
                Ok(stored) => stored,
                Err(error) if error.is_duplicate() => return Err(Error::EmailTaken),
                Err(error) => return Err(error.into()),
            };
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
        let user = lock(&mut tx, id).await?;
        tx.apply(user.set_password(password_hash.clone(), admin, now)).await?;
        tx.commit().await?;
        Ok(user)
    })
    .await
}

async fn hash(cx: &Cx, password: String) -> Result<String> {
    check_password(&password).map_err(|weak| Error::field("password", weak.to_string()))?;
    cx.passwords.hash(password).await
}

/// Makes a user a platform admin, or no longer one.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn set_role(cx: &Cx, admin: &Admin, id: UserId, role: PlatformRole) -> Result<User> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let user = lock(&mut tx, id).await?;
        let user = tx.apply(user.set_platform_role(role, admin, cx.clock.now())).await?;
        tx.commit().await?;
        Ok(user)
    })
    .await
}
