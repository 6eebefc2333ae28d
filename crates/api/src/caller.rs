//! Who calls, and may they? An extractor per level of access: naming it in a handler's signature is
//! the check.
//!
//! - [`Authorized`]`<AssistantsWrite>`: somebody who has this permission in the workspace they act
//!   in, a member or a key.
//! - [`Account`]: a person, whatever they may do anywhere; not a key.
//! - [`Admin`]: a platform admin.

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
pub use replyx_core::actor::{Account, Admin, Caller};
use replyx_core::{
    permission::Permission,
    session::{Access, Principal},
};

use crate::{
    access::Freshness,
    address::ClientAddress,
    error::ApiError,
    identity::{Identity, Pass},
    state::AppState,
};

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
    EventsRead, MessagesWrite, BillingRead,
}

/// Somebody who has a permission in the workspace they act in.
#[derive(Clone, Debug)]
pub struct Authorized<P> {
    caller: Caller,
    /// By what they were recognized.
    pass: Pass,
    permission: PhantomData<P>,
}

impl<P> Deref for Authorized<P> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<P: Needs> FromRequestParts<AppState> for Authorized<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let access = known(parts)?;
        let pass = parts.extensions.get::<Pass>().cloned().ok_or(ApiError::Unauthenticated)?;
        Self::admit(access, pass, address(parts))
    }
}

impl<P: Needs> Authorized<P> {
    /// Accepts a caller that has the permission in the current workspace.
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
        let caller = Caller { workspace_id: place.workspace.id, address, access };
        Ok(Self { caller, pass, permission: PhantomData })
    }

    /// Looks again whether they may: for what takes so long that they may have lost it since.
    pub(crate) async fn still_may(&self, state: &AppState) -> Result<(), ApiError> {
        let now = state.clock().now();
        let pass = self.pass.clone();
        let seen =
            state.accesses.look(state.db(), &pass.credential, now, Freshness::Lately).await?;
        let access = seen.ok_or(ApiError::Unauthenticated)?.access;
        let again = Self::admit(access, pass, self.caller.address)?;
        let same = again.caller.workspace_id == self.caller.workspace_id;
        if same { Ok(()) } else { Err(ApiError::NotFound("workspace")) }
    }

    /// By what they were recognized.
    pub(crate) const fn pass(&self) -> &Pass {
        &self.pass
    }
}

impl FromRequestParts<AppState> for Account {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let access = known(parts)?;
        let Principal::User { session, .. } = &access.principal else {
            return Err(ApiError::Refused {
                code: "session_required",
                detail: "this requires a signed-in user, not an API key",
            });
        };
        Ok(Self { session: *session, address: address(parts), access })
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let account = Account::from_request_parts(parts, state).await?;
        if account.user().is_admin { Ok(Self::Account(account)) } else { Err(ApiError::Forbidden) }
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
