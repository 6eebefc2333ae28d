//! What people say of themselves.

use replyx_core::{actor::Account, assistant::Language, patch::Patch, user::User};

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
        let user = found.ok_or(Error::Unauthenticated)?;

        let by = account.actor();
        let user = match user.update_profile(&change.name, change.language, &by, now) {
            Some(change) => tx.apply(change).await?,
            None => user,
        };
        tx.commit().await?;
        Ok(user)
    })
    .await
}
