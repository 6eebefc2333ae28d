//! Sessions: where somebody is signed in. A session has one chain of refresh tokens, each of which
//! is good once.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use replyx_core::{
    act,
    actor::Account,
    change::{Change, New},
    clock::Clock,
    ids::{SessionId, WorkspaceId},
    role::Role,
    rules::session::OpenedSession,
    secret::{Keys, keyed_bytes, sha256_hex},
    session::{Rotation, Session},
    setting,
    user::User,
};
use replyx_storage::{StorageError, Tx};

use crate::{Cx, Device, Error, Result, token::TokenSubject};

/// What a refresh token begins with.
const PREFIX: &str = "rx_refresh_";
/// How long after its use a refresh token is exchanged again, for the same successor: the answer
/// may have been lost.
const GRACE: Duration = Duration::from_secs(10);

/// A new refresh token: what its owner gets, and what is stored of it.
fn refresh_token() -> (String, String) {
    refresh_token_of(Clock::bytes())
}

/// The refresh token that another is exchanged for. It follows from the old one and a key of ours,
/// so that an exchange whose answer was lost can be repeated without a second token coming into the
/// world, and without keeping this one in clear.
fn successor(keys: &Keys, old: &str) -> (String, String) {
    refresh_token_of(keyed_bytes(&keys.key("refresh-successor"), old))
}

fn refresh_token_of(secret: [u8; 32]) -> (String, String) {
    let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
    let hash = sha256_hex(token.as_bytes());
    (token, hash)
}

/// A session with what its owner needs to use it.
#[derive(Debug)]
pub struct OpenSession {
    /// What its access tokens say.
    pub subject: TokenSubject,
    /// The newest refresh token.
    pub refresh_token: String,
    /// How long it is good.
    pub lifetime: Duration,
}

impl OpenSession {
    fn of(
        session: &Session,
        place: Option<(WorkspaceId, Role)>,
        refresh_token: String,
        lifetime: Duration,
    ) -> Self {
        let subject = TokenSubject { user: session.user_id, session: session.id, place };
        Self { subject, refresh_token, lifetime }
    }
}

/// Why a session is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Occasion {
    /// The account is new; its own act tells of it.
    NewAccount,
    /// Somebody signs in.
    SignIn,
}

/// Opens a session for a person who has proved their identity. The place is the workspace for which
/// its first access token is valid.
pub(crate) async fn open(
    cx: &Cx,
    tx: &mut Tx,
    user: &User,
    place: Option<(WorkspaceId, Role)>,
    device: &Device,
    occasion: Occasion,
) -> Result<OpenSession> {
    let now = cx.clock.now();
    let lifetime = cx.tuning.days(setting::SESSION_DAYS);
    let (refresh, hash) = refresh_token();

    let session = Session {
        id: cx.clock.id(),
        user_id: user.id,
        address: device.address.to_string(),
        user_agent: device.user_agent.clone(),
        created_at: now,
        last_used_at: now,
        expires_at: now + lifetime,
    };

    let change = match occasion {
        Occasion::NewAccount => session.begin(hash),
        Occasion::SignIn => session.open(hash, &device.of(user)),
    };
    let New(OpenedSession { session, .. }) = tx.apply(change).await?;
    Ok(OpenSession::of(&session, place, refresh, lifetime))
}

/// Where somebody acts who does not say where: in the oldest of their workspaces that lets them.
pub(crate) async fn home(
    tx: &mut Tx,
    user: &User,
) -> Result<Option<(WorkspaceId, Role)>, StorageError> {
    let memberships = tx.system().users().memberships(user.id).await?;
    let active = memberships.iter().find(|membership| {
        membership.suspended_at.is_none() && membership.workspace.suspended_at.is_none()
    });
    let first = active.or_else(|| memberships.first());
    Ok(first.map(|membership| (membership.workspace.id, membership.role)))
}

/// Lists where somebody is signed in, newest first: at most a hundred.
pub async fn list(cx: &Cx, account: &Account) -> Result<Vec<Session>> {
    let now = cx.clock.now();
    let mut tx = cx.db.read().await?;
    Ok(tx.system().sessions().list(account.user().id, now).await?)
}

/// Exchanges a refresh token for the next one. `meant` is asked whether the request was meant for
/// this session; when it was not, nothing is exchanged.
///
/// A token that had been exchanged before ends the session, because one of its two users is a
/// thief.
///
/// # Errors
///
/// [`Error::RefreshReused`], [`Error::NotMeant`], [`Error::Unauthenticated`] for a token that is
/// not known, and [`Error::NotFound`] when `workspace` is none of theirs.
pub async fn refresh(
    cx: &Cx,
    device: &Device,
    old: &str,
    workspace: Option<WorkspaceId>,
    meant: impl Fn(SessionId) -> bool,
) -> Result<OpenSession> {
    let refreshed = cx.write(|| refresh_once(cx, device, old, workspace, &meant)).await?;
    match refreshed {
        Refreshed::Renewed(session) => Ok(session),
        Refreshed::Reused => Err(Error::RefreshReused),
    }
}

/// What lasts of an exchange.
enum Refreshed {
    Renewed(OpenSession),
    /// The session has ended.
    Reused,
}

async fn refresh_once(
    cx: &Cx,
    device: &Device,
    old: &str,
    workspace: Option<WorkspaceId>,
    meant: &impl Fn(SessionId) -> bool,
) -> Result<Refreshed> {
    let now = cx.clock.now();
    let lifetime = cx.tuning.days(setting::SESSION_DAYS);
    let (new, hash) = successor(&cx.keys, old);
    let old = sha256_hex(old.as_bytes());

    // Whatever returns before the commit leaves the old token as it was.
    let mut tx = cx.db.begin().await?;
    let session = match tx.system().sessions().rotate(&old, &hash, now, GRACE, lifetime).await? {
        Rotation::Renewed(session) if meant(session.id) => session,
        Rotation::Reused(session) if meant(session.id) => {
            note_reuse(cx, &mut tx, device, &session).await?;
            tx.commit().await?;
            return Ok(Refreshed::Reused);
        }
        Rotation::Renewed(_) | Rotation::Reused(_) => return Err(Error::NotMeant),
        Rotation::Unknown => return Err(Error::Unauthenticated),
    };

    let access = tx.system().sessions().access(session.id, workspace, now).await?;
    let access = access.ok_or(Error::Unauthenticated)?;
    if workspace.is_some() && access.place.is_none() {
        return Err(Error::NotFound("workspace"));
    }
    let place = access.place.and_then(|place| Some((place.workspace.id, place.role?)));
    tx.commit().await?;
    Ok(Refreshed::Renewed(OpenSession::of(&session, place, new, lifetime)))
}

async fn note_reuse(cx: &Cx, tx: &mut Tx, device: &Device, session: &Session) -> Result<()> {
    let user = tx.system().users().find(session.user_id).await?;
    let email = user.as_ref().map(|user| user.email.as_str());
    let actor = device.claiming(email.unwrap_or_default());
    let user = user.as_ref().map(|user| user.id);
    let act = act::SessionReuseDetected { user, session: session.id };
    tx.apply(Change::platform_act(&actor, &act, cx.clock.now())).await?;
    Ok(())
}

/// Ends the session of the caller.
pub async fn close(cx: &Cx, account: &Account) -> Result<()> {
    cx.write(|| async {
        let now = cx.clock.now();
        let user = account.user().id;
        let mut tx = cx.db.begin().await?;
        if let Some(session) = tx.system().sessions().lock(user, account.session, now).await? {
            tx.apply(session.close(&account.actor(), now)).await?;
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Ends one of their sessions.
///
/// # Errors
///
/// [`Error::NotFound`] when it is none of theirs, or has ended.
pub async fn revoke(cx: &Cx, account: &Account, id: SessionId) -> Result<()> {
    cx.write(|| async {
        let now = cx.clock.now();
        let mut tx = cx.db.begin().await?;
        let found = tx.system().sessions().lock(account.user().id, id, now).await?;
        let session = found.ok_or(Error::NotFound("session"))?;
        tx.apply(session.revoke(&account.actor(), now)).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Ends all their sessions but the one that asks.
pub async fn revoke_others(cx: &Cx, account: &Account) -> Result<()> {
    cx.write(|| async {
        let now = cx.clock.now();
        let user = account.user();
        let kept = account.session;
        let mut tx = cx.db.begin().await?;
        // Locked, so that nobody signs in between the two statements.
        tx.system().users().lock(user.id).await?;
        let others = tx.system().sessions().count_others(user.id, kept, now).await?;
        if let Some(change) = user.revoke_others(others, kept, &account.actor(), now) {
            tx.apply(change).await?;
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_long_chance_and_only_its_hash_is_stored() {
        let (token, hash) = refresh_token();
        let (other, _) = refresh_token();
        assert_ne!(token, other);
        assert_eq!(token.strip_prefix(PREFIX).unwrap().len(), 43);
        assert_eq!(hash, sha256_hex(token.as_bytes()));
    }

    #[test]
    fn a_token_has_one_successor_that_only_we_can_tell() {
        let keys = Keys::derive(&"0123456789abcdef0123456789abcdef".into()).unwrap();
        let others = Keys::derive(&"another-master-key-of-32-characters!".into()).unwrap();
        let (token, _) = refresh_token();

        let (next, hash) = successor(&keys, &token);
        assert_eq!(successor(&keys, &token), (next.clone(), hash.clone()));
        assert_eq!(next.strip_prefix(PREFIX).unwrap().len(), 43);
        assert_eq!(hash, sha256_hex(next.as_bytes()));
        for other in [successor(&others, &token), successor(&keys, &next), refresh_token()] {
            assert_ne!(other.0, next);
        }
    }
}
