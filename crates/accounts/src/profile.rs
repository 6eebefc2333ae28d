//! What people say of themselves.

use replyx_core::{
    act, actor::Account, assistant::Language, change::Change, patch::Patch, user::User,
};

use crate::{Cx, Error, Result, proof};

/// What is to change; what is left out stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileUpdate {
    /// Their name.
    pub name: Patch<String>,
    /// The language of their mail.
    pub language: Option<Language>,
}

/// Changes what somebody says of themselves.
pub async fn update(cx: &Cx, account: &Account, change: &ProfileUpdate) -> Result<User> {
    cx.write(|| async {
        let id = account.user().id;
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        proof::still_signed_in(&mut tx, account, now).await?;
        // What the caller is known by may be a moment old.
        let found = tx.system().users().find(id).await?;
        let before = found.ok_or(Error::Unauthenticated)?;
        let mut user = before.clone();
        change.name.clone().apply(&mut user.name);
        user.language = change.language.unwrap_or(user.language);

        if user != before {
            let name = user.name.as_deref();
            tx.system().users().set_profile(id, name, user.language).await?;
            let act = act::AccountUpdated { user: id };
            tx.apply(Change::platform_act(&account.actor(), &act, now)).await?;
        }
        tx.commit().await?;
        Ok(user)
    })
    .await
}
