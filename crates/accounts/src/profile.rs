//! What people say of themselves.

use replyx_core::{
    actor::Account,
    assistant::Language,
    patch::Patch,
    user::{Notifications, User},
};

use crate::{Cx, Error, Result, proof};

/// What is to change; what is left out stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ProfileUpdate {
    /// Their name.
    pub name: Patch<String>,
    /// The language of their mail.
    pub language: Option<Language>,
    /// What of the inboxes they are written mail about.
    pub notifications: NotificationChange,
}

/// Of what somebody wants mail from now on; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotificationChange {
    /// A customer waits for a human.
    pub request: Option<bool>,
    /// A promised reply was not given in time.
    pub sla: Option<bool>,
    /// A colleague mentions them.
    pub mention: Option<bool>,
}

impl NotificationChange {
    fn of(self, before: Notifications) -> Notifications {
        Notifications {
            request: self.request.unwrap_or(before.request),
            sla: self.sla.unwrap_or(before.sla),
            mention: self.mention.unwrap_or(before.mention),
        }
    }
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
        let notifications = Some(change.notifications.of(user.notifications));
        let updated = user.update_profile(&change.name, change.language, notifications, &by, now);
        let user = match updated {
            Some(change) => tx.apply(change).await?,
            None => user,
        };
        tx.commit().await?;
        Ok(user)
    })
    .await
}
