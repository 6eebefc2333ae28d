//! What people say of themselves.

use replyx_core::{actor::Account, assistant::Language, user::User};
use serde_json::json;

use crate::{Cx, Error, Result, proof};

/// What is to change; what is left out stays as it is.
#[derive(Clone, Debug, Default)]
#[expect(clippy::option_option, reason = "a change tells a name taken away from one left alone")]
pub struct ProfileUpdate {
    /// What they are called; `Some(None)` takes the name away.
    pub name: Option<Option<String>>,
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
        let user = User {
            name: change.name.clone().unwrap_or_else(|| before.name.clone()),
            language: change.language.unwrap_or(before.language),
            ..before.clone()
        };

        if user != before {
            let name = user.name.as_deref();
            tx.system().users().set_profile(id, name, user.language).await?;
            let act = account.act(now, "account.updated", ("user", id), json!({}));
            tx.system().audit().append(&act).await?;
        }
        tx.commit().await?;
        Ok(user)
    })
    .await
}
