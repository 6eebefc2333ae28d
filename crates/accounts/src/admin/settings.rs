//! Settings of the installation that change while it runs. Every process obeys them at once.

use replyx_core::{
    act,
    actor::Admin,
    change::Change,
    setting::{self, SettingSpec},
};

use crate::{Cx, Error, Result};

/// Is what is stored still what an admin has read? Without it a change applies to whatever is
/// stored.
pub type IsAsRead<'a> = Option<&'a (dyn Fn(Option<&str>) -> bool + Send + Sync)>;

/// The definition of a setting.
///
/// # Errors
///
/// [`Error::NotFound`].
pub fn known(name: &str) -> Result<&'static SettingSpec> {
    setting::spec(name).ok_or(Error::NotFound("setting"))
}

/// Lists what admins have set: names and values.
pub async fn stored(cx: &Cx, _admin: &Admin) -> Result<Vec<(String, String)>> {
    Ok(cx.db.read().await?.system().settings().all().await?)
}

/// What an admin has set for a setting.
pub async fn read(cx: &Cx, _admin: &Admin, spec: &SettingSpec) -> Result<Option<String>> {
    Ok(cx.db.read().await?.system().settings().find(spec.name).await?)
}

/// Changes a setting. It holds here when this returns; the other processes hear of it.
///
/// # Errors
///
/// [`Error::Field`] for a value that is not of the setting's kind, [`Error::Changed`].
pub async fn set(
    cx: &Cx,
    admin: &Admin,
    spec: &SettingSpec,
    value: &str,
    is_as_read: IsAsRead<'_>,
) -> Result<()> {
    spec.kind
        .check(value)
        .map_err(|expected| Error::field("value", format!("must be {expected}")))?;

    cx.write(|| async {
        let now = cx.clock.now();
        let author = admin.user_id();
        let mut tx = cx.db.begin().await?;
        let stored = tx.system().settings().find(spec.name).await?;
        match is_as_read {
            None => tx.system().settings().set(spec.name, value, author, now).await?,
            Some(is_as_read) => {
                // There may be no row to lock, so what was read is compared once more by the
                // statement that writes.
                let before = stored.as_deref();
                let settings = tx.system().settings();
                let same = is_as_read(before)
                    && settings.swap(spec.name, before, value, author, now).await?;
                if !same {
                    return Err(Error::Changed);
                }
            }
        }

        let act = act::SettingChanged { setting: spec.name.to_owned(), value: value.to_owned() };
        tx.apply(Change::platform_act(&admin.actor(), &act, now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await?;
    cx.tuning.reload(&cx.db).await?;
    Ok(())
}

/// Resets a setting to its default.
///
/// # Errors
///
/// [`Error::Changed`].
pub async fn reset(
    cx: &Cx,
    admin: &Admin,
    spec: &SettingSpec,
    is_as_read: IsAsRead<'_>,
) -> Result<()> {
    cx.write(|| async {
        let mut tx = cx.db.begin().await?;
        let stored = tx.system().settings().find(spec.name).await?;
        let removed = tx.system().settings().remove(spec.name).await?;
        // Somebody may have changed it since it was read here, a moment ago.
        let same = |is_as_read: &(dyn Fn(Option<&str>) -> bool + Send + Sync)| {
            is_as_read(stored.as_deref()) && removed == stored
        };
        if !is_as_read.is_none_or(same) {
            return Err(Error::Changed);
        }

        if removed.is_some() {
            let act = act::SettingReset { setting: spec.name.to_owned() };
            tx.apply(Change::platform_act(&admin.actor(), &act, cx.clock.now())).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await?;
    cx.tuning.reload(&cx.db).await?;
    Ok(())
}
