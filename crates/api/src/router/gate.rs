//! Who may call an operation, read from its handler's signature: what the `OpenAPI` document says
//! of it cannot differ from what the extractors of [`caller`](crate::caller) enforce.
//!
//! `routes!` takes the place of the macro of `utoipa_axum` and writes the gate of each handler into
//! the document.

use axum::{
    extract::{Multipart, Path, RawQuery, Request, State},
    http::{Extensions, HeaderMap, Uri},
};
use replyx_accounts::Device;
use replyx_core::permission::Permission;
use utoipa::openapi::{
    Paths,
    path::{Operation, PathItem},
    security::SecurityRequirement,
};

use crate::{
    address::ClientAddress,
    caller::{Account, Admin, Authorized, Needs},
    input::{Body, Id, Ids, MaybeBody, Params},
    openapi::BEARER,
    streams::ticket::AuthorizedByTicket,
    tagged::IfMatch,
};

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Anybody.
    Public,
    /// Any signed-in user; not a key.
    Account,
    /// A caller with this permission in the current workspace.
    Member(Permission),
    /// A platform admin.
    Admin,
}

impl Gate {
    /// The narrower of two: of several extractors at most one is about who calls.
    const fn and(self, other: Self) -> Self {
        match self {
            Self::Public => other,
            narrow => narrow,
        }
    }

    /// Writes it into the operations of a path.
    pub(crate) fn write(self, paths: &mut Paths) {
        let needs: &[&str] = match &self {
            Self::Public => return,
            Self::Account => &[],
            Self::Member(permission) => &[permission.as_str()],
            Self::Admin => &["admin"],
        };
        for operation in paths.paths.values_mut().flat_map(operations) {
            let requirement = SecurityRequirement::new(BEARER, needs.iter().copied());
            operation.security = Some(vec![requirement]);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().filter_map(Option::as_mut)
}

/// Something that a handler takes from a request.
pub(crate) trait Input {
    /// Whom it lets in.
    const GATE: Gate = Gate::Public;
}

impl<S> Input for State<S> {}
impl<T> Input for Body<T> {}
impl<T> Input for MaybeBody<T> {}
impl<T> Input for Params<T> {}
impl<T> Input for Id<T> {}
impl<A, B> Input for Ids<A, B> {}
impl<T> Input for Path<T> {}
impl<T, E> Input for Result<T, E> {}
impl Input for Device {}
impl Input for IfMatch {}
impl Input for ClientAddress {}
impl Input for Extensions {}
impl Input for HeaderMap {}
impl Input for Multipart {}
impl Input for RawQuery {}
impl Input for Request {}
impl Input for Uri {}

impl Input for Account {
    const GATE: Gate = Gate::Account;
}

impl Input for Admin {
    const GATE: Gate = Gate::Admin;
}

impl<P: Needs> Input for Authorized<P> {
    const GATE: Gate = Gate::Member(P::PERMISSION);
}

impl<P: Needs> Input for AuthorizedByTicket<P> {
    const GATE: Gate = Gate::Member(P::PERMISSION);
}

/// A handler, by what it takes.
pub(crate) trait Handler<T> {
    /// Who may call it.
    const GATE: Gate;
}

macro_rules! handlers {
    ($(($($input:ident),*))+) => {$(
        impl<F, R, $($input: Input),*> Handler<($($input,)*)> for F
        where
            F: Fn($($input),*) -> R,
        {
            const GATE: Gate = Gate::Public$(.and($input::GATE))*;
        }
    )+};
}

handlers! {
    ()
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, G)
}

/// Who may call a handler.
pub(crate) const fn of<T, H: Handler<T>>(_: &H) -> Gate {
    H::GATE
}

/// The routes of handlers that share a path, each with its gate in the document.
macro_rules! routes {
    ($first:path $(, $handler:path)* $(,)?) => {{
        let mut all = utoipa_axum::routes!($first);
        $crate::router::gate::of(&$first).write(&mut all.1);
        $(
            let mut next = utoipa_axum::routes!($handler);
            $crate::router::gate::of(&$handler).write(&mut next.1);
            all.0.extend(next.0);
            for (path, item) in next.1.paths {
                all.1.paths.entry(path).or_default().merge_operations(item);
            }
            all.2 = all.2.merge(next.2);
        )*
        all
    }};
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::BotsWrite;

    async fn open(_: HeaderMap) {}
    async fn own(_: Account, _: Body<()>) {}
    async fn member(_: HeaderMap, _: Authorized<BotsWrite>, _: Body<()>) {}
    async fn admin(_: Admin) {}

    #[test]
    fn whoever_a_signature_names_is_who_may_call() {
        assert_eq!(of(&open), Gate::Public);
        assert_eq!(of(&own), Gate::Account);
        assert_eq!(of(&member), Gate::Member(Permission::BotsWrite));
        assert_eq!(of(&admin), Gate::Admin);
    }
}
