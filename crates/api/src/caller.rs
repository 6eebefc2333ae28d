//! Who calls, and may they? An extractor per level of access: naming it in a handler's signature is the check.
//!
//! - [`May`]`<AssistantsWrite>`: somebody who has this permission in the workspace they act in, a member or a key.
//! - [`Account`]: a person, whatever they may do anywhere; not a key.
//! - [`Admin`]: a person with power over the installation.

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use chrono::{DateTime, Utc};
use replyx_core::{
    audit::{Act, ActorKind, Outcome},
    ids::{SessionId, UserId, WorkspaceId},
    permission::Permission,
    session::{Access, Actor, Place},
    user::User,
};
use serde_json::Value;

use crate::{
    access::Since,
    address::ClientAddress,
    error::ApiError,
    identity::{Identity, Pass},
    state::AppState,
    streams::Guard,
};

/// Somebody who acts in a workspace.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The workspace they act in.
    pub workspace_id: WorkspaceId,
    /// Who they are and what they may do.
    pub access: Arc<Access>,
    /// By what they were recognised.
    pub pass: Pass,
    /// From where they call.
    pub address: ClientAddress,
}

impl Caller {
    /// The workspace, and what they may do there.
    ///
    /// # Panics
    ///
    /// Never: a caller has a place.
    pub fn place(&self) -> &Place {
        self.access.place.as_ref().expect("a caller is made of an access with a place")
    }

    /// The person, unless it is a key.
    pub fn user_id(&self) -> Option<UserId> {
        match &self.access.actor {
            Actor::User { user, .. } => Some(user.id),
            Actor::Key { .. } => None,
        }
    }

    /// What people call them: the user's address, or the key's name.
    pub fn name(&self) -> String {
        match &self.access.actor {
            Actor::User { user, .. } => user.email.clone(),
            Actor::Key { name, .. } => name.clone(),
        }
    }

    /// Something they did, for the audit log. `target` is what kind of thing it was done on, and which one.
    pub fn act(
        &self,
        now: DateTime<Utc>,
        action: &str,
        target: (&str, impl ToString),
        details: Value,
    ) -> Act {
        act(&self.access, self.address, now, action, target, details)
    }
}

fn act(
    access: &Access,
    address: ClientAddress,
    now: DateTime<Utc>,
    action: &str,
    (target, target_id): (&str, impl ToString),
    details: Value,
) -> Act {
    let (actor, actor_id, actor_name) = match &access.actor {
        Actor::User { user, .. } => (ActorKind::User, user.id.into_uuid(), user.email.clone()),
        Actor::Key { id, name, .. } => (ActorKind::ApiKey, id.into_uuid(), name.clone()),
    };
    Act {
        at: now,
        actor,
        actor_id: Some(actor_id),
        actor_name,
        action: action.to_owned(),
        target: target.to_owned(),
        target_id: Some(target_id.to_string()),
        address: address.to_string(),
        outcome: Outcome::Done,
        details,
    }
}

/// A permission as a type, so that a handler's signature can name it.
pub trait Needs: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident),+ $(,)?) => {$(
        #[doc = concat!("[`Permission::", stringify!($name), "`] as a type.")]
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl Needs for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

needs! {
    WorkspaceRead, WorkspaceWrite, MembersRead, MembersWrite, KeysWrite, AuditRead, AssistantsRead,
    AssistantsWrite, DocumentsRead, DocumentsWrite, BotsRead, BotsWrite, DialogsRead, DialogsWrite,
    EventsRead,
}

/// Somebody who has a permission in the workspace they act in.
#[derive(Clone, Debug)]
pub struct May<P> {
    caller: Caller,
    permission: PhantomData<P>,
}

impl<P> Deref for May<P> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<P: Needs> FromRequestParts<AppState> for May<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let access = known(parts)?;
        let pass = parts.extensions.get::<Pass>().cloned().ok_or(ApiError::Unauthenticated)?;
        Self::admit(access, pass, address(parts))
    }
}

impl<P: Needs> May<P> {
    /// Lets somebody in who has the permission where they act.
    ///
    /// # Errors
    ///
    /// Says what stands in their way.
    pub(crate) fn admit(
        access: Arc<Access>,
        pass: Pass,
        address: ClientAddress,
    ) -> Result<Self, ApiError> {
        let place = access.place.as_ref().ok_or(ApiError::NotFound("workspace"))?;
        if place.suspended {
            return Err(ApiError::Refused {
                code: "member_suspended",
                detail: "your membership of this workspace is suspended",
            });
        }
        if place.workspace.suspended_at.is_some() {
            return Err(ApiError::Refused {
                code: "workspace_suspended",
                detail: "this workspace is suspended",
            });
        }
        if !place.permissions.allow(P::PERMISSION) {
            return Err(ApiError::Forbidden);
        }
        let caller = Caller { workspace_id: place.workspace.id, pass, address, access };
        Ok(Self { caller, permission: PhantomData })
    }

    /// Looks again whether they may: for what takes so long that they may have lost it since.
    ///
    /// # Errors
    ///
    /// As when they called.
    pub(crate) async fn still_may(&self, state: &AppState) -> Result<(), ApiError> {
        let (now, pass) = (state.clock().now(), self.caller.pass.clone());
        let seen = state.accesses.look(state.db(), &pass.credential, now, Since::Lately).await?;
        let access = seen.ok_or(ApiError::Unauthenticated)?.access;
        let again = Self::admit(access, pass, self.caller.address)?;
        let same = again.caller.workspace_id == self.caller.workspace_id;
        if same { Ok(()) } else { Err(ApiError::NotFound("workspace")) }
    }

    /// Guards a stream that they open: it ends when what they may do here ends.
    ///
    /// # Errors
    ///
    /// 429 when as many streams are open as may be.
    pub(crate) async fn guard(&self, state: &AppState) -> Result<Guard, ApiError> {
        Guard::open(state, &self.caller, P::PERMISSION).await
    }
}

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct Account {
    /// Their sign-in.
    pub session: SessionId,
    /// Who they are and what they may do.
    pub access: Arc<Access>,
    /// From where they call.
    pub address: ClientAddress,
}

impl Account {
    /// The person.
    ///
    /// # Panics
    ///
    /// Never: an account is a person's.
    pub fn user(&self) -> &User {
        let Actor::User { user, .. } = &self.access.actor else {
            unreachable!("an account is made of an access of a person")
        };
        user
    }

    /// Something they did, for the audit log.
    pub fn act(
        &self,
        now: DateTime<Utc>,
        action: &str,
        target: (&str, impl ToString),
        details: Value,
    ) -> Act {
        act(&self.access, self.address, now, action, target, details)
    }
}

impl FromRequestParts<AppState> for Account {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let access = known(parts)?;
        let Actor::User { session, .. } = &access.actor else {
            return Err(ApiError::Refused {
                code: "session_required",
                detail: "this is for people who are signed in, not for API keys",
            });
        };
        Ok(Self { session: *session, address: address(parts), access })
    }
}

/// A person with power over the installation.
#[derive(Clone, Debug)]
pub struct Admin(pub Account);

impl Admin {
    /// Something they did as an admin, for the audit log.
    pub fn act(
        &self,
        now: DateTime<Utc>,
        action: &str,
        target: (&str, impl ToString),
        details: Value,
    ) -> Act {
        Act { actor: ActorKind::Admin, ..self.0.act(now, action, target, details) }
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let account = Account::from_request_parts(parts, state).await?;
        if account.user().is_admin { Ok(Self(account)) } else { Err(ApiError::Forbidden) }
    }
}

fn known(parts: &Parts) -> Result<Arc<Access>, ApiError> {
    match parts.extensions.get::<Identity>() {
        Some(Identity::Known(access)) => Ok(Arc::clone(access)),
        Some(Identity::Refused(error)) => Err(error.again()),
        Some(Identity::Nobody) | None => Err(ApiError::Unauthenticated),
    }
}

pub(crate) fn address(parts: &Parts) -> ClientAddress {
    parts.extensions.get::<ClientAddress>().copied().unwrap_or_default()
}

/// The client's own words on what it is, at most 200 characters of them.
#[derive(Clone, Debug)]
pub struct UserAgent(pub String);

impl<S: Sync> FromRequestParts<S> for UserAgent {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let words = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(words.unwrap_or_default().chars().take(200).collect()))
    }
}
